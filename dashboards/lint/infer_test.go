package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

var promql = parser.NewParser(parser.Options{})

// set is a set of label names.
type set map[string]bool

func newSet(names ...string) set {
	s := make(set)
	s.add(names...)
	return s
}

func (s set) add(names ...string) {
	for _, name := range names {
		s[name] = true
	}
}

func (s set) within(other set) bool {
	for name := range s {
		if !other[name] {
			return false
		}
	}
	return true
}

func union(a, b set) set {
	all := maps.Clone(a)
	if all == nil {
		all = make(set)
	}
	maps.Copy(all, b)
	return all
}

func (s set) String() string { return strings.Join(slices.Sorted(maps.Keys(s)), ", ") }

// inference finds out which labels the answer of a query has, and notes what cannot be right on the way.
type inference struct {
	known    schema
	problems []string
}

func (in *inference) problem(format string, args ...any) {
	in.problems = append(in.problems, fmt.Sprintf(format, args...))
}

// labels gives the labels of an expression's answer.
func (in *inference) labels(e parser.Expr) set {
	switch e := e.(type) {
	case *parser.VectorSelector:
		return in.selector(e)
	case *parser.MatrixSelector:
		return in.labels(e.VectorSelector)
	case *parser.SubqueryExpr:
		return in.labels(e.Expr)
	case *parser.ParenExpr:
		return in.labels(e.Expr)
	case *parser.UnaryExpr:
		return in.labels(e.Expr)
	case *parser.StepInvariantExpr:
		return in.labels(e.Expr)
	case *parser.AggregateExpr:
		return in.aggregation(e)
	case *parser.BinaryExpr:
		return in.binary(e)
	case *parser.Call:
		all := make(set)
		for _, arg := range e.Args {
			all = union(all, in.labels(arg))
		}
		switch e.Func.Name {
		case "label_replace", "label_join":
			all.add(stringOf(e.Args[1]))
		case "histogram_quantile":
			delete(all, "le")
		}
		return all
	}
	return make(set)
}

func (in *inference) selector(e *parser.VectorSelector) set {
	has, ok := in.known[e.Name]
	if !ok {
		in.problem("there is no metric %q", e.Name)
		return make(set)
	}
	for _, m := range e.LabelMatchers {
		if m.Name != metricName && !has[m.Name] {
			in.problem("%s has no label %q to match", e.Name, m.Name)
		}
	}
	return has
}

func (in *inference) aggregation(e *parser.AggregateExpr) set {
	inner := in.labels(e.Expr)
	for _, name := range e.Grouping {
		if !inner[name] {
			in.problem("no label %q to aggregate by in %s", name, e.Expr)
		}
	}
	out := newSet(e.Grouping...)
	if e.Without {
		out = maps.Clone(inner)
		for _, name := range e.Grouping {
			delete(out, name)
		}
	}
	switch e.Op {
	case parser.TOPK, parser.BOTTOMK:
		return inner
	case parser.COUNT_VALUES:
		out.add(stringOf(e.Param))
	}
	return out
}

func (in *inference) binary(e *parser.BinaryExpr) set {
	left, right := in.labels(e.LHS), in.labels(e.RHS)
	m := e.VectorMatching
	switch {
	case e.LHS.Type() == parser.ValueTypeScalar:
		return right
	case e.RHS.Type() == parser.ValueTypeScalar:
		return left
	}
	if m.On {
		for _, name := range m.MatchingLabels {
			if !left[name] || !right[name] {
				in.problem("label %q is not on both sides of %s", name, e.Op)
			}
		}
	}
	one := right
	if m.Card == parser.CardOneToMany {
		one = left
	}
	for _, name := range m.Include {
		if !one[name] {
			in.problem("no label %q to take over in %s", name, e)
		}
	}
	switch {
	case e.Op == parser.LAND || e.Op == parser.LUNLESS:
		return left
	case e.Op == parser.LOR:
		return union(left, right)
	case m.Card == parser.CardManyToOne:
		return union(left, newSet(m.Include...))
	case m.Card == parser.CardOneToMany:
		return union(right, newSet(m.Include...))
	case m.On:
		return newSet(m.MatchingLabels...)
	}
	return left
}

func stringOf(e parser.Expr) string {
	if s, ok := e.(*parser.StringLiteral); ok {
		return s.Val
	}
	return ""
}

// key gives labels of which no two series of an answer have the same values, whatever is scraped: a pair of exporters,
// an instance that was renamed. It gives false where there are none.
func key(e parser.Expr) (set, bool) {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return key(e.Expr)
	case *parser.StepInvariantExpr:
		return key(e.Expr)
	case *parser.AggregateExpr:
		one, isNumber := e.Param.(*parser.NumberLiteral)
		picks := e.Op == parser.TOPK || e.Op == parser.BOTTOMK
		switch {
		case e.Without, picks && (!isNumber || one.Val != 1):
			return nil, false
		case e.Op == parser.COUNT_VALUES:
			return newSet(append([]string{stringOf(e.Param)}, e.Grouping...)...), true
		}
		return newSet(e.Grouping...), true
	case *parser.BinaryExpr:
		return binaryKey(e)
	case *parser.Call:
		if e.Func.Name == "vector" {
			return make(set), true
		}
		for _, arg := range e.Args {
			if arg.Type() == parser.ValueTypeVector {
				return key(arg)
			}
		}
	}
	return nil, false
}

func binaryKey(e *parser.BinaryExpr) (set, bool) {
	switch {
	case e.LHS.Type() == parser.ValueTypeScalar:
		return key(e.RHS)
	case e.RHS.Type() == parser.ValueTypeScalar, e.Op == parser.LAND, e.Op == parser.LUNLESS,
		e.VectorMatching.Card == parser.CardManyToOne:
		return key(e.LHS)
	case e.VectorMatching.Card == parser.CardOneToMany:
		return key(e.RHS)
	case e.VectorMatching.On && e.Op != parser.LOR:
		return newSet(e.VectorMatching.MatchingLabels...), true
	}
	left, ok := key(e.LHS)
	right, too := key(e.RHS)
	return left, ok && too && maps.Equal(left, right)
}
