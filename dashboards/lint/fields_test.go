package lint

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// legendsNameLabels finds legends, and texts of annotations, with labels that the answers do not have.
func legendsNameLabels(b board) (found problems) {
	for _, q := range b.queries {
		if q.Legend == "" && q.Panel != nil && q.Target.Format != "table" {
			found.add("%s: no legend", q.ID)
		}
		for _, label := range regexp.MustCompile(`{{\s*(\w+)\s*}}`).FindAllStringSubmatch(q.Legend, -1) {
			if !q.labels[label[1]] {
				found.add("%s: no label %q for the legend", q.ID, label[1])
			}
		}
	}
	return found
}

// overridesMatchFields finds overrides that match no field, no legend and no query.
func overridesMatchFields(b board) (found problems) {
	for _, p := range b.panels {
		for _, o := range p.FieldConfig.Overrides {
			isOfValues := slices.ContainsFunc(p.queries, func(q query) bool { return q.matches(o) })
			isOfFields := p.fields[o.Matcher.Options] || o.Matcher.ID == "byRegexp" && p.fields.match(o.Matcher.Options)
			if !isOfValues && !isOfFields {
				found.add("%s: nothing for the override %s %q; fields are %s", p.Title, o.Matcher.ID, o.Matcher.Options, p.fields)
			}
		}
	}
	return found
}

// match reports whether a name matches a pattern between slashes.
func (s set) match(pattern string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(s)), regexp.MustCompile(strings.Trim(pattern, "/")).MatchString)
}

// columnsAreDisplayed finds links with the value of a field, tables sorted by a column, and stats of a field that are not
// displayed.
func columnsAreDisplayed(b board) (found problems) {
	for _, p := range b.panels {
		columns := newSet()
		for _, o := range p.FieldConfig.Overrides {
			for _, property := range o.Properties {
				if property.ID == "displayName" && !p.hidden[o.Matcher.Options] {
					columns[strings.Trim(string(property.Value), `"`)] = true
				}
				for _, field := range regexp.MustCompile(`__data\.fields\.(\w+)`).FindAllStringSubmatch(string(property.Value), -1) {
					if !p.fields[field[1]] || p.hidden[field[1]] {
						found.add("%s: no field %q for a link", p.Title, field[1])
					}
				}
			}
		}
		for _, by := range p.Options.SortBy {
			if !columns[by.DisplayName] {
				found.add("%s: sorted by %q, columns are %s", p.Title, by.DisplayName, columns)
			}
		}
		if fields := p.Options.ReduceOptions.Fields; fields != "" && !p.fields.match(fields) {
			found.add("%s: no field for %s", p.Title, fields)
		}
	}
	return found
}

// tablesShowEveryLabel finds tables of instances that miss a label of the info metric, hide a custom one, or show those
// that Prometheus and its operator for Kubernetes add. A custom label may be called cluster or node.
func tablesShowEveryLabel(b board) (found problems) {
	ofScraping := newSet("job", "instance", "namespace", "service", "pod", "container", "endpoint")
	for _, p := range b.panels {
		mayHide := ofScraping.with("Time", "__name__")
		for _, q := range p.queries {
			mayHide[q.value] = true
		}
		if p.Type != "table" || !p.fields["instance_id"] || !p.fields["name"] || p.fields["alertname"] {
			continue
		}
		if info := b.known["tair_ssl_instance_info"]; !info.within(p.fields) {
			found.add("%s: labels %s, want %s", p.Title, p.fields, info)
		}
		if !ofScraping.within(p.hidden) || !p.hidden.within(mayHide) {
			found.add("%s: hides %s, want %s", p.Title, p.hidden, ofScraping)
		}
	}
	return found
}
