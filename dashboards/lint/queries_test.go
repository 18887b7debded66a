package lint

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// queriesParse finds queries that are not PromQL once the variables are filled in. An unknown variable is not filled
// in.
func queriesParse(b board) problems { return b.inferred("queriesParse") }

// namesExist finds metrics and labels that neither the exporter nor Prometheus has.
func namesExist(b board) problems { return b.inferred("namesExist") }

// joinsMatchOne finds joins that fail with "many-to-many matching" when an exporter has a twin or an instance is
// renamed.
func joinsMatchOne(b board) problems { return b.inferred("joinsMatchOne") }

func (b board) inferred(check string) (found problems) {
	for _, q := range b.queries {
		for _, problem := range q.found[check] {
			found.add("%s: %s", q.ID, problem)
		}
	}
	return found
}

// selector is a selector in a query.
type selector struct {
	*parser.VectorSelector
	query  string        // the ID
	around []parser.Node // the expressions around it, the innermost last
}

func selectors(query string, e parser.Expr) []selector {
	var found []selector
	parser.Inspect(e, func(node parser.Node, path []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			found = append(found, selector{s, query, slices.Clone(path)})
		}
		return nil
	})
	return found
}

// isOfInstance reports whether the metric describes instances. Others describe exporters or targets.
func (s selector) isOfInstance() bool {
	return strings.HasPrefix(s.Name, "tair_ssl_") && !strings.HasPrefix(s.Name, "tair_ssl_exporter_")
}

// isOneInstance reports whether the selector picks the instance of the board.
func (s selector) isOneInstance() bool {
	return slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.String() == `instance_id="instance-x"` })
}

// isFilter reports whether "and" or "unless" only looks whether the series exist: their values do not count.
func (s selector) isFilter() bool {
	inner := parser.Node(s.VectorSelector)
	for _, node := range slices.Backward(s.around) {
		if e, ok := node.(*parser.BinaryExpr); ok && filters(e) && e.RHS == inner {
			return true
		}
		inner = node
	}
	return false
}

// looksBack reports whether the selector, or what replaces it where it has no series, has a range of hours.
func (s selector) looksBack() bool {
	return slices.ContainsFunc(s.around, func(node parser.Node) bool { return strings.Contains(node.String(), s.String()+"[6h]") })
}

func filters(e *parser.BinaryExpr) bool { return e.Op == parser.LAND || e.Op == parser.LUNLESS }

// isOfListed reports whether an expression on the same instances, with the info metric in it, leaves those of the
// variables.
func (s selector) isOfListed() bool {
	return slices.ContainsFunc(s.around, func(node parser.Node) bool {
		e, ok := node.(*parser.BinaryExpr)
		return ok && e.Op != parser.LOR && e.VectorMatching != nil && slices.Equal(e.VectorMatching.MatchingLabels, []string{"instance_id"}) &&
			strings.Contains(e.String(), "tair_ssl_instance_info")
	})
}

// joins returns the right sides of "and" and "*" on these labels around the selector.
func (s selector) joins(on ...string) []string {
	var right []string
	for _, node := range s.around {
		e, ok := node.(*parser.BinaryExpr)
		if ok && (e.Op == parser.LAND || e.Op == parser.MUL) && e.VectorMatching != nil &&
			e.VectorMatching.On && slices.Equal(e.VectorMatching.MatchingLabels, on) {
			right = append(right, e.RHS.String())
		}
	}
	return right
}
