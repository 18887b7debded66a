package lint

import (
	"regexp"
	"slices"
	"strings"

	"tair_ssl_exporter/dashboards"
)

// panelsHaveTheirPlace finds panels and rows that lie on one another or beside the grid.
func panelsHaveTheirPlace(b board) (found problems) {
	for i, p := range b.Panels {
		g := p.GridPos
		isTaken := func(other dashboards.Panel) bool {
			o := other.GridPos
			return g.X < o.X+o.W && o.X < g.X+g.W && g.Y < o.Y+o.H && o.Y < g.Y+g.H
		}
		if g.X < 0 || g.Y < 0 || g.W < 1 || g.H < 1 || g.X+g.W > 24 || slices.ContainsFunc(b.Panels[:i], isTaken) {
			found.add("%s: beside the grid, or in the place of another panel", p.Title)
		}
	}
	return found
}

// panelsExplain finds panels without a description, or without a text for an empty answer that is true. While the
// exporter is down a stat is empty too, so it says that nothing is known, not that there is no certificate. Grafana
// displays the text of a table in every empty cell too, so the first override removes it from the cells. It displays
// the text of a stat in the colour of the lowest threshold, so that colour is neutral or a mapping of null sets
// another.
func panelsExplain(b board) (found problems) {
	for _, p := range b.panels {
		settings := p.Settings(nil)
		no := strings.ToLower(strings.Trim(settings.NoValue, " .-"))
		isUntrue := p.Type == "stat" && !slices.Contains([]string{"unknown", "none known", "no exporter"}, no)
		if p.Description == "" || isUntrue || slices.Contains([]string{"", "no data", "none", "n/a", "nothing"}, no) {
			found.add("%s: no description, or %q does not say what it means", p.Title, settings.NoValue)
		}
		if steps := settings.Thresholds.Steps; p.Type == "stat" && len(steps) > 0 && steps[0].Color != "text" && !coloursNull(settings) {
			found.add("%s: %q has the colour %s", p.Title, settings.NoValue, steps[0].Color)
		}
		if p.Type == "table" && !emptiesCells(p.FieldConfig.Overrides) {
			found.add("%s: every empty cell says %q", p.Title, settings.NoValue)
		}
	}
	return found
}

// coloursNull reports whether null is mapped to a colour and to the text for an empty answer.
func coloursNull(s dashboards.Settings) bool {
	for _, m := range s.Mappings {
		if m.Type == "special" && m.Options.Match == "null" {
			return m.Options.Result.Text == s.NoValue && m.Options.Result.Color != ""
		}
	}
	return false
}

// emptiesCells reports whether the first override sets an empty text for the empty cells of all columns.
func emptiesCells(overrides []dashboards.Override) bool {
	isEmpty := func(p dashboards.Property) bool { return p.ID == "noValue" && string(p.Value) == `""` }
	return len(overrides) > 0 && overrides[0].Matcher.Options == "/.*/" && slices.ContainsFunc(overrides[0].Properties, isEmpty)
}

// uids returns the uid of every board. Bookmarks and links hold them, so they do not change.
func uids() []string { return []string{"tair-ssl-exporter", "tair-ssl-instance", "tair-ssl-overview"} }

// linksResolve finds a uid that is not the file name, boards without a link to each other board, links to boards that
// do not exist, and links that lose the variables or the time range. Only links with an ID lead to the board of an
// instance, for without one it shows the first. The exporter board has a range of its own: 6 hours, not 30 days.
func linksResolve(b board) (found problems) {
	if b.UID != b.Slug() {
		found.add("uid %q in %s", b.UID, b.File)
	}
	for _, uid := range uids() {
		keepsTime := uid != "tair-ssl-exporter" && b.UID != "tair-ssl-exporter"
		leads := func(l dashboards.Link) bool { return l.URL == "/d/"+uid && l.IncludeVars && l.KeepTime == keepsTime }
		if isLinked := slices.ContainsFunc(b.Links, leads); uid != b.UID && isLinked == (uid == "tair-ssl-instance") {
			found.add("%s is linked: %v; time is to be kept: %v", uid, isLinked, keepsTime)
		}
	}
	for _, m := range regexp.MustCompile(`"/d/([^"?]+)\?([^"]*)"`).FindAllStringSubmatch(b.Text, -1) {
		for _, want := range []string{"var-instance_id=${__", "${datasource:queryparam}", "${job:queryparam}", "${__url_time_range}"} {
			if !slices.Contains(uids(), m[1]) || !strings.Contains(m[2], want) {
				found.add("a link to %s, which does not exist, or without %s", m[1], want)
			}
		}
	}
	return found
}
