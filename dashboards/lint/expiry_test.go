package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tair_ssl_exporter/dashboards"
)

// urgency is the colours from what has expired to what needs nothing yet.
var urgency = []string{"dark-red", "red", "orange", "yellow", "green"}

// daysLeftAreColoured wants steps at 7, 30 and 90 wherever days left are shown, each in its colour, and values in days to
// go with them.
func daysLeftAreColoured(b dashboards.Board, _ schema) []string {
	var problems []string
	for _, p := range b.AllPanels() {
		for _, t := range p.Targets {
			if !strings.Contains(t.Expr, "max by (instance_id) (tair_ssl_certificate_expires_in_seconds") || strings.Contains(t.Expr, "bool") || hidden(p, t) {
				continue
			}
			var at []float64
			var colours []string
			for _, step := range shown(p, t).Thresholds.Steps {
				colours = append(colours, step.Color)
				if step.Value != nil {
					at = append(at, *step.Value)
				}
			}
			if !strings.Contains(t.Expr, "/ 86400") || !slices.Equal(at, []float64{0, 7, 30, 90}) {
				problems = append(problems, fmt.Sprintf("%s %s: want days, and steps at 0, 7, 30 and 90; they are at %v", p.Title, t.RefID, at))
			}
			if !slices.Equal(colours, urgency) {
				problems = append(problems, fmt.Sprintf("%s %s: steps in %q, want %q", p.Title, t.RefID, colours, urgency))
			}
		}
	}
	return problems
}

var bound = regexp.MustCompile(`bool ((?:\d+ \* )?\d+)`)

// bandsAreTheUsual wants the bands of certificates to begin at 0, 7, 30 and 90 days, each at least once in a panel, and in
// the colours of the days left.
func bandsAreTheUsual(b dashboards.Board, _ schema) []string {
	var problems []string
	for _, p := range b.AllPanels() {
		found := make(map[string]bool)
		var colours []string
		for _, t := range p.Targets {
			if strings.Contains(t.Expr, "expires_in_seconds") && bound.MatchString(t.Expr) {
				colours = append(colours, shown(p, t).Color.FixedColor)
				for _, m := range bound.FindAllStringSubmatch(t.Expr, -1) {
					found[m[1]] = true
				}
			}
		}
		want := []string{"0", "7 * 86400", "30 * 86400", "90 * 86400"}
		if len(found) > 0 && (len(found) != len(want) || slices.ContainsFunc(want, func(s string) bool { return !found[s] })) {
			problems = append(problems, fmt.Sprintf("%s: bands at %v, want %q", p.Title, found, want))
		}
		if len(found) > 0 && !slices.Equal(colours, urgency) {
			problems = append(problems, fmt.Sprintf("%s: bands in %q, want %q", p.Title, colours, urgency))
		}
	}
	return problems
}
