package tairtest

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestFakeKeepsToTheRecordedAPI holds what the fake accepts and answers against the list that was recorded from the official
// SDK.
func TestFakeKeepsToTheRecordedAPI(t *testing.T) {
	data, err := os.ReadFile("../testdata/api.yml")
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		Version    string
		Operations map[string]struct {
			Parameters, Answer map[string]string
			Limits             map[string]struct {
				Most  int
				Known string
			}
		}
	}
	if err := yaml.Unmarshal(data, &recorded); err != nil {
		t.Fatal(err)
	}
	answers := map[string]reflect.Type{
		"DescribeInstanceSSL":          reflect.TypeFor[sslBody](),
		"DescribeInstances":            reflect.TypeFor[instancesBody](),
		"DescribeRegions":              reflect.TypeFor[regionsBody](),
		"DescribeActiveOperationTasks": reflect.TypeFor[eventsBody](),
	}
	if len(recorded.Operations) != len(answers) || recorded.Version != Version {
		t.Errorf("recorded are %d operations of version %s", len(recorded.Operations), recorded.Version)
	}
	f := newFixture(t)
	for action, r := range recorded.Operations {
		op, _ := lookup(action)
		accepted := slices.Clone(op.params)
		if op.tags {
			accepted = append(accepted, "Tag[].Key", "Tag[].Value")
		}
		slices.Sort(accepted)
		if want := knownToFake(r.Parameters); !slices.Equal(accepted, want) {
			t.Errorf("%s: the fake accepts\n%q, recorded is\n%q", action, accepted, want)
		}
		if got, want := jsonFields(answers[action]), knownToFake(r.Answer); !slices.Equal(got, want) {
			t.Errorf("%s: the fake answers\n%q, recorded is\n%q", action, got, want)
		}
		for name, limit := range r.Limits {
			if !strings.Contains(limit.Known, "fake") {
				continue
			}
			parameter := action + " RegionId=cn-hangzhou " + map[string]string{"PageSize": "PageSize=%d", "Tag": "Tag.%d.Key=k"}[name]
			parameter = strings.Replace(parameter, "DescribeActiveOperationTasks RegionId=", "DescribeActiveOperationTasks Region=", 1)
			for n, status := range map[int]int{limit.Most: 200, limit.Most + 1: 400} {
				if got := f.get(fmt.Sprintf(parameter, n)); got.status != status {
					t.Errorf("%s with %s %d: status %d, want %d", action, name, n, got.status, status)
				}
			}
		}
	}
}

// knownToFake returns the sorted names that the fake knows.
func knownToFake(names map[string]string) []string {
	var known []string
	for name, by := range names {
		if strings.Contains(by, "fake") {
			known = append(known, name)
		}
	}
	slices.Sort(known)
	return known
}

// jsonFields returns the sorted paths of the JSON fields of a type.
func jsonFields(t reflect.Type) []string {
	var paths []string
	var walk func(t reflect.Type, path string)
	walk = func(t reflect.Type, path string) {
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
