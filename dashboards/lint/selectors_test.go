package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// selector is a selector in a query.
type selector struct {
	*parser.VectorSelector
	query  *query
	around []parser.Node // the expressions around it, the innermost last
}

func (s selector) String() string { return s.query.ID + ": " + s.VectorSelector.String() }

// isOfInstance reports whether the metric describes instances. Others describe exporters or targets.
func (s selector) isOfInstance() bool {
	return strings.HasPrefix(s.Name, "tair_ssl_") && !strings.HasPrefix(s.Name, "tair_ssl_exporter_")
}

// isOneInstance reports whether the selector picks the instance of the board.
func (s selector) isOneInstance() bool { return s.matcher("instance_id") == `instance_id="instance-x"` }

// matcher returns the matcher on a label, or "".
func (s selector) matcher(label string) (text string) {
	for _, m := range s.LabelMatchers {
		if m.Name == label {
			text = m.String()
		}
	}
	return text
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

func filters(e *parser.BinaryExpr) bool { return e.Op == parser.LAND || e.Op == parser.LUNLESS }

// isBefore reports whether an expression around the selector ends with a text.
func (s selector) isBefore(text string) bool {
	return slices.ContainsFunc(s.around, func(node parser.Node) bool { return strings.HasSuffix(node.String(), text) })
}

// isOfListed reports whether an expression on the same instances, with the info metric in it, leaves those of the
// variables.
func (s selector) isOfListed() bool {
	return slices.ContainsFunc(s.around, func(node parser.Node) bool {
		e, ok := node.(*parser.BinaryExpr)
		return ok && e.Op != parser.LOR && e.VectorMatching != nil && slices.Equal(e.VectorMatching.MatchingLabels, []string{"instance_id"}) &&
			strings.Contains(e.String(), "tair_ssl_instance_info")
	})
}

// pairsCountOnce finds series that a pair of exporters doubles. The first aggregation around a value of an instance is
// max by (instance_id ...), around an info metric max, topk, count or group; around a metric of exporters it is any.
func pairsCountOnce(_ board, s selector) string {
	if s.Name == "ALERTS" || s.isFilter() {
		return ""
	}
	for _, node := range slices.Backward(s.around) {
		switch e := node.(type) {
		case *parser.AggregateExpr:
			byInstance := !e.Without && slices.Contains(e.Grouping, "instance_id") || s.isOneInstance()
			isInfo := strings.HasSuffix(s.Name, "_info") && (e.Op == parser.TOPK || e.Op == parser.COUNT)
			countsOnce := !s.isOfInstance() || e.Op == parser.GROUP || byInstance && (e.Op == parser.MAX || isInfo)
			return when(!countsOnce, "a pair of exporters doubles it")
		case *parser.BinaryExpr:
			if s.isOfInstance() && !filters(e) && e.Op != parser.LOR {
				return "it is not aggregated before " + e.Op.String()
			}
		}
	}
	return "it is not aggregated"
}

// instantQueriesLookBack finds queries about now that are blank while the exporter is down. They look back 6 hours, as
// the rules do. Only the latest call and its reason are of this minute.
func instantQueriesLookBack(_ board, s selector) string {
	isKept := s.isOfInstance() && !strings.HasPrefix(s.Name, "tair_ssl_scrape_")
	looksBack := strings.Contains(s.query.expr.String(), "last_over_time("+s.VectorSelector.String()+"[6h])")
	return when(s.query.panel != nil && s.query.Instant && isKept && !looksBack, "it is blank while the exporter is down")
}

// fresherAnswerCounts finds SSL states and certificates that are not taken from the exporter with the fresher answer: the
// other one of a pair may serve an outdated state for weeks. The date of a certificate stays in range after SSL is off,
// so what looks back counts only if SSL was on. An annotation compares dates, of which the later is fresher.
func fresherAnswerCounts(_ board, s selector) string {
	const on = " and on (instance_id, job, instance) "
	of := strings.TrimPrefix(s.VectorSelector.String(), s.Name)
	fresher, isOn, ofCertificate := "tair_ssl_last_success_timestamp_seconds"+of, true, strings.HasPrefix(s.Name, "tair_ssl_certificate_")
	looksBack := func(node parser.Node) bool { return strings.Contains(node.String(), s.VectorSelector.String()+"[6h]") }
	if slices.ContainsFunc(s.around, looksBack) {
		fresher += " or on (instance_id) last_over_time(" + fresher + "[6h])"
		isOn = !ofCertificate || s.isBefore(on+"last_over_time(tair_ssl_enabled"+of+"[6h]) == 1")
	}
	isAnswer := ofCertificate || s.Name == "tair_ssl_supported" || s.Name == "tair_ssl_enabled" && !s.isFilter()
	isFresher := isOn && s.isBefore(on+"topk by (instance_id) (1, "+fresher+")")
	return when(isAnswer && !isFresher && !strings.Contains(s.query.ID, " / annotation / "), "it may be the older answer of a pair")
}

// targetsAreExporters finds metrics that every target of a job has, such as up, without a join that leaves the
// exporters. An exporter that is down has no metric but up: its job counts if it had an exporter within the time range.
func targetsAreExporters(_ board, s selector) string {
	const info = `tair_ssl_exporter_build_info{job=~"job-x"}`
	isExporter := strings.HasPrefix(s.Name, "tair_ssl_") || s.Name == "ALERTS" || s.isBefore(" and on (job, instance) "+info)
	if s.Name == "up" {
		isExporter = s.isFilter() || s.isBefore(" and on (job) last_over_time("+info+"[1d2h3m1s])")
	}
	return when(!isExporter, "it may be of a target that is not an exporter")
}

// shardsCountAsInRules finds counts of shards that differ from the rule for TairSSLShardMissing. The rule counts in
// every job, a board in the chosen ones.
func shardsCountAsInRules(b board, s selector) string {
	rule, err := promql().ParseExpr(regexp.MustCompile(`count_values\("shard",[^{}"]*?\n\s*\)`).FindString(b.rules))
	if err != nil {
		return "no count of shards in the rules: " + err.Error()
	}
	count := strings.ReplaceAll(s.around[0].String(), `{job=~"job-x"}`, "")
	isCount := s.Name == "tair_ssl_exporter_shard" && strings.Contains(count, "count")
	return when(isCount && !strings.Contains(count, rule.String()), "shards are counted by %s, in the rules by %s", count, rule)
}
