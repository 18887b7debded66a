//go:build deploy

package helm_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

// chartValues returns the values of the chart by their paths. A list, or an object with keys of the user's, is one value.
// The schema must have exactly the values of values.yaml.
func chartValues(t *testing.T) map[string]any {
	t.Helper()
	var schema, values map[string]any
	apptest.DecodeFile(t, chart+"/values.schema.json", true, &schema)
	apptest.DecodeFile(t, chart+"/values.yaml", true, &values)
	delete(dict(schema["properties"]), "global")
	all := make(map[string]any)
	var add func(path string, schema map[string]any, value any)
	add = func(path string, schema map[string]any, value any) {
		if schema["additionalProperties"] != false || schema["properties"] == nil {
			all[strings.TrimPrefix(path, ".")] = value
			return
		}
		properties, fields := dict(schema["properties"]), dict(value)
		if got, want := slices.Sorted(maps.Keys(properties)), slices.Sorted(maps.Keys(fields)); !slices.Equal(got, want) {
			t.Errorf("%s: the schema has %q, values.yaml %q", path, got, want)
		}
		for name, field := range fields {
			add(path+"."+name, dict(properties[name]), field)
		}
	}
	add("", schema, values)
	return all
}

// A null removes a value. Where it may be empty it is empty then; else the refusal names it.
func TestNullIsEmptyOrMissed(t *testing.T) {
	t.Parallel()
	empty := []string{
		"demo=true", "serviceMonitor.enabled=true", "prometheusRule.enabled=true", "dashboards.enabled=true",
		"networkPolicy.enabled=true",
	}
	var values, objects []string
	for path, value := range chartValues(t) {
		_, isMap := value.(map[string]any)
		_, isList := value.([]any)
		if isMap || isList || value == "" {
			empty = append(empty, path+"=null")
		} else {
			values = append(values, path)
		}
		if object, field, has := strings.Cut(path, "."); has && !strings.Contains(field, ".") && !slices.Contains(objects, object) {
			objects = append(objects, object)
		}
	}
	text := renderWith(t, "--set", strings.Join(empty, ","))
	if found := regexp.MustCompile(`(?m)^.*(\bnull|<nil>|map\[\])$`).FindAllString(withoutBodies(t, text), -1); len(found) > 0 {
		t.Errorf("%q", found)
	}
	_, spec := only(t, manifests(t, text), "Deployment").pod()
	if resources := at(spec, "containers", 0, "resources"); len(dict(resources)) > 0 {
		t.Errorf("resources %v", resources)
	}
	for _, paths := range [][]string{values, objects} {
		_, err := helm(t, releaseName, chart, "--set", strings.Join(paths, "=null,")+"=null")
		for _, path := range paths {
			parents := strings.Split("."+path, ".")
			last := len(parents) - 1
			missed := "- at '" + strings.Join(parents[:last], "/") + "': missing propert[^\n]*'" + parents[last] + "'"
			if err == nil || !regexp.MustCompile(missed).MatchString(err.Error()) {
				t.Errorf("the refusal does not name %s: %v", path, err)
			}
		}
	}
	_, err := helm(t, releaseName, chart, "--set", "config=null")
	mustRefuse(t, "config", err, "config: is missing, and neither demo nor existingConfigSecret is set")
}

// The README lists every value with its default.
func TestREADMEListsTheValues(t *testing.T) {
	t.Parallel()
	values := chartValues(t)
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]*) \\|").
		FindAllStringSubmatch(apptest.Read(t, chart+"/README.md"), -1) {
		value, known := values[row[1]]
		if !known {
			t.Errorf("%s is no value, or is there twice", row[1])
		}
		delete(values, row[1])
		text := jsonOf(t, value)
		want := "`" + strings.Trim(text, `"`) + "`"
		if value == "" {
			want = ""
		} else if strings.ContainsAny(text[:1], "[{") && len(text) > len("[]") {
			want = "see values.yaml"
		}
		if row[2] != want {
			t.Errorf("%s: the README has the default %q, want %q", row[1], row[2], want)
		}
	}
	if len(values) > 0 {
		t.Errorf("the README does not list %v", values)
	}
}

func TestREADMEExamplesAreValues(t *testing.T) {
	t.Parallel()
	for _, path := range []string{chart + "/README.md", "docs/ack-arms.md"} {
		for _, text := range apptest.Blocks(t, path, apptest.Read(t, path), "yaml") {
			renderWith(t, "--values", apptest.File(t, "values.yaml", text))
		}
	}
}

func TestInstallationsOfTheREADMEsRender(t *testing.T) {
	t.Parallel()
	values := apptest.File(t, "my-values.yaml", apptest.Read(t, valuesOf("monitoring")))
	installations := 0
	for _, path := range []string{"README.md", "docs/installation.md", "docs/ack-arms.md", chart + "/README.md"} {
		for _, words := range apptest.ShellCommands(t, path) {
			if words[0] != "helm" || words[1] != "upgrade" {
				continue
			}
			installations++
			if !slices.Contains(words, "--wait") { // helm test needs a ready pod
				t.Errorf("%s: %q: no --wait", path, words)
			}
			var flags []string
			for _, word := range words[5:] { // after helm upgrade --install NAME CHART
				if word != "--wait" && word != "--create-namespace" {
					flags = append(flags, strings.Replace(word, "my-values.yaml", values, 1))
				}
			}
			if _, err := helm(t, words[3], words[4], flags...); err != nil {
				t.Errorf("%s: %q: %v", path, words, err)
			}
		}
	}
	if installations < 3 {
		t.Errorf("%d installations", installations)
	}
}
