//go:build deploy

package helm_test

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

func TestChartIsLinted(t *testing.T) {
	t.Parallel()
	for _, set := range valueSets(t) {
		apptest.Command(t, apptest.Tool(t, "HELM"), "lint", "--strict", "--quiet", "--kube-version", kubernetesVersion(t), "--values", valuesOf(set), chart)
	}
}

func TestChartGolden(t *testing.T) {
	for _, set := range valueSets(t) {
		golden(t, "deploy/helm/testdata/"+set+"/golden.yaml", withoutBodies(t, render(t, set)))
	}
}

// withoutBodies removes the rules and the dashboards: other tests compare them with their files.
func withoutBodies(t *testing.T, rendered string) string {
	t.Helper()
	var parts []string
	for _, m := range manifests(t, rendered) {
		for _, start := range []string{"\nspec:\n  groups:\n", ".json: |\n"} {
			if before, _, has := strings.Cut(m.text, start); has {
				m.text = before + start + "    # left out here"
			}
		}
		parts = append(parts, strings.TrimSpace(m.text))
	}
	return strings.Join(parts, "\n---\n") + "\n"
}

func TestEveryTemplateIsInAGoldenFile(t *testing.T) {
	var all strings.Builder
	for _, set := range valueSets(t) {
		all.WriteString(render(t, set))
	}
	for _, path := range append(apptest.Glob(t, chart+"/templates/*.yaml"), apptest.Glob(t, chart+"/templates/*/*.yaml")...) {
		if !strings.Contains(all.String(), "# Source: "+strings.TrimPrefix(path, "deploy/helm/")+"\n") {
			t.Errorf("no set of values renders %s", path)
		}
	}
}

// helm package follows the links of the chart, so that it installs without the repository.
func TestPackagedChartRendersTheSame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	apptest.Command(t, apptest.Tool(t, "HELM"), "package", "--destination", dir, chart)
	packaged := apptest.Glob(t, dir+"/*.tgz")
	for _, set := range valueSets(t) {
		text, err := helm(t, releaseName, packaged[0], "--namespace", namespace, "--values", valuesOf(set))
		if err != nil || text != render(t, set) {
			t.Errorf("%s: the packaged chart renders something else (%v)", set, err)
		}
	}
}

func TestChartVersionIsTheLatestRelease(t *testing.T) {
	latest := apptest.NewestRelease(t)
	var about struct {
		Version    string
		AppVersion string `yaml:"appVersion"`
	}
	apptest.DecodeFile(t, chart+"/Chart.yaml", false, &about)
	if about.AppVersion != latest || about.Version != latest {
		t.Errorf("version %s, appVersion %s; the latest release is %s", about.Version, about.AppVersion, latest)
	}
}

func TestChartNeedsTheVersionWithThePodIndex(t *testing.T) {
	if _, err := helm(t, releaseName, chart, "--kube-version", "1.27.9"); err == nil {
		t.Error("1.27: accepted")
	}
	if _, err := helm(t, releaseName, chart, "--kube-version", "1.28.0-aliyun.1"); err != nil {
		t.Errorf("1.28: %v", err)
	}
}

func TestHelmTestAsksTheService(t *testing.T) {
	for _, set := range valueSets(t) {
		all := manifests(t, render(t, set))
		var args []any
		for _, m := range all {
			if m.isHook() {
				_, spec := m.pod()
				args = append(args, list(at(spec, "containers", 0, "args"))...)
			}
		}
		address := "--web.listen-address=" + only(t, all, "Service").name() + ":10219"
		if !reflect.DeepEqual(args, []any{"--health-check", address}) {
			t.Errorf("%s: %q, want %s", set, args, address)
		}
	}
}

// notes returns the text that helm prints after an installation. A copy of the chart renders it.
func notes(t *testing.T, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	apptest.Command(t, apptest.Tool(t, "HELM"), "package", "--destination", dir, chart)
	apptest.Command(t, "tar", "-xzf", apptest.Glob(t, dir+"/*.tgz")[0], "-C", dir)
	of := filepath.Join(dir, filepath.Base(chart))
	template := "notes: |\n  {{- include \"tair-ssl-exporter/templates/NOTES.txt\" . | nindent 2 }}\n"
	apptest.Write(t, filepath.Join(of, "templates", "notes.yaml"), template)
	text, err := helm(t, releaseName, of, append(flags, "--namespace", namespace, "--show-only", "templates/notes.yaml")...)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A service account that the chart does not create needs the annotation of RRSA by hand.
func TestNotesShowTheAnnotationOfAnExistingServiceAccount(t *testing.T) {
	t.Parallel()
	const role, account = "rrsa.enabled=true,rrsa.roleName=tair-reader", ",serviceAccount.create=false,serviceAccount.name=mine"
	for flags, want := range map[string]string{
		role + account: "annotate serviceaccount mine \\\n      pod-identity.alibabacloud.com/role-name=tair-reader\n    kubectl --namespace monitoring rollout restart deployment tair-ssl-exporter",
		"rrsa.enabled=true,shards=2,serviceAccount.create=false": "annotate serviceaccount default \\\n      pod-identity.alibabacloud.com/role-name=ROLE\n    kubectl --namespace monitoring rollout restart statefulset tair-ssl-exporter",
		role:                           "",
		"rrsa.enabled=false" + account: "",
	} {
		text := notes(t, "--set", flags)
		if want == "" && strings.Contains(text, "RRSA") || !strings.Contains(text, want) {
			t.Errorf("%s: want %q in:\n%s", flags, want, text)
		}
	}
}

func TestNotesNameWhatIsOff(t *testing.T) {
	t.Parallel()
	for set, want := range map[string]struct{ has, hasNot []string }{
		"default": {[]string{"WARNING: serviceMonitor.enabled is off", "curl http://localhost:10219/metrics",
			"--namespace monitoring port-forward service/tair-ssl-exporter 10219"}, []string{"SIMULATED", "shards", "runbookUrlBase"}},
		"demo":       {[]string{"SIMULATED", "WARNING: prometheusRule.enabled is off"}, []string{"serviceMonitor.enabled is off"}},
		"pair":       {[]string{"curl --insecure https://", "each of the 2 replicas does all calls", "runbookUrlBase is an example"}, []string{"WARNING"}},
		"sharded":    {[]string{"5 shards"}, []string{"WARNING", "replicas"}},
		"monitoring": {nil, []string{"WARNING", "NOTE"}},
	} {
		text := notes(t, "--values", valuesOf(set))
		apptest.Contains(t, text, want.has...)
		for _, part := range want.hasNot {
			if strings.Contains(text, part) {
				t.Errorf("%s: %q is in:\n%s", set, part, text)
			}
		}
	}
}
