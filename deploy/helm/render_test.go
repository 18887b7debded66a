//go:build deploy

package helm_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"tair_ssl_exporter/internal/apptest"
)

func TestMain(m *testing.M) { apptest.AtRoot(m) }

const (
	chart       = "deploy/helm/tair-ssl-exporter"
	releaseName = "tair-ssl-exporter"
	namespace   = "monitoring"
)

// valueSets returns the directories with values that the chart is rendered with.
func valueSets(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, path := range apptest.Glob(t, "deploy/helm/testdata/*/values.yaml") {
		names = append(names, filepath.Base(filepath.Dir(path)))
	}
	return names
}

func valuesOf(set string) string { return "deploy/helm/testdata/" + set + "/values.yaml" }

// kubernetesVersion returns the version that the chart is rendered for, without the v.
func kubernetesVersion(t *testing.T) string {
	t.Helper()
	return strings.TrimPrefix(apptest.Tool(t, "KUBERNETES_VERSION"), "v")
}

// helm returns the output of helm template without its warnings, or its refusal. Helm 4 puts empty lines at the ends of the
// documents, which are left out.
func helm(t *testing.T, name, of string, flags ...string) (string, error) {
	t.Helper()
	args := append([]string{"template", name, of, "--kube-version", kubernetesVersion(t)}, flags...)
	out, err := exec.CommandContext(t.Context(), apptest.Tool(t, "HELM"), args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", errors.New(string(exit.Stderr))
	}
	return strings.TrimRight(emptyLinesAtEnd.ReplaceAllString(string(out), "---\n"), "\n ") + "\n", err
}

var emptyLinesAtEnd = regexp.MustCompile(`(?m)(^ *\n)+---\n`)

var rendered sync.Map // text by set: each takes helm a third of a second

// render returns the manifests of a set of values as YAML.
func render(t *testing.T, set string) string {
	t.Helper()
	if text, known := rendered.Load(set); known {
		return text.(string)
	}
	text := renderWith(t, "--namespace", namespace, "--values", valuesOf(set))
	rendered.Store(set, text)
	return text
}

// renderWith returns the manifests with flags of helm as YAML.
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

// at follows keys and indexes, and returns nil when one is missing.
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

// pod returns the labels and the specification of the pods of a Deployment or a StatefulSet.
func (m manifest) pod() (labels, spec map[string]any) {
	return dict(m.at("spec", "template", "metadata", "labels")), dict(m.at("spec", "template", "spec"))
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

// only returns the manifest of the kinds. There must be one.
func only(t *testing.T, all []manifest, kinds ...string) manifest {
	t.Helper()
	found := slices.DeleteFunc(slices.Clone(all), func(m manifest) bool { return !slices.Contains(kinds, m.kind()) })
	if len(found) != 1 {
		t.Fatalf("%d of kind %q, want 1", len(found), kinds)
	}
	return found[0]
}

// mustRefuse fails unless an error has a text.
func mustRefuse(t *testing.T, what string, err error, text string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: accepted", what)
	} else if !strings.Contains(err.Error(), text) {
		t.Errorf("%s: refused without %q:\n%v", what, text, err)
	}
}
