package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// set is a set of names.
type set map[string]bool

func newSet(names ...string) set { return set{}.with(names...) }

func (s set) with(names ...string) set {
	all := make(set)
	maps.Copy(all, s)
	for _, name := range names {
		all[name] = true
	}
	return all
}

func (s set) union(other set) set { return s.with(slices.Collect(maps.Keys(other))...) }

func (s set) within(other set) bool { return len(s.union(other)) == len(other) }

func (s set) String() string { return strings.Join(slices.Sorted(maps.Keys(s)), ", ") }

// series describes the series of an answer. No two have the same values of all labels of the key, whatever is scraped: a
// pair of exporters, a renamed instance.
type series struct{ labels, key set }

// inference finds the labels of an answer, and names and joins that are wrong.
type inference struct {
	known map[string]set
	found map[string][]string // by check
}

func (in inference) add(check, format string, args ...any) {
	in.found[check] = append(in.found[check], fmt.Sprintf(format, args...))
}

func (in inference) series(e parser.Expr) series {
	switch e := e.(type) {
	case *parser.VectorSelector:
		return in.selector(e)
	case *parser.AggregateExpr:
		return in.aggregation(e)
	case *parser.BinaryExpr:
		return in.join(e)
	case *parser.Call:
		if e.Func.Name == "label_replace" || e.Func.Name == "label_join" {
			inner, label := in.series(e.Args[0]), e.Args[1].(*parser.StringLiteral).Val
			return series{inner.labels.with(label), inner.key.with(label)}
		}
	}
	var out series
	for _, child := range parser.Children(e) { // one of them is a vector, at most
		if inner := in.series(child.(parser.Expr)); len(inner.labels) > 0 {
			out = inner
		}
	}
	return out
}

func (in inference) selector(e *parser.VectorSelector) series {
	labels, ok := in.known[e.Name]
	if !ok {
		in.add("namesExist", "the metric %q does not exist", e.Name)
	}
	for _, m := range e.LabelMatchers {
		if ok && !labels[m.Name] {
			in.add("namesExist", "%s has no label %q", e.Name, m.Name)
		}
	}
	return series{labels, labels}
}

func (in inference) aggregation(e *parser.AggregateExpr) series {
	inner, by := in.series(e.Expr), newSet(e.Grouping...)
	if !by.within(inner.labels) {
		in.add("namesExist", "not all labels %s are in %s", by, e.Expr)
	}
	switch {
	case e.Op == parser.TOPK && e.Param.String() == "1":
		return series{inner.labels, by}
	case e.Op == parser.TOPK || e.Op == parser.BOTTOMK || e.Without:
		return inner
	case e.Op == parser.COUNT_VALUES:
		by = by.with(e.Param.(*parser.StringLiteral).Val)
	}
	return series{by, by}
}

func (in inference) join(e *parser.BinaryExpr) series {
	left, right := in.series(e.LHS), in.series(e.RHS)
	if e.LHS.Type() == parser.ValueTypeScalar {
		return right
	} else if e.RHS.Type() == parser.ValueTypeScalar {
		return left
	}
	m, on := e.VectorMatching, newSet(e.VectorMatching.MatchingLabels...)
	if m.On && (!on.within(left.labels) || !on.within(right.labels)) {
		in.add("namesExist", "%s is not on both sides of %s", on, e.Op)
	}
	switch both := left.labels.union(right.labels); {
	case e.Op == parser.LAND || e.Op == parser.LUNLESS:
		return left
	case e.Op == parser.LOR:
		return series{both, both}
	case !m.On: // all labels match
		on = both
	}
	one, many := right, left
	if m.Card == parser.CardOneToMany {
		one, many = left, right
	}
	isUnique := one.key.within(on) && (m.Card != parser.CardOneToOne || many.key.within(on))
	if !isUnique || !m.On && !maps.Equal(left.labels, right.labels) {
		in.add("joinsMatchOne", "several series can match, or none, in %s", e)
	}
	if !newSet(m.Include...).within(one.labels) {
		in.add("namesExist", "not all labels %q can be copied in %s", m.Include, e)
	}
	if m.Card == parser.CardOneToOne {
		return series{on, on}
	}
	return series{many.labels.with(m.Include...), many.key}
}
