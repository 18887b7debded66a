package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"tair_ssl_exporter/dashboards"
)

// sharesAreShownAsSuch wants percentunit for a share from 0 to 1, and percent for one that the query multiplies by 100:
// with the other unit, all that is well is shown as 1 % or as 10,000 %.
func sharesAreShownAsSuch(b dashboards.Board, _ schema) []string {
	var problems []string
	for _, p := range b.AllPanels() {
		for _, t := range p.Targets {
			e, err := promql.ParseExpr(dashboards.Query{Expr: t.Expr}.Fill(values()))
			if err != nil || hidden(p, t) {
				continue
			}
			unit, share := shown(p, t).Unit, byHundred(e)
			switch {
			case isShare(e) && unit != "percentunit", share == nil && unit == "percent":
				problems = append(problems, fmt.Sprintf("%s %s: not multiplied by 100, in %s", p.Title, t.RefID, unit))
			case isShare(share) && unit != "percent", share != nil && unit == "percentunit":
				problems = append(problems, fmt.Sprintf("%s %s: multiplied by 100, in %s", p.Title, t.RefID, unit))
			}
		}
	}
	return problems
}

// byHundred gives what an expression multiplies by 100, nil if it does not.
func byHundred(e parser.Expr) parser.Expr {
	switch e := bare(e).(type) {
	case *parser.AggregateExpr:
		return byHundred(e.Expr)
	case *parser.Call:
		return byHundred(argument(e))
	case *parser.BinaryExpr:
		switch {
		case e.Op == parser.LAND || e.Op == parser.LUNLESS || e.Op == parser.LOR:
			return byHundred(e.LHS)
		case e.Op != parser.MUL && e.Op != parser.DIV:
			return nil
		case isNumber(e.LHS, 100) && e.Op == parser.MUL:
			return e.RHS
		case isNumber(e.RHS, 100) && e.Op == parser.MUL:
			return e.LHS
		}
		if first := byHundred(e.LHS); first != nil { // 100 * a / b
			rest := *e
			rest.LHS = first
			return &rest
		}
	}
	return nil
}

func isNumber(e parser.Expr, value float64) bool {
	number, ok := bare(e).(*parser.NumberLiteral)
	return ok && number.Val == value
}

// argument gives what a function is applied to, nil if that is numbers and texts alone.
func argument(call *parser.Call) parser.Expr {
	for _, arg := range call.Args {
		if arg.Type() == parser.ValueTypeVector || arg.Type() == parser.ValueTypeMatrix {
			return arg
		}
	}
	return nil
}

// isShare tells whether an expression is sure to be a share: the mean of states, or a quotient of like by like.
func isShare(e parser.Expr) bool {
	switch e := bare(e).(type) {
	case *parser.AggregateExpr:
		return e.Op == parser.AVG && isState(e.Expr) || e.Op != parser.COUNT && e.Op != parser.SUM && isShare(e.Expr)
	case *parser.BinaryExpr:
		switch e.Op {
		case parser.DIV:
			q := quantity(e.LHS)
			return q != "" && q == quantity(e.RHS)
		case parser.LAND, parser.LUNLESS, parser.LOR:
			return isShare(e.LHS)
		case parser.SUB: // what is left of the whole
			return isNumber(e.LHS, 1) && isShare(e.RHS)
		}
	}
	return false
}

var state = regexp.MustCompile(`^up$|_(enabled|supported|success|successful)$`)

// isState tells whether an expression is 0 or 1 of each series.
func isState(e parser.Expr) bool {
	switch e := bare(e).(type) {
	case *parser.VectorSelector:
		return state.MatchString(e.Name)
	case *parser.AggregateExpr:
		return (e.Op == parser.MAX || e.Op == parser.MIN) && isState(e.Expr)
	case *parser.BinaryExpr:
		return e.ReturnBool || (e.Op == parser.LAND || e.Op == parser.LUNLESS) && isState(e.LHS)
	}
	return false
}

// quantity gives what an expression measures, so that two of the same can be compared; "" if that is not sure.
func quantity(e parser.Expr) string {
	switch e := bare(e).(type) {
	case *parser.VectorSelector:
		return quantityOf(e.Name)
	case *parser.MatrixSelector:
		return quantity(e.VectorSelector)
	case *parser.AggregateExpr:
		switch {
		case e.Op == parser.COUNT || e.Op == parser.GROUP:
			return counted(e.Expr)
		case e.Op == parser.SUM || e.Op == parser.MAX && len(e.Grouping) > 0:
			return quantity(e.Expr)
		}
	case *parser.Call:
		if slices.Contains([]string{"rate", "increase"}, e.Func.Name) {
			return quantity(argument(e))
		}
	case *parser.BinaryExpr:
		switch {
		case e.ReturnBool:
			return counted(e.LHS)
		case e.Op != parser.MUL && e.Op != parser.DIV && e.LHS.Type() != parser.ValueTypeScalar:
			return quantity(e.LHS)
		}
	}
	return ""
}

func quantityOf(metric string) string {
	base := counter.ReplaceAllString(metric, "")
	switch {
	case strings.HasSuffix(metric, "_bucket") || strings.HasSuffix(metric, "_count"):
		return "events"
	case strings.HasSuffix(base, "_seconds") || strings.HasSuffix(base, "_bytes"):
		return base[strings.LastIndexByte(base, '_')+1:]
	case strings.HasSuffix(metric, "_total"):
		return "events"
	case state.MatchString(metric) || strings.HasSuffix(metric, "_info"):
		return owners(metric)
	}
	return metric
}

// counted gives what an expression has a series of.
func counted(e parser.Expr) string {
	for _, s := range selectors(e) {
		return owners(s.Name)
	}
	return ""
}

// owners gives what a metric has a series of.
func owners(metric string) string {
	switch {
	case strings.HasPrefix(metric, "tair_ssl_exporter_"):
		return "exporters"
	case strings.HasPrefix(metric, "tair_ssl_"):
		return "instances"
	}
	return "targets"
}

// bare takes the parentheses off.
func bare(e parser.Expr) parser.Expr {
	for {
		switch inner := e.(type) {
		case *parser.ParenExpr:
			e = inner.Expr
		case *parser.StepInvariantExpr:
			e = inner.Expr
		default:
			return e
		}
	}
}

func TestSharesAreToldFromOtherQuotients(t *testing.T) {
	for query, want := range map[string]struct{ share, byHundred bool }{
		"avg(up)":                          {share: true},
		"1 - avg(up)":                      {share: true},
		"max by (job) (avg by (job) (up))": {share: true},
		"sum(max by (instance_id) (tair_ssl_enabled)) / count(max by (instance_id) (tair_ssl_supported))":            {share: true},
		"sum(tair_ssl_scrape_success == bool 0) / count(tair_ssl_instance_info)":                                     {share: true},
		"sum(rate(tair_ssl_exporter_api_throttles_total[5m])) / sum(rate(tair_ssl_exporter_api_requests_total[5m]))": {share: true},
		"100 * avg(up)": {byHundred: true},
		"100 * sum(tair_ssl_enabled) / sum(tair_ssl_supported)":   {byHundred: true},
		"sum(tair_ssl_enabled) * 100 / sum(tair_ssl_supported)":   {byHundred: true},
		"(sum(tair_ssl_enabled) / sum(tair_ssl_supported)) * 100": {byHundred: true},
		"round(100 * avg(up)) or vector(0)":                       {byHundred: true},

		"sum(up)": {},
		"avg(tair_ssl_certificate_expires_in_seconds)":                                                                                  {},
		"min(tair_ssl_certificate_expires_in_seconds) / 86400":                                                                          {},
		"tair_ssl_last_success_timestamp_seconds * 1000":                                                                                {},
		"sum(tair_ssl_exporter_instances) / count(up)":                                                                                  {},
		"tair_ssl_exporter_instances / tair_ssl_exporter_total_shards":                                                                  {},
		"count(tair_ssl_instance_info) / count(tair_ssl_exporter_build_info)":                                                           {},
		"max(scrape_duration_seconds) / min(scrape_duration_seconds)":                                                                   {},
		"rate(tair_ssl_exporter_api_request_duration_seconds_sum[5m]) / rate(tair_ssl_exporter_api_request_duration_seconds_count[5m])": {},
	} {
		e, err := promql.ParseExpr(query)
		if err != nil {
			t.Fatal(err)
		}
		if multiplied := byHundred(e); isShare(e) != want.share || (multiplied != nil && isShare(multiplied)) != want.byHundred {
			t.Errorf("%s: a share: %v, multiplied by 100: %v", query, isShare(e), multiplied)
		}
	}
}
