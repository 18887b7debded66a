package lint

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tair_ssl_exporter/dashboards"
)

// panelsExplainThemselves wants a title, a description and a unit on every panel, and one panel of each title.
func panelsExplainThemselves(b dashboards.Board, _ schema) []string {
	var problems []string
	seen := make(map[string]bool)
	for _, p := range b.AllPanels() {
		if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" {
			problems = append(problems, fmt.Sprintf("panel %d %q: no title, description or unit", p.ID, p.Title))
		}
		if seen[p.Title] {
			problems = append(problems, fmt.Sprintf("two panels %q", p.Title))
		}
		seen[p.Title] = true
	}
	return problems
}

// panelIDsAreUnique wants no ID twice, rows included.
func panelIDsAreUnique(b dashboards.Board, _ schema) []string {
	var problems []string
	seen := make(map[int]bool)
	for _, p := range everyPanel(b) {
		if p.ID < 1 || seen[p.ID] {
			problems = append(problems, fmt.Sprintf("%s: ID %d is taken or missing", p.Title, p.ID))
		}
		seen[p.ID] = true
	}
	return problems
}

// panelsDoNotOverlap wants each panel on the grid and beside the others.
func panelsDoNotOverlap(b dashboards.Board, _ schema) []string {
	var problems []string
	panels := everyPanel(b)
	for i, p := range panels {
		g := p.GridPos
		if g.X < 0 || g.Y < 0 || g.W < 1 || g.H < 1 || g.X+g.W > 24 {
			problems = append(problems, fmt.Sprintf("%s: not on the grid", p.Title))
		}
		for _, other := range panels[:i] {
			o := other.GridPos
			if g.X < o.X+o.W && o.X < g.X+g.W && g.Y < o.Y+o.H && o.Y < g.Y+g.H {
				problems = append(problems, fmt.Sprintf("%s overlaps %s", p.Title, other.Title))
			}
		}
	}
	return problems
}

func everyPanel(b dashboards.Board) []dashboards.Panel {
	var rows []dashboards.Panel
	for _, p := range b.Panels {
		if p.Type == "row" {
			rows = append(rows, p)
		}
	}
	return append(rows, b.AllPanels()...)
}

// emptinessIsExplained wants every panel to say what it means that there is nothing to show. "No data" does not: it may be
// good news or bad. Grafana also puts that text into each empty cell of a table, so tables keep their cells empty, and
// gives it the colour of the lowest threshold in a stat, so a stat that has one says which colour it means.
func emptinessIsExplained(b dashboards.Board, _ schema) []string {
	var problems []string
	for _, p := range b.AllPanels() {
		no := strings.ToLower(strings.Trim(p.FieldConfig.Defaults.NoValue, " .-"))
		if slices.Contains([]string{"", "no data", "none", "n/a", "nothing"}, no) {
			problems = append(problems, fmt.Sprintf("%s: %q does not say what it means to have nothing", p.Title, p.FieldConfig.Defaults.NoValue))
		}
		steps := p.FieldConfig.Defaults.Thresholds.Steps
		if p.Type == "stat" && len(steps) > 0 && steps[0].Color != "text" && !coloursNothing(p) {
			problems = append(problems, fmt.Sprintf("%s: %q is shown in %s", p.Title, p.FieldConfig.Defaults.NoValue, steps[0].Color))
		}
		if p.Type == "table" && !keepsCellsEmpty(p) {
			problems = append(problems, fmt.Sprintf("%s: every empty cell says %q", p.Title, p.FieldConfig.Defaults.NoValue))
		}
	}
	return problems
}

// coloursNothing tells whether a colour is set for having nothing, with the same text.
func coloursNothing(p dashboards.Panel) bool {
	for _, m := range p.FieldConfig.Defaults.Mappings {
		var special struct {
			Match  string
			Result struct{ Text, Color string }
		}
		if m.Type == "special" && json.Unmarshal(m.Options, &special) == nil && special.Match == "null" {
			return special.Result.Text == p.FieldConfig.Defaults.NoValue && special.Result.Color != ""
		}
	}
	return false
}

// keepsCellsEmpty tells whether the first override takes the text for the whole panel out of the cells. Those after it may
// give a column a text of its own.
func keepsCellsEmpty(p dashboards.Panel) bool {
	if len(p.FieldConfig.Overrides) == 0 {
		return false
	}
	first := p.FieldConfig.Overrides[0]
	for _, property := range first.Properties {
		if property.ID == "noValue" && string(property.Value) == `""` {
			return first.Matcher.ID == "byRegexp" && first.Matcher.Options == "/.*/"
		}
	}
	return false
}

// targetsFitThePanel wants the state of now from an instant query, a course from a range query, and references that are
// unique within the panel.
func targetsFitThePanel(b dashboards.Board, _ schema) []string {
	var problems []string
	for _, p := range b.AllPanels() {
		refs := make(map[string]bool)
		for _, t := range p.Targets {
			instant := slices.Contains([]string{"stat", "table", "histogram"}, p.Type)
			if t.Instant != instant || t.Range == instant {
				problems = append(problems, fmt.Sprintf("%s %s: instant %v, range %v", p.Title, t.RefID, t.Instant, t.Range))
			}
			if p.Type == "table" && t.Format != "table" || p.Type == "heatmap" && t.Format != "heatmap" {
				problems = append(problems, fmt.Sprintf("%s %s: format %q", p.Title, t.RefID, t.Format))
			}
			if t.RefID == "" || refs[t.RefID] {
				problems = append(problems, fmt.Sprintf("%s: refId %q is missing or taken", p.Title, t.RefID))
			}
			refs[t.RefID] = true
		}
		if len(p.Targets) == 0 {
			problems = append(problems, p.Title+": no query")
		}
	}
	return problems
}

var date = regexp.MustCompile(`_timestamp_seconds\{[^}]*\}[^-<>]* \* 1000$`)

// datesAreInMilliseconds wants Unix times multiplied by 1000 where they are shown as dates, and nowhere else.
func datesAreInMilliseconds(b dashboards.Board, _ schema) []string {
	var problems []string
	for _, p := range b.AllPanels() {
		for _, t := range p.Targets {
			if isDate := strings.HasPrefix(shown(p, t).Unit, "dateTime"); isDate != date.MatchString(t.Expr) {
				problems = append(problems, fmt.Sprintf("%s %s: shown as a date: %v; a query for a date: %v", p.Title, t.RefID, isDate, !isDate))
			}
		}
	}
	return problems
}

// valueField is the name of the field with a target's values in a table.
func valueField(p dashboards.Panel, t dashboards.Target) string {
	if len(p.Targets) == 1 {
		return "Value"
	}
	return "Value #" + t.RefID
}

// hidden tells whether a table does not show the values of a target.
func hidden(p dashboards.Panel, t dashboards.Target) bool {
	return p.Type == "table" && excluded(p)[valueField(p, t)]
}

// shown gives how the values of a target are shown: the defaults, and what the overrides of its column, of its legend or of
// the query change.
func shown(p dashboards.Panel, t dashboards.Target) dashboards.FieldConfig {
	config := p.FieldConfig.Defaults
	for _, o := range p.FieldConfig.Overrides {
		if !meets(o, p, t) {
			continue
		}
		for _, property := range o.Properties {
			switch property.ID {
			case "unit":
				_ = json.Unmarshal(property.Value, &config.Unit)
			case "thresholds":
				_ = json.Unmarshal(property.Value, &config.Thresholds)
			case "color":
				_ = json.Unmarshal(property.Value, &config.Color)
			}
		}
	}
	return config
}

// meets tells whether an override is for all values of a target.
func meets(o dashboards.Override, p dashboards.Panel, t dashboards.Target) bool {
	switch o.Matcher.ID {
	case "byName":
		return o.Matcher.Options == valueField(p, t) || p.Type != "table" && o.Matcher.Options == t.LegendFormat
	case "byFrameRefID":
		return o.Matcher.Options == t.RefID
	}
	return false
}
