package lint

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"tair_ssl_exporter/dashboards"
)

// theFresherAnswerCounts wants what an answer says taken from the exporter of a pair that got the fresher one, as the
// recording rules do it: its twin may go on for weeks with an SSL state that is over. An annotation compares dates, of
// which the later is the newer anyway.
func theFresherAnswerCounts(b dashboards.Board, _ schema) []string {
	return eachQuery(b, func(q dashboards.Query, e parser.Expr) []string {
		var problems []string
		for _, s := range selectors(e) {
			answer := strings.HasPrefix(s.Name, "tair_ssl_certificate_") || s.Name == "tair_ssl_enabled" || s.Name == "tair_ssl_supported"
			if answer && !strings.Contains(q.ID, " / annotation / ") && !s.fresher() {
				problems = append(problems, s.Name+" may be that of the exporter with the older answer")
			}
		}
		return problems
	})
}

// fresher tells whether the selector is narrowed to the exporter with the fresher answer.
func (s selector) fresher() bool {
	matchers := strings.TrimPrefix(s.String(), s.Name)
	want, err := promql.ParseExpr("x and on (instance_id, job, instance) topk by (instance_id) (1, tair_ssl_last_success_timestamp_seconds" + matchers + ")")
	if err != nil || len(s.around) == 0 {
		return false
	}
	and, ok := s.around[len(s.around)-1].(*parser.BinaryExpr)
	return ok && and.LHS == parser.Expr(s.VectorSelector) &&
		strings.TrimPrefix(and.String(), and.LHS.String()) == strings.TrimPrefix(want.String(), "x")
}

// shardsCountAsTheRulesSay wants shards counted as the recording rule does that TairSSLShardMissing goes by: a board and an
// alert that contradict each other help nobody. The rule looks at every job, a board at the chosen one.
func shardsCountAsTheRulesSay(b dashboards.Board, _ schema) []string {
	rule, err := shardsOfTheRules()
	if err != nil {
		return []string{err.Error()}
	}
	return eachQuery(b, func(_ dashboards.Query, e parser.Expr) []string {
		var problems []string
		for _, s := range selectors(e) {
			if s.Name != "tair_ssl_exporter_shard" {
				continue
			}
			for _, node := range slices.Backward(s.around) {
				count, ok := node.(*parser.AggregateExpr)
				if !ok || count.Op != parser.COUNT && count.Op != parser.COUNT_VALUES {
					continue
				}
				if got := ofEveryJob(count).String(); got != rule {
					problems = append(problems, fmt.Sprintf("shards are counted by %s, in the rules by %s", got, rule))
				}
				break
			}
		}
		return problems
	})
}

// shardsOfTheRules gives the expression by which the rules count shards.
var shardsOfTheRules = sync.OnceValues(func() (string, error) {
	const name = "../../deploy/prometheus/rules/tair_ssl.rules.yml"
	text, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	_, from, _ := strings.Cut(string(text), "count_values(")
	from = "count_values(" + from
	for end, char := range from {
		if char != ')' {
			continue
		}
		if e, err := promql.ParseExpr(from[:end+1]); err == nil {
			return e.String(), nil
		}
	}
	return "", fmt.Errorf("%s: no count of the shards", name)
})

// ofEveryJob takes the choice of the job out of an expression.
func ofEveryJob(e parser.Expr) parser.Expr {
	for _, s := range selectors(e) {
		s.LabelMatchers = slices.DeleteFunc(slices.Clone(s.LabelMatchers), func(m *labels.Matcher) bool { return m.Name == "job" })
	}
	return e
}
