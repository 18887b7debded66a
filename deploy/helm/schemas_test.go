//go:build deploy

package main

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

// module gives the directory of a Go module, downloaded unless it is there.
func module(t *testing.T, name, version string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", name+"@"+version)
	cmd.Dir = t.TempDir() // go.mod is none of its business
	out, err := cmd.Output()
	var about struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &about); err != nil || jsonErr != nil || about.Dir == "" {
		t.Fatalf("%s: %v, %v: %s", name, err, jsonErr, out)
	}
	return about.Dir
}

// schemas writes the JSON schemas of Kubernetes and of prometheus-operator, made from what these publish, and gives the
// template of their paths for kubeconform. They are strict: a field that an object does not have is refused.
func schemas(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var api struct{ Definitions map[string]any }
	text, err := os.ReadFile(module(t, "k8s.io/kubernetes", tool(t, "KUBERNETES_VERSION")) + "/api/openapi-spec/swagger.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &api); err != nil {
		t.Fatal(err)
	}
	for name, definition := range api.Definitions {
		makeStrict(definition)
		switch name { // what the API server takes is more than the type that is told
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
	operator := module(t, "github.com/prometheus-operator/prometheus-operator", tool(t, "PROMETHEUS_OPERATOR_VERSION"))
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
		if _, told := s["additionalProperties"]; named && !told && s["x-kubernetes-preserve-unknown-fields"] != true {
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

// writeSchema writes the schema of a kind under the name that kubeconform gives it, with the definitions it refers to.
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

// kubeconform gives what it says of manifests, and whether it takes them.
func kubeconform(t *testing.T, schemas string, texts map[string]string) (said string, valid bool) {
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
	out, err := exec.CommandContext(t.Context(), tool(t, "KUBECONFORM"), args...).CombinedOutput()
	return string(out), err == nil
}

func TestDeployManifestsAreValid(t *testing.T) {
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
	said, valid := kubeconform(t, schemas, texts)
	if !valid || !strings.Contains(said, "Invalid: 0, Errors: 0, Skipped: 0") || count < 50 {
		t.Errorf("of %d: %s", count, said)
	}

	t.Run("and what is wrong is refused", func(t *testing.T) {
		wholeIsWrong := map[string]struct{ set, old, new, want string }{
			"an unknown field of a pod":           {"default", "enableServiceLinks: false", "enableServiceLink: false", "'enableServiceLink' not allowed"},
			"an unknown field of the metadata":    {"default", "metadata:\n  name: tair-ssl-exporter\n", "metadata:\n  name: x\n  nam: y\n", "'nam' not allowed"},
			"a wrong type":                        {"default", "containerPort: 10219", `containerPort: "10219"`, "want integer"},
			"a key that is there twice":           {"default", "enableServiceLinks: false", "enableServiceLinks: false\n      enableServiceLinks: false", "already set in map"},
			"an unknown field of a monitor":       {"sharded", "honorLabels: true", "honourLabels: true", "'honourLabels' not allowed"},
			"an interval that the CRD refuses":    {"sharded", "interval: 1m\n      scrapeTimeout", "interval: 1 min\n      scrapeTimeout", "does not match pattern"},
			"an unknown field of a rule":          {"sharded", "        - record: tair_ssl:all_shards_answer:bool", "        - recorded: x", "'recorded' not allowed"},
			"an unknown field of a monitor's top": {"sharded", "kind: ServiceMonitor\nmetadata:\n  name:", "kind: ServiceMonitor\nmetadata:\n  nam:", "'nam' not allowed"},
			"a kind without a schema":             {"default", "kind: Deployment", "kind: Deploymint", "could not find schema for Deploymint"},
			"a version without a schema":          {"default", "apiVersion: policy/v1\n", "apiVersion: policy/v1beta1\n", "could not find schema for PodDisruptionBudget"},
		}
		for what, c := range wholeIsWrong {
			text := render(t, c.set)
			if !strings.Contains(text, c.old) {
				t.Errorf("%s: there is no %q to break", what, c.old)
			}
			said, valid := kubeconform(t, schemas, map[string]string{"broken": strings.ReplaceAll(text, c.old, c.new)})
			if valid || !strings.Contains(said, c.want) {
				t.Errorf("%s: valid: %t, want %q: %s", what, valid, c.want, said)
			}
		}
	})
}
