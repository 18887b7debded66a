package lint

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tair_ssl_exporter/dashboards"
)

// timelinesKeepMappings finds state timelines without the texts of their values: with a colour by thresholds Grafana
// drops them when it merges equal values.
func timelinesKeepMappings(b board) (found problems) {
	for _, p := range b.panels {
		if s := p.Settings(nil); p.Type == "state-timeline" && (s.Color.Mode == "thresholds" || len(s.Mappings) == 0) {
			found.add("%s: the colour mode %s drops the texts of values", p.Title, s.Color.Mode)
		}
	}
	return found
}

// emptyAnswersSpeak finds tables of several queries that are only headers without rows, and state timelines that say
// "Data does not have a time field": the text for an empty answer is not displayed there, so the first query has
// another answer.
func emptyAnswersSpeak(b board) (found problems) {
	for _, p := range b.panels {
		want := " or on () "
		if p.Type == "table" && len(p.Targets) > 1 {
			want = fmt.Sprintf("%q", p.Settings(nil).NoValue)
		} else if p.Type != "state-timeline" {
			continue
		}
		if expr := p.Targets[0].Expr; !strings.Contains(expr, "vector(") || !strings.Contains(expr, want) {
			found.add("%s: nothing speaks without an answer: no %s in %s", p.Title, want, expr)
		}
	}
	return found
}

// textsFit finds titles that are cut, columns too narrow for what is in them, and tables whose columns leave no room
// for custom labels. On a screen of 1,600 pixels a column of the grid has 65.
func textsFit(b board) (found problems) {
	widths := map[string]float64{"name": 200, "region": 125, "instance_id": 180, "Days left": 100}
	for _, p := range b.panels {
		if len(p.Title) > 4*p.GridPos.W-2 {
			found.add("%q is too long for %d columns", p.Title, p.GridPos.W)
		}
		sum, hasLabels := 0.0, p.fields["instance_id"] && p.fields["name"]
		if hasLabels {
			sum = 200
		}
		for _, o := range p.FieldConfig.Overrides {
			s := p.Settings(func(other dashboards.Override) bool { return other.Matcher == o.Matcher })
			sum += s.Width
			if p.Type == "table" && s.Width < max(widths[o.Matcher.Options], widths[s.DisplayName]) {
				found.add("%s: %s has %v pixels", p.Title, o.Matcher.Options, s.Width)
			}
			if o.Matcher.Options == "download_url" && (len(s.Mappings) != 1 || s.Mappings[0].Options.Result.Text != "download") {
				found.add("%s: a link is not the word download", p.Title)
			}
		}
		if sum > float64(65*p.GridPos.W) || p.fields["common_name"] && (p.Type != "table" || hasLabels) {
			found.add("%s: columns of %v pixels leave no room for labels, or a common name breaks", p.Title, sum)
		}
	}
	return found
}

// seriesAreLegible finds time series whose legend is cut, with more lines than the eye follows, with thresholds that
// look like data, or with an axis that has no scale for zeros or shows 1.39e-7.
func seriesAreLegible(b board) (found problems) {
	for _, p := range b.panels {
		s, g, lines := p.Settings(nil), p.GridPos, 0
		if p.Type != "timeseries" {
			continue
		}
		if m := regexp.MustCompile(`bottomk\((\d+)`).FindStringSubmatch(p.Targets[0].Expr); m != nil {
			lines, _ = strconv.Atoi(m[1])
		}
		if p.Options.Legend.Placement != "right" || g.W < 12 || g.H < 8 || lines > 10 || lines >= g.H {
			found.add("%s: a legend %s of %d lines in %d x %d is cut", p.Title, p.Options.Legend.Placement, lines, g.W, g.H)
		}
		isCount := slices.Contains([]string{"short", "reqps", "percentunit"}, s.Unit)
		if s.Decimals == nil || isCount && s.Custom.AxisSoftMax == 0 || s.Custom.ThresholdsStyle.Mode == "line" {
			found.add("%s: no decimals, no scale for zeros, or thresholds like data", p.Title)
		}
	}
	return found
}

// coloursAreReadable finds colours with a contrast below 3:1 for large text and shapes, on the panels of the dark or
// the light theme, or below 4.5:1 for small text. No colour has 4.5:1 on both, so small text is neutral or on a
// coloured cell.
func coloursAreReadable(b board) (found problems) {
	colours := regexp.MustCompile(`"(?:color|fixedColor|iconColor)": "([^"]+)"`)
	for theme, panel := range []string{"#181b1f", "#ffffff"} {
		for _, m := range colours.FindAllStringSubmatch(b.Text, -1) {
			if c := contrast(paletteColour(m[1], theme), panel); c < 3 {
				found.add("%s: a contrast of %.1f on %s", m[1], c, panel)
			}
		}
		for _, p := range b.panels {
			for _, o := range p.FieldConfig.Overrides {
				cells := p.Settings(func(other dashboards.Override) bool { return other.Matcher == o.Matcher }).CellOptions.Type
				for _, m := range colours.FindAllStringSubmatch(fmt.Sprintf("%s", o.Properties), -1) {
					colour := paletteColour(m[1], theme)
					ratio := map[string]float64{"color-background": contrast(textOn(colour), colour), "color-text": contrast(colour, panel)}
					if c := ratio[cells]; 0 < c && c < 4.5 {
						found.add("%s: %s of %s: a contrast of %.1f", p.Title, m[1], o.Matcher.Options, c)
					}
				}
			}
			if p.Type == "state-timeline" && p.Settings(nil).Custom.FillOpacity != 100 {
				found.add("%s: the panel shines through behind the text", p.Title)
			}
		}
	}
	return found
}

// paletteColour returns a colour of Grafana's palette in the dark (0) or the light (1) theme, which have hues of their
// own. A hexadecimal colour is the same in both.
func paletteColour(name string, theme int) string {
	palette := map[string][2]string{
		"text": {"#ccccdc", "#24292e"}, "red": {"#f2495c", "#e02f44"}, "dark-red": {"#c4162a", "#ad0317"},
		"orange": {"#ff9830", "#ff780a"}, "dark-orange": {"#fa6400", "#e55400"}, "yellow": {"#fade2a", "#f2cc0c"},
		"green": {"#73bf69", "#56a64b"}, "dark-green": {"#37872d", "#19730e"}, "blue": {"#5794f2", "#3274d9"},
	}
	if colour, ok := palette[name]; ok {
		return colour[theme]
	}
	return name
}

// textOn returns the colour of the text that Grafana writes on a coloured cell: dark on a bright one.
func textOn(colour string) string {
	if c := rgb(colour); 0.299*c[0]+0.587*c[1]+0.114*c[2] > 180/255. {
		return "#202226"
	}
	return "#f7f8fa"
}

// rgb returns the parts of a hexadecimal colour, from 0 to 1.
func rgb(colour string) (parts [3]float64) {
	value, _ := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 24)
	for i := range parts {
		parts[2-i] = float64(value>>(8*i)&0xff) / 255
	}
	return parts
}

// contrast returns the ratio of two colours as WCAG defines it, from 1 to 21.
func contrast(a, b string) float64 {
	luminance := func(colour string) (sum float64) {
		for i, part := range rgb(colour) {
			linear := part / 12.92
			if part > 0.03928 {
				linear = math.Pow((part+0.055)/1.055, 2.4)
			}
			sum += []float64{0.2126, 0.7152, 0.0722}[i] * linear
		}
		return sum + 0.05
	}
	return max(luminance(a), luminance(b)) / min(luminance(a), luminance(b))
}
