//go:build deploy

package helm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

// TestChartFilesGolden compares the rules and dashboards of the chart with the shipped ones. They are copies, because some
// tools that fetch a chart drop links. It is the first test of the file: the others render what it writes.
func TestChartFilesGolden(t *testing.T) {
	var copies []string
	for dir, pattern := range map[string]string{"rules": "deploy/prometheus/rules/*.rules.yml", "dashboards": "dashboards/*.json"} {
		for _, shipped := range apptest.Glob(t, pattern) {
			path := filepath.Join(chart, "files", dir, filepath.Base(shipped))
			golden(t, path, apptest.Read(t, shipped))
			copies = append(copies, path)
		}
	}
	for _, path := range apptest.Glob(t, chart+"/files/*/*") {
		if about, err := os.Lstat(path); err != nil || !about.Mode().IsRegular() || !slices.Contains(copies, path) {
			t.Errorf("%s is no copy of a shipped file (%v)", path, err)
		}
	}
}

// TestPackagedChartGolden renders the chart as helm package writes it. The notes are rendered as a document of their own:
// helm template leaves them out.
func TestPackagedChartGolden(t *testing.T) {
	dir := t.TempDir()
	apptest.Command(t, apptest.Tool(t, "HELM"), "package", "--destination", dir, chart)
	apptest.Command(t, "tar", "-xzf", apptest.Glob(t, dir+"/*.tgz")[0], "-C", dir)
	packaged := filepath.Join(dir, filepath.Base(chart))
	apptest.Write(t, packaged+"/templates/notes.yaml",
		"notes: |\n  {{- include \"tair-ssl-exporter/templates/NOTES.txt\" . | nindent 2 | replace \"\\n  \\n\" \"\\n\\n\" }}\n")
	var all strings.Builder
	for _, set := range valueSets(t) {
		text, err := helm(t, releaseName, packaged, "--namespace", namespace, "--values", valuesOf(set))
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "deploy/helm/testdata/"+set+"/golden.yaml", withoutBodies(t, text))
		all.WriteString(text)
	}
	for _, path := range slices.Concat(apptest.Glob(t, chart+"/templates/*.yaml"), apptest.Glob(t, chart+"/templates/*/*.yaml")) {
		if !strings.Contains(all.String(), "# Source: "+strings.TrimPrefix(path, "deploy/helm/")+"\n") {
			t.Errorf("no set of values renders %s", path)
		}
	}
}

// withoutBodies leaves out the rules, which TestRulesAreTheShipped compares, and writes the path of a shipped dashboard for
// its text.
func withoutBodies(t *testing.T, text string) string {
	t.Helper()
	for _, path := range apptest.Glob(t, "dashboards/*.json") {
		indented := strings.ReplaceAll(strings.TrimSpace(apptest.Read(t, path)), "\n", "\n    ")
		text = strings.ReplaceAll(text, "|\n    "+indented+"\n", "the text of "+path+"\n")
	}
	text = regexp.MustCompile(`(?m)^(spec:\n  groups:)\n(?:(?:  .*)?\n)+`).ReplaceAllString(text, "$1 []\n")
	return strings.TrimPrefix(text, "---\n")
}

// TestKubernetesGolden compares deploy/kubernetes with what the chart renders, without the labels of Helm.
func TestKubernetesGolden(t *testing.T) {
	const head = "# Rendered from deploy/helm/tair-ssl-exporter by make golden.\n"
	ofHelm := regexp.MustCompile(`(?m)^(# Source:|\s+app\.kubernetes\.io/managed-by:|\s+helm\.sh/chart:) .*\n`)
	rendered := []string{"deploy/kubernetes/tair-ssl-exporter.yml"}
	golden(t, rendered[0], head+configurationIn(manifests(t, render(t, "default"))))
	for _, m := range manifests(t, render(t, "kubernetes")) {
		if m.isHook() {
			continue
		}
		path := strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(m.kind(), "$1-$2")) + ".yaml"
		if strings.HasPrefix(str(m.at("apiVersion")), "monitoring.coreos.com/") {
			path = "monitoring/" + path
		}
		path = "deploy/kubernetes/" + path
		rendered = append(rendered, path)
		golden(t, path, head+strings.TrimSpace(ofHelm.ReplaceAllString(m.text, ""))+"\n")
	}
	files := append(apptest.Glob(t, "deploy/kubernetes/*.y*ml"), apptest.Glob(t, "deploy/kubernetes/monitoring/*.yaml")...)
	for _, path := range files {
		dir, file := filepath.Split(path)
		if file == "kustomization.yaml" {
			continue
		}
		kustomization := apptest.Read(t, dir+"kustomization.yaml")
		if !slices.Contains(rendered, path) || !strings.Contains(kustomization, "- "+file+"\n") {
			t.Errorf("%s is not rendered any more, or is not in %skustomization.yaml", path, dir)
		}
	}
}

// The overlay of a user changes image, namespace, label and configuration.
func TestOverlayGolden(t *testing.T) {
	golden(t, "deploy/helm/testdata/overlay/golden.yaml", withoutBodies(t, kustomize(t, "deploy/helm/testdata/overlay")))
}

// kustomize returns the manifests of kubectl apply -k.
func kustomize(t *testing.T, dir string) string {
	t.Helper()
	return apptest.Command(t, apptest.Tool(t, "KUSTOMIZE"), "build", dir)
}

// golden compares a text with a file; with UPDATE in the environment it writes the file.
func golden(t *testing.T, path, text string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		apptest.Write(t, path, text)
		return
	}
	diff := exec.CommandContext(t.Context(), "diff", "-u", path, "-")
	diff.Stdin = strings.NewReader(text)
	if out, err := diff.CombinedOutput(); err != nil {
		t.Errorf("%s is out of date (%v); make golden writes it:\n%s", path, err, out)
	}
}
