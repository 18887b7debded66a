//go:build deploy

package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"tair_ssl_exporter/internal/apptest"
)

var update = flag.Bool("update", false, "write the golden files and deploy/kubernetes anew")

const (
	chart       = "deploy/helm/tair-ssl-exporter"
	releaseName = "tair-ssl-exporter"
	namespace   = "monitoring"
)

// valueSets are the names of the directories with values that the chart is rendered with.
func valueSets(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, path := range apptest.Glob(t, "deploy/helm/testdata/*/values.yaml") {
		names = append(names, filepath.Base(filepath.Dir(path)))
	}
	return names
}

func valuesOf(set string) string { return "deploy/helm/testdata/" + set + "/values.yaml" }

// kubernetesVersion is the one that the chart is rendered for, without the v.
func kubernetesVersion(t *testing.T) string {
	t.Helper()
	return strings.TrimPrefix(tool(t, "KUBERNETES_VERSION"), "v")
}

// helm runs helm template and gives what it renders or refuses. What it warns of, such as links, is left out.
func helm(t *testing.T, name, of string, flags ...string) (string, error) {
	t.Helper()
	args := append([]string{"template", name, of, "--kube-version", kubernetesVersion(t)}, flags...)
	out, err := exec.CommandContext(t.Context(), tool(t, "HELM"), args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", errors.New(string(exit.Stderr))
	}
	return string(out), err
}

var rendered sync.Map // by set: no test changes what it gets

// render gives all that the chart makes of a set of values.
func render(t *testing.T, set string) string {
	t.Helper()
	if text, known := rendered.Load(set); known {
		return text.(string)
	}
	text := renderWith(t, "--namespace", namespace, "--values", valuesOf(set))
	rendered.Store(set, text)
	return text
}

// renderWith gives what the chart makes with the flags of helm.
func renderWith(t *testing.T, flags ...string) string {
	t.Helper()
	text, err := helm(t, releaseName, chart, flags...)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// manifest is an object of Kubernetes.
type manifest struct {
	text   string
	fields map[string]any
}

// manifests reads YAML documents.
func manifests(t *testing.T, text string) []manifest {
	t.Helper()
	var found []manifest
	for part := range strings.SplitSeq("\n"+text, "\n---\n") {
		var m manifest
		m.text = part
		if err := yaml.Unmarshal([]byte(part), &m.fields); err != nil {
			t.Fatalf("%v in\n%s", err, part)
		}
		if m.fields != nil {
			found = append(found, m)
		}
	}
	return found
}

// at follows keys and indices, and gives nil when there is nothing.
func at(value any, path ...any) any {
	for _, step := range path {
		switch v := value.(type) {
		case map[string]any:
			key, _ := step.(string)
			value = v[key]
		case []any:
			i, isIndex := step.(int)
			if !isIndex || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

func (m manifest) at(path ...any) any { return at(m.fields, path...) }

func (m manifest) kind() string { return str(m.at("kind")) }
func (m manifest) name() string { return str(m.at("metadata", "name")) }
func (m manifest) isHook() bool { return m.at("metadata", "annotations", "helm.sh/hook") != nil }

// into decodes a manifest.
func (m manifest) into(t *testing.T, v any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(m.text), v); err != nil {
		t.Fatal(err)
	}
}

// pod gives the labels and the specification of the pods that a manifest makes, nil when it makes none.
func (m manifest) pod() (labels, spec map[string]any) {
	of := m.fields
	switch m.kind() {
	case "Deployment", "StatefulSet":
		of = dict(m.at("spec", "template"))
	case "Pod":
	default:
		return nil, nil
	}
	return dict(at(of, "metadata", "labels")), dict(of["spec"])
}

func str(value any) string {
	s, _ := value.(string)
	return s
}

func dict(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

func list(value any) []any {
	l, _ := value.([]any)
	return l
}

// only gives the manifest of a kind, of which there must be one; hooks do not count.
func only(t *testing.T, all []manifest, kinds ...string) manifest {
	t.Helper()
	var found []manifest
	for _, m := range all {
		for _, kind := range kinds {
			if m.kind() == kind && !m.isHook() {
				found = append(found, m)
			}
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d of kind %q, want 1", len(found), kinds)
	}
	return found[0]
}

// mustSay fails unless an error tells something.
func mustSay(t *testing.T, what string, err error, part string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: accepted", what)
	} else if !strings.Contains(err.Error(), part) {
		t.Errorf("%s: refused without %q:\n%v", what, part, err)
	}
}

// golden compares a text with a file, or writes the file.
func golden(t *testing.T, path, text string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Errorf("%v; make golden writes it", err)
		return
	}
	if string(want) == text {
		return
	}
	diff := exec.CommandContext(t.Context(), "diff", "-u", path, "-")
	diff.Stdin = strings.NewReader(text)
	out, err := diff.CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		out = []byte(err.Error())
	}
	t.Errorf("%s is not what is rendered now; make golden writes it anew:\n%s", path, out)
}
