package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// shardsCountAsInRules finds counts of shards that differ from the rule for TairSSLShardMissing. The rule counts in
// every job, a board in the chosen ones.
func shardsCountAsInRules(b board) (found problems) {
	rule, err := promql().ParseExpr(regexp.MustCompile(`count_values\("shard",[^{}"]*?\n\s*\)`).FindString(b.rules))
	if err != nil {
		return problems{"no count of shards in the rules: " + err.Error()}
	}
	for _, s := range b.selectors {
		count := strings.ReplaceAll(s.around[0].String(), `{job=~"job-x"}`, "")
		if s.Name == "tair_ssl_exporter_shard" && strings.Contains(count, "count") && !strings.Contains(count, rule.String()) {
			found.add("%s: shards are counted by %s, in the rules by %s", s.query, count, rule)
		}
	}
	return found
}

// bandsFollowWindows finds bands of certificates whose bounds are not the expiry and the windows of each instance, as
// in the rules, or that do not have their colour, and an expired certificate that hides the next to expire.
func bandsFollowWindows(b board) (found problems) {
	bands := map[string]string{"expired": "<= 0", "critical": "> 0 <= critical", "warning": "> critical <= warning", "later": "> warning"}
	colours := map[string]string{"<= 0": "#C2188F", "> 0 <= critical": "#D92B3F", "> critical <= warning": "#B35900", "> warning": "#2B8233"}
	for _, q := range b.displayed {
		bounds, isNext := q.bounds(), true
		if q.Panel.Title == "Next to expire" && !strings.HasPrefix(q.Legend, "valid") {
			bounds, isNext = strings.CutPrefix(bounds, "> 0 ")
			isNext = isNext && colours[bounds] != ""
		}
		if want := bands[strings.ToLower(q.Legend+q.settings.DisplayName)]; want != "" && bounds != want || !isNext {
			found.add("%s: the bounds are %q, want %q", q.ID, bounds, want)
		}
		color := q.settings.Color
		if want := colours[bounds]; want != "" && color.Mode == "fixed" && color.FixedColor != want && color.FixedColor != "text" {
			found.add("%s: %q has the colour %s, want %s", q.ID, bounds, color.FixedColor, want)
		}
	}
	return found
}

// bounds returns what the time left is compared with, for example "> 0 <= critical".
func (q query) bounds() string {
	var bounds []string
	parser.Inspect(q.expr, func(node parser.Node, _ []parser.Node) error {
		if e, ok := node.(*parser.BinaryExpr); ok && (e.Op == parser.GTR || e.Op == parser.LTE) {
			bound := e.RHS.String()
			if window := regexp.MustCompile(`tair_ssl_expiry_(\w+)_seconds`).FindStringSubmatch(bound); window != nil {
				bound = window[1]
			}
			bounds = append(bounds, e.Op.String()+" "+bound)
		}
		return nil
	})
	slices.Reverse(bounds)
	return strings.Join(bounds, " ")
}

// unitsFitQueries finds days, dates and shares in the wrong unit: days are seconds / 86400, dates are Unix times *
// 1000, shares are averages, quotients and the rate of CPU time, from 0 to 1.
func unitsFitQueries(b board) (found problems) {
	for _, q := range b.displayed {
		average, isAggregate := q.expr.(*parser.AggregateExpr)
		quotient, isBinary := q.expr.(*parser.BinaryExpr)
		isShare := isAggregate && average.Op == parser.AVG || strings.Contains(q.Expr, "rate(process_cpu_seconds_total") ||
			isBinary && quotient.Op == parser.DIV && quotient.RHS.Type() == parser.ValueTypeVector
		for unit, fits := range map[string]bool{
			"suffix:d":    strings.Contains(q.Expr, " / 86400"),
			"dateTime":    strings.HasSuffix(q.Expr, " * 1000"),
			"percentunit": isShare && !strings.Contains(q.Expr, "100 *"),
		} {
			if strings.HasPrefix(strings.Replace(q.settings.Unit, "time:", "dateTime:", 1), unit) != fits {
				found.add("%s: the unit is %q; the query fits %s: %v", q.ID, q.settings.Unit, unit, fits)
			}
		}
	}
	return found
}

// targetsFitPanels finds range queries for a state of now, instant queries for a course of time, and formats that the
// panel does not read.
func targetsFitPanels(b board) (found problems) {
	for _, p := range b.panels {
		isNow := slices.Contains([]string{"stat", "table", "bargauge"}, p.Type)
		for _, t := range p.Targets {
			hasFormat := t.Format == p.Type || p.Type != "table" && p.Type != "heatmap"
			if t.Instant != isNow || t.Range == isNow || !hasFormat {
				found.add("%s %s: instant %v, range %v, format %s", p.Title, t.RefID, t.Instant, t.Range, t.Format)
			}
		}
	}
	return found
}
