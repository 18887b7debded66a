package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"tair_ssl_exporter/dashboards"
)

// eachQuery calls f with every query of a board that parses and puts the query's ID before what f finds.
func eachQuery(b dashboards.Board, f func(q dashboards.Query, e parser.Expr) []string) []string {
	var problems []string
	for _, q := range b.Queries() {
		e, err := promql.ParseExpr(q.Fill(values()))
		if err != nil {
			continue // queriesParse tells
		}
		for _, p := range f(q, e) {
			problems = append(problems, q.ID+": "+p)
		}
	}
	return problems
}

// queriesParse wants PromQL once the variables are filled in, and no variable but those of the board and Grafana's.
func queriesParse(b dashboards.Board, _ schema) []string {
	var problems []string
	for _, q := range b.Queries() {
		if _, err := promql.ParseExpr(q.Fill(values())); err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v in %s", q.ID, err, q.Expr))
		}
	}
	return problems
}

// queriesNameWhatThereIs wants metrics and labels that the exporter or Prometheus has.
func queriesNameWhatThereIs(b dashboards.Board, known schema) []string {
	return eachQuery(b, func(_ dashboards.Query, e parser.Expr) []string {
		in := inference{known: known}
		in.labels(e)
		return in.problems
	})
}

// pairsCountOnce wants the series of a pair of exporters made one before anything else is done with them: values by
// max by (instance_id ...), what describes an instance by max, topk or count by (instance_id ...), the exporter's own by
// any aggregation. What "and" and "unless" only look for need not be made one.
func pairsCountOnce(b dashboards.Board, _ schema) []string {
	return eachQuery(b, func(_ dashboards.Query, e parser.Expr) []string {
		var problems []string
		for _, s := range selectors(e) {
			if !s.lookedFor() && !s.madeOne() {
				problems = append(problems, s.Name+" is doubled by a pair of exporters")
			}
		}
		return problems
	})
}

// joinsMatchOne wants at most one series on the side that may have one only, whatever is scraped: anything else is the
// error "many-to-many matching" when an exporter has a twin or an instance is renamed.
func joinsMatchOne(b dashboards.Board, _ schema) []string {
	return eachQuery(b, func(_ dashboards.Query, e parser.Expr) []string {
		var problems []string
		parser.Inspect(e, func(node parser.Node, _ []parser.Node) error {
			join, ok := node.(*parser.BinaryExpr)
			if !ok || join.VectorMatching == nil || join.VectorMatching.Card == parser.CardManyToMany {
				return nil
			}
			m := join.VectorMatching
			on := newSet(m.MatchingLabels...)
			left, leftKnown := key(join.LHS)
			right, rightKnown := key(join.RHS)
			leftOne, rightOne := leftKnown && left.within(on), rightKnown && right.within(on)
			if !m.On { // everything has to match
				leftOne = leftKnown && rightKnown && len(left) == len(right) && left.within(right)
				rightOne = leftOne
			}
			switch {
			case m.Card != parser.CardOneToMany && !rightOne:
				problems = append(problems, fmt.Sprintf("several series may match on the right of %s", join))
			case m.Card != parser.CardManyToOne && !leftOne:
				problems = append(problems, fmt.Sprintf("several series may match on the left of %s", join))
			}
			return nil
		})
		return problems
	})
}

// selector is a selector in a query, with the expressions around it, the innermost last.
type selector struct {
	*parser.VectorSelector
	around []parser.Node
}

func selectors(e parser.Expr) []selector {
	var found []selector
	parser.Inspect(e, func(node parser.Node, path []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			found = append(found, selector{s, slices.Clone(path)})
		}
		return nil
	})
	return found
}

// lookedFor tells whether "and" or "unless" only looks for the selector, or for what is made of it.
func (s selector) lookedFor() bool {
	inner := parser.Node(s.VectorSelector)
	for _, node := range slices.Backward(s.around) {
		e, ok := node.(*parser.BinaryExpr)
		if ok && (e.Op == parser.LAND || e.Op == parser.LUNLESS) && e.RHS == inner {
			return true
		}
		inner = node
	}
	return false
}

// ofInstance tells whether a metric is of instances, not of exporters or of what is scraped.
func ofInstance(metric string) bool {
	return strings.HasPrefix(metric, "tair_ssl_") && !strings.HasPrefix(metric, "tair_ssl_exporter_")
}

func (s selector) madeOne() bool {
	for _, node := range slices.Backward(s.around) {
		switch node := node.(type) {
		case *parser.AggregateExpr:
			byInstance := !node.Without && (slices.Contains(node.Grouping, "instance_id") || s.chosen())
			switch {
			case !ofInstance(s.Name):
				return true
			case strings.HasSuffix(s.Name, "_info"):
				return byInstance && slices.Contains([]parser.ItemType{parser.MAX, parser.TOPK, parser.COUNT, parser.GROUP}, node.Op) ||
					node.Op == parser.GROUP
			}
			return byInstance && node.Op == parser.MAX
		case *parser.BinaryExpr:
			if ofInstance(s.Name) && node.Op != parser.LAND && node.Op != parser.LUNLESS {
				return false
			}
		}
	}
	return false
}
