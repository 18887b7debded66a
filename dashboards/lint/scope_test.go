package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// queriesFollowVariables finds selectors without the variables of job, account and region that their metric has, and
// matchers on these labels with anything else: a constant, another variable, a negation. The query of a variable
// follows the variables before it. A metric of instances without these labels is joined with the info metric. A board
// of one instance has queries about that instance only.
func queriesFollowVariables(b board) (found problems) {
	for _, q := range b.queries {
		required := []string{"job", "account", "region"}
		_, variable, isVariable := strings.Cut(q.ID, " / variable / ")
		if i := slices.Index(required, variable); i >= 0 {
			required = required[:i]
		}
		if b.UID == "tair-ssl-instance" && !isVariable && q.expr != nil && !slices.ContainsFunc(q.selectors, selector.isOneInstance) {
			found.add("%s: not about $instance_id", q.ID)
		}
		for _, s := range q.selectors {
			for _, m := range s.LabelMatchers {
				if want := s.matcherFor(m.Name); want != "" && m.String() != want {
					found.add("%s: %s has %s, want %s", q.ID, s.Name, m, want)
				}
			}
			for _, name := range required {
				has := slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == name })
				if b.known[s.Name][name] && !has && (name == "job" || !s.isOneInstance()) {
					found.add("%s: %s does not follow $%s", q.ID, s.Name, name)
				}
			}
			if s.isOfInstance() && !b.known[s.Name]["account"] && !s.isOneInstance() && !s.isFilter() && !s.isOfListed() {
				found.add("%s: %s is not joined with the instances of the variables", q.ID, s.Name)
			}
		}
	}
	return found
}

// matcherFor returns the only matcher allowed on the label of a variable, "" for other labels. The region "*" stands
// for the list of regions. An alert on an exporter may have no account or no region.
func (s selector) matcherFor(label string) string {
	value := values()[label]
	switch {
	case value == "":
		return ""
	case label == "instance_id":
		return fmt.Sprintf("%s=%q", label, value)
	case label == "region" && (strings.HasPrefix(s.Name, "tair_ssl_exporter_discovery_") || s.Name == "ALERTS"):
		value += "|[*]"
	}
	if s.Name == "ALERTS" {
		value += "|"
	}
	return fmt.Sprintf("%s=~%q", label, value)
}

// targetsAreExporters finds metrics that every target of a job has, such as up, without a join that leaves the
// exporters. An exporter that is down has no metric but up: its job counts if it had an exporter within the time range.
func targetsAreExporters(b board) (found problems) {
	const info = `tair_ssl_exporter_build_info{job=~"job-x"}`
	for _, s := range b.selectors {
		isExporter := slices.Contains(s.joins("job", "instance"), info)
		if s.Name == "up" {
			isExporter = slices.Contains(s.joins("job"), "last_over_time("+info+"[1d2h3m1s])")
		}
		isFilter := s.Name == "up" && s.isFilter()
		if !strings.HasPrefix(s.Name, "tair_ssl_") && s.Name != "ALERTS" && !isExporter && !isFilter {
			found.add("%s: %s may be of a target that is not an exporter", s.query, s.Name)
		}
	}
	return found
}
