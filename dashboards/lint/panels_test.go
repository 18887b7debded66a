package lint

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tair_ssl_exporter/dashboards"
	"tair_ssl_exporter/internal/apptest"
)

// panelsExplain finds panels without a description, or without a text for an empty answer. A stat is empty while the
// exporter is down, so its text says that nothing is known. The text has the colour of the lowest threshold, so that is
// neutral unless null is mapped to one. A table displays its text in empty cells too, so the first override removes it.
func panelsExplain(_ board, p *panel) string {
	settings, overrides := p.Settings(nil), p.FieldConfig.Overrides
	no, steps := strings.ToLower(strings.Trim(settings.NoValue, " .-")), settings.Thresholds.Steps
	isUntrue := p.Type == "stat" && !slices.Contains([]string{"unknown", "none known", "no exporter"}, no)
	coloursNull := slices.ContainsFunc(settings.Mappings, func(m dashboards.Mapping) bool {
		return m.Options.Match == "null" && m.Options.Result.Text == settings.NoValue && m.Options.Result.Color != ""
	})
	isEmpty := func(p dashboards.Property) bool { return p.ID == "noValue" && string(p.Value) == `""` }
	emptiesCells := len(overrides) > 0 && overrides[0].Matcher.Options == "/.*/" && slices.ContainsFunc(overrides[0].Properties, isEmpty)
	switch {
	case p.Description == "" || isUntrue || slices.Contains([]string{"", "no data", "none", "n/a", "nothing"}, no):
		return fmt.Sprintf("no description, or %q does not say what it means", no)
	case p.Type == "stat" && len(steps) > 0 && steps[0].Color != "text" && !coloursNull:
		return fmt.Sprintf("%q has the colour %s", no, steps[0].Color)
	}
	return when(p.Type == "table" && !emptiesCells, "every empty cell says %q", no)
}

// textsFit finds titles that are cut, columns too narrow for what is in them, and tables whose columns leave no room
// for custom labels. On a screen of 1,600 pixels a column of the grid has 65.
func textsFit(_ board, p *panel) string {
	widths := map[string]float64{"name": 200, "region": 125, "instance_id": 180, "Days left": 100}
	sum, hasLabels := 0.0, p.fields["instance_id"] && p.fields["name"]
	if hasLabels {
		sum = 200
	}
	for _, o := range p.FieldConfig.Overrides {
		s := p.column(o)
		sum += s.Width
		if p.Type == "table" && s.Width < max(widths[o.Matcher.Options], widths[s.DisplayName]) {
			return fmt.Sprintf("%s has %v pixels", o.Matcher.Options, s.Width)
		}
		if o.Matcher.Options == "download_url" && (len(s.Mappings) != 1 || s.Mappings[0].Options.Result.Text != "download") {
			return "a link is not the word download"
		}
	}
	isBroken := p.fields["common_name"] && (p.Type != "table" || hasLabels)
	return when(len(p.Title) > 4*p.GridPos.W-2 || sum > float64(65*p.GridPos.W) || isBroken,
		"the title, or columns of %v pixels and labels, are too long for %d columns, or a common name breaks", sum, p.GridPos.W)
}

// timelinesKeepMappings finds state timelines without the texts of their values, or with the panel shining through behind
// them. With a colour by thresholds Grafana drops the texts when it merges equal values.
func timelinesKeepMappings(_ board, p *panel) string {
	s := p.Settings(nil)
	isFaint := s.Color.Mode == "thresholds" || len(s.Mappings) == 0 || s.Custom.FillOpacity != 100
	return when(p.Type == "state-timeline" && isFaint, "the colour mode %s or opacity %d hides texts", s.Color.Mode, s.Custom.FillOpacity)
}

// emptyAnswersSpeak finds tables of several queries that are only headers without rows, and state timelines that say
// "Data does not have a time field": the text for an empty answer is not displayed there, so the first query has
// another answer.
func emptyAnswersSpeak(_ board, p *panel) string {
	isTable, want := p.Type == "table" && len(p.Targets) > 1, " or on () "
	if isTable {
		want = fmt.Sprintf("%q", p.Settings(nil).NoValue)
	}
	speaks := strings.Contains(p.Targets[0].Expr, "vector(") && strings.Contains(p.Targets[0].Expr, want)
	return when((isTable || p.Type == "state-timeline") && !speaks, "without an answer nothing speaks: no %s", want)
}

// seriesAreLegible finds time series whose legend is cut, with more lines than the eye follows, with thresholds that
// look like data, or with an axis that has no scale for zeros or shows 1.39e-7.
func seriesAreLegible(_ board, p *panel) string {
	s, g, lines := p.Settings(nil), p.GridPos, 0
	if p.Type != "timeseries" {
		return ""
	}
	if m := regexp.MustCompile(`bottomk\((\d+)`).FindStringSubmatch(p.Targets[0].Expr); m != nil {
		lines, _ = strconv.Atoi(m[1])
	}
	if p.Options.Legend.Placement != "right" || g.W < 12 || g.H < 8 || lines > 10 || lines >= g.H {
		return fmt.Sprintf("a legend %s of %d lines in %d x %d is cut", p.Options.Legend.Placement, lines, g.W, g.H)
	}
	isCount := slices.Contains([]string{"short", "reqps", "percentunit"}, s.Unit)
	return when(s.Decimals == nil || isCount && s.Custom.AxisSoftMax == 0 || s.Custom.ThresholdsStyle.Mode == "line",
		"no decimals, no scale for zeros, or thresholds like data")
}

// alertsLeadToRunbooks finds tables of alerts with other alerts than those of the rules that fire, that do not begin
// with the most severe, or whose runbooks are not those of the alerts that there are: anchors in lower case.
func alertsLeadToRunbooks(b board, p *panel) string {
	if !p.fields["alertname"] {
		return ""
	}
	var alerts []string
	anchor, overrides := regexp.MustCompile(`"(TairSSL\w+)": *{"text": *"(\w*)"`), fmt.Sprintf("%s", p.FieldConfig.Overrides)
	for _, m := range anchor.FindAllStringSubmatch(overrides, -1) {
		if m[2] == strings.ToLower(m[1]) {
			alerts = append(alerts, m[1])
		}
	}
	isBase := func(v dashboards.Variable) bool { return v.Name == "runbooks" && v.Query == apptest.RunbookBase }
	by, expr := p.Options.SortBy[0], p.queries[0].Expr
	switch {
	case strings.Count(expr, "ALERTS{") != strings.Count(expr, `ALERTS{alertname=~"TairSSL.*",alertstate="firing",`):
		return "other alerts than those that fire"
	case !slices.Equal(alerts, b.alerts):
		return fmt.Sprintf("runbooks of %q, want %q", alerts, b.alerts)
	case by.DisplayName != p.queries[0].settings.DisplayName || by.Desc:
		return "does not begin with the most severe"
	}
	return when(!slices.ContainsFunc(b.Templating.List, isBase), "the runbooks are not at %s", apptest.RunbookBase)
}

// instancesLeadOn finds columns of instances without a link to the console, or to their board, which is for one
// instance.
func instancesLeadOn(b board, p *panel) string {
	for _, o := range p.FieldConfig.Overrides {
		links := fmt.Sprintf("%s", o.Properties)
		toConsole := strings.Contains(links, "https://${console}/Redis/instance/${__data.fields.region}/${__data.fields.instance_id}")
		toBoard := strings.Contains(links, "/d/tair-ssl-instance?") || b.UID == "tair-ssl-instance"
		if o.Matcher.Options == "instance_id" && (!toConsole || !toBoard) {
			return fmt.Sprintf("%s leads to the console: %v, to the board: %v", o.Matcher.Options, toConsole, toBoard)
		}
	}
	isNamed := slices.ContainsFunc(p.queries, func(q *query) bool { return strings.Contains(q.Legend, "{{instance_id}}") })
	isLinked := strings.Contains(string(p.FieldConfig.Defaults["links"]), "${__field.labels.instance_id}")
	return when(p.Type == "stat" && isNamed && !isLinked, "the instance leads nowhere")
}

// fieldsExist finds overrides that match no field, no legend and no query, and links, sorted columns and stats of a
// field that is not displayed.
func fieldsExist(_ board, p *panel) string {
	columns := newSet()
	for _, o := range p.FieldConfig.Overrides {
		isOfValues := slices.ContainsFunc(p.queries, func(q *query) bool { return q.matches(o) })
		isOfFields := p.fields[o.Matcher.Options] || o.Matcher.ID == "byRegexp" && p.fields.match(o.Matcher.Options)
		if !isOfValues && !isOfFields {
			return fmt.Sprintf("nothing for the override %s %q; fields are %s", o.Matcher.ID, o.Matcher.Options, p.fields)
		}
		if !p.hidden[o.Matcher.Options] {
			columns[p.column(o).DisplayName] = true
		}
		for _, m := range regexp.MustCompile(`__data\.fields\.(\w+)`).FindAllStringSubmatch(fmt.Sprintf("%s", o.Properties), -1) {
			if !p.fields[m[1]] || p.hidden[m[1]] {
				return fmt.Sprintf("no field %q for a link", m[1])
			}
		}
	}
	for _, by := range p.Options.SortBy {
		if !columns[by.DisplayName] {
			return fmt.Sprintf("sorted by %q, columns are %s", by.DisplayName, columns)
		}
	}
	fields := p.Options.ReduceOptions.Fields
	return when(fields != "" && !p.fields.match(fields), "no field for %s", fields)
}

// match reports whether a name matches a pattern between slashes.
func (s set) match(pattern string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(s)), regexp.MustCompile(strings.Trim(pattern, "/")).MatchString)
}

// tablesShowEveryLabel finds tables of instances that miss a label of the info metric, hide a custom one, or show those
// that Prometheus and its operator for Kubernetes add. A custom label may be called cluster or node.
func tablesShowEveryLabel(b board, p *panel) string {
	ofScraping := newSet("job", "instance", "namespace", "service", "pod", "container", "endpoint")
	mayHide, info := ofScraping.with("Time", "__name__"), b.known["tair_ssl_instance_info"]
	for _, q := range p.queries {
		mayHide[q.value] = true
	}
	isOfInstances := p.Type == "table" && p.fields["instance_id"] && p.fields["name"] && !p.fields["alertname"]
	showsAll := info.within(p.fields) && ofScraping.within(p.hidden) && p.hidden.within(mayHide)
	return when(isOfInstances && !showsAll, "labels %s, want %s; hides %s, want %s", p.fields, info, p.hidden, ofScraping)
}
