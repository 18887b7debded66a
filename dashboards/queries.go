package dashboards

import (
	"fmt"
	"regexp"
)

// Query is a PromQL expression of a board, with Grafana's variables in it.
type Query struct {
	ID      string // board / panel / refId, or board / variable / name, or board / annotation / name
	Expr    string
	Legend  string // of the answers, with labels as {{label}}
	Instant bool   // an instant query, else a range query

	Panel  *Panel // nil for variables and annotations
	Target *Target
}

// Queries returns the queries of the variables, annotations and panels.
func (b Board) Queries() []Query {
	labelValues := regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)
	queryResult := regexp.MustCompile(`^query_result\((.+)\)$`)
	var queries []Query
	for _, v := range b.Templating.List {
		if object, ok := v.Query.(map[string]any); ok {
			expr := labelValues.ReplaceAllString(fmt.Sprint(object["query"]), "group by ($2) ($1)")
			expr = queryResult.ReplaceAllString(expr, "$1")
			queries = append(queries, Query{ID: b.UID + " / variable / " + v.Name, Expr: expr, Instant: true})
		}
	}
	for _, a := range b.Annotations.List {
		queries = append(queries, Query{ID: b.UID + " / annotation / " + a.Name, Expr: a.Expr, Legend: a.TextFormat})
	}
	for _, p := range b.AllPanels() {
		for _, t := range p.Targets {
			queries = append(queries, Query{
				ID:   b.UID + " / " + p.Title + " / " + t.RefID,
				Expr: t.Expr, Legend: t.LegendFormat, Instant: t.Instant, Panel: &p, Target: &t,
			})
		}
	}
	return queries
}

// Fill returns the expression with values for the variables. A variable without a value stays.
func (q Query) Fill(values map[string]string) string {
	variable := regexp.MustCompile(`\$(\w+)|\$\{(\w+)(?::\w+)?\}`) // $name, ${name} or ${name:format}
	return variable.ReplaceAllStringFunc(q.Expr, func(s string) string {
		name := variable.FindStringSubmatch(s)
		if value, ok := values[name[1]+name[2]]; ok {
			return value
		}
		return s
	})
}

// Values returns the values of the variables when "All" is selected, over a day. The instance is a choice of one.
func Values(instanceID string) map[string]string {
	return map[string]string{
		"job": ".+", "account": ".+", "region": ".+", "instance_id": instanceID, "group": "account",
		"__interval": "5m", "__rate_interval": "5m", "__range": "1d",
	}
}

// DemoInstances returns the IDs of two instances of the demo: the first can be read, the second cannot. With one or the
// other every query has an answer, except those that MayBeEmpty.
func DemoInstances() []string { return []string{"r-bp1demo8c5vnr1le", "r-bp1demo9z1qme7ct"} }

// MayBeEmpty reports whether the query may have no answer on the demo, where no refresh fails and nothing is renewed. A
// panel of one certificate has a query for each band, and one of them has an answer.
func (q Query) MayBeEmpty() bool {
	return regexp.MustCompile(`^tair-ssl-(\w+ / annotation / Renewals|exporter / Discovery sources / C|instance / Expires / B|` +
		`overview / Soonest expiry / [B-E]|overview / Next to expire / [C-E]|instance / Days left / [ABDE])$`).MatchString(q.ID)
}
