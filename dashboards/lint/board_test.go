package lint

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"tair_ssl_exporter/dashboards"
	"tair_ssl_exporter/internal/apptest"
)

// world is what the boards are compared with.
type world struct {
	known  map[string]set // the labels of each metric in Prometheus
	rules  string         // the text of the alerting rules
	alerts []string
}

// board is a dashboard with its queries parsed.
type board struct {
	dashboards.Board
	world
	panels  []*panel // without rows
	queries []*query // of variables, annotations and panels

	selectors []selector // of all queries
}

// panel is a panel with its queries parsed.
type panel struct {
	dashboards.Panel
	queries []*query
	fields  set // what the queries return: labels and values, named as in a table
	hidden  set // fields that a table does not display
}

// query is a parsed query.
type query struct {
	dashboards.Query
	panel     *panel // nil for variables and annotations
	expr      parser.Expr
	selectors []selector
	labels    set                 // of the answer
	value     string              // the field with the values of the answer
	settings  dashboards.Settings // of the values
	found     map[string][]string // problems by check
}

// values replace the variables. No author writes them by hand, so a constant or another variable in their place shows.
func values() map[string]string {
	return map[string]string{
		"job": "job-x", "account": "account-x", "region": "region-x", "instance_id": "instance-x",
		"group": "account", "__interval": "4m3s", "__rate_interval": "4m7s", "__range": "26h3m1s",
	}
}

// newSchema returns the labels of the metrics of the demo, of those that the demo does not have, and of those that
// Prometheus adds.
func newSchema(t *testing.T) map[string]set {
	t.Helper()
	demo, metrics := apptest.Start(t, "--demo"), ""
	for !strings.Contains(metrics, "tair_ssl_renewal_deadline") { // no scrape waits for the renewals
		_, metrics = demo.Get(t, "/metrics")
	}
	metrics += `tair_ssl_exporter_discovery_error_info{account="a",region="b",reason="c",code="d"} 1
tair_ssl_exporter_build_info{version="a",revision="b"} 1` + "\nup 1\nscrape_duration_seconds 1\n"
	known := make(map[string]set)
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		series, err := promql().ParseMetric(line[:strings.LastIndexByte(line, ' ')])
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		names := newSet("job", "instance")
		series.Range(func(l labels.Label) { names[l.Name] = true })
		known[series.Get("__name__")] = names.union(known[series.Get("__name__")])
	}
	known["ALERTS"] = newSet("__name__", "alertname", "alertstate", "severity", "instance_id", "account", "region", "name")
	return known
}

func newBoard(t *testing.T, b dashboards.Board, w world) board {
	parsed, panels := board{Board: b, world: w}, make(map[string]*panel)
	for _, p := range b.AllPanels() {
		one := &panel{Panel: p, fields: newSet("Time"), hidden: newSet()}
		for _, t := range p.Transformations {
			maps.Copy(one.hidden, t.Options.ExcludeByName)
		}
		panels[p.Title] = one
		parsed.panels = append(parsed.panels, one)
	}
	for _, q := range b.Queries() {
		one := newQuery(t, q, w.known)
		parsed.queries = append(parsed.queries, one)
		parsed.selectors = append(parsed.selectors, one.selectors...)
		if q.Panel != nil {
			one.panel = panels[q.Panel.Title]
			one.panel.queries = append(one.panel.queries, one)
			one.panel.fields = one.panel.fields.union(one.labels.with(one.value))
		}
	}
	return parsed
}

func newQuery(t *testing.T, q dashboards.Query, known map[string]set) *query {
	in := inference{known: known, found: make(map[string][]string)}
	parsed := &query{Query: q, value: "Value", found: in.found}
	if q.Panel != nil {
		if len(q.Panel.Targets) > 1 {
			parsed.value += " #" + q.Target.RefID
		}
		parsed.settings = q.Panel.Settings(parsed.matches)
	}
	expr, err := promql().ParseExpr(q.Fill(values()))
	if err != nil {
		t.Fatalf("%s: %v", q.ID, err)
	}
	parsed.expr, parsed.labels = expr, in.series(expr).labels
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			parsed.selectors = append(parsed.selectors, selector{s, parsed, slices.Clone(path)})
		}
		return nil
	})
	return parsed
}

func promql() parser.Parser { return parser.NewParser(parser.Options{}) }

// matches reports whether an override is for the values of the query.
func (q *query) matches(o dashboards.Override) bool {
	byName := o.Matcher.Options == q.value || o.Matcher.Options == q.Legend
	return o.Matcher.ID == "byName" && byName || o.Matcher.ID == "byFrameRefID" && o.Matcher.Options == q.Target.RefID
}

// isDisplayed reports whether a panel displays the values of the query.
func (q *query) isDisplayed() bool { return q.panel != nil && !q.panel.hidden[q.value] }

func (p *panel) String() string { return p.Title }
func (q *query) String() string { return q.ID }

// column returns the settings of the fields that an override matches.
func (p *panel) column(o dashboards.Override) dashboards.Settings {
	return p.Settings(func(other dashboards.Override) bool { return other.Matcher == o.Matcher })
}
