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
		want := map[bool]string{true: "5m", false: "1m"}[g.Name == "tair_ssl_past"]
		if g.Interval != want || len(g.Rules) > 20 {
			t.Errorf("group %s: interval %q, %d rules; want %s, at most 20", g.Name, g.Interval, len(g.Rules), want)
		}
		for n, r := range g.Rules[1:] {
			if r.Record != "" && g.Rules[n].Alert != "" {
				t.Errorf("%s comes after an alert: recording rules come first", r.Record)
			}
		}
	}
}

func TestRuleConventions(t *testing.T) {
	for _, r := range apptest.Rules(t) {
		apptest.CheckMetricNames(t, r.Record+r.Alert, r.Expr)
		if r.Alert == "" {
			if !regexp.MustCompile(`^tair_ssl:[a-z_]+:[a-z0-9]+$`).MatchString(r.Record) || r.For != "" {
				t.Errorf("record %q", r.Record)
			}
			continue
		}
		for _, text := range r.Annotations {
			apptest.CheckMetricNames(t, r.Alert, strings.ReplaceAll(text, apptest.RunbookBase, ""))
		}
		if !regexp.MustCompile(`^TairSSL([A-Z][a-z]+)+$`).MatchString(r.Alert) {
			t.Errorf("name %q", r.Alert)
		}
		if len(r.Labels) != 1 || !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) {
			t.Errorf("%s: labels %v, want a severity alone", r.Alert, r.Labels)
		}
		ofInstance := strings.Contains(r.Expr, "tair_ssl:") && !strings.HasPrefix(r.Expr, "group by (account)")
		names := []string{"description", "runbook_url", "summary"}
		if ofInstance {
			names = []string{"console_url", "description", "runbook_url", "summary"}
			where := "Account {{ $labels.account }}, {{ $labels.region }}. "
			if !strings.HasPrefix(r.Annotations["description"], where) || !strings.Contains(r.Annotations["summary"], "{{ $labels.instance_id }}{{ with $labels.name }} ({{ . }}){{ end }}") {
				t.Errorf("%s does not name its instance, account and region", r.Alert)
			}
			if r.Annotations["console_url"] != "https://kvstore.console.aliyun.com/Redis/instance/{{ $labels.region }}/{{ $labels.instance_id }}" {
				t.Errorf("%s: console_url %q", r.Alert, r.Annotations["console_url"])
			}
		}
		if got := slices.Sorted(maps.Keys(r.Annotations)); !slices.Equal(got, names) {
			t.Errorf("%s: annotations %q, want %q", r.Alert, got, names)
		}
		for _, name := range []string{"summary", "description"} {
			if text := r.Annotations[name]; !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %s %q is no sentence", r.Alert, name, text)
			}
		}
		if url := apptest.RunbookBase + "#" + strings.ToLower(r.Alert); r.Annotations["runbook_url"] != url {
			t.Errorf("%s: runbook_url %q, want %q", r.Alert, r.Annotations["runbook_url"], url)
		}
	}
}

// Together the files stay short enough to be checked by whoever is paged, and one text is made to be edited.
func TestRulesAreReadInFiveMinutes(t *testing.T) {
	text := ""
	for _, path := range apptest.Glob(t, "deploy/prometheus/rules/*.rules.yml") {
		text += apptest.Read(t, path)
	}
	if n := strings.Count(text, "\n"); n >= 300 {
		t.Errorf("%d lines, want under 300", n)
	}
	records, alerts := 0, 0
	for _, r := range apptest.Rules(t) {
		if r.Alert != "" {
			alerts++
			continue
		}
		records++
		if strings.Contains(r.Expr, r.Record) {
			t.Errorf("%s reads itself", r.Record)
		}
	}
	if records > 4 {
		t.Errorf("%d recording rules, want at most 4", records)
	}
	if n := strings.Count(text, "runbook_url: "+apptest.RunbookBase+"#"); n != alerts {
		t.Errorf("%d runbook_url, want %d", n, alerts)
	}
	if found := regexp.MustCompile(`\[\w+:\w*\]|\bquery\b`).FindString(text); found != "" {
		t.Errorf("%q: neither sub-queries nor queries in annotations, which a large fleet makes slow", found)
	}
	apptest.Contains(t, apptest.Read(t, "docs/monitoring.md"), "s|"+apptest.RunbookBase+"|")
}

// That the alerts do what the tests say is for make rules; here, that the texts of each are among them.
func TestEveryAlertHasATestOfItsTexts(t *testing.T) {
	var f struct {
		Tests []struct {
			AlertRuleTest []struct {
				Alertname string
				ExpAlerts []any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	apptest.DecodeFile(t, "deploy/prometheus/rules/tests/texts.yml", false, &f)
	var tested []string
	for _, test := range f.Tests {
		for _, c := range test.AlertRuleTest {
			if len(c.ExpAlerts) > 0 {
				tested = append(tested, c.Alertname)
			}
		}
	}
	slices.Sort(tested)
	if want := apptest.AlertNames(t); !slices.Equal(tested, want) {
		t.Errorf("texts are tested of\n%q\nalerts:\n%q", tested, want)
	}
}
