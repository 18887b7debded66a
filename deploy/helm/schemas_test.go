//go:build deploy

package helm_test

import (
	"encoding/json"
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

const (
	groupVersionKind = "x-kubernetes-group-version-kind"
	reference        = "#/definitions/"
)

// schemas writes the JSON schemas of Kubernetes, prometheus-operator and the Gateway API, converted from their published
// definitions, and returns the template of their paths for kubeconform. They refuse unknown fields.
func schemas(t *testing.T) string {
	t.Helper()
	var api struct {
		Definitions map[string]any `json:"definitions"`
	}
	kubernetes := module(t, "k8s.io/kubernetes", apptest.Tool(t, "KUBERNETES_VERSION"))
	if err := json.Unmarshal([]byte(apptest.Read(t, kubernetes+"/api/openapi-spec/swagger.json")), &api); err != nil {
		t.Fatal(err)
	}
	// The API server accepts more than the published type.
	api.Definitions["io.k8s.apimachinery.pkg.util.intstr.IntOrString"] = map[string]any{"type": []any{"string", "integer"}}
	api.Definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"] = map[string]any{"type": []any{"string", "number"}}
	operator := module(t, "github.com/prometheus-operator/prometheus-operator", apptest.Tool(t, "PROMETHEUS_OPERATOR_VERSION"))
	gateway := module(t, "sigs.k8s.io/gateway-api", apptest.Tool(t, "GATEWAY_API_VERSION"))
	for _, path := range slices.Concat(apptest.Glob(t, operator+"/example/prometheus-operator-crd/*.yaml"),
		apptest.Glob(t, gateway+"/config/crd/standard/*_httproutes.yaml")) {
		var crd map[string]any
		apptest.DecodeFile(t, path, true, &crd)
		group, kind := at(crd, "spec", "group"), str(at(crd, "spec", "names", "kind"))
		for _, v := range list(at(crd, "spec", "versions")) {
			schema := dict(at(v, "schema", "openAPIV3Schema"))
			dict(schema["properties"])["metadata"] = map[string]any{"$ref": reference + "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
			schema[groupVersionKind] = []any{map[string]any{"group": group, "version": at(v, "name"), "kind": kind}}
			api.Definitions[kind+str(at(v, "name"))] = schema
		}
	}
	makeStrict(api.Definitions)

	dir := t.TempDir()
	write := func(name string, value any) {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		apptest.Write(t, filepath.Join(dir, name+".json"), string(text))
	}
	write("definitions", api)
	for name, definition := range api.Definitions {
		for _, k := range list(at(definition, groupVersionKind)) {
			group, _, _ := strings.Cut(str(at(k, "group")), ".")
			file := strings.Join([]string{str(at(k, "kind")), group, str(at(k, "version"))}, "-")
			write(strings.ToLower(strings.ReplaceAll(file, "--", "-")), map[string]any{"$ref": "definitions.json" + reference + name})
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

func TestManifestsAreValid(t *testing.T) {
	t.Parallel()
	texts := make(map[string]string)
	for _, set := range valueSets(t) {
		texts[set] = render(t, set)
	}
	for _, dir := range []string{"deploy/kubernetes", "deploy/kubernetes/monitoring"} {
		texts[filepath.Base(dir)+"-kustomize"] = kustomize(t, dir)
	}
	dir := t.TempDir()
	args := []string{"-strict", "-summary", "-schema-location", schemas(t)}
	for name, text := range texts {
		path := filepath.Join(dir, name+".yaml")
		apptest.Write(t, path, text)
		args = append(args, path)
	}
	output := apptest.Command(t, apptest.Tool(t, "KUBECONFORM"), args...)
	if !strings.Contains(output, "Invalid: 0, Errors: 0, Skipped: 0") {
		t.Error(output)
	}
}
