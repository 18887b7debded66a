//go:build deploy

package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// adapted gives the groups of rule files with the three texts replaced that the head of tair_ssl.rules.yml names.
func adapted(t *testing.T, files []string, runbooks, labels, job string) []any {
	t.Helper()
	var groups []any
	for _, name := range files {
		text := strings.NewReplacer(runbookBase, runbooks, infoLabels, labels, jobMatcher, job).
			Replace(shipped(t, "deploy/prometheus/rules/"+name))
		var f map[string]any
		if err := yaml.Unmarshal([]byte(text), &f); err != nil {
			t.Fatal(err)
		}
		groups = append(groups, list(f["groups"])...)
	}
	return groups
}

func TestDeployRulesAreTheShipped(t *testing.T) {
	both := []string{"tair_ssl.rules.yml", "tair_ssl_blackbox.rules.yml"}
	for set, want := range map[string]struct {
		files                 []string
		runbooks, labels, job string
	}{
		"pair":       {both[:1], runbookBase, infoLabels, `job="tair_ssl", namespace="monitoring", service="tair-pair"`},
		"sharded":    {both, runbookBase, infoLabels, `job="tair_ssl", namespace="monitoring", service="tair-ssl-exporter"`},
		"monitoring": {both[:1], "https://wiki.example.org/tair", infoLabels + ", team, env", `job="tair_production", namespace="monitoring", service="tair-ssl-exporter"`},
		"kubernetes": {both[:1], runbookBase, infoLabels, jobMatcher},
	} {
		rule := only(t, manifests(t, render(t, set)), "PrometheusRule")
		if !reflect.DeepEqual(rule.at("spec", "groups"), any(adapted(t, want.files, want.runbooks, want.labels, want.job))) {
			t.Errorf("%s: the rules are not those of %q, adapted", set, want.files)
		}
		spec, err := yaml.Marshal(rule.at("spec"))
		if err != nil {
			t.Fatal(err)
		}
		command(t, tool(t, "PROMTOOL"), "check", "rules", "--lint=all", "--lint-fatal", file(t, "rules.yml", string(spec)))
	}
}

func TestDeployDashboardsAreTheShipped(t *testing.T) {
	want := make(map[string]string)
	for _, path := range glob(t, "dashboards/*.json") {
		want[filepath.Base(path)] = strings.TrimSpace(shipped(t, path))
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

// The chart has links, so that no copy can be forgotten.
func TestDeployChartHasEveryRuleFileAndBoard(t *testing.T) {
	for links, files := range map[string]string{
		chart + "/files/rules/*":      "deploy/prometheus/rules/*.rules.yml",
		chart + "/files/dashboards/*": "dashboards/*.json",
	} {
		var targets []string
		for _, link := range glob(t, links) {
			target, err := filepath.EvalSymlinks(link)
			if err != nil {
				t.Fatal(err)
			}
			targets = append(targets, target)
		}
		if want := glob(t, files); !slices.Equal(targets, want) {
			t.Errorf("%s lead to %q, want %q", links, targets, want)
		}
	}
}

func TestDeployServiceMonitor(t *testing.T) {
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

// TestDeployAnotherReleaseDoesNotHideThatThisOneIsDown lets Prometheus's own code evaluate the rendered alert.
func TestDeployAnotherReleaseDoesNotHideThatThisOneIsDown(t *testing.T) {
	spec, err := yaml.Marshal(only(t, manifests(t, render(t, "sharded")), "PrometheusRule").at("spec"))
	if err != nil {
		t.Fatal(err)
	}
	rules := file(t, "rules.yml", string(spec))
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
		command(t, tool(t, "PROMTOOL"), "test", "rules", file(t, "test.yml", fmt.Sprintf(`
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

// TestDeployTwoReleasesDoNotMix renders two releases that one Prometheus scrapes: in another namespace under the same
// name, and beside the first under another.
func TestDeployTwoReleasesDoNotMix(t *testing.T) {
	flags := []string{"--values", valuesOf("sharded"), "--namespace"}
	first := manifests(t, renderWith(t, append(flags, "a")...))
	down := func(all []manifest) string {
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
	if want := `absent(up{job="tair_ssl", namespace="a", service="tair-ssl-exporter"} == 1)`; down(first) != want {
		t.Errorf("%s, want %s", down(first), want)
	}
	other, err := helm(t, "staging", chart, append(flags, "a")...)
	if err != nil {
		t.Fatal(err)
	}
	beside := manifests(t, other)
	for _, second := range [][]manifest{beside, manifests(t, renderWith(t, append(flags, "b")...))} {
		if down(second) == down(first) {
			t.Errorf("both ask for %s", down(first))
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
