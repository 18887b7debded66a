package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

// What is replaced in the rules to adapt them: see the head of tair_ssl.rules.yml.
const (
	runbookBase = "https://runbooks.example.com/tair_ssl_exporter"
	infoLabels  = "account, region, name"
	jobMatcher  = `job="tair_ssl"`
)

type rule struct {
	Record, Alert, Expr, For string
	Labels, Annotations      map[string]string
}

type ruleGroup struct {
	Name, Interval string
	Rules          []rule
}

func ruleGroups(t *testing.T) []ruleGroup {
	t.Helper()
	var all []ruleGroup
	for _, path := range apptest.Glob(t, "deploy/prometheus/rules/*.rules.yml") {
		var f struct{ Groups []ruleGroup }
		apptest.DecodeFile(t, path, true, &f)
		all = append(all, f.Groups...)
	}
	return all
}

func rules(t *testing.T) []rule {
	t.Helper()
	var all []rule
	for _, g := range ruleGroups(t) {
		all = append(all, g.Rules...)
	}
	return all
}

// alertNames gives the name of every alert, sorted, each once.
func alertNames(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, r := range rules(t) {
		if r.Alert != "" {
			names = append(names, r.Alert)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// checkNames fails for each metric in a text that neither the README lists nor the rules record.
func checkNames(t *testing.T, where, text string) {
	t.Helper()
	known := make(map[string]bool)
	for _, m := range regexp.MustCompile("`(tair_ssl_[a-z_]+)`").FindAllStringSubmatch(readme(t), -1) {
		known[m[1]] = true
	}
	for _, r := range rules(t) {
		known[r.Record] = true
	}
	for _, name := range regexp.MustCompile(`\btair_ssl[_:][a-z0-9_:]*[a-z0-9]`).FindAllString(text, -1) {
		if !known[name] {
			t.Errorf("%s: there is no metric %s", where, name)
		}
	}
}

func TestRuleGroups(t *testing.T) {
	for _, g := range ruleGroups(t) {
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
	for _, r := range rules(t) {
		checkNames(t, r.Record+r.Alert, r.Expr)
		if r.Alert == "" {
			if !regexp.MustCompile(`^tair_ssl:[a-z_]+:[a-z0-9]+$`).MatchString(r.Record) || r.For != "" {
				t.Errorf("record %q", r.Record)
			}
			continue
		}
		for _, text := range r.Annotations {
			checkNames(t, r.Alert, strings.ReplaceAll(text, runbookBase, ""))
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
		if url := runbookBase + "#" + strings.ToLower(r.Alert); r.Annotations["runbook_url"] != url {
			t.Errorf("%s: runbook_url %q, want %q", r.Alert, r.Annotations["runbook_url"], url)
		}
		if strings.HasPrefix(r.Expr, "tair_ssl:instance_info:latest") {
			for _, label := range []string{"$labels.instance_id", "with $labels.name", "$labels.account", "$labels.region"} {
				if !strings.Contains(r.Annotations["description"], label) {
					t.Errorf("%s: the description does not tell %s", r.Alert, label)
				}
			}
			if d := r.Annotations["description"]; !dateless[r.Alert] && !strings.Contains(d, "humanizeTimestamp") {
				t.Errorf("%s: the description tells no date", r.Alert)
			}
		}
	}
}

// An alert on an instance has what the recorded information has, custom labels included: that is why one place is
// enough to extend.
func TestRulesAreExtendedInOnePlace(t *testing.T) {
	var text strings.Builder
	for _, path := range apptest.Glob(t, "deploy/prometheus/rules/*.rules.yml") {
		text.WriteString(regexp.MustCompile(`(?m)^\s*#.*$`).ReplaceAllString(apptest.Read(t, path), ""))
	}
	alerts, urls := 0, strings.Count(text.String(), "runbook_url: "+runbookBase+"#")
	for _, r := range rules(t) {
		if r.Alert != "" {
			alerts++
		}
		if strings.Contains(r.Expr, "instance_id") && r.Alert != "" && r.Alert != "TairSSLCredentialsRejected" {
			if !strings.HasPrefix(r.Expr, "tair_ssl:instance_info:latest") {
				t.Errorf("%s: the expression has to begin with the instance's information, whose labels it keeps", r.Alert)
			}
		}
	}
	if n := strings.Count(text.String(), runbookBase); n != alerts || urls != alerts {
		t.Errorf("%s stands in %d places, in %d as runbook_url; want %d", runbookBase, n, urls, alerts)
	}
	for _, literal := range []string{infoLabels, jobMatcher} {
		if n := strings.Count(text.String(), literal); n != 1 {
			t.Errorf("%q stands in %d places, want 1", literal, n)
		}
	}
	for where, content := range map[string]string{"the README": readme(t), "the Makefile": apptest.Read(t, "Makefile")} {
		for _, command := range []string{"s|" + runbookBase + "|", "s/" + infoLabels + "/&, team"} {
			if !strings.Contains(content, command) {
				t.Errorf("%s has no %q", where, command)
			}
		}
	}
}

// That the alerts do what the tests say is for make rules; here, that none is left out.
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
		if got, want := slices.Sorted(maps.Keys(tested)), alertNames(t); !slices.Equal(got, want) {
			t.Errorf("tested that it %s:\n%q\nalerts:\n%q", what, got, want)
		}
	}
}

func TestRunbooksAreThoseOfTheAlerts(t *testing.T) {
	text := apptest.Read(t, "docs/runbooks.md")
	anchors := make(map[string]bool)
	var names []string
	for _, section := range strings.Split(text, "\n## ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		anchors[strings.ReplaceAll(strings.ToLower(title), " ", "-")] = true
		if !strings.HasPrefix(title, "TairSSL") {
			continue
		}
		names = append(names, title)
		for _, part := range []string{"Meaning", "Impact", "Confirm", "Do", "Silence"} {
			if strings.Count(body, "**"+part+".** ") != 1 && strings.Count(body, "**"+part+".**\n") != 1 {
				t.Errorf("%s: want one **%s.**", title, part)
			}
		}
	}
	slices.Sort(names)
	if want := alertNames(t); !slices.Equal(names, want) {
		t.Errorf("sections:\n%q\nalerts:\n%q", names, want)
	}
	for _, m := range regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(text, -1) {
		if !anchors[m[1]] {
			t.Errorf("a link to #%s, which is not there", m[1])
		}
	}
	checkNames(t, "docs/runbooks.md", strings.NewReplacer("tair_ssl_exporter --", "", "tair_ssl_blackbox.rules.yml", "").Replace(text))
}

func TestAlertmanagerExample(t *testing.T) {
	type route struct {
		Receiver string
		GroupBy  []string `yaml:"group_by"`
		Matchers []string
		Routes   []route
	}
	var f struct {
		Route        route
		InhibitRules []struct {
			SourceMatchers []string `yaml:"source_matchers"`
			TargetMatchers []string `yaml:"target_matchers"`
			Equal          []string
		} `yaml:"inhibit_rules"`
		Receivers []struct {
			Name     string
			Webhooks []struct {
				SendResolved *bool `yaml:"send_resolved"`
			} `yaml:"webhook_configs"`
		}
	}
	apptest.DecodeFile(t, "deploy/alertmanager/alertmanager.yml", false, &f)

	if !slices.Equal(f.Route.GroupBy, []string{"account", "region"}) {
		t.Errorf("group_by %q", f.Route.GroupBy)
	}
	routed := make(map[string]string)
	for _, r := range f.Route.Routes {
		for _, m := range r.Matchers {
			routed[m] = r.Receiver
		}
	}
	want := map[string]string{"severity = critical": "critical", "severity = warning": "warnings", "severity = info": "info"}
	if !maps.Equal(routed, want) {
		t.Errorf("routes %v, want %v", routed, want)
	}
	for _, r := range f.Receivers {
		for _, hook := range r.Webhooks {
			if hook.SendResolved == nil || *hook.SendResolved != (r.Name == "critical") {
				t.Errorf("receiver %s: send_resolved", r.Name)
			}
		}
	}

	if len(f.InhibitRules) != 1 || len(f.InhibitRules[0].TargetMatchers) != 1 || len(f.InhibitRules[0].Equal) != 0 ||
		!slices.Equal(f.InhibitRules[0].SourceMatchers, []string{"alertname = TairSSLExporterDown"}) {
		t.Fatalf("inhibit_rules %+v", f.InhibitRules)
	}
	pattern, ok := strings.CutPrefix(f.InhibitRules[0].TargetMatchers[0], "alertname =~ ")
	if !ok {
		t.Fatalf("target %q", f.InhibitRules[0].TargetMatchers)
	}
	var muted []string
	for _, name := range alertNames(t) {
		if regexp.MustCompile("^(?:" + pattern + ")$").MatchString(name) {
			muted = append(muted, name)
		}
	}
	if !slices.Equal(muted, []string{"TairSSLDataStale", "TairSSLNeverKnown", "TairSSLScrapeFailing"}) {
		t.Errorf("TairSSLExporterDown mutes %q", muted)
	}
}
