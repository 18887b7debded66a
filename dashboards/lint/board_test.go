package lint

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"tair_ssl_exporter/dashboards"
)

// uids are the boards there are. People bookmark them and alerts link to them: they do not change.
var uids = []string{"tair-ssl-exporter", "tair-ssl-instance", "tair-ssl-overview"}

// identity wants what a board is found by, and a file that Grafana can import as it is.
func identity(b dashboards.Board, _ schema) []string {
	var problems []string
	if !slices.Contains(uids, b.UID) || b.UID != b.Slug() {
		problems = append(problems, fmt.Sprintf("uid %q in %s; want the name of the file, one of %q", b.UID, b.File, uids))
	}
	if b.ID != nil {
		problems = append(problems, "an id belongs to one Grafana")
	}
	if b.Title == "" || b.Description == "" {
		problems = append(problems, "no title or no description")
	}
	if !slices.Contains(b.Tags, "tair-ssl") {
		problems = append(problems, "not tagged tair-ssl")
	}
	return problems
}

// model wants the classic model of versions that every Grafana since 9 reads.
func model(b dashboards.Board, _ schema) []string {
	var problems []string
	if b.SchemaVersion < 39 || b.SchemaVersion > 41 {
		problems = append(problems, fmt.Sprintf("schemaVersion %d, want 39 to 41", b.SchemaVersion))
	}
	if b.Editable == nil || *b.Editable {
		problems = append(problems, "editable")
	}
	if b.Timezone != "utc" {
		problems = append(problems, "dates are not shown in UTC")
	}
	return problems
}

// linksLeadToTheOtherBoards wants a link to each other board that keeps the variables and the time.
func linksLeadToTheOtherBoards(b dashboards.Board, _ schema) []string {
	var problems []string
	for _, uid := range uids {
		leads := func(l dashboards.Link) bool {
			return l.Type == "link" && l.URL == "/d/"+uid && l.IncludeVars && l.KeepTime
		}
		if uid != b.UID && !slices.ContainsFunc(b.Links, leads) {
			problems = append(problems, "no link to "+uid+" that keeps variables and time")
		}
	}
	return problems
}

var boardURL = regexp.MustCompile(`"(/d/[^"]+)"`)

// dataLinksKeepTheContext wants data links to lead to boards that there are, with data source, job and time.
func dataLinksKeepTheContext(b dashboards.Board, _ schema) []string {
	var problems []string
	for _, p := range b.AllPanels() {
		for _, o := range p.FieldConfig.Overrides {
			for _, property := range o.Properties {
				for _, m := range boardURL.FindAllStringSubmatch(string(property.Value), -1) {
					uid, parameters, _ := strings.Cut(strings.TrimPrefix(m[1], "/d/"), "?")
					if !slices.Contains(uids, uid) {
						problems = append(problems, fmt.Sprintf("%s: there is no board %q", p.Title, uid))
					}
					for _, want := range []string{"${datasource:queryparam}", "${job:queryparam}", "${__url_time_range}"} {
						if !strings.Contains(parameters, want) {
							problems = append(problems, fmt.Sprintf("%s: the link to %s loses %s", p.Title, uid, want))
						}
					}
				}
			}
		}
	}
	return problems
}

// variablesHaveTheirShape wants the data source first, then job, account and region, of which many can be chosen and all
// are at first.
func variablesHaveTheirShape(b dashboards.Board, _ schema) []string {
	var problems []string
	names := make([]string, 0, 5)
	for _, v := range b.Templating.List {
		names = append(names, v.Name)
		if v.Label == "" {
			problems = append(problems, v.Name+": no label")
		}
		switch v.Name {
		case "datasource":
			if v.Type != "datasource" || string(v.Query) != `"prometheus"` {
				problems = append(problems, "datasource: no choice of Prometheus data sources")
			}
		case "job", "account", "region":
			if !v.Multi || !v.IncludeAll || v.AllValue != ".+" {
				problems = append(problems, v.Name+": want multi, and All as .+")
			}
			fallthrough
		default:
			var query struct{ Query string }
			err := json.Unmarshal(v.Query, &query)
			if v.Type != "query" || v.Refresh != 2 || err != nil || query.Query != v.Definition {
				problems = append(problems, v.Name+": want a query at each change of the time, the same in query and definition")
			}
			if !strings.HasPrefix(v.Definition, "label_values(") || !strings.HasSuffix(v.Definition, ", "+v.Name+")") {
				problems = append(problems, v.Name+": want the values of the label "+v.Name)
			}
		}
	}
	want := []string{"datasource", "job", "account", "region"}
	if len(names) < len(want) || !slices.Equal(names[:len(want)], want) {
		problems = append(problems, fmt.Sprintf("variables %q, want %q first", names, want))
	}
	return problems
}

// variablesAreUsed wants every variable used, and none that there is not.
func variablesAreUsed(b dashboards.Board, _ schema) []string {
	var problems []string
	has := newSet("__all", "__data", "__interval", "__range", "__rate_interval", "__url_time_range", "__value")
	used := newSet(dashboards.Variables(texts(b.Raw))...)
	for _, v := range b.Templating.List {
		has[v.Name] = true
		if !used[v.Name] {
			problems = append(problems, "$"+v.Name+" is not used")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(used)) {
		if !has[name] {
			problems = append(problems, "there is no variable $"+name)
		}
	}
	return problems
}

// dataSourceIsTheVariable wants the data source of everything to be the variable.
func dataSourceIsTheVariable(b dashboards.Board, _ schema) []string {
	var problems []string
	walk(b.Raw, func(object map[string]any) {
		source, ok := object["datasource"]
		if !ok && (object["expr"] != nil || object["targets"] != nil || object["definition"] != nil) {
			problems = append(problems, fmt.Sprintf("no data source beside %.80s", fmt.Sprint(object)))
		}
		if ok && !maps.Equal(stringMap(source), map[string]string{"type": "prometheus", "uid": "${datasource}"}) {
			problems = append(problems, fmt.Sprintf("data source %v, want the variable", source))
		}
	})
	return problems
}

// walk calls f with every object in a JSON value.
func walk(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(v)
		for _, inner := range v {
			walk(inner, f)
		}
	case []any:
		for _, inner := range v {
			walk(inner, f)
		}
	}
}

// texts gives all strings in a JSON value.
func texts(v any) string {
	var all []string
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		for _, inner := range v {
			all = append(all, texts(inner))
		}
	case []any:
		for _, inner := range v {
			all = append(all, texts(inner))
		}
	}
	return strings.Join(all, "\n")
}

func stringMap(v any) map[string]string {
	found := make(map[string]string)
	object, _ := v.(map[string]any)
	for name, value := range object {
		found[name] = fmt.Sprint(value)
	}
	return found
}
