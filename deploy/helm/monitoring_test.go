//go:build deploy

package helm_test

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"tair_ssl_exporter/internal/apptest"
)

// TestRulesAreTheShipped compares the rules with their files after the replacements that the head of tair_ssl.rules.yml
// describes. The operator adds the labels namespace and service: with them TairSSLExporterDown watches its own release.
// Targets of another scrape job have neither label, and an alert that asks for them would always fire.
func TestRulesAreTheShipped(t *testing.T) {
	t.Parallel()
	const own = `, namespace="monitoring", service="tair-ssl-exporter"`
	for _, c := range []struct{ release, namespace, values, job string }{
		{releaseName, namespace, "serviceMonitor.enabled=true", `job="tair_ssl"` + own},
		{releaseName, namespace, "serviceMonitor.enabled=true,serviceMonitor.job=other", `job="other"` + own},
		{releaseName, namespace, "serviceMonitor.enabled=true,prometheusRule.job=other", `job="other"`},
		{releaseName, namespace, "serviceMonitor.enabled=false", `job="tair_ssl"`},
		{releaseName, namespace, "serviceMonitor.job=other", `job="other"`},
		{releaseName, namespace, "prometheusRule.job=other", `job="other"`},
		{releaseName, namespace, "prometheusRule.blackbox=true", `job="tair_ssl"`},
		{releaseName, namespace, "prometheusRule.runbookUrlBase=https://wiki.example.org/tair", `job="tair_ssl"`},
		{releaseName, namespace, "prometheusRule.extraLabels={team,env}", `job="tair_ssl"`},
		{releaseName, "other", "serviceMonitor.enabled=true", `job="tair_ssl", namespace="other", service="tair-ssl-exporter"`},
		{"staging", "other", "serviceMonitor.enabled=true", `job="tair_ssl", namespace="other", service="staging-tair-ssl-exporter"`},
	} {
		runbooks, labels := apptest.RunbookBase, apptest.InfoLabels
		if strings.Contains(c.values, "runbookUrlBase") {
			runbooks = "https://wiki.example.org/tair"
		}
		if strings.Contains(c.values, "extraLabels") {
			labels += ", team, env"
		}
		replacer := strings.NewReplacer(apptest.RunbookBase, runbooks, apptest.InfoLabels, labels, apptest.JobMatcher, c.job)
		var want []any
		for _, path := range apptest.Glob(t, "deploy/prometheus/rules/*.rules.yml") {
			var file map[string]any
			apptest.Decode(t, path, replacer.Replace(apptest.Read(t, path)), true, &file)
			if !strings.Contains(path, "blackbox") || strings.Contains(c.values, "blackbox") {
				want = append(want, list(file["groups"])...)
			}
		}
		text, err := helm(t, c.release, chart, "--namespace", c.namespace, "--set", "prometheusRule.enabled=true,"+c.values)
		if err != nil {
			t.Fatal(err)
		}
		all := manifests(t, text)
		if !reflect.DeepEqual(list(only(t, all, "PrometheusRule").at("spec", "groups")), want) {
			t.Errorf("%v: the rules are not the shipped ones, adapted", c)
		}
		apptest.Command(t, apptest.Tool(t, "PROMTOOL"), "check", "rules", "--lint=all", "--lint-fatal", ruleFile(t, all))
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
