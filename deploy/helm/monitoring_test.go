//go:build deploy

package helm_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"tair_ssl_exporter/internal/apptest"
)

// adapted returns the groups of files of rules with another base of the runbook URLs and further labels of the alerts.
func adapted(t *testing.T, files []string, runbooks string, labels map[string]string) []any {
	t.Helper()
	var groups []any
	for _, name := range files {
		var f map[string]any
		if err := yaml.Unmarshal([]byte(strings.ReplaceAll(apptest.Read(t, "deploy/prometheus/rules/"+name), apptest.RunbookBase, runbooks)), &f); err != nil {
			t.Fatal(err)
		}
		for _, g := range list(f["groups"]) {
			for _, r := range list(at(g, "rules")) {
				if at(r, "alert") != nil {
					for label, value := range labels {
						dict(at(r, "labels"))[label] = value
					}
				}
			}
		}
		groups = append(groups, list(f["groups"])...)
	}
	return groups
}

func TestRulesAreTheShipped(t *testing.T) {
	both := []string{"tair_ssl.rules.yml", "tair_ssl_blackbox.rules.yml"}
	for set, want := range map[string]struct {
		files    []string
		runbooks string
		labels   map[string]string
	}{
		"pair":       {both[:1], apptest.RunbookBase, nil},
		"sharded":    {both, apptest.RunbookBase, nil},
		"monitoring": {both[:1], "https://wiki.example.org/tair", map[string]string{"cluster": "eu", "team": "databases"}},
		"kubernetes": {both[:1], apptest.RunbookBase, nil},
	} {
		all := manifests(t, render(t, set))
		rule := only(t, all, "PrometheusRule")
		if !reflect.DeepEqual(rule.at("spec", "groups"), any(adapted(t, want.files, want.runbooks, want.labels))) {
			t.Errorf("%s: the rules are not those of %q, adapted", set, want.files)
		}
		apptest.Command(t, apptest.Tool(t, "PROMTOOL"), "check", "rules", "--lint=all", "--lint-fatal", ruleFile(t, all))
	}
}

// The values of the set "extras" change three alerts and add a rule. All else is as shipped.
func TestAlertsAreChangedByName(t *testing.T) {
	t.Parallel()
	want := adapted(t, []string{"tair_ssl.rules.yml"}, apptest.RunbookBase, nil)
	for _, g := range want {
		group := dict(g)
		group["rules"] = slices.DeleteFunc(list(group["rules"]), func(r any) bool { return at(r, "alert") == "TairSSLRenewalSoon" })
		for _, r := range list(group["rules"]) {
			switch at(r, "alert") {
			case "TairSSLTargetDown":
				dict(r)["for"], dict(at(r, "labels"))["severity"] = "30m", "critical"
			case "TairSSLCertificateExpired":
				dict(r)["for"] = "5m"
			}
		}
	}
	all := manifests(t, render(t, "extras"))
	groups := list(only(t, all, "PrometheusRule").at("spec", "groups"))
	last := len(groups) - 1
	if !reflect.DeepEqual(groups[:last], want) || at(groups[last], "name") != "tair_ssl_additional" ||
		at(groups[last], "rules", 0, "alert") != "TairSSLManyExpireTogether" || len(list(at(groups[last], "rules"))) != 1 {
		t.Errorf("%v", groups)
	}
	apptest.Command(t, apptest.Tool(t, "PROMTOOL"), "check", "rules", "--lint=all", "--lint-fatal", ruleFile(t, all))
}

// A PodMonitor has the settings of a ServiceMonitor.
func TestPodMonitorIsAServiceMonitor(t *testing.T) {
	t.Parallel()
	of := func(enabled, kind, endpoints string) []any {
		text := renderWith(t, "--values", valuesOf("extras"), "--set", "serviceMonitor.enabled=false,podMonitor.enabled=false", "--set", enabled+"=true")
		m := only(t, manifests(t, text), kind)
		return []any{m.at("metadata", "labels"), m.at("spec", "selector"), m.at("spec", "sampleLimit"), m.at("spec", endpoints)}
	}
	service, pod := of("serviceMonitor.enabled", "ServiceMonitor", "endpoints"), of("podMonitor.enabled", "PodMonitor", "podMetricsEndpoints")
	if !reflect.DeepEqual(service, pod) || pod[2] != 100000 || len(list(at(pod[3], 0, "relabelings"))) != 2 {
		t.Errorf("%v\n%v", service, pod)
	}
}

// A chart that lost its rules or dashboards on the way would otherwise install without them.
func TestLostFilesAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ value, lost, refusal string }{
		{"prometheusRule.enabled", "rules/tair_ssl.rules.yml", "prometheusRule: files/rules/tair_ssl.rules.yml is missing or empty in this chart"},
		{"dashboards.enabled", "dashboards/tair-ssl-overview.json", "dashboards: files/dashboards/tair-ssl-overview.json is missing or empty in this chart"},
	} {
		dir := filepath.Join(t.TempDir(), "chart")
		apptest.Command(t, "cp", "-r", chart, dir)
		path := filepath.Join(dir, "files", c.lost)
		apptest.Write(t, path, "")
		_, empty := helm(t, releaseName, dir, "--set", c.value+"=true")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		_, missing := helm(t, releaseName, dir, "--set", c.value+"=true")
		mustRefuse(t, c.lost, empty, c.refusal)
		mustRefuse(t, c.lost, missing, c.refusal)
	}
}

// ruleFile writes the rules as the operator passes them to Prometheus.
func ruleFile(t *testing.T, all []manifest) string {
	t.Helper()
	spec, err := yaml.Marshal(only(t, all, "PrometheusRule").at("spec"))
	if err != nil {
		t.Fatal(err)
	}
	return apptest.File(t, "rules.yml", string(spec))
}

func TestRulesOfOneReleaseBesideOthers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(filepath.Dir(ruleFile(t, manifests(t, render(t, "sharded")))), "releases.test.yml")
	apptest.Write(t, path, apptest.Read(t, "deploy/helm/testdata/releases.test.yml"))
	apptest.Command(t, apptest.Tool(t, "PROMTOOL"), "test", "rules", path)
}

// Two releases in one namespace share no object, and no selector selects the pods or the Service of the other.
func TestTwoReleasesDoNotMix(t *testing.T) {
	t.Parallel()
	text, err := helm(t, "staging", chart, "--values", valuesOf("sharded"))
	if err != nil {
		t.Fatal(err)
	}
	names := apptest.MatchesIn(t, "names", text, `(?m)^metadata:\n  name: (\S+)$`)
	labels := apptest.MatchesIn(t, "labels and selectors", text, `(?m)^ +app\.kubernetes\.io/instance: (\S+)$`)
	for _, name := range slices.Concat(names, labels) {
		if !strings.HasPrefix(name, "staging") {
			t.Errorf("%s is not named after its release", name)
		}
	}
}
