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
		last        = ` or on (instance_id) last_over_time(` + info + `[6h]) unless on (job, instance) up{job=~'$job'} == 1`
		wasExporter = ` and on (job) last_over_time(tair_ssl_exporter_build_info{job=~'$job'}[$__range])`
		success     = `tair_ssl_last_success_timestamp_seconds{job=~'$job'}`
		fresher     = ` and on (instance_id, job, instance) topk by (instance_id) (1, ` + success + ` or on (instance_id) last_over_time(` + success + `[6h]))`
	)
	return []mutation{
		{linksResolve, overview, `"uid": "tair-ssl-overview"`, `"uid": "tair-ssl-fleet"`},
		{linksResolve, overview, `"url": "/d/tair-ssl-exporter"`, `"url": "/d/tair-ssl-export"`},
		{linksResolve, overview, `"keepTime": false`, `"keepTime": true`},
		{linksResolve, exporter, `"url": "/d/tair-ssl-overview"`, `"url": "/d/tair-ssl-instance"`},
		{linksResolve, overview, `&${__url_time_range}`, ``},
		{panelsExplain, overview, `"description": "How many certificates were in each band: within expiry_critical or expiry_warning of their instance, or later.",`, ``},
		{panelsExplain, overview, `{"id": "noValue", "value": ""}`, `{"id": "noValue", "value": "-"}`},
		{panelsExplain, overview, `"result": {"text": "unknown"`, `"result": {"text": "no answer"`},
		{panelsExplain, instance, `"noValue": "unknown"`, `"noValue": "no certificate"`},
		{panelsHaveTheirPlace, overview, `"gridPos": {"x": 6,`, `"gridPos": {"x": 5,`},
		{panelsHaveTheirPlace, overview, `"w": 24,`, `"w": 25,`},
		{settingsAreOfGrafana9, overview, `"schemaVersion": 39`, `"schemaVersion": 42`},
		{settingsAreOfGrafana9, overview, `"uid": "${datasource}"`, `"uid": "PBFA97CFB590B2093"`},
		{settingsAreOfGrafana9, overview, `"graphMode":`, `"percentChangeColorMode":`},
		{settingsAreOfGrafana9, overview, `"type": "color-background"`, `"type": "pill"`},
		{targetsFitPanels, exporter, `"instant": false`, `"instant": true`},
		{targetsFitPanels, exporter, `"format": "heatmap"`, `"format": "time_series"`},
		{unitsFitQueries, overview, `- time()) / 86400"`, `- time())"`},
		{unitsFitQueries, overview, `"unit", "value": "time:YYYY-MM-DD HH:mm"`, `"unit", "value": "s"`},
		{unitsFitQueries, overview, `"expr": "sum(max by (instance_id) (last_over_time(tair_ssl_enabled`, `"expr": "100 * sum(max by (instance_id) (last_over_time(tair_ssl_enabled`},
		{unitsFitQueries, exporter, `"expr": "sum(up{`, `"expr": "avg(up{`},
		{unitsFitQueries, exporter, `"percentunit"`, `"short"`},
		{bandsFollowWindows, overview, ` - time()) > 0 <= on`, ` - time()) > 1 <= on`},
		{bandsFollowWindows, overview, ` - time()) > 0)`, ` - time()))`},
		{bandsFollowWindows, overview, `"fixedColor": "#D92B3F"`, `"fixedColor": "#2B8233"`},
		{shardsCountAsInRules, exporter, `== scalar(max(`, `== scalar(min(`},
		{timelinesKeepMappings, instance, `"mode": "continuous-GrYlRd"`, `"mode": "thresholds"`},
		{emptyAnswersSpeak, overview, ` or on () label_replace(vector(0), 'name', 'No certificate is known.', '', '')`, ``},
		{emptyAnswersSpeak, exporter, ` or on () label_replace(vector(2), 'instance', 'exporters', '', '')`, ``},
		{textsFit, exporter, `"title": "Config"`, `"title": "Configuration"`},
		{textsFit, overview, `"value": 200}`, `"value": 150}`},
		{textsFit, overview, `{"id": "custom.width", "value": 100}`, `{"id": "custom.width", "value": 600}`},
		{textsFit, overview, `"text": "download"`, `"text": "$0"`},
		{seriesAreLegible, overview, `bottomk(10,`, `bottomk(25,`},
		{seriesAreLegible, overview, `"placement": "right"`, `"placement": "bottom"`},
		{seriesAreLegible, instance, `"mode": "dashed"`, `"mode": "line"`},
		{seriesAreLegible, exporter, `"axisSoftMax": 1`, `"axisSoftMax": 0`},
		{coloursAreReadable, overview, `"color": "#C2188F"`, `"color": "dark-red"`},
		{coloursAreReadable, overview, `"iconColor": "#2B8233"`, `"iconColor": "yellow"`},
		{coloursAreReadable, overview, `{"text": "warning", "color": "#B35900"`, `{"text": "warning", "color": "#C26A1B"`},
		{coloursAreReadable, overview, `"type": "color-background"`, `"type": "color-text"`},
		{coloursAreReadable, instance, `"fillOpacity": 100`, `"fillOpacity": 70`},
		{failuresComeFirst, overview, `"sortBy": [{"displayName": "Latest call"`, `"sortBy": [{"displayName": "Name"`},
		{failuresComeFirst, exporter, `"sortBy": [{"displayName": "Failed calls", "desc": true`, `"sortBy": [{"displayName": "Failed calls", "desc": false`},
		{failuresComeFirst, overview, ` unless on (instance_id) max by (instance_id) (tair_ssl_scrape_success{job=~'$job'}) == 0)`, `)`},
		{failuresComeFirst, overview, `"result": {"text": "unknown", "color": "#D92B3F"`, `"result": {"text": "unknown", "color": "text"`},
		{alertsLeadToRunbooks, overview, `{"text": "tairsslthrottled"`, `{"text": "TairSSLThrottled"`},
		{alertsLeadToRunbooks, overview, `alertstate='firing'`, `alertstate='pending'`},
		{alertsLeadToRunbooks, overview, `"query": "https://runbooks.example.com/tair_ssl_exporter"`, `"query": "https://wiki.example.org"`},
		{instancesLeadOn, overview, `https://${console}/Redis/instance/${__data.fields.region}/`, `https://${console}/Redis/`},
		{instancesLeadOn, overview, `${__field.labels.instance_id}`, `${__series.name}`},
		{variablesAreReady, overview, `"value": "default"`, `"value": "Prometheus"`},
		{variablesAreReady, overview, `"name": "group"`, `"name": "groups"`},
		{variablesAreReady, instance, `|[{,]instance_id=`, `|[{,]name=`},
		{instantQueriesLookBack, overview, `last_over_time(tair_ssl_expiry_critical_seconds{job=~'$job'}[6h])`, `tair_ssl_expiry_critical_seconds{job=~'$job'}`},
		{queriesParse, overview, `"expr": "count(`, `"expr": "count((`},
		{namesExist, exporter, `tair_ssl_exporter_config_last_reload_successful`, `tair_ssl_exporter_config_reload_successful`},
		{namesExist, exporter, `api_throttles_total{job`, `api_throttles_total{zone=~'a',job`},
		{namesExist, exporter, `count by (reason, code)`, `count by (reason, code, cause)`},
		{joinsMatchOne, overview, `group_left (account, region, name) topk by (instance_id) (1, `, `group_left (account, region, name) topk by (instance_id) (2, `},
		{joinsMatchOne, instance, `+ 2 * (1 - max by (instance_id)`, `+ 2 * (1 - max by (instance_id, job)`},
		{pairsCountOnce, overview, `sum(max by (instance_id) (last_over_time(tair_ssl_enabled`, `sum(sum by (instance_id) (last_over_time(tair_ssl_enabled`},
		{pairsCountOnce, overview, `count(count by (instance_id) (`, `count((`},
		{fresherAnswerCounts, overview, fresher, ``},
		{fresherAnswerCounts, overview, `[6h])) and on (instance_id, job, instance) last_over_time(tair_ssl_enabled{job=~'$job'}[6h]) == 1`, `[6h]))`},
		{queriesFollowVariables, overview, info, strings.Replace(info, `$account`, `production`, 1)},
		{queriesFollowVariables, overview, `account=~'$account|'`, `account=~'production|'`},
		{queriesFollowVariables, instance, `success{job=~'$job',instance_id='$instance_id'}`, `success{job=~'$job',instance_id='r-bp1demo8c5vnr1le'}`},
		{queriesFollowVariables, exporter, `tair_ssl_exporter_renewals_last_refresh_successful{job=~'$job',account=~'$account'}`, `tair_ssl_exporter_renewals_last_refresh_successful{job=~'$job'}`},
		{targetsAreExporters, overview, wasExporter, ``},
		{targetsAreExporters, exporter, wasExporter, ` unless` + strings.TrimPrefix(wasExporter, ` and`)},
		{targetsAreExporters, exporter, `go_goroutines{job=~'$job'} and on (job, instance)`, `go_goroutines{job=~'$job'} and on (job)`},
		{legendsNameLabels, exporter, `{{action}} {{code}}`, `{{action}} {{status}}`},
		{legendsNameLabels, overview, `"textFormat": "{{name}}`, `"textFormat": "{{names}}`},
		{legendsNameLabels, exporter, `"legendFormat": "{{account}}"`, `"legendFormat": ""`},
		{overridesMatchFields, overview, `"options": "not supported"`, `"options": "unsupported"`},
		{overridesMatchFields, instance, `"id": "byFrameRefID", "options": "B"`, `"id": "byFrameRefID", "options": "F"`},
		{columnsAreDisplayed, overview, `${__data.fields.instance_id}`, `${__data.fields.id}`},
		{columnsAreDisplayed, overview, `"sortBy": [{"displayName": "Days left"`, `"sortBy": [{"displayName": "Days"`},
		{columnsAreDisplayed, instance, `/^(reason|code)$/`, `/^(why)$/`},
		{tablesShowEveryLabel, overview, `topk by (instance_id) (1, ` + info + last + `) and`, `topk by (instance_id) (1, max by (instance_id, account, region, name) (` + info + last + `)) and`},
		{tablesShowEveryLabel, overview, `"namespace": true,`, `"namespace": true, "account": true,`},
		{tablesShowEveryLabel, overview, `"namespace": true,`, ``},
	}
}
