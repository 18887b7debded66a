package dashboards

import (
	"maps"
	"regexp"
	"slices"
)

// Query is one PromQL expression of a board, with Grafana's variables in it.
type Query struct {
	ID      string // board / place / reference: unique, and what MayBeEmpty goes by
	Expr    string
	Instant bool // else it is for a range
}

// Values is what Grafana puts in for its variables when All is selected and a board is looked at over a day. An
// instance is chosen by the caller.
func Values(instanceID string) map[string]string {
	return map[string]string{
		"job": ".+", "account": ".+", "region": ".+", "instance_id": instanceID,
		"__interval": "5m", "__rate_interval": "5m", "__range": "1d",
	}
}

var reference = regexp.MustCompile(`\$(\w+)|\$\{(\w+)(?:\.[^:}]+)?(?::\w+)?\}`)

// Fill puts values in for the variables. What has none stays.
func (q Query) Fill(values map[string]string) string {
	return reference.ReplaceAllStringFunc(q.Expr, func(s string) string {
		found := reference.FindStringSubmatch(s)
		if value, ok := values[found[1]+found[2]]; ok {
			return value
		}
		return s
	})
}

// Variables gives the names of the variables that a text refers to.
func Variables(text string) []string {
	names := make(map[string]bool)
	for _, found := range reference.FindAllStringSubmatch(text, -1) {
		names[found[1]+found[2]] = true
	}
	return slices.Sorted(maps.Keys(names))
}

var labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

// Queries gives the queries of the panels, variables and annotations.
func (b Board) Queries() []Query {
	var queries []Query
	for _, v := range b.Templating.List {
		if v.Type == "query" {
			expr := labelValues.ReplaceAllString(v.Definition, "group by ($2) ($1)")
			queries = append(queries, Query{ID: b.UID + " / variable / " + v.Name, Expr: expr, Instant: true})
		}
	}
	for _, a := range b.Annotations.List {
		queries = append(queries, Query{ID: b.UID + " / annotation / " + a.Name, Expr: a.Expr})
	}
	for _, p := range b.AllPanels() {
		for _, t := range p.Targets {
			queries = append(queries, Query{ID: b.UID + " / " + p.Title + " / " + t.RefID, Expr: t.Expr, Instant: t.Instant})
		}
	}
	return queries
}

// DemoInstances are two instances of the demo, one that is read well and one that is not: with one or the other as
// instance_id every query has an answer, except those that MayBeEmpty.
func DemoInstances() []string { return []string{"r-bp1demo8c5vnr1le", "r-bp1demo9z1qme7ct"} }

// MayBeEmpty tells whether a query may rightly have no answer on the demo.
func (q Query) MayBeEmpty() bool { return emptyInDemo[q.ID] != "" }

// EmptyInDemo gives the IDs of the queries that may have no answer on the demo.
func EmptyInDemo() []string { return slices.Sorted(maps.Keys(emptyInDemo)) }

// emptyInDemo is the queries that may have no answer on the demo, and why.
var emptyInDemo = map[string]string{
	"tair-ssl-exporter / Discovery sources / C": "no refresh failed",
	"tair-ssl-instance / annotation / Renewals": "nothing is renewed in the demo",
	"tair-ssl-overview / annotation / Renewals": "nothing is renewed in the demo",
}
