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

// ruleFile writes the rules as the operator passes them to Prometheus.
func ruleFile(t *testing.T, all []manifest) string {
	t.Helper()
	spec, err := yaml.Marshal(only(t, all, "PrometheusRule").at("spec"))
	if err != nil {
		t.Fatal(err)
	}
	return apptest.File(t, "rules.yml", string(spec))
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

// The chart has links, so that no copy is out of date.
func TestChartHasEveryRuleFileAndBoard(t *testing.T) {
	for links, files := range map[string]string{
		chart + "/files/rules/*":      "deploy/prometheus/rules/*.rules.yml",
		chart + "/files/dashboards/*": "dashboards/*.json",
	} {
		var targets []string
		for _, link := range apptest.Glob(t, links) {
			target, err := filepath.EvalSymlinks(link)
			if err != nil {
				t.Fatal(err)
			}
			targets = append(targets, target)
		}
		if want := apptest.Glob(t, files); !slices.Equal(targets, want) {
			t.Errorf("%s lead to %q, want %q", links, targets, want)
		}
	}
}

func TestServiceMonitor(t *testing.T) {
	for set, want := range map[string]map[string]any{
		"demo":       {"interval": "1m", "scrapeTimeout": "30s", "scheme": nil, "job": "tair_ssl", "release": nil, "user": nil},
		"pair":       {"interval": "1m", "scrapeTimeout": "30s", "scheme": "https", "job": "tair_ssl", "release": nil, "user": "username"},
		"sharded":    {"interval": "1m", "scrapeTimeout": "55s", "scheme": nil, "job": "tair_ssl", "release": "kube-prometheus-stack", "user": nil},
		"monitoring": {"interval": "2m", "scrapeTimeout": "30s", "scheme": nil, "job": "tair_production", "release": "kube-prometheus-stack", "user": nil},
	} {
		all := manifests(t, render(t, set))
		m := only(t, all, "ServiceMonitor")
		endpoint := m.at("spec", "endpoints", 0)
		if at(endpoint, "honorLabels") != true || at(endpoint, "path") != "/metrics" || len(list(m.at("spec", "endpoints"))) != 1 ||
			at(endpoint, "port") != only(t, all, "Service").at("spec", "ports", 0, "name") || at(endpoint, "relabelings", 0, "targetLabel") != "job" {
			t.Errorf("%s: %v", set, endpoint)
		}
		got := map[string]any{"interval": at(endpoint, "interval"), "scrapeTimeout": at(endpoint, "scrapeTimeout"), "scheme": at(endpoint, "scheme"),
			"job": at(endpoint, "relabelings", 0, "replacement"), "release": m.at("metadata", "labels", "release"),
			"user": at(endpoint, "basicAuth", "username", "key")}
		if !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", set, got, want)
		}
	}
}

// TestTheRulesOfOneReleaseWatchTheOthers evaluates the rules of one release, which is up, on another release without rules
// that goes down after an hour: its target is told of, and its expiry alert goes on.
func TestTheRulesOfOneReleaseWatchTheOthers(t *testing.T) {
	t.Parallel()
	apptest.Command(t, apptest.Tool(t, "PROMTOOL"), "test", "rules", apptest.File(t, "test.yml", fmt.Sprintf(`
rule_files: [%s]
group_eval_order: [tair_ssl_instances, tair_ssl_exporter]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'up{job="tair_ssl", namespace="monitoring", service="tair-ssl-exporter", instance="a"}', values: 1x240}
      - {series: 'tair_ssl_exporter_total_shards{job="tair_ssl", namespace="monitoring", service="tair-ssl-exporter", instance="a"}', values: 1x240}
      - {series: 'up{job="tair_ssl", namespace="other", service="tair-b", instance="b"}', values: 1x60 0x180}
      - {series: 'tair_ssl_instance_info{job="tair_ssl", namespace="other", service="tair-b", instance="b", instance_id="r-b", account="b", region="cn-hangzhou", name=""}', values: 1x60 stale}
      - {series: 'tair_ssl_scrape_success{job="tair_ssl", namespace="other", service="tair-b", instance="b", instance_id="r-b"}', values: 1x60 stale}
      - {series: 'tair_ssl_last_success_timestamp_seconds{job="tair_ssl", namespace="other", service="tair-b", instance="b", instance_id="r-b"}', values: 0+60x60 stale}
      - {series: 'tair_ssl_enabled{job="tair_ssl", namespace="other", service="tair-b", instance="b", instance_id="r-b"}', values: 1x60 stale}
      - {series: 'tair_ssl_certificate_expiry_timestamp_seconds{job="tair_ssl", namespace="other", service="tair-b", instance="b", instance_id="r-b"}', values: 432000x60 stale}
      - {series: 'tair_ssl_expiry_critical_seconds{job="tair_ssl", namespace="other", service="tair-b", instance="b", instance_id="r-b"}', values: 604800x60 stale}
    promql_expr_test:
      - expr: count by (alertname, instance, instance_id) (ALERTS)
        eval_time: 4h
        exp_samples:
          - {labels: '{alertname="TairSSLCertificateExpiringVerySoon", instance_id="r-b"}', value: 1}
          - {labels: '{alertname="TairSSLTargetDown", instance="b"}', value: 1}
`, ruleFile(t, manifests(t, render(t, "sharded"))))))
}

// TestTwoReleasesDoNotMix renders releases of different names in one namespace.
func TestTwoReleasesDoNotMix(t *testing.T) {
	flags := []string{"--values", valuesOf("sharded"), "--namespace"}
	first := manifests(t, renderWith(t, append(flags, "a")...))
	other, err := helm(t, "staging", chart, append(flags, "a")...)
	if err != nil {
		t.Fatal(err)
	}
	beside := manifests(t, other)
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
