package prometheus_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

func TestMain(m *testing.M) { apptest.AtRoot(m) }

func TestRuleGroups(t *testing.T) {
	for _, g := range apptest.RuleGroups(t) {
		if g.Interval != "1m" || len(g.Rules) > 20 {
			t.Errorf("group %s: interval %q, %d rules; want 1m, at most 20", g.Name, g.Interval, len(g.Rules))
		}
		for n, r := range g.Rules[1:] {
			if r.Record != "" && g.Rules[n].Alert != "" {
				t.Errorf("%s comes after an alert: recording rules come first", r.Record)
			}
		}
	}
}

func TestRuleConventions(t *testing.T) {
	dateless := map[string]bool{"TairSSLNeverKnown": true, "TairSSLInstanceNotFound": true} // no date is known of these
	var texts strings.Builder
	defer func() {
		apptest.CheckMetricNames(t, "rules", strings.ReplaceAll(texts.String(), apptest.RunbookBase, ""))
	}()
	for _, r := range apptest.Rules(t) {
		texts.WriteString(r.Expr + "\n")
		if r.Alert == "" {
			if !regexp.MustCompile(`^tair_ssl:[a-z_]+:[a-z0-9]+$`).MatchString(r.Record) || r.For != "" {
				t.Errorf("record %q", r.Record)
			}
			continue
		}
		for _, text := range r.Annotations {
			texts.WriteString(text + "\n")
		}
		if !regexp.MustCompile(`^TairSSL([A-Z][a-z]+)+$`).MatchString(r.Alert) {
			t.Errorf("name %q", r.Alert)
		}
		if len(r.Labels) != 1 || !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) {
			t.Errorf("%s: labels %v, want a severity alone", r.Alert, r.Labels)
		}
		if names := slices.Sorted(maps.Keys(r.Annotations)); !slices.Equal(names, []string{"description", "runbook_url", "summary"}) {
			t.Errorf("%s: annotations %q", r.Alert, names)
		}
		if s := r.Annotations["summary"]; strings.Contains(s, "{{") || !strings.HasSuffix(s, ".") {
			t.Errorf("%s: summary %q, want a static sentence", r.Alert, s)
		}
		if url := apptest.RunbookBase + "#" + strings.ToLower(r.Alert); r.Annotations["runbook_url"] != url {
			t.Errorf("%s: runbook_url %q, want %q", r.Alert, r.Annotations["runbook_url"], url)
		}
		if strings.HasPrefix(r.Expr, "tair_ssl:instance_info:latest") {
			for _, label := range []string{"$labels.instance_id", "with $labels.name", "$labels.account", "$labels.region"} {
				if !strings.Contains(r.Annotations["description"], label) {
					t.Errorf("%s: the description has no %s", r.Alert, label)
				}
			}
			if d := r.Annotations["description"]; !dateless[r.Alert] && !strings.Contains(d, "humanizeTimestamp") {
				t.Errorf("%s: the description has no date", r.Alert)
			}
		}
	}
}

// An alert on an instance has the labels of the recorded information, custom ones included, so that users change one place.
func TestRulesAreExtendedInOnePlace(t *testing.T) {
	var text strings.Builder
	for _, path := range apptest.Glob(t, "deploy/prometheus/rules/*.rules.yml") {
		text.WriteString(regexp.MustCompile(`(?m)^\s*#.*$`).ReplaceAllString(apptest.Read(t, path), ""))
	}
	alerts, urls := 0, strings.Count(text.String(), "runbook_url: "+apptest.RunbookBase+"#")
	for _, r := range apptest.Rules(t) {
		if r.Alert != "" {
			alerts++
		}
		if strings.Contains(r.Expr, "instance_id") && r.Alert != "" && r.Alert != "TairSSLCredentialsRejected" {
			if !strings.HasPrefix(r.Expr, "tair_ssl:instance_info:latest") {
				t.Errorf("%s: the expression must begin with tair_ssl:instance_info:latest, to keep its labels", r.Alert)
			}
		}
	}
	if n := strings.Count(text.String(), apptest.RunbookBase); n != alerts || urls != alerts {
		t.Errorf("%s is in %d places, in %d as runbook_url; want %d", apptest.RunbookBase, n, urls, alerts)
	}
	for _, literal := range []string{apptest.InfoLabels, apptest.JobMatcher} {
		if n := strings.Count(text.String(), literal); n != 1 {
			t.Errorf("%q is in %d places, want 1", literal, n)
		}
	}
	for where, content := range map[string]string{"the README": apptest.Read(t, "README.md"), "the Makefile": apptest.Read(t, "Makefile")} {
		for _, command := range []string{"s|" + apptest.RunbookBase + "|", "s/" + apptest.InfoLabels + "/&, team"} {
			if !strings.Contains(content, command) {
				t.Errorf("%s has no %q", where, command)
			}
		}
	}
}

// `make rules` runs the unit tests. This one finds alerts without any.
func TestEveryAlertHasUnitTests(t *testing.T) {
	fires, quiet := make(map[string]bool), make(map[string]bool)
	for _, path := range apptest.Glob(t, "deploy/prometheus/rules/tests/*.yml") {
		var f struct {
			Tests []struct {
				AlertRuleTest []struct {
					Alertname string
					ExpAlerts []any `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}
		apptest.DecodeFile(t, path, false, &f)
		for _, test := range f.Tests {
			for _, c := range test.AlertRuleTest {
				if len(c.ExpAlerts) > 0 {
					fires[c.Alertname] = true
				} else {
					quiet[c.Alertname] = true
				}
			}
		}
	}
	for what, tested := range map[string]map[string]bool{"fires": fires, "does not fire": quiet} {
		if got, want := slices.Sorted(maps.Keys(tested)), apptest.AlertNames(t); !slices.Equal(got, want) {
			t.Errorf("tested that it %s:\n%q\nalerts:\n%q", what, got, want)
		}
	}
}
