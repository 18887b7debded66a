package lint

import (
	"fmt"
	"maps"

	"github.com/prometheus/prometheus/promql/parser"

	"tair_ssl_exporter/dashboards"
)

// board is a dashboard with its queries parsed.
type board struct {
	dashboards.Board
	known   schema
	rules   string  // the text of the alerting rules
	panels  []panel // without rows
	queries []query // of variables, annotations and panels

	selectors []selector // of all queries
	displayed []query    // of panels, if their values are displayed
}

// panel is a panel with its queries parsed.
type panel struct {
	dashboards.Panel
	queries []query
	fields  set // what the queries return: labels and values, named as in a table
	hidden  set // fields that a table does not display
}

// query is a parsed query.
type query struct {
	dashboards.Query
	expr      parser.Expr // nil if it does not parse
	selectors []selector
	labels    set                 // of the answer
	value     string              // the field with the values of the answer
	settings  dashboards.Settings // of the values
	found     map[string]problems // by check
}

// problems is what a check finds, one line each.
type problems []string

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

// values replace the variables. No author writes them by hand, so a constant or another variable in their place shows.
func values() map[string]string {
	return map[string]string{
		"job": "job-x", "account": "account-x", "region": "region-x", "instance_id": "instance-x",
		"group": "account", "__interval": "4m3s", "__rate_interval": "4m7s", "__range": "26h3m1s",
	}
}

func newBoard(b dashboards.Board, known schema, rules string) board {
	parsed := board{Board: b, known: known, rules: rules}
	for _, q := range b.Queries() {
		q := newQuery(q, known)
		parsed.queries = append(parsed.queries, q)
		parsed.selectors = append(parsed.selectors, q.selectors...)
	}
	for _, p := range b.AllPanels() {
		one := panel{Panel: p, fields: newSet("Time"), hidden: newSet()}
		for _, t := range p.Transformations {
			maps.Copy(one.hidden, t.Options.ExcludeByName)
		}
		for _, q := range parsed.queries {
			if q.Panel != nil && q.Panel.Title == p.Title {
				one.queries = append(one.queries, q)
				one.fields = one.fields.union(q.labels.with(q.value))
				if q.expr != nil && !one.hidden[q.value] {
					parsed.displayed = append(parsed.displayed, q)
				}
			}
		}
		parsed.panels = append(parsed.panels, one)
	}
	return parsed
}

func newQuery(q dashboards.Query, known schema) query {
	in := inference{known: known, found: make(map[string]problems)}
	parsed := query{Query: q, value: "Value", found: in.found}
	if q.Panel != nil {
		if len(q.Panel.Targets) > 1 {
			parsed.value += " #" + q.Target.RefID
		}
		parsed.settings = q.Panel.Settings(parsed.matches)
	}
	expr, err := promql().ParseExpr(q.Fill(values()))
	if err != nil {
		in.add("queriesParse", "%v in %s", err, q.Expr)
		return parsed
	}
	parsed.expr, parsed.selectors, parsed.labels = expr, selectors(q.ID, expr), in.series(expr).labels
	return parsed
}

func promql() parser.Parser { return parser.NewParser(parser.Options{}) }

// matches reports whether an override is for the values of the query.
func (q query) matches(o dashboards.Override) bool {
	byName := o.Matcher.Options == q.value || o.Matcher.Options == q.Legend
	return o.Matcher.ID == "byName" && byName || o.Matcher.ID == "byFrameRefID" && o.Matcher.Options == q.Target.RefID
}
