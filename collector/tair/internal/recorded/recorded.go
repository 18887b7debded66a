// Package recorded reads the list of what the API takes and answers, which was recorded from the official SDK. The tests of the
// client and of the fake hold both against it.
package recorded

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// API is the list.
type API struct {
	Version    string
	Operations map[string]Operation
}

// Operation is an operation of the API. The maps of names hold who knows each: client, fake, both or nobody.
type Operation struct {
	Parameters, Answer map[string]string
	Limits             map[string]Limit
}

// Limit is the largest value of a parameter, or the most of one, and who knows it.
type Limit struct {
	Most  int
	Known string
}

// Read returns the list at a path.
func Read(t *testing.T, path string) (api API) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(data, &api)
	}
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// KnownTo returns the sorted names that somebody knows.
func KnownTo(who string, names map[string]string) []string {
	var known []string
	for name, by := range names {
		if strings.Contains(by, who) {
			known = append(known, name)
		}
	}
	slices.Sort(known)
	return known
}

// JSONFields returns the sorted paths of the JSON fields of a type, and others.
func JSONFields(t reflect.Type, others ...string) []string {
	paths := others
	var walk func(t reflect.Type, path string)
	walk = func(t reflect.Type, path string) {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch {
		case t.Kind() == reflect.Struct:
			for i := range t.NumField() {
				name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
				if t.Field(i).Anonymous {
					walk(t.Field(i).Type, path)
				} else if name != "-" {
					walk(t.Field(i).Type, strings.TrimPrefix(path+"."+name, "."))
				}
			}
		case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
			walk(t.Elem(), path+"[]")
		default:
			paths = append(paths, path)
		}
	}
	walk(t, "")
	slices.Sort(paths)
	return paths
}
