package lint

import "strings"

// mutation is a mistake in a board: the first text that is old becomes broken. A single quote stands for \", as in the
// queries.
type mutation struct {
	check
	board, old, broken string
}

func mutations() []mutation {
	const (
		overview, instance, exporter = "tair-ssl-overview", "tair-ssl-instance", "tair-ssl-exporter"

		info        = `tair_ssl_instance_info{job=~'$job',account=~'$account',region=~'$region'}`
		onInfo      = `on (instance_id) tair_ssl_instance_info{job=~'$job',`
		wasExporter = ` and on (job) last_over_time(tair_ssl_exporter_build_info{job=~'$job'}[$__range])`
		fresher     = ` and on (instance_id, job, instance) topk by (instance_id) (1, tair_ssl_last_success_timestamp_seconds{job=~'$job'})`
	)
	return []mutation{
		{linksResolve, overview, `"uid": "tair-ssl-overview"`, `"uid": "tair-ssl-fleet"`},
		{linksResolve, overview, `"url": "/d/tair-ssl-instance"`, `"url": "/d/tair-ssl-detail"`},
		{linksResolve, overview, `&${__url_time_range}`, ``},
		{panelsExplain, overview, `"description": "How many certificates were in each band.",`, ``},
		{panelsExplain, overview, `{"id": "noValue", "value": ""}`, `{"id": "noValue", "value": "-"}`},
		{panelsExplain, overview, `"result": {"text": "no answer yet"`, `"result": {"text": "no answer"`},
		{panelsHaveTheirPlace, overview, `"gridPos": {"x": 4,`, `"gridPos": {"x": 3,`},
		{panelsHaveTheirPlace, overview, `"w": 24,`, `"w": 25,`},
		{settingsAreOfGrafana9, overview, `"schemaVersion": 39`, `"schemaVersion": 42`},
		{settingsAreOfGrafana9, overview, `"uid": "${datasource}"`, `"uid": "PBFA97CFB590B2093"`},
		{settingsAreOfGrafana9, overview, `"graphMode":`, `"percentChangeColorMode":`},
		{settingsAreOfGrafana9, overview, `"value": {"type": "color-text"}`, `"value": {"type": "pill"}`},
		{targetsFitPanels, overview, `"instant": true`, `"instant": false`},
		{targetsFitPanels, exporter, `"format": "heatmap"`, `"format": "time_series"`},
		{unitsFitQueries, overview, ` / 86400"`, `"`},
		{unitsFitQueries, overview, `"unit", "value": "dateTimeAsIso"`, `"unit", "value": "s"`},
		{unitsFitQueries, overview, `"expr": "sum(max by (instance_id) (tair_ssl_enabled`, `"expr": "100 * sum(max by (instance_id) (tair_ssl_enabled`},
		{unitsFitQueries, exporter, `"expr": "sum(up{`, `"expr": "avg(up{`},
		{daysAgreeWithRules, overview, `"value": 7}`, `"value": 14}`},
		{daysAgreeWithRules, overview, `bool 30 * 86400)"`, `bool 31 * 86400)"`},
		{daysAgreeWithRules, overview, `"fixedColor": "red"`, `"fixedColor": "green"`},
		{shardsCountAsInRules, exporter, `== scalar(max(`, `== scalar(min(`},
		{queriesParse, overview, `"expr": "min(`, `"expr": "min((`},
		{namesExist, exporter, `tair_ssl_exporter_config_last_reload_successful`, `tair_ssl_exporter_config_reload_successful`},
		{namesExist, exporter, `api_throttles_total{job`, `api_throttles_total{zone=~'a',job`},
		{namesExist, exporter, `count by (reason, code)`, `count by (reason, code, cause)`},
		{joinsMatchOne, overview, `group_left (account, region, name) topk by (instance_id) (1, `, `group_left (account, region, name) topk by (instance_id) (2, `},
		{joinsMatchOne, instance, `+ 2 * (1 - max by (instance_id)`, `+ 2 * (1 - max by (instance_id, job)`},
		{pairsCountOnce, overview, `sum(max by (instance_id) (tair_ssl_enabled`, `sum(sum by (instance_id) (tair_ssl_enabled`},
		{pairsCountOnce, overview, `count(count by (instance_id) (`, `count((`},
		{fresherAnswerCounts, overview, fresher, ``},
		{queriesFollowVariables, overview, onInfo + `account=~'$account'`, onInfo + `account=~'production'`},
		{queriesFollowVariables, overview, ` and ` + onInfo + `account=~'$account',region=~'$region'}) / 86400`, `) / 86400`},
		{queriesFollowVariables, instance, `success{job=~'$job',instance_id='$instance_id'}`, `success{job=~'$job',instance_id='r-bp1demo8c5vnr1le'}`},
		{queriesFollowVariables, instance, `tair_ssl_instance_info{job=~'$job',instance_id='$instance_id'}`, info},
		{targetsAreExporters, overview, wasExporter, ``},
		{targetsAreExporters, exporter, wasExporter, ` unless` + strings.TrimPrefix(wasExporter, ` and`)},
		{targetsAreExporters, exporter, `go_goroutines{job=~'$job'} and on (job, instance)`, `go_goroutines{job=~'$job'} and on (job)`},
		{legendsNameLabels, exporter, `{{action}} {{code}}`, `{{action}} {{status}}`},
		{legendsNameLabels, overview, `"textFormat": "{{name}}`, `"textFormat": "{{names}}`},
		{legendsNameLabels, exporter, `"legendFormat": "{{account}}"`, `"legendFormat": ""`},
		{overridesMatchFields, overview, `"options": "not supported"`, `"options": "unsupported"`},
		{overridesMatchFields, instance, `"id": "byFrameRefID", "options": "B"`, `"id": "byFrameRefID", "options": "C"`},
		{columnsAreDisplayed, overview, `${__data.fields.instance_id}`, `${__data.fields.id}`},
		{columnsAreDisplayed, overview, `"sortBy": [{"displayName": "Days left"`, `"sortBy": [{"displayName": "Days"`},
		{columnsAreDisplayed, instance, `/^common_name$/`, `/^cn$/`},
		{tablesShowEveryLabel, overview, `topk by (instance_id) (1, ` + info + `) and`, `topk by (instance_id) (1, max by (instance_id, account, region, name) (` + info + `)) and`},
		{tablesShowEveryLabel, overview, `"excludeByName": {`, `"excludeByName": {"account": true, `},
		{tablesShowEveryLabel, overview, `"namespace": true,`, ``},
	}
}
