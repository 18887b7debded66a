package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"tair_ssl_exporter/dashboards"
)

var counter = regexp.MustCompile(`_(total|bucket|sum|count)$`)

// countersAreRates wants rate or increase over $__rate_interval around every counter and around nothing else: a counter
// as it is tells how long ago its exporter was restarted, and delta takes a restart for a fall.
func countersAreRates(b dashboards.Board, _ schema) []string {
	return eachQuery(b, func(_ dashboards.Query, e parser.Expr) []string {
		var problems []string
		for _, s := range selectors(e) {
			function, interval := s.over()
			rate := function == "rate" || function == "increase"
			switch {
			case counter.MatchString(s.Name) != rate:
				problems = append(problems, fmt.Sprintf("%s in %q, want rate or increase of counters alone", s.Name, function))
			case rate && interval.String() != values()["__rate_interval"]:
				problems = append(problems, fmt.Sprintf("%s(%s) without $__rate_interval", function, s.Name))
			}
		}
		return problems
	})
}

// over gives the function that takes a range of the selector, if one does, and how long the range is.
func (s selector) over() (function string, interval time.Duration) {
	for _, node := range slices.Backward(s.around) {
		switch node := node.(type) {
		case *parser.MatrixSelector:
			interval = node.Range
		case *parser.Call:
			if interval > 0 {
				return node.Func.Name, interval
			}
			return "", 0
		}
	}
	return "", 0
}

// targetsAreExporters wants what every target of a job has (up, what Prometheus says of a scrape, what Go says of a
// process) taken of exporters alone, by "and on (job, instance)" with a metric that only an exporter has. What is down has
// no metric but up: there the metric counts that was there at some time of the range, and whatever has its job.
func targetsAreExporters(b dashboards.Board, _ schema) []string {
	return eachQuery(b, func(_ dashboards.Query, e parser.Expr) []string {
		var problems []string
		for _, s := range selectors(e) {
			if !strings.HasPrefix(s.Name, "tair_ssl_") && !s.ofExporters() {
				problems = append(problems, s.Name+" may be that of a target that is no exporter")
			}
		}
		return problems
	})
}

func (s selector) ofExporters() bool {
	return slices.ContainsFunc(s.around, func(node parser.Node) bool {
		and, ok := node.(*parser.BinaryExpr)
		return ok && and.Op == parser.LAND && isExporter(and, s.Name == "up")
	})
}

// isExporter tells whether the right side of "and" is a metric of exporters.
func isExporter(and *parser.BinaryExpr, everInRange bool) bool {
	on := newSet(and.VectorMatching.MatchingLabels...)
	found := selectors(and.RHS)
	if !and.VectorMatching.On || !on["job"] || len(found) != 1 || !strings.HasPrefix(found[0].Name, "tair_ssl_exporter_") {
		return false
	}
	function, interval := found[0].over()
	if everInRange {
		return interval.String() == values()["__range"] && on.within(newSet("job", "instance"))
	}
	return function == "" && len(on) == 2 && on["instance"]
}
