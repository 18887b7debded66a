package lint

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"tair_ssl_exporter/dashboards"
)

// grafana9 is what the boards use of what Grafana 9.5 knows, by panel type; beside it, what every panel has and what the
// board has around them. A star stands for any name. Where values are listed, newer ones are known to exist.
var grafana9 = map[string]string{
	"board": `
		uid title description tags schemaVersion version editable graphTooltip timezone refresh time/from time/to
		links/title links/type=link links/url links/icon links/tooltip links/asDropdown links/includeVars links/keepTime
		links/targetBlank links/tags
		templating/list/name templating/list/label templating/list/type=query|datasource templating/list/datasource/type
		templating/list/datasource/uid templating/list/definition templating/list/query templating/list/query/query
		templating/list/query/refId templating/list/refresh templating/list/multi templating/list/includeAll
		templating/list/allValue templating/list/sort templating/list/regex templating/list/hide templating/list/skipUrlSync
		templating/list/options templating/list/current templating/list/current/selected templating/list/current/text
		templating/list/current/value
		annotations/list annotations/list/name annotations/list/enable annotations/list/hide annotations/list/iconColor
		annotations/list/datasource/type annotations/list/datasource/uid annotations/list/step annotations/list/expr
		annotations/list/titleFormat annotations/list/textFormat annotations/list/tagKeys annotations/list/useValueForTime`,

	"panel": `
		id type title description gridPos/x gridPos/y gridPos/w gridPos/h maxDataPoints datasource/type datasource/uid
		targets/datasource/type targets/datasource/uid targets/refId targets/expr targets/editorMode targets/instant
		targets/range targets/format targets/legendFormat
		fieldConfig/defaults/unit fieldConfig/defaults/noValue fieldConfig/defaults/decimals fieldConfig/defaults/min
		fieldConfig/defaults/displayName fieldConfig/defaults/color/fixedColor
		fieldConfig/defaults/color/mode=fixed|thresholds|palette-classic
		fieldConfig/defaults/thresholds/mode fieldConfig/defaults/thresholds/steps/color
		fieldConfig/defaults/thresholds/steps/value
		fieldConfig/defaults/mappings/type=value|special fieldConfig/defaults/mappings/options/match
		fieldConfig/defaults/mappings/options/*/text fieldConfig/defaults/mappings/options/*/color
		fieldConfig/defaults/mappings/options/*/index
		fieldConfig/defaults/links/title fieldConfig/defaults/links/url fieldConfig/defaults/links/targetBlank
		fieldConfig/overrides fieldConfig/overrides/matcher/id=byName|byRegexp|byFrameRefID
		fieldConfig/overrides/matcher/options`,

	"row": `collapsed panels`,

	"stat": `
		options/colorMode=none|value|background options/graphMode options/justifyMode options/orientation
		options/textMode=auto|value|value_and_name options/reduceOptions/calcs options/reduceOptions/fields
		options/reduceOptions/values`,

	"table": `
		options/showHeader options/footer/show options/footer/reducer options/footer/fields options/sortBy/displayName
		options/sortBy/desc
		fieldConfig/defaults/custom/align fieldConfig/defaults/custom/filterable fieldConfig/defaults/custom/inspect
		fieldConfig/defaults/custom/width fieldConfig/defaults/custom/cellOptions/type=auto|color-text|color-background
		fieldConfig/defaults/custom/cellOptions/mode=basic
		transformations/id=merge|organize transformations/options transformations/options/excludeByName/*
		transformations/options/indexByName/* transformations/options/renameByName`,

	"timeseries": `
		options/legend/calcs options/legend/displayMode options/legend/placement options/legend/showLegend
		options/legend/sortBy options/legend/sortDesc options/tooltip/mode options/tooltip/sort
		fieldConfig/defaults/custom/drawStyle=line fieldConfig/defaults/custom/lineInterpolation=linear
		fieldConfig/defaults/custom/lineWidth fieldConfig/defaults/custom/fillOpacity fieldConfig/defaults/custom/showPoints
		fieldConfig/defaults/custom/spanNulls fieldConfig/defaults/custom/stacking/group
		fieldConfig/defaults/custom/stacking/mode fieldConfig/defaults/custom/thresholdsStyle/mode=line`,

	"state-timeline": `
		options/alignValue options/mergeValues options/rowHeight options/showValue options/legend/displayMode
		options/legend/placement options/legend/showLegend options/tooltip/mode options/tooltip/sort
		fieldConfig/defaults/custom/fillOpacity fieldConfig/defaults/custom/lineWidth fieldConfig/defaults/custom/spanNulls`,

	"heatmap": `
		options/calculate options/cellGap options/cellValues/unit options/color/mode=scheme options/color/scheme
		options/color/exponent options/color/fill options/color/reverse options/color/steps options/filterValues/le
		options/legend/show options/rowsFrame/layout=auto options/showValue options/yAxis/axisPlacement
		options/yAxis/reverse options/yAxis/unit`,

	"histogram": `
		options/bucketSize options/bucketOffset options/combine options/legend/calcs options/legend/displayMode
		options/legend/placement options/legend/showLegend
		fieldConfig/defaults/custom/fillOpacity fieldConfig/defaults/custom/lineWidth`,
}

// nothingIsNewerThanGrafana9 wants no setting at any level that Grafana 9.5 does not know: it would do nothing there, or
// break the panel.
func nothingIsNewerThanGrafana9(b dashboards.Board, _ schema) []string {
	var problems []string
	look := func(where string, v any, known ...string) {
		settings("", v, func(at string, value any) {
			if !isKnown(at, value, strings.Fields(strings.Join(known, " "))) {
				problems = append(problems, fmt.Sprintf("%s: %s: %v", where, at, value))
			}
		})
	}
	var panels func(any)
	panels = func(list any) {
		all, _ := list.([]any)
		for _, p := range all {
			panel, _ := p.(map[string]any)
			kind, title := fmt.Sprint(panel["type"]), fmt.Sprint(panel["title"])
			if grafana9[kind] == "" {
				problems = append(problems, fmt.Sprintf("%s: a panel of type %q", title, kind))
			}
			panels(panel["panels"])
			look(title, without(panel, "panels"), grafana9["panel"], grafana9[kind])
		}
	}
	panels(b.Raw["panels"])
	look("board", without(b.Raw, "panels"), grafana9["board"])
	slices.Sort(problems)
	return problems
}

// settings calls f with the path of every setting in a JSON value and what it is set to. Lists have no step of their own
// in a path. An override is told as what it overrides.
func settings(at string, v any, f func(at string, value any)) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			switch {
			case at == "fieldConfig/overrides/properties" && name == "id":
			case at == "fieldConfig/overrides/properties" && name == "value":
				settings("fieldConfig/defaults/"+strings.ReplaceAll(fmt.Sprint(v["id"]), ".", "/"), inner, f)
			default:
				settings(strings.TrimPrefix(at+"/"+name, "/"), inner, f)
			}
		}
		if len(v) > 0 {
			return
		}
	case []any:
		for _, inner := range v {
			settings(at, inner, f)
		}
		if len(v) > 0 {
			return
		}
	}
	f(at, v)
}

func isKnown(at string, value any, known []string) bool {
	return slices.ContainsFunc(known, func(k string) bool {
		pattern, values, limited := strings.Cut(k, "=")
		matches, err := path.Match(pattern, at)
		return err == nil && matches && (!limited || slices.Contains(strings.Split(values, "|"), fmt.Sprint(value)))
	})
}

// without gives an object less one of its members.
func without(object map[string]any, name string) map[string]any {
	rest := make(map[string]any, len(object))
	for n, v := range object {
		if n != name {
			rest[n] = v
		}
	}
	return rest
}
