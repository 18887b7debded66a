package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tair_ssl_exporter/dashboards"
)

// failuresComeFirst finds tables with the result of the latest call that do not show its reason beside it, that show an
// unknown result like an empty one, that do not begin with what fails, or that leave out what fails but has a known
// expiry. A table of days left begins with the soonest.
func failuresComeFirst(b board) (found problems) {
	for _, p := range b.panels {
		ofDays := slices.ContainsFunc(p.queries, func(q query) bool { return q.settings.Unit == "suffix:d" })
		for _, q := range p.queries {
			isCall := func(s selector) bool {
				return s.Name == "tair_ssl_scrape_success" && !s.isFilter() || s.Name == "tair_ssl_exporter_api_requests_total"
			}
			if p.Type != "table" || p.hidden[q.value] || !slices.ContainsFunc(q.selectors, isCall) {
				continue
			}
			first := q.settings.DisplayName
			if by := p.Options.SortBy; !ofDays && (by[0].DisplayName != first || by[0].Desc != (first == "Failed calls")) {
				found.add("%s: sorted by %v, want %s", p.Title, by, first)
			}
			if !ofDays && p.fields["instance_id"] && !strings.Contains(p.queries[0].Expr, "tair_ssl_scrape_success") {
				found.add("%s: fewer rows than instances that fail", p.Title)
			}
			isUnknown := slices.ContainsFunc(q.settings.Mappings, func(m dashboards.Mapping) bool {
				return m.Options.Match == "null" && m.Options.Result.Text == "unknown" && m.Options.Result.Color != "text"
			})
			if p.fields["instance_id"] && (!isUnknown || !p.fields["reason"] || p.hidden["reason"]) {
				found.add("%s: no reason of failures, or no text for an unknown result", p.Title)
			}
		}
	}
	return found
}

// alertsLeadToRunbooks finds tables of alerts with other alerts than those of the rules that fire, that do not begin
// with the most severe, or without the runbook of an alert: an anchor in lower case.
func alertsLeadToRunbooks(b board) (found problems) {
	for _, s := range b.selectors {
		if s.Name == "ALERTS" && !strings.Contains(s.String(), `,alertname=~"TairSSL.*",alertstate="firing",`) {
			found.add("%s: other alerts than those that fire: %s", s.query, s)
		}
	}
	for _, p := range b.panels {
		if !p.fields["alertname"] {
			continue
		}
		text := fmt.Sprintf("%s", p.FieldConfig.Overrides)
		for _, alert := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(b.rules, -1) {
			if !regexp.MustCompile(fmt.Sprintf(`%q: *{"text": *%q`, alert[1], strings.ToLower(alert[1]))).MatchString(text) {
				found.add("%s: no runbook for %s", p.Title, alert[1])
			}
		}
		if p.Options.SortBy[0].DisplayName != p.queries[0].settings.DisplayName || p.Options.SortBy[0].Desc {
			found.add("%s: does not begin with the most severe", p.Title)
		}
	}
	for _, v := range b.Templating.List {
		if base, _ := v.Query.(string); v.Name == "runbooks" && !strings.Contains(b.rules, base+"#") {
			found.add("the runbooks are not at %s in the rules", base)
		}
	}
	return found
}

// instancesLeadOn finds columns of instances without a link to the console, or to their board, which is for one
// instance.
func instancesLeadOn(b board) (found problems) {
	for _, p := range b.panels {
		for _, o := range p.FieldConfig.Overrides {
			links := fmt.Sprintf("%s", o.Properties)
			toConsole := strings.Contains(links, "https://${console}/Redis/instance/${__data.fields.region}/${__data.fields.instance_id}")
			toBoard := strings.Contains(links, "/d/tair-ssl-instance?") || b.UID == "tair-ssl-instance"
			if o.Matcher.Options == "instance_id" && (!toConsole || !toBoard) {
				found.add("%s: %s leads to the console: %v, to the board: %v", p.Title, o.Matcher.Options, toConsole, toBoard)
			}
		}
		named := slices.ContainsFunc(p.queries, func(q query) bool { return strings.Contains(q.Legend, "{{instance_id}}") })
		if p.Type == "stat" && named && !strings.Contains(string(p.FieldConfig.Defaults["links"]), "${__field.labels.instance_id}") {
			found.add("%s: the instance leads nowhere", p.Title)
		}
	}
	return found
}

// variablesAreReady finds variables that nothing uses, a data source that is not the default one, and a list of
// instances that has no names with the IDs or is empty while the exporter is down.
func variablesAreReady(b board) (found problems) {
	for _, v := range b.Templating.List {
		isUsed := strings.Contains(b.Text, "$"+v.Name) || strings.Contains(b.Text, "${"+v.Name)
		if !isUsed || v.Type == "datasource" && v.Current.Value != "default" {
			found.add("nothing uses $%s, or it begins with %v", v.Name, v.Current.Value)
		}
		if v.Name != "instance_id" {
			continue
		}
		// What Grafana makes of an answer to query_result: text, in which it looks for every match of the pattern.
		answer, choice := `{instance_id="r-1",name="a \"b",option="sessions r-1"} 1 1795569788000`, make(map[string]string)
		pattern := regexp.MustCompile(strings.TrimSuffix(strings.TrimPrefix(v.Regex, "/"), "/g"))
		for _, m := range pattern.FindAllStringSubmatch(answer, -1) {
			for i, name := range pattern.SubexpNames() {
				choice[name] += m[i]
			}
		}
		query := fmt.Sprint(v.Query)
		looksBack := strings.Contains(query, "query_result(") && strings.Contains(query, "[6h]")
		if choice["text"] != "sessions r-1" || choice["value"] != "r-1" || !looksBack {
			found.add("$%s: the pattern %s finds %q in an answer to %s", v.Name, v.Regex, choice, query)
		}
	}
	return found
}
