//go:build deploy

package helm_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"tair_ssl_exporter/internal/apptest"
)

// adapted returns the groups of files of rules after the replacements that the head of tair_ssl.rules.yml describes.
func adapted(t *testing.T, files []string, runbooks, labels, job string) []any {
	t.Helper()
	var groups []any
	for _, name := range files {
		text := strings.NewReplacer(apptest.RunbookBase, runbooks, apptest.InfoLabels, labels, apptest.JobMatcher, job).
			Replace(apptest.Read(t, "deploy/prometheus/rules/"+name))
		var f map[string]any
		if err := yaml.Unmarshal([]byte(text), &f); err != nil {
			t.Fatal(err)
		}
		groups = append(groups, list(f["groups"])...)
	}
	return groups
}

func TestRulesAreTheShipped(t *testing.T) {
	var both []string // every file of rules, so that the chart misses none
	for _, path := range apptest.Glob(t, "deploy/prometheus/rules/*.rules.yml") {
		both = append(both, filepath.Base(path))
	}
	for set, want := range map[string]struct {
		files                 []string
		runbooks, labels, job string
	}{
		"pair":       {both[:1], apptest.RunbookBase, apptest.InfoLabels, `job="tair_ssl", namespace="monitoring", service="tair-pair"`},
		"sharded":    {both, apptest.RunbookBase, apptest.InfoLabels, `job="tair_ssl", namespace="monitoring", service="tair-ssl-exporter"`},
		"monitoring": {both[:1], "https://wiki.example.org/tair", apptest.InfoLabels + ", team, env", `job="tair_production", namespace="monitoring", service="tair-ssl-exporter"`},
		"kubernetes": {both[:1], apptest.RunbookBase, apptest.InfoLabels, apptest.JobMatcher},
	} {
		all := manifests(t, render(t, set))
		rule := only(t, all, "PrometheusRule")
		if !reflect.DeepEqual(rule.at("spec", "groups"), any(adapted(t, want.files, want.runbooks, want.labels, want.job))) {
			t.Errorf("%s: the rules are not those of %q, adapted", set, want.files)
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

// exporterDown returns the expression of TairSSLExporterDown.
func exporterDown(t *testing.T, all []manifest) string {
	t.Helper()
	for _, g := range list(only(t, all, "PrometheusRule").at("spec", "groups")) {
		for _, r := range list(at(g, "rules")) {
			if at(r, "alert") == "TairSSLExporterDown" {
				return str(at(r, "expr"))
			}
		}
	}
	t.Fatal("no TairSSLExporterDown")
	return ""
}

// The operator adds the labels namespace and service. Targets of another scrape job have neither, and an alert with them
// would always fire.
func TestExporterDownAsksForLabelsThatTheTargetHas(t *testing.T) {
	t.Parallel()
	const own = `, namespace="monitoring", service="tair-ssl-exporter"`
	for flags, want := range map[string]string{
		"serviceMonitor.enabled=true":                          `job="tair_ssl"` + own,
		"serviceMonitor.enabled=true,serviceMonitor.job=other": `job="other"` + own,
		"serviceMonitor.enabled=true,prometheusRule.job=other": `job="other"`,
		"serviceMonitor.enabled=false":                         `job="tair_ssl"`,
		"serviceMonitor.job=other":                             `job="other"`,
		"prometheusRule.job=other":                             `job="other"`,
	} {
		all := manifests(t, renderWith(t, "--namespace", namespace, "--set", "prometheusRule.enabled=true,"+flags))
		if got, want := exporterDown(t, all), "absent(up{"+want+"} == 1)"; got != want {
			t.Errorf("%s: %s, want %s", flags, got, want)
		}
	}
}

func TestDashboardsAreTheShipped(t *testing.T) {
	want := make(map[string]string)
	for _, path := range apptest.Glob(t, "dashboards/*.json") {
		want[filepath.Base(path)] = strings.TrimSpace(apptest.Read(t, path))
	}
	got := make(map[string]string)
	for _, m := range manifests(t, render(t, "monitoring")) {
		if m.kind() == "ConfigMap" && m.at("metadata", "labels", "grafana_dashboard") == "1" {
			if m.at("metadata", "annotations", "grafana_folder") != "Tair" {
				t.Errorf("%s: no folder", m.name())
			}
			for name, text := range dict(m.at("data")) {
				got[name] = strings.TrimSpace(str(text))
			}
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("boards %q, want %q as they are", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

// TestServiceMonitorScrapesTheService: the golden files have the rest of the endpoint.
func TestServiceMonitorScrapesTheService(t *testing.T) {
	for _, set := range []string{"demo", "pair", "sharded", "monitoring"} {
		all := manifests(t, render(t, set))
		endpoints := list(only(t, all, "ServiceMonitor").at("spec", "endpoints"))
		if len(endpoints) != 1 || at(endpoints[0], "honorLabels") != true || at(endpoints[0], "path") != "/metrics" ||
			at(endpoints[0], "port") != only(t, all, "Service").at("spec", "ports", 0, "name") ||
			at(endpoints[0], "relabelings", 0, "targetLabel") != "job" {
			t.Errorf("%s: %v", set, endpoints)
		}
	}
}

// TestAnotherReleaseDoesNotHideThatThisOneIsDown evaluates the rendered alert with promtool.
func TestAnotherReleaseDoesNotHideThatThisOneIsDown(t *testing.T) {
	t.Parallel()
	rules := ruleFile(t, manifests(t, render(t, "sharded")))
	const own = `namespace="monitoring", service="tair-ssl-exporter"`
	for _, c := range []struct {
		target     string
		up, alerts int
	}{
		{own, 1, 0},
		{own, 0, 1},
		{`namespace="monitoring", service="other"`, 1, 1},
		{`namespace="other", service="tair-ssl-exporter"`, 1, 1},
	} {
		apptest.Command(t, apptest.Tool(t, "PROMTOOL"), "test", "rules", apptest.File(t, "test.yml", fmt.Sprintf(`
rule_files: [%s]
evaluation_interval: 1m
tests:
  - input_series:
      - {series: 'up{job="tair_ssl", instance="10.0.0.1:10219", %s}', values: "%dx20"}
    promql_expr_test:
      - expr: count(ALERTS{alertname="TairSSLExporterDown", alertstate="firing"}) or vector(0)
        eval_time: 18m
        exp_samples: [{value: %d}]
`, rules, c.target, c.up, c.alerts)))
	}
}

// TestTheRulesOfOneReleaseWatchTheOthers evaluates the rules of one release, which is up, on another release without rules
// that goes down after an hour: its expiry alert continues, and in time its data is reported as stale.
func TestTheRulesOfOneReleaseWatchTheOthers(t *testing.T) {
	t.Parallel()
	apptest.Command(t, apptest.Tool(t, "PROMTOOL"), "test", "rules", apptest.File(t, "test.yml", fmt.Sprintf(`
rule_files: [%s]
group_eval_order: [tair_ssl_instances, tair_ssl_exporter]
evaluation_interval: 1m
tests:
  - input_series:
      - {series: 'up{job="tair_ssl", namespace="monitoring", service="tair-ssl-exporter", instance="a"}', values: 1x480}
      - {series: 'tair_ssl_exporter_shard{job="tair_ssl", namespace="monitoring", service="tair-ssl-exporter", instance="a"}', values: 0x480}
      - {series: 'tair_ssl_exporter_total_shards{job="tair_ssl", namespace="monitoring", service="tair-ssl-exporter", instance="a"}', values: 1x480}
      - {series: 'up{job="tair_ssl", namespace="other", service="tair-b", instance="b"}', values: 1x60 0x420}
      - {series: 'tair_ssl_exporter_shard{job="tair_ssl", namespace="other", service="tair-b", instance="b"}', values: 0x60 stale}
      - {series: 'tair_ssl_exporter_total_shards{job="tair_ssl", namespace="other", service="tair-b", instance="b"}', values: 1x60 stale}
      - {series: 'tair_ssl_instance_info{job="tair_ssl", namespace="other", service="tair-b", instance="b", instance_id="r-b", account="b", region="cn-hangzhou", name=""}', values: 1x60 stale}
      - {series: 'tair_ssl_scrape_success{job="tair_ssl", namespace="other", service="tair-b", instance="b", instance_id="r-b"}', values: 1x60 stale}
      - {series: 'tair_ssl_last_success_timestamp_seconds{job="tair_ssl", namespace="other", service="tair-b", instance="b", instance_id="r-b"}', values: 0+60x60 stale}
      - {series: 'tair_ssl_enabled{job="tair_ssl", namespace="other", service="tair-b", instance="b", instance_id="r-b"}', values: 1x60 stale}
      - {series: 'tair_ssl_certificate_expiry_timestamp_seconds{job="tair_ssl", namespace="other", service="tair-b", instance="b", instance_id="r-b"}', values: 432000x60 stale}
    promql_expr_test:
      - expr: ALERTS
        eval_time: 4h
        exp_samples:
          - {labels: 'ALERTS{alertname="TairSSLCertificateExpiringVerySoon", alertstate="firing", severity="critical", instance_id="r-b", account="b", region="cn-hangzhou"}', value: 1}
      - expr: count by (alertname) (ALERTS)
        eval_time: 422m
        exp_samples:
          - {labels: '{alertname="TairSSLCertificateExpiringVerySoon"}', value: 1}
          - {labels: '{alertname="TairSSLDataStale"}', value: 1}
`, ruleFile(t, manifests(t, render(t, "sharded"))))))
}

// TestTwoReleasesDoNotMix renders releases that one Prometheus scrapes: of the same name in another namespace, and of
// another name in the same one.
func TestTwoReleasesDoNotMix(t *testing.T) {
	flags := []string{"--values", valuesOf("sharded"), "--namespace"}
	first := manifests(t, renderWith(t, append(flags, "a")...))
	if want := `absent(up{job="tair_ssl", namespace="a", service="tair-ssl-exporter"} == 1)`; exporterDown(t, first) != want {
		t.Errorf("%s, want %s", exporterDown(t, first), want)
	}
	other, err := helm(t, "staging", chart, append(flags, "a")...)
	if err != nil {
		t.Fatal(err)
	}
	beside := manifests(t, other)
	for _, second := range [][]manifest{beside, manifests(t, renderWith(t, append(flags, "b")...))} {
		if exporterDown(t, second) == exporterDown(t, first) {
			t.Errorf("both ask for %s", exporterDown(t, first))
		}
	}
	names := make(map[string]bool)
	for _, m := range first {
		names[m.kind()+m.name()] = true
	}
	for _, m := range beside {
		if names[m.kind()+m.name()] {
			t.Errorf("both releases have the %s %s", m.kind(), m.name())
		}
	}
	selector := dict(only(t, first, "ServiceMonitor").at("spec", "selector", "matchLabels"))
	if selected(selector, dict(only(t, beside, "Service").at("metadata", "labels"))) {
		t.Error("a ServiceMonitor selects the other release")
	}
}
