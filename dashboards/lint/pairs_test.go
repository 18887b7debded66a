package lint

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// pairsCountOnce finds series that a pair of exporters doubles. The first aggregation around a value of an instance is
// max by (instance_id ...), around an info metric max, topk, count or group; around a metric of exporters it is any.
func pairsCountOnce(b board) (found problems) {
	for _, s := range b.selectors {
		if s.Name != "ALERTS" && !s.isFilter() && !s.countsOnce() {
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
			if s.isOfInstance() && !filters(e) && e.Op != parser.LOR {
				return false
			}
		}
	}
	return false
}

// instantQueriesLookBack finds queries about now that are blank while the exporter is down. They look back 6 hours, as
// the rules do. Only the latest call and its reason are of this minute.
func instantQueriesLookBack(b board) (found problems) {
	for _, q := range b.queries {
		for _, s := range q.selectors {
			isKept := s.isOfInstance() && !strings.HasPrefix(s.Name, "tair_ssl_scrape_")
			if q.Panel != nil && q.Instant && isKept && !strings.Contains(q.expr.String(), "last_over_time("+s.String()+"[6h])") {
				found.add("%s: %s is blank while the exporter is down", q.ID, s.Name)
			}
		}
	}
	return found
}

// fresherAnswerCounts finds SSL states and certificates that are not taken from the exporter with the fresher answer,
// as the rules do: the other exporter of a pair may serve an outdated state for weeks. What looks back counts only if
// SSL was on then: the date of a certificate stays in range after SSL is off. An annotation compares dates, and the
// later date is the fresher one.
func fresherAnswerCounts(b board) (found problems) {
	for _, s := range b.selectors {
		isAnswer := strings.HasPrefix(s.Name, "tair_ssl_certificate_") || s.Name == "tair_ssl_enabled" || s.Name == "tair_ssl_supported"
		on, of := s.joins("instance_id", "job", "instance"), strings.TrimPrefix(s.String(), s.Name)
		success := "tair_ssl_last_success_timestamp_seconds" + of
		isFresher := slices.Contains(on, "topk by (instance_id) (1, "+success+")")
		if s.looksBack() {
			isFresher = slices.Contains(on, "topk by (instance_id) (1, "+success+" or on (instance_id) last_over_time("+success+"[6h]))") &&
				(!strings.HasPrefix(s.Name, "tair_ssl_certificate_") || slices.Contains(on, "last_over_time(tair_ssl_enabled"+of+"[6h]) == 1"))
		}
		isCondition := s.Name == "tair_ssl_enabled" && s.isFilter()
		if isAnswer && !isFresher && !isCondition && !strings.Contains(s.query, " / annotation / ") {
			found.add("%s: %s may be the older answer of a pair", s.query, s.Name)
		}
	}
	return found
}
