package lint

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// pairsCountOnce finds series that a pair of exporters doubles. The first aggregation around a value of an instance is max
// by (instance_id ...), around an info metric max, topk, count or group; around a metric of exporters it is any.
func pairsCountOnce(b board) (found problems) {
	for _, s := range b.selectors {
		if !s.isFilter() && !s.countsOnce() {
			found.add("%s: a pair of exporters doubles %s", s.query, s.Name)
		}
	}
	return found
}

func (s selector) countsOnce() bool {
	for _, node := range slices.Backward(s.around) {
		switch e := node.(type) {
		case *parser.AggregateExpr:
			byInstance := !e.Without && slices.Contains(e.Grouping, "instance_id") || s.isOneInstance()
			isInfo := strings.HasSuffix(s.Name, "_info") && (e.Op == parser.TOPK || e.Op == parser.COUNT)
			return !s.isOfInstance() || e.Op == parser.GROUP || byInstance && (e.Op == parser.MAX || isInfo)
		case *parser.BinaryExpr:
			if s.isOfInstance() && !filters(e) {
				return false
			}
		}
	}
	return false
}

// fresherAnswerCounts finds SSL states and certificates that are not taken from the exporter with the fresher answer, as
// the recording rules do: the other exporter of a pair may serve an outdated state for weeks. An annotation compares dates,
// and the later date is the fresher one.
func fresherAnswerCounts(b board) (found problems) {
	for _, s := range b.selectors {
		isAnswer := strings.HasPrefix(s.Name, "tair_ssl_certificate_") || s.Name == "tair_ssl_enabled" || s.Name == "tair_ssl_supported"
		fresher := "topk by (instance_id) (1, tair_ssl_last_success_timestamp_seconds" + strings.TrimPrefix(s.String(), s.Name) + ")"
		isFresher := slices.Contains(s.joins("instance_id", "job", "instance"), fresher)
		if isAnswer && !isFresher && !strings.Contains(s.query, " / annotation / ") {
			found.add("%s: %s may be the older answer of a pair", s.query, s.Name)
		}
	}
	return found
}
