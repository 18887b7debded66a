package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"tair_ssl_exporter/dashboards"
)

// values is what is put in for the variables: of each something that nobody would write by hand, so that a variable that
// another was taken for, or a constant, does not pass.
func values() map[string]string {
	return map[string]string{
		"job": "job-x", "account": "account-x", "region": "region-x", "instance_id": "instance-x",
		"__interval": "4m3s", "__rate_interval": "4m7s", "__range": "26h3m1s",
	}
}

// matcherFor is the only matcher by which a selector may be narrowed by a variable. One instance is chosen; of the others
// many can be. What is listed for a region includes its list of regions, which has the region "*".
func matcherFor(metric, variable string) string {
	value := values()[variable]
	switch {
	case variable == "instance_id":
		return fmt.Sprintf("%s=%q", variable, value)
	case variable == "region" && strings.HasPrefix(metric, "tair_ssl_exporter_discovery_"):
		value += "|[*]"
	}
	return fmt.Sprintf("%s=~%q", variable, value)
}

// queriesKeepToTheVariables wants every metric narrowed by those of job, account and region that it has, or by the job and
// the instance that are chosen, and by nothing else in their labels: no constant, no other variable, no negation. The
// query of a variable is narrowed by the variables before it. What has none of these labels is narrowed by those of the
// instance, and on the board of one instance every query is about that one.
func queriesKeepToTheVariables(b dashboards.Board, known schema) []string {
	ofOne := slices.ContainsFunc(b.Templating.List, func(v dashboards.Variable) bool { return v.Name == "instance_id" })
	return eachQuery(b, func(q dashboards.Query, e parser.Expr) []string {
		var problems []string
		narrowing := []string{"job", "account", "region"}
		_, variable, isVariable := strings.Cut(q.ID, " / variable / ")
		if before := slices.Index(narrowing, variable); isVariable && before >= 0 {
			narrowing = narrowing[:before]
		}
		found := selectors(e)
		if ofOne && !isVariable && !slices.ContainsFunc(found, selector.chosen) {
			problems = append(problems, "not narrowed by $instance_id")
		}
		for _, s := range found {
			for _, m := range s.LabelMatchers {
				if _, ok := values()[m.Name]; ok && m.String() != matcherFor(s.Name, m.Name) {
					problems = append(problems, fmt.Sprintf("%s is narrowed by %s, want %s", s.Name, m, matcherFor(s.Name, m.Name)))
				}
			}
			for _, name := range narrowing {
				if known[s.Name][name] && !s.matches(name) && (name == "job" || !s.chosen()) {
					problems = append(problems, fmt.Sprintf("%s is not narrowed by $%s", s.Name, name))
				}
			}
			if ofInstance(s.Name) && !known[s.Name]["account"] && !s.chosen() && !s.lookedFor() && !s.joined() {
				problems = append(problems, s.Name+" is not narrowed to the instances of the variables")
			}
		}
		return problems
	})
}

// joined tells whether only series stay for which there is an instance of the variables.
func (s selector) joined() bool {
	return slices.ContainsFunc(s.around, func(node parser.Node) bool {
		join, ok := node.(*parser.BinaryExpr)
		return ok && (join.Op == parser.LAND || join.Op == parser.MUL) && join.VectorMatching != nil &&
			slices.Equal(join.VectorMatching.MatchingLabels, []string{"instance_id"}) &&
			slices.ContainsFunc(selectors(join.RHS), func(o selector) bool { return o.Name == "tair_ssl_instance_info" })
	})
}

func (s selector) matches(label string) bool {
	return slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == label })
}

// chosen tells whether the selector picks the instance of the board.
func (s selector) chosen() bool {
	return slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
		return m.String() == matcherFor(s.Name, "instance_id")
	})
}
