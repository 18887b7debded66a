package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"tair_ssl_exporter/dashboards"
)

// queriesFollowVariables finds matchers on job, account and region with anything but their variable, and selectors without
// one. The query of a variable follows the variables before it. A metric of instances without these labels is joined
// with the info metric. A board of one instance has queries about that instance only.
func queriesFollowVariables(b board, q *query) string {
	required := []string{"job", "account", "region"}
	_, variable, isVariable := strings.Cut(q.ID, " / variable / ")
	if i := slices.Index(required, variable); i >= 0 {
		required = required[:i]
	}
	if b.UID == "tair-ssl-instance" && !isVariable && !slices.ContainsFunc(q.selectors, selector.isOneInstance) {
		return "it is not about $instance_id"
	}
	for _, s := range q.selectors {
		for name := range values() {
			has, want := s.matcher(name), s.matcherFor(name)
			isRequired := slices.Contains(required, name) && b.known[s.Name][name] && (name == "job" || !s.isOneInstance())
			if has != want && (has != "" || isRequired) {
				return fmt.Sprintf("%s has %q, want %s", s.Name, has, want)
			}
		}
		if s.isOfInstance() && !b.known[s.Name]["account"] && !s.isOneInstance() && !s.isFilter() && !s.isOfListed() {
			return s.Name + " is not joined with the instances of the variables"
		}
	}
	return ""
}

// matcherFor returns the only matcher allowed on the label of a variable. The region "*" stands for the list of regions.
// An alert on an exporter may have no account or no region.
func (s selector) matcherFor(label string) string {
	value := values()[label]
	if label == "instance_id" {
		return fmt.Sprintf("%s=%q", label, value)
	}
	if label == "region" && (strings.HasPrefix(s.Name, "tair_ssl_exporter_discovery_") || s.Name == "ALERTS") {
		value += "|[*]"
	}
	if s.Name == "ALERTS" {
		value += "|"
	}
	return fmt.Sprintf("%s=~%q", label, value)
}

// legendsNameLabels finds legends, and texts of annotations, with labels that the answers do not have.
func legendsNameLabels(_ board, q *query) string {
	for _, label := range regexp.MustCompile(`{{\s*(\w+)\s*}}`).FindAllStringSubmatch(q.Legend, -1) {
		if !q.labels[label[1]] {
			return fmt.Sprintf("no label %q for the legend", label[1])
		}
	}
	return when(q.Legend == "" && q.panel != nil && q.Target.Format != "table", "no legend")
}

// unitsFitQueries finds days, dates and shares in the wrong unit: days are seconds / 86400, dates are Unix times *
// 1000, shares are averages, quotients and the rate of CPU time, from 0 to 1.
func unitsFitQueries(_ board, q *query) string {
	average, isAggregate := q.expr.(*parser.AggregateExpr)
	quotient, isBinary := q.expr.(*parser.BinaryExpr)
	isShare := isAggregate && average.Op == parser.AVG || strings.Contains(q.Expr, "rate(process_cpu_seconds_total") ||
		isBinary && quotient.Op == parser.DIV && quotient.RHS.Type() == parser.ValueTypeVector
	for unit, fits := range map[string]bool{
		"suffix:d":    strings.Contains(q.Expr, " / 86400"),
		"dateTime":    strings.HasSuffix(q.Expr, " * 1000"),
		"percentunit": isShare && !strings.Contains(q.Expr, "100 *"),
	} {
		has := strings.HasPrefix(strings.Replace(q.settings.Unit, "time:", "dateTime:", 1), unit)
		if q.isDisplayed() && has != fits {
			return fmt.Sprintf("the unit is %q; the query fits %s: %v", q.settings.Unit, unit, fits)
		}
	}
	return ""
}

// bandsFollowWindows finds bands of certificates whose bounds are not the expiry and the windows of each instance, as
// in the rules, or that do not have their colour, and an expired certificate that hides the next to expire.
func bandsFollowWindows(_ board, q *query) string {
	if !q.isDisplayed() {
		return ""
	}
	bands := map[string]string{"expired": "<= 0", "critical": "> 0 <= critical", "warning": "> critical <= warning", "later": "> warning"}
	colours := map[string]string{"<= 0": "#C2188F", "> 0 <= critical": "#D92B3F", "> critical <= warning": "#B35900", "> warning": "#2B8233"}
	bounds, isNext := q.bounds(), true
	if q.panel.Title == "Next to expire" && !strings.HasPrefix(q.Legend, "valid") {
		bounds, isNext = strings.CutPrefix(bounds, "> 0 ")
		isNext = isNext && colours[bounds] != ""
	}
	want, colour := bands[strings.ToLower(q.Legend+q.settings.DisplayName)], q.settings.Color
	isPlain := colour.Mode != "fixed" || colour.FixedColor == "text" || colours[bounds] == ""
	return when(want != "" && bounds != want || !isNext || !isPlain && colour.FixedColor != colours[bounds],
		"the bounds are %q, want %q; the colour is %s, want %s", bounds, want, colour.FixedColor, colours[bounds])
}

// bounds returns what the time left is compared with, for example "> 0 <= critical".
func (q *query) bounds() string {
	var bounds []string
	window := regexp.MustCompile(`.*tair_ssl_expiry_(\w+)_seconds.*`)
	parser.Inspect(q.expr, func(node parser.Node, _ []parser.Node) error {
		if e, ok := node.(*parser.BinaryExpr); ok && (e.Op == parser.GTR || e.Op == parser.LTE) {
			bounds = append(bounds, e.Op.String()+" "+window.ReplaceAllString(e.RHS.String(), "$1"))
		}
		return nil
	})
	slices.Reverse(bounds)
	return strings.Join(bounds, " ")
}

// failuresComeFirst finds tables with the result of the latest call that do not show its reason beside it, that show an
// unknown result like an empty one, that do not begin with what fails, or that leave out what fails but has a known
// expiry. A table of days left begins with the soonest.
func failuresComeFirst(_ board, q *query) string {
	isCall := func(s selector) bool {
		return s.Name == "tair_ssl_scrape_success" && !s.isFilter() || s.Name == "tair_ssl_exporter_api_requests_total"
	}
	if !q.isDisplayed() || q.panel.Type != "table" || !slices.ContainsFunc(q.selectors, isCall) {
		return ""
	}
	p, first := q.panel, q.settings.DisplayName
	ofDays := slices.ContainsFunc(p.queries, func(q *query) bool { return q.settings.Unit == "suffix:d" })
	by, ofInstances := p.Options.SortBy[0], p.fields["instance_id"]
	isUnknown := slices.ContainsFunc(q.settings.Mappings, func(m dashboards.Mapping) bool {
		return m.Options.Match == "null" && m.Options.Result.Text == "unknown" && m.Options.Result.Color != "text"
	})
	switch {
	case !ofDays && (by.DisplayName != first || by.Desc != (first == "Failed calls")):
		return fmt.Sprintf("sorted by %v, want %s", by, first)
	case !ofDays && ofInstances && !strings.Contains(p.queries[0].Expr, "tair_ssl_scrape_success"):
		return "fewer rows than instances that fail"
	case ofInstances && (!isUnknown || !p.fields["reason"] || p.hidden["reason"]):
		return "no reason of failures, or no text for an unknown result"
	}
	return ""
}
