package apptest

import (
	"regexp"
	"slices"
	"testing"
)

// RunbookBase is the text that users replace in the rules, see the head of tair_ssl.rules.yml.
const RunbookBase = "https://runbooks.example.com/tair_ssl_exporter"

// Rule is a rule of Prometheus; For, Labels and Annotations are those of an alert.
type Rule struct {
	Record, Alert, Expr, For string
	Labels, Annotations      map[string]string
}

// RuleGroup is a group of rules of Prometheus.
type RuleGroup struct {
	Name, Interval string
	Rules          []Rule
}

// RuleGroups returns the groups of every shipped file of rules.
func RuleGroups(t *testing.T) []RuleGroup {
	t.Helper()
	var all []RuleGroup
	for _, path := range Glob(t, "deploy/prometheus/rules/*.rules.yml") {
		var f struct{ Groups []RuleGroup }
		DecodeFile(t, path, true, &f)
		all = append(all, f.Groups...)
	}
	return all
}

// Rules returns every shipped rule.
func Rules(t *testing.T) []Rule {
	t.Helper()
	var all []Rule
	for _, g := range RuleGroups(t) {
		all = append(all, g.Rules...)
	}
	return all
}

// AlertNames returns the name of every shipped alert, sorted, each once.
func AlertNames(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, r := range Rules(t) {
		if r.Alert != "" {
			names = append(names, r.Alert)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// CheckMetricNames fails for each metric in a text that neither docs/metrics.md lists nor a rule records.
func CheckMetricNames(t *testing.T, where, text string) {
	t.Helper()
	known := Matches(t, "docs/metrics.md", "`(tair_ssl_[a-z_]+)`")
	known = append(known, "tair_ssl_exporter") // the program
	for _, r := range Rules(t) {
		known = append(known, r.Record)
	}
	for _, name := range regexp.MustCompile(`\btair_ssl[_:][a-z0-9_:]*[a-z0-9]`).FindAllString(text, -1) {
		if !slices.Contains(known, name) {
			t.Errorf("%s: there is no metric %s", where, name)
		}
	}
}
