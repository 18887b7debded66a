package lint

import (
	"strings"
	"testing"

	"tair_ssl_exporter/dashboards"
)

// mutations break one board each, so that every check is seen to fail.
var mutations = []struct{ check, board, old, broken string }{
	{"identity", "tair-ssl-overview", `"uid": "tair-ssl-overview"`, `"uid": "tair-ssl-fleet"`},
	{"identity", "tair-ssl-overview", `"uid": "tair-ssl-overview"`, `"id": 7, "uid": "tair-ssl-overview"`},
	{"identity", "tair-ssl-overview", `"tair-ssl", `, ``},
	{"identity", "tair-ssl-overview", `"title": "Tair SSL / Overview"`, `"title": ""`},
	{"model", "tair-ssl-overview", `"schemaVersion": 39`, `"schemaVersion": 42`},
	{"model", "tair-ssl-overview", `"schemaVersion": 39`, `"schemaVersion": 38`},
	{"model", "tair-ssl-overview", `"editable": false`, `"editable": true`},
	{"model", "tair-ssl-overview", `"editable": false,`, ``},
	{"model", "tair-ssl-overview", `"timezone": "utc"`, `"timezone": "browser"`},
	{"linksLeadToTheOtherBoards", "tair-ssl-overview", `"url": "/d/tair-ssl-instance"`, `"url": "/d/tair-ssl-detail"`},
	{"linksLeadToTheOtherBoards", "tair-ssl-overview", `"includeVars": true`, `"includeVars": false`},
	{"linksLeadToTheOtherBoards", "tair-ssl-overview", `"keepTime": true`, `"keepTime": false`},
	{"dataLinksKeepTheContext", "tair-ssl-overview", `"/d/tair-ssl-instance?`, `"/d/tair-ssl-detail?`},
	{"dataLinksKeepTheContext", "tair-ssl-overview", `&${__url_time_range}`, ``},
	{"dataLinksKeepTheContext", "tair-ssl-overview", `${datasource:queryparam}&`, ``},
	{"variablesHaveTheirShape", "tair-ssl-overview", `"refresh": 2`, `"refresh": 1`},
	{"variablesHaveTheirShape", "tair-ssl-overview", `"multi": true`, `"multi": false`},
	{"variablesHaveTheirShape", "tair-ssl-overview", `"includeAll": true`, `"includeAll": false`},
	{"variablesHaveTheirShape", "tair-ssl-overview", `"allValue": ".+"`, `"allValue": ".*"`},
	{"variablesHaveTheirShape", "tair-ssl-overview", `"query": "prometheus"`, `"query": "loki"`},
	{"variablesHaveTheirShape", "tair-ssl-overview", `"name": "region"`, `"name": "zone"`},
	{"variablesAreUsed", "tair-ssl-overview", `"name": "region"`, `"name": "zone"`},
	{"variablesAreUsed", "tair-ssl-instance", `"name": "instance_id"`, `"name": "id"`},
	{"dataSourceIsTheVariable", "tair-ssl-overview", `"uid": "${datasource}"`, `"uid": "PBFA97CFB590B2093"`},
	{"dataSourceIsTheVariable", "tair-ssl-overview", `"datasource": {"type": "prometheus", "uid": "${datasource}"}`, `"datasource": null`},
	{"dataSourceIsTheVariable", "tair-ssl-overview", `"datasource": {"type": "prometheus", "uid": "${datasource}"},`, ``},
	{"panelsExplainThemselves", "tair-ssl-overview", `"title": "SSL coverage"`, `"title": ""`},
	{"panelsExplainThemselves", "tair-ssl-overview", `"title": "SSL coverage"`, `"title": "Soonest expiry"`},
	{"panelsExplainThemselves", "tair-ssl-overview", `"unit": "percentunit",`, ``},
	{"panelsExplainThemselves", "tair-ssl-overview", `"description": "How many certificates were in each band.",`, ``},
	{"panelIDsAreUnique", "tair-ssl-overview", `"id": 3,`, `"id": 2,`},
	{"panelIDsAreUnique", "tair-ssl-overview", `"id": 1,`, `"id": 2,`},
	{"panelsDoNotOverlap", "tair-ssl-overview", `"gridPos": {"x": 4,`, `"gridPos": {"x": 3,`},
	{"panelsDoNotOverlap", "tair-ssl-overview", `"w": 24,`, `"w": 25,`},
	{"statsSayWhenThereIsNothing", "tair-ssl-overview", `"noValue": "no certificate"`, `"min": 0`},
	{"statsSayWhenThereIsNothing", "tair-ssl-overview", `"noValue": "no data"`, `"noValue": ""`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"graphMode":`, `"percentChangeColorMode":`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"type": "histogram"`, `"type": "trend"`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"inspect":`, `"wrapHeaderText":`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"custom.width"`, `"custom.wrapText"`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"id": "merge"`, `"id": "transpose"`},
	{"targetsFitThePanel", "tair-ssl-overview", `"instant": true`, `"instant": false`},
	{"targetsFitThePanel", "tair-ssl-overview", `"format": "table"`, `"format": "time_series"`},
	{"targetsFitThePanel", "tair-ssl-exporter", `"format": "heatmap"`, `"format": "time_series"`},
	{"targetsFitThePanel", "tair-ssl-overview", `"refId": "B"`, `"refId": "A"`},
	{"daysLeftAreColoured", "tair-ssl-overview", `"value": 7}`, `"value": 14}`},
	{"daysLeftAreColoured", "tair-ssl-overview", ` / 86400"`, `"`},
	{"bandsAreTheUsual", "tair-ssl-overview", `bool 30 * 86400)"`, `bool 31 * 86400)"`},
	{"datesAreInMilliseconds", "tair-ssl-overview", ` * 1000"`, `"`},
	{"datesAreInMilliseconds", "tair-ssl-overview", `"unit": "dateTimeAsIso"`, `"unit": "s"`},
	{"datesAreInMilliseconds", "tair-ssl-overview", `"unit", "value": "dateTimeAsIso"`, `"unit", "value": "s"`},
	{"queriesParse", "tair-ssl-overview", `"expr": "min(`, `"expr": "min((`},
	{"queriesParse", "tair-ssl-overview", `$__range`, `$__ranges`},
	{"queriesParse", "tair-ssl-overview", `"label_values(tair_ssl_instance_info, job)"`, `"label_values(tair_ssl_instance_info)"`},
	{"queriesNameWhatThereIs", "tair-ssl-overview", `tair_ssl_supported`, `tair_ssl_support`},
	{"queriesNameWhatThereIs", "tair-ssl-overview", `account=~`, `accounts=~`},
	{"queriesNameWhatThereIs", "tair-ssl-overview", `tair_ssl_enabled{job`, `tair_ssl_enabled{zone=~\"a\",job`},
	{"queriesNameWhatThereIs", "tair-ssl-overview", `group_left (account, region, name)`, `group_left (account, region, names)`},
	{"queriesNameWhatThereIs", "tair-ssl-exporter", `sum by (action, code)`, `sum by (action, status)`},
	{"queriesNameWhatThereIs", "tair-ssl-exporter", `and on (job, instance)`, `and on (job, instance_id)`},
	{"queriesNameWhatThereIs", "tair-ssl-instance", `, instance_id)`, `, instances)`},
	{"queriesKeepToTheVariables", "tair-ssl-overview", `tair_ssl_supported{job=~\"$job\"}`, `tair_ssl_supported`},
	{"queriesKeepToTheVariables", "tair-ssl-exporter", `tair_ssl_exporter_api_requests_total{job=~\"$job\",account=~\"$account\"`, `tair_ssl_exporter_api_requests_total{job=~\"$job\"`},
	{"ratesUseTheRateInterval", "tair-ssl-exporter", `$__rate_interval`, `5m`},
	{"ratesUseTheRateInterval", "tair-ssl-exporter", `$__rate_interval`, `$__interval`},
	{"pairsCountOnce", "tair-ssl-overview", `sum(max by (instance_id) (tair_ssl_enabled`, `sum(sum by (instance_id) (tair_ssl_enabled`},
	{"pairsCountOnce", "tair-ssl-overview", `sum(max by (instance_id) (tair_ssl_enabled`, `sum((tair_ssl_enabled`},
	{"pairsCountOnce", "tair-ssl-overview", `sum(max by (instance_id) (tair_ssl_enabled`, `sum(max without (instance) (tair_ssl_enabled`},
	{"pairsCountOnce", "tair-ssl-overview", `count(count by (instance_id) (`, `count((`},
	{"pairsCountOnce", "tair-ssl-exporter", `max by (instance) (go_goroutines`, `(go_goroutines`},
	{"joinsMatchOne", "tair-ssl-overview", `group_left (account, region, name) topk by (instance_id) (1, `, `group_left (account, region, name) (`},
	{"joinsMatchOne", "tair-ssl-overview", `group_left (account, region, name) topk by (instance_id) (1, `, `group_left (account, region, name) topk by (instance_id) (2, `},
	{"joinsMatchOne", "tair-ssl-instance", `+ 2 * (1 - max by (instance_id)`, `+ 2 * (1 - max by (instance_id, job)`},
	{"legendsNameLabels", "tair-ssl-exporter", `{{action}} {{code}}`, `{{action}} {{status}}`},
	{"legendsNameLabels", "tair-ssl-exporter", `"legendFormat": "{{account}}"`, `"legendFormat": ""`},
	{"legendsNameLabels", "tair-ssl-overview", `"textFormat": "{{name}}`, `"textFormat": "{{names}}`},
	{"legendsNameLabels", "tair-ssl-overview", `"tagKeys": "account`, `"tagKeys": "accounts`},
	{"overridesMeetFields", "tair-ssl-overview", `"options": "under 7 d"`, `"options": "below 7 d"`},
	{"overridesMeetFields", "tair-ssl-overview", `"options": "Value #B"`, `"options": "Value #E"`},
	{"overridesMeetFields", "tair-ssl-instance", `"id": "byFrameRefID", "options": "B"`, `"id": "byFrameRefID", "options": "C"`},
	{"linksUseShownFields", "tair-ssl-overview", `${__data.fields.instance_id}`, `${__data.fields.id}`},
	{"linksUseShownFields", "tair-ssl-overview", `"excludeByName": {`, `"excludeByName": {"instance_id": true, `},
	{"columnsMeetFields", "tair-ssl-overview", `"sortBy": [{"displayName": "Days left"`, `"sortBy": [{"displayName": "Days"`},
	{"columnsMeetFields", "tair-ssl-instance", `/^common_name$/`, `/^cn$/`},
	{"tablesShowEveryLabel", "tair-ssl-overview", `topk by (instance_id) (1, tair_ssl_instance_info{job=~\"$job\",account=~\"$account\",region=~\"$region\"}) and`,
		`topk by (instance_id) (1, max by (instance_id, account, region, name) (tair_ssl_instance_info{job=~\"$job\",account=~\"$account\",region=~\"$region\"})) and`},
	{"tablesShowEveryLabel", "tair-ssl-overview", `"excludeByName": {`, `"excludeByName": {"team": true, `},
	{"tablesShowEveryLabel", "tair-ssl-instance", `"excludeByName": {`, `"excludeByName": {"cluster": true, `},
}

func TestEveryCheckCanFail(t *testing.T) {
	metrics := known(t)
	text := make(map[string]string)
	for _, b := range boards(t) {
		text[b.UID] = b.Text
	}
	seen := make(map[string]bool)
	for _, m := range mutations {
		name := m.check + " " + m.old
		broken := strings.Replace(text[m.board], m.old, m.broken, 1)
		if broken == text[m.board] {
			t.Errorf("%s: %s does not have it", name, m.board)
			continue
		}
		b, err := dashboards.Parse(m.board+".json", []byte(broken))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(checks[m.check](b, metrics)) == 0 {
			t.Errorf("%s: nothing is found after %s", name, m.broken)
		}
		seen[m.check] = true
	}
	for name := range checks {
		if !seen[name] {
			t.Errorf("%s: no mutation shows that it can fail", name)
		}
	}
}
