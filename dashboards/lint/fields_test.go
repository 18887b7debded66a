package lint

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"tair_ssl_exporter/dashboards"
)

// fieldsOf gives the fields that the queries of a panel answer with, as tables have them.
func fieldsOf(p dashboards.Panel, known schema) set {
	fields := newSet("Time")
	for _, t := range p.Targets {
		fields = union(fields, labelsOf(t, known))
		fields.add(valueField(p, t))
	}
	return fields
}

// labelsOf gives the labels of a target's answer.
func labelsOf(t dashboards.Target, known schema) set {
	e, err := promql.ParseExpr(dashboards.Query{Expr: t.Expr}.Fill(values()))
	if err != nil {
		return make(set)
	}
	in := inference{known: known}
	return in.labels(e)
}

// excluded gives the fields that a table does not show.
func excluded(p dashboards.Panel) map[string]bool {
	all := make(set)
	for _, t := range p.Transformations {
		all = union(all, t.Options.ExcludeByName)
	}
	return all
}

var legendLabel = regexp.MustCompile(`{{\s*(\w+)\s*}}`)

// legendsNameLabels wants the labels in legends to be in the answers.
func legendsNameLabels(b dashboards.Board, known schema) []string {
	var problems []string
	for _, p := range b.AllPanels() {
		for _, t := range p.Targets {
			has := labelsOf(t, known)
			for _, m := range legendLabel.FindAllStringSubmatch(t.LegendFormat, -1) {
				if !has[m[1]] {
					problems = append(problems, fmt.Sprintf("%s %s: no label %q for the legend", p.Title, t.RefID, m[1]))
				}
			}
			if t.LegendFormat == "" && t.Format != "table" {
				problems = append(problems, fmt.Sprintf("%s %s: no legend", p.Title, t.RefID))
			}
		}
	}
	for _, a := range b.Annotations.List {
		has := labelsOf(dashboards.Target{Expr: a.Expr}, known)
		for _, m := range legendLabel.FindAllStringSubmatch(a.TextFormat, -1) {
			if !has[m[1]] {
				problems = append(problems, fmt.Sprintf("%s: no label %q for the text", a.Name, m[1]))
			}
		}
		for _, m := range regexp.MustCompile(`\w+`).FindAllString(a.TagKeys, -1) {
			if !has[m] {
				problems = append(problems, fmt.Sprintf("%s: no label %q for a tag", a.Name, m))
			}
		}
	}
	return problems
}

// overridesMeetFields wants every override to match a field, a legend or a query: one that matches nothing is a typo.
func overridesMeetFields(b dashboards.Board, known schema) []string {
	var problems []string
	for _, p := range b.AllPanels() {
		fields, refs := fieldsOf(p, known), make(set)
		for _, t := range p.Targets {
			refs.add(t.RefID)
			if p.Type != "table" {
				fields.add(t.LegendFormat)
			}
		}
		for _, o := range p.FieldConfig.Overrides {
			by := map[string]set{"byName": fields, "byRegexp": fields, "byFrameRefID": refs}[o.Matcher.ID]
			if !by[o.Matcher.Options] && (o.Matcher.ID != "byRegexp" || !found(o.Matcher.Options, fields)) {
				problems = append(problems, fmt.Sprintf("%s: nothing for the override %s %q; there is %s", p.Title, o.Matcher.ID, o.Matcher.Options, by))
			}
		}
	}
	return problems
}

var linkField = regexp.MustCompile(`__data\.fields\.(\w+)`)

// linksUseShownFields wants the fields that data links take values from.
func linksUseShownFields(b dashboards.Board, known schema) []string {
	var problems []string
	for _, p := range b.AllPanels() {
		fields := fieldsOf(p, known)
		for _, o := range p.FieldConfig.Overrides {
			for _, property := range o.Properties {
				for _, m := range linkField.FindAllStringSubmatch(string(property.Value), -1) {
					if !fields[m[1]] || excluded(p)[m[1]] {
						problems = append(problems, fmt.Sprintf("%s: no field %q for a link", p.Title, m[1]))
					}
				}
			}
		}
	}
	return problems
}

// columnsMeetFields wants a table to sort by a column it shows, and a stat that picks a field to find it.
func columnsMeetFields(b dashboards.Board, known schema) []string {
	var problems []string
	for _, p := range b.AllPanels() {
		fields := fieldsOf(p, known)
		columns := make(set)
		for _, o := range p.FieldConfig.Overrides {
			for _, property := range o.Properties {
				var name string
				if property.ID == "displayName" && json.Unmarshal(property.Value, &name) == nil && !excluded(p)[o.Matcher.Options] {
					columns.add(name)
				}
			}
		}
		var sorts []struct{ DisplayName string }
		_ = json.Unmarshal(p.Options["sortBy"], &sorts)
		for _, s := range sorts {
			if !columns[s.DisplayName] {
				problems = append(problems, fmt.Sprintf("%s: sorted by %q, columns %s", p.Title, s.DisplayName, columns))
			}
		}
		var reduce struct{ Fields string }
		_ = json.Unmarshal(p.Options["reduceOptions"], &reduce)
		if reduce.Fields != "" && !found(reduce.Fields, fields) {
			problems = append(problems, fmt.Sprintf("%s: no field for %s", p.Title, reduce.Fields))
		}
	}
	return problems
}

// found tells whether a pattern between slashes matches a field.
func found(pattern string, fields set) bool {
	re, err := regexp.Compile(pattern[1 : len(pattern)-1])
	for name := range fields {
		if err == nil && re.MatchString(name) {
			return true
		}
	}
	return false
}

// ofScraping is the labels that Prometheus and its operator for Kubernetes add to what they scrape, and no more: a custom
// label may well be called cluster or node.
var ofScraping = newSet("job", "instance", "namespace", "service", "pod", "container", "endpoint")

// tablesShowEveryLabel wants a table of instances to start from the info metric with all its labels, whatever custom ones
// there are, and to hide what comes from scraping, all of it and nothing else.
func tablesShowEveryLabel(b dashboards.Board, known schema) []string {
	var problems []string
	for _, p := range b.AllPanels() {
		fields := fieldsOf(p, known)
		if p.Type != "table" || !fields["instance_id"] || !fields["name"] {
			continue
		}
		for label := range known["tair_ssl_instance_info"] {
			if !fields[label] {
				problems = append(problems, fmt.Sprintf("%s: label %q of the instances is not there", p.Title, label))
			}
		}
		for name := range excluded(p) {
			if !ofScraping[name] && name != "Time" && name != metricName && !strings.HasPrefix(name, "Value") {
				problems = append(problems, fmt.Sprintf("%s: hides %q", p.Title, name))
			}
		}
		for label := range ofScraping {
			if !excluded(p)[label] {
				problems = append(problems, fmt.Sprintf("%s: shows %q", p.Title, label))
			}
		}
	}
	return problems
}
