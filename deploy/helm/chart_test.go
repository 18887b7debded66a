//go:build deploy

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/app"
	"tair_ssl_exporter/internal/apptest"
)

func TestDeployChartIsLinted(t *testing.T) {
	for _, set := range valueSets(t) {
		command(t, tool(t, "HELM"), "lint", "--strict", "--quiet", "--kube-version", kubernetesVersion(t), "--values", valuesOf(set), chart)
	}
}

func TestDeployChartGolden(t *testing.T) {
	for _, set := range valueSets(t) {
		golden(t, "deploy/helm/testdata/"+set+"/golden.yaml", withoutBodies(t, render(t, set)))
	}
}

// withoutBodies leaves out the rules and the dashboards: tests of their own compare them with their files.
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

func TestDeployEveryTemplateIsInAGoldenFile(t *testing.T) {
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

// The links are followed when the chart is packaged: nobody needs the repository to install it.
func TestDeployPackagedChartRendersTheSame(t *testing.T) {
	dir := t.TempDir()
	command(t, tool(t, "HELM"), "package", "--destination", dir, chart)
	packaged := apptest.Glob(t, dir+"/*.tgz")
	for _, set := range valueSets(t) {
		text, err := helm(t, releaseName, packaged[0], "--namespace", namespace, "--values", valuesOf(set))
		if err != nil || text != render(t, set) {
			t.Errorf("%s: the packaged chart renders something else (%v)", set, err)
		}
	}
}

func TestDeployChartVersionIsTheLatestRelease(t *testing.T) {
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

func TestDeployChartNeedsTheVersionWithThePodIndex(t *testing.T) {
	_, err := helm(t, releaseName, chart, "--kube-version", "1.27.9")
	mustSay(t, "Kubernetes 1.27", err, "incompatible with Kubernetes v1.27.9")
	if _, err := helm(t, releaseName, chart, "--kube-version", "1.28.0-aliyun.1"); err != nil {
		t.Errorf("1.28: %v", err)
	}
}

// TestDeployHelmTestAsksTheService runs what helm test runs, against an exporter and against nothing.
func TestDeployHelmTestAsksTheService(t *testing.T) {
	r := apptest.Start(t, "--demo")
	for _, set := range valueSets(t) {
		all := manifests(t, render(t, set))
		host := only(t, all, "Service").name()
		var args []string
		for _, m := range all {
			if m.isHook() {
				_, spec := m.pod()
				for _, arg := range list(at(spec, "containers", 0, "args")) {
					args = append(args, str(arg))
				}
			}
		}
		address := "--web.listen-address=" + host + ":10219"
		if len(args) != 2 || args[1] != address {
			t.Errorf("%s: %q does not ask the Service %s", set, args, host)
			continue
		}
		for want, listener := range map[int]string{0: r.Address(), 1: "127.0.0.1:1"} {
			var out strings.Builder
			if code := app.Run(t.Context(), []string{args[0], "--web.listen-address=" + listener}, &out, &out); code != want {
				t.Errorf("%s: %s: exit %d, want %d: %s", set, listener, code, want, &out)
			}
		}
	}
}

// notes gives what helm prints after an installation with the flags: from a copy of the chart that renders it.
func notes(t *testing.T, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	command(t, tool(t, "HELM"), "package", "--destination", dir, chart)
	command(t, "tar", "-xzf", apptest.Glob(t, dir+"/*.tgz")[0], "-C", dir)
	of := filepath.Join(dir, filepath.Base(chart))
	template := "notes: |\n  {{- include \"tair-ssl-exporter/templates/NOTES.txt\" . | nindent 2 }}\n"
	if err := os.WriteFile(filepath.Join(of, "templates", "notes.yaml"), []byte(template), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := helm(t, releaseName, of, append(flags, "--namespace", namespace, "--show-only", "templates/notes.yaml")...)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// RRSA does nothing for a service account that the chart does not make until it has the role.
func TestDeployNotesTellTheAnnotationOfAServiceAccountThatIsThere(t *testing.T) {
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

// The Service is headless: until a pod is ready its name is not there, and helm test would fail.
func TestDeployREADMEInstallationsWaitForAPod(t *testing.T) {
	installations := regexp.MustCompile(`helm (?:upgrade|install) (?:.*\\\n)*.*`).FindAllString(apptest.Read(t, chart+"/README.md"), -1)
	if len(installations) < 2 {
		t.Errorf("%q", installations)
	}
	for _, installation := range installations {
		if !slices.Contains(strings.Fields(installation), "--wait") {
			t.Errorf("no --wait:\n%s", installation)
		}
	}
}

func TestDeployNotesTellWhatIsMissing(t *testing.T) {
	for set, want := range map[string]struct{ has, hasNot []string }{
		"default": {[]string{"WARNING: serviceMonitor.enabled is off", "curl http://localhost:10219/metrics",
			"--namespace monitoring port-forward service/tair-ssl-exporter 10219"}, []string{"SIMULATED", "shards", "runbookUrlBase"}},
		"demo":       {[]string{"SIMULATED", "WARNING: prometheusRule.enabled is off"}, []string{"serviceMonitor.enabled is off"}},
		"pair":       {[]string{"curl --insecure https://", "each of the 2 replicas does all calls", "runbookUrlBase is an example"}, []string{"WARNING"}},
		"sharded":    {[]string{"5 shards"}, []string{"WARNING", "replicas"}},
		"monitoring": {nil, []string{"WARNING", "NOTE"}},
	} {
		text := notes(t, "--values", valuesOf(set))
		for _, part := range want.has {
			if !strings.Contains(text, part) {
				t.Errorf("%s: %q is missing in:\n%s", set, part, text)
			}
		}
		for _, part := range want.hasNot {
			if strings.Contains(text, part) {
				t.Errorf("%s: %q is in:\n%s", set, part, text)
			}
		}
	}
}
