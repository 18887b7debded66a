package lint

import (
	"regexp"
	"slices"
	"strings"
)

// settingsAreOfGrafana9 finds settings and values of settings that are not among those that the boards use and Grafana 9.5
// knows: newer ones have no effect there or break the panel.
func settingsAreOfGrafana9(b board) (found problems) {
	for pattern, known := range map[string]string{
		`"(?:schemaVersion|editable|timezone)": "?(\w+)`: `39 40 41 false utc`,
		`"datasource": (.*\}),?\n`:                       `{"type":"prometheus","uid":"${datasource}"}`,
		`"mode": "([^"]*)"`:                              `absolute basic fixed line multi none normal palette-classic continuous-GrYlRd dashed scheme single thresholds`,
		`"(?:color|text)Mode": "(.*)"`:                   `auto background none value value_and_name`,
		`"type": "([^"]*)"`: `prometheus datasource query custom textbox constant link
			row stat table timeseries state-timeline heatmap bargauge value special range regex auto color-background color-text`,
		`"id": "([^"]*)"`: `merge organize byName byRegexp byFrameRefID
			color custom.cellOptions custom.filterable custom.hidden custom.width decimals displayName links mappings noValue thresholds unit`,
		`"(\w+)":`: `0 1 2 3 Time Value __name__ account alertname alertstate align alignValue allValue annotations asDropdown axisPlacement axisSoftMax bucketOffset
			bucketSize calcs calculate cellGap cellOptions cellValues code collapsed color colorMode combine common_name container
			current custom datasource decimals defaults definition desc description displayMode displayName download_url drawStyle
			editable editorMode enable endpoint excludeByName exponent expr fieldConfig fields fill fillOpacity filterValues
			filterable fixedColor footer format from graphMode graphTooltip gridPos group h hide icon iconColor id includeAll
			includeVars index indexByName inspect instance instance_id instant job justifyMode keepTime label layout le legend
			legendFormat lineInterpolation lineWidth links list mappings match matcher maxDataPoints mergeValues min minVizHeight minVizWidth minWidth mode multi
			name namespace noValue options orientation overrides panels pattern placement pod properties query range reason reduceOptions
			reducer refId refresh regex region renameByName result reverse revision rowHeight rowsFrame schemaVersion scheme
			selected service severity show showHeader showLegend showPoints showUnfilled showValue skipUrlSync sort sortBy sortDesc spanNulls stacking
			step steps tagKeys tags targetBlank targets templating text textFormat textMode thresholds thresholdsStyle time
			timezone title titleFormat to tooltip transformations type uid unit url useValueForTime value valueMode values version w x y
			yAxis`,
	} {
		names := strings.Fields(known)
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(b.Text, -1) {
			if !slices.Contains(names, strings.ReplaceAll(m[1], " ", "")) && !strings.HasPrefix(m[1], "TairSSL") {
				found.add("%s is not known", m[0])
			}
		}
	}
	return found
}
