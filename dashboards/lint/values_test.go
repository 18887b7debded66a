package lint

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// shardsCountAsInRules finds counts of shards that differ from the rule for TairSSLShardMissing. The rule counts in every
// job, a board in the chosen ones.
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

// daysAgreeWithRules finds thresholds of days left and bands of certificates that do not begin at 0, at the days of the
// alerts and at 90, or whose colours are not those from expired to not urgent.
func daysAgreeWithRules(b board) (found problems) {
	urgency, want := []string{"dark-red", "red", "orange", "yellow", "green"}, newSet("0", "90")
	for _, days := range regexp.MustCompile(`<= time\(\) \+ (\d+) \* 86400`).FindAllStringSubmatch(b.rules, -1) {
		want[days[1]] = true
	}
	bounds, colours := make(map[string]set), make(map[string][]string) // by query, or by panel for bands
	for _, q := range b.displayed {
		if q.settings.Unit == "suffix:d" {
			for _, step := range q.settings.Thresholds.Steps {
				colours[q.ID] = append(colours[q.ID], step.Color)
				if step.Value != nil {
					bounds[q.ID] = bounds[q.ID].with(fmt.Sprint(*step.Value))
				}
			}
		}
		if strings.Contains(q.Expr, "expires_in_seconds") && strings.Contains(q.Expr, "bool") {
			title := q.Panel.Title
			colours[title] = append(colours[title], q.settings.Color.FixedColor)
			for _, m := range regexp.MustCompile(`bool (\d+)( \* 86400)?`).FindAllStringSubmatch(q.Expr, -1) {
				bounds[title] = bounds[title].with(m[1])
			}
		}
	}
	for where := range colours {
		if !maps.Equal(bounds[where], want) || !slices.Equal(colours[where], urgency) {
			found.add("%s: steps at %s in %q, want %s in %q", where, bounds[where], colours[where], want, urgency)
		}
	}
	return found
}

// unitsFitQueries finds days, dates and shares in the wrong unit: days are seconds / 86400, dates are Unix times * 1000,
// shares are averages and quotients, from 0 to 1.
func unitsFitQueries(b board) (found problems) {
	for _, q := range b.displayed {
		average, isAggregate := q.expr.(*parser.AggregateExpr)
		quotient, isBinary := q.expr.(*parser.BinaryExpr)
		isShare := isAggregate && average.Op == parser.AVG ||
			isBinary && quotient.Op == parser.DIV && quotient.RHS.Type() == parser.ValueTypeVector
		for unit, fits := range map[string]bool{
			"suffix:d":    strings.Contains(q.Expr, "/ 86400"),
			"dateTime":    strings.HasSuffix(q.Expr, " * 1000"),
			"percentunit": isShare && !strings.Contains(q.Expr, "100 *"),
		} {
			if strings.HasPrefix(q.settings.Unit, unit) != fits {
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
		isNow := slices.Contains([]string{"stat", "table", "histogram"}, p.Type)
		for _, t := range p.Targets {
			hasFormat := t.Format == p.Type || p.Type != "table" && p.Type != "heatmap"
			if t.Instant != isNow || t.Range == isNow || !hasFormat {
				found.add("%s %s: instant %v, range %v, format %s", p.Title, t.RefID, t.Instant, t.Range, t.Format)
			}
		}
	}
	return found
}
