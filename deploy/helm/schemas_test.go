//go:build deploy

package helm_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

// module returns the directory of a Go module, downloaded unless it is there.
func module(t *testing.T, name, version string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", name+"@"+version)
	cmd.Dir = t.TempDir() // outside of our go.mod
	out, err := cmd.Output()
	var about struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &about); err != nil || jsonErr != nil || about.Dir == "" {
		t.Fatalf("%s: %v, %v: %s", name, err, jsonErr, out)
	}
	return about.Dir
}

// schemas writes the JSON schemas of Kubernetes and of prometheus-operator, converted from their published definitions,
// and returns the template of their paths for kubeconform. They refuse unknown fields.
func schemas(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var api struct{ Definitions map[string]any }
	text, err := os.ReadFile(module(t, "k8s.io/kubernetes", apptest.Tool(t, "KUBERNETES_VERSION")) + "/api/openapi-spec/swagger.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &api); err != nil {
		t.Fatal(err)
	}
	for name, definition := range api.Definitions {
		makeStrict(definition)
		switch name { // the API server accepts more than the published type
		case "io.k8s.apimachinery.pkg.util.intstr.IntOrString":
			api.Definitions[name] = map[string]any{"type": []string{"string", "integer"}}
		case "io.k8s.apimachinery.pkg.api.resource.Quantity":
			api.Definitions[name] = map[string]any{"type": []string{"string", "number"}}
		}
	}
	for name, definition := range api.Definitions {
		kinds := list(at(definition, "x-kubernetes-group-version-kind"))
		if len(kinds) == 1 && at(definition, "properties", "metadata") != nil {
			writeSchema(t, dir, str(at(kinds[0], "kind")), str(at(kinds[0], "group")), str(at(kinds[0], "version")), "#/definitions/"+name, api.Definitions)
		}
	}

	const meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
	operator := module(t, "github.com/prometheus-operator/prometheus-operator", apptest.Tool(t, "PROMETHEUS_OPERATOR_VERSION"))
	for _, path := range apptest.Glob(t, operator+"/example/prometheus-operator-crd/*.yaml") {
		var crd map[string]any
		apptest.DecodeFile(t, path, true, &crd)
		for _, v := range list(at(crd, "spec", "versions")) {
			schema := dict(at(v, "schema", "openAPIV3Schema"))
			makeStrict(schema)
			dict(schema["properties"])["metadata"] = map[string]any{"$ref": "#/definitions/" + meta}
			definitions := maps.Clone(api.Definitions)
			definitions["object"] = schema
			writeSchema(t, dir, str(at(crd, "spec", "names", "kind")), str(at(crd, "spec", "group")), str(at(v, "name")), "#/definitions/object", definitions)
		}
	}
	return filepath.Join(dir, "{{.ResourceKind}}{{.KindSuffix}}.json")
}

// makeStrict refuses, at every depth, the properties that a schema does not name.
func makeStrict(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		_, named := s["properties"].(map[string]any)
		if _, set := s["additionalProperties"]; named && !set && s["x-kubernetes-preserve-unknown-fields"] != true {
			s["additionalProperties"] = false
		}
		for _, below := range s {
			makeStrict(below)
		}
	case []any:
		for _, below := range s {
			makeStrict(below)
		}
	}
}

// writeSchema writes the schema of a kind, with the definitions it refers to, under its name in kubeconform.
func writeSchema(t *testing.T, dir, kind, group, version, ref string, definitions map[string]any) {
	t.Helper()
	needed := make(map[string]any)
	collect(map[string]any{"$ref": ref}, definitions, needed)
	text, err := json.Marshal(map[string]any{"$ref": ref, "definitions": needed})
	if err != nil {
		t.Fatal(err)
	}
	group, _, _ = strings.Cut(group, ".")
	name := strings.Join(slices.DeleteFunc([]string{kind, group, version}, func(s string) bool { return s == "" }), "-") + ".json"
	if err := os.WriteFile(filepath.Join(dir, strings.ToLower(name)), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// collect adds the definitions that a schema refers to, directly or through others.
func collect(schema any, definitions, needed map[string]any) {
	switch s := schema.(type) {
	case map[string]any:
		if ref, is := s["$ref"].(string); is {
			name := strings.TrimPrefix(ref, "#/definitions/")
			if _, known := needed[name]; !known {
				needed[name] = definitions[name]
				collect(definitions[name], definitions, needed)
			}
		}
		for _, below := range s {
			collect(below, definitions, needed)
		}
	case []any:
		for _, below := range s {
			collect(below, definitions, needed)
		}
	}
}

// kubeconform returns the output of kubeconform for manifests, and whether they are valid.
func kubeconform(t *testing.T, schemas string, texts map[string]string) (output string, valid bool) {
	t.Helper()
	args := []string{"-strict", "-summary", "-schema-location", schemas}
	dir := t.TempDir()
	for name, text := range texts {
		path := filepath.Join(dir, strings.ReplaceAll(name, "/", "_")+".yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	out, err := exec.CommandContext(t.Context(), apptest.Tool(t, "KUBECONFORM"), args...).CombinedOutput()
	return string(out), err == nil
}

func TestManifestsAreValid(t *testing.T) {
	t.Parallel()
	schemas := schemas(t)
	texts := make(map[string]string)
	count := 0
	for _, set := range valueSets(t) {
		texts[set] = render(t, set)
	}
	for _, dir := range []string{"deploy/kubernetes", "deploy/kubernetes/monitoring"} {
		texts[dir] = kustomize(t, dir)
	}
	for _, text := range texts {
		count += len(manifests(t, text))
	}
	output, valid := kubeconform(t, schemas, texts)
	if !valid || !strings.Contains(output, "Invalid: 0, Errors: 0, Skipped: 0") || count < 50 {
		t.Errorf("of %d: %s", count, output)
	}

	broken := strings.ReplaceAll(render(t, "default"), "enableServiceLinks: false", "enableServiceLink: false")
	if _, valid := kubeconform(t, schemas, map[string]string{"broken": broken}); valid {
		t.Error("the schemas accept an unknown field")
	}
}
