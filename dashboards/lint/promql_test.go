package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"tair_ssl_exporter/dashboards"
)

// rateInterval is put in for $__rate_interval: nobody would write it by hand.
const rateInterval = 4*time.Minute + 7*time.Second

// values is what is put in for the variables.
func values() map[string]string {
	v := dashboards.Values("r-bp1zxszhcgatnx")
	v["__rate_interval"] = "4m7s"
	return v
}

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

// queriesKeepToTheVariables wants every metric narrowed by those of job, account and region that it has, or by the
// instance that is chosen.
func queriesKeepToTheVariables(b dashboards.Board, known schema) []string {
	return eachQuery(b, func(q dashboards.Query, e parser.Expr) []string {
		var problems []string
		for _, s := range selectors(e) {
			if s.chosen() || strings.Contains(q.ID, " / variable / ") {
				continue // a variable is narrowed by those before it
			}
			for _, name := range []string{"job", "account", "region"} {
				if known[s.Name][name] && !s.matches(name) {
					problems = append(problems, fmt.Sprintf("%s is not narrowed by $%s", s.Name, name))
				}
			}
		}
		return problems
	})
}

// ratesUseTheRateInterval wants $__rate_interval wherever a counter is looked at.
func ratesUseTheRateInterval(b dashboards.Board, _ schema) []string {
	return eachQuery(b, func(_ dashboards.Query, e parser.Expr) []string {
		var problems []string
		parser.Inspect(e, func(node parser.Node, _ []parser.Node) error {
			call, ok := node.(*parser.Call)
			if !ok || !slices.Contains([]string{"rate", "irate", "increase"}, call.Func.Name) {
				return nil
			}
			if m, ok := call.Args[0].(*parser.MatrixSelector); !ok || m.Range != rateInterval {
				problems = append(problems, call.Func.Name+"() without $__rate_interval")
			}
			return nil
		})
		return problems
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

func (s selector) matches(label string) bool {
	return slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == label })
}

// chosen tells whether the selector picks the instance of the board.
func (s selector) chosen() bool {
	return slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
		return m.Name == "instance_id" && m.Type == labels.MatchEqual
	})
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

func (s selector) madeOne() bool {
	ofInstance := strings.HasPrefix(s.Name, "tair_ssl_") && !strings.HasPrefix(s.Name, "tair_ssl_exporter_")
	for _, node := range slices.Backward(s.around) {
		switch node := node.(type) {
		case *parser.AggregateExpr:
			byInstance := !node.Without && (slices.Contains(node.Grouping, "instance_id") || s.chosen())
			switch {
			case !ofInstance:
				return true
			case strings.HasSuffix(s.Name, "_info"):
				return byInstance && slices.Contains([]parser.ItemType{parser.MAX, parser.TOPK, parser.COUNT, parser.GROUP}, node.Op) ||
					node.Op == parser.GROUP
			}
			return byInstance && node.Op == parser.MAX
		case *parser.BinaryExpr:
			if ofInstance && node.Op != parser.LAND && node.Op != parser.LUNLESS {
				return false
			}
		}
	}
	return false
}

var bound = regexp.MustCompile(`bool ((?:\d+ \* )?\d+)`)

// bandsAreTheUsual wants the bands of certificates to begin at 0, 7, 30 and 90 days, each at least once in a panel.
func bandsAreTheUsual(b dashboards.Board, _ schema) []string {
	var problems []string
	for _, p := range b.AllPanels() {
		found := make(map[string]bool)
		for _, t := range p.Targets {
			if strings.Contains(t.Expr, "expires_in_seconds") {
				for _, m := range bound.FindAllStringSubmatch(t.Expr, -1) {
					found[m[1]] = true
				}
			}
		}
		want := []string{"0", "7 * 86400", "30 * 86400", "90 * 86400"}
		if len(found) > 0 && (len(found) != len(want) || slices.ContainsFunc(want, func(s string) bool { return !found[s] })) {
			problems = append(problems, fmt.Sprintf("%s: bands at %v, want %q", p.Title, found, want))
		}
	}
	return problems
}
