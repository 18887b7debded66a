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
	{"emptinessIsExplained", "tair-ssl-overview", `"noValue": "no certificate"`, `"min": 0`},
	{"emptinessIsExplained", "tair-ssl-overview", `"noValue": "no answer yet"`, `"noValue": ""`},
	{"emptinessIsExplained", "tair-ssl-overview", `"noValue": "No instance is known to have a certificate.",`, ``},
	{"emptinessIsExplained", "tair-ssl-overview", `{"id": "noValue", "value": ""}`, `{"id": "noValue", "value": "-"}`},
	{"emptinessIsExplained", "tair-ssl-overview", `"id": "byRegexp", "options": "/.*/"`, `"id": "byRegexp", "options": "/^name$/"`},
	{"emptinessIsExplained", "tair-ssl-overview", `{"match": "null", "result": {"text": "no certificate", "color": "#6e6e78", "index": 0}}`, `{"match": "null", "result": {"text": "no certificate", "index": 0}}`},
	{"emptinessIsExplained", "tair-ssl-overview", `"result": {"text": "no answer yet"`, `"result": {"text": "no data"`},
	{"emptinessIsExplained", "tair-ssl-exporter", `"match": "null"`, `"match": "nan"`},
	{"emptinessIsExplained", "tair-ssl-exporter", `"noValue": "Nothing failed in this time."`, `"noValue": "No data"`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"graphMode":`, `"percentChangeColorMode":`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"type": "histogram"`, `"type": "trend"`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"inspect":`, `"wrapHeaderText":`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"custom.width"`, `"custom.wrapText"`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"id": "merge"`, `"id": "transpose"`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"reduceOptions": {`, `"reduceOptions": {"limit": 10, `},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"tooltip": {"mode"`, `"tooltip": {"maxHeight": 600, "mode"`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"footer": {`, `"footer": {"enablePagination": true, `},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"color": {"mode": "thresholds"}`, `"color": {"mode": "shades"}`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"thresholds": {"mode"`, `"thresholds": {"show": true, "mode"`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"cellOptions": {"type": "auto"}`, `"cellOptions": {"type": "auto", "wrapText": true}`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"result": {"text"`, `"result": {"unit": "d", "text"`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"value": {"type": "color-background"`, `"value": {"applyToRow": true, "type": "color-background"`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"value": {"type": "color-text"}`, `"value": {"type": "pill"}`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"targetBlank": true}`, `"targetBlank": true, "oneClick": true}`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"properties": [`, `"properties": [{"id": "actions", "value": []}, `},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"id": "byRegexp"`, `"id": "byTheme"`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"excludeByName": {`, `"orderByMode": "auto", "excludeByName": {`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"collapsed": false`, `"collapsed": false, "repeatDirection": "h"`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"graphTooltip": 1`, `"graphTooltip": 1, "preload": true`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-overview", `"allValue": ".+"`, `"allValue": ".+", "allowCustomValue": false`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-exporter", `"yAxis": {`, `"yAxis": {"min": "0", `},
	{"nothingIsNewerThanGrafana9", "tair-ssl-exporter", `"stacking": {"group"`, `"stacking": {"percent": true, "group"`},
	{"nothingIsNewerThanGrafana9", "tair-ssl-instance", `"legend": {`, `"legend": {"enableFacetedFilter": true, `},
	{"targetsFitThePanel", "tair-ssl-overview", `"instant": true`, `"instant": false`},
	{"targetsFitThePanel", "tair-ssl-overview", `"format": "table"`, `"format": "time_series"`},
	{"targetsFitThePanel", "tair-ssl-exporter", `"format": "heatmap"`, `"format": "time_series"`},
	{"targetsFitThePanel", "tair-ssl-overview", `"refId": "B"`, `"refId": "A"`},
	{"daysLeftAreColoured", "tair-ssl-overview", `"value": 7}`, `"value": 14}`},
	{"daysLeftAreColoured", "tair-ssl-overview", ` / 86400"`, `"`},
	{"bandsAreTheUsual", "tair-ssl-overview", `bool 30 * 86400)"`, `bool 31 * 86400)"`},
	{"daysLeftAreColoured", "tair-ssl-overview", `"color": "orange", "value": 7}`, `"color": "yellow", "value": 7}`},
	{"daysLeftAreColoured", "tair-ssl-instance", `"color": "dark-red", "value": null}`, `"color": "green", "value": null}`},
	{"bandsAreTheUsual", "tair-ssl-overview", `"options": "under 7 d"}, "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}`, `"options": "under 7 d"}, "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": "green"}`},
	{"bandsAreTheUsual", "tair-ssl-overview", `"options": "over 90 d"}, "properties": [{"id": "color"`, `"options": "over 9 d"}, "properties": [{"id": "color"`},
	{"sharesAreShownAsSuch", "tair-ssl-overview", `"unit": "percentunit"`, `"unit": "percent"`},
	{"sharesAreShownAsSuch", "tair-ssl-overview", `"unit": "percentunit"`, `"unit": "short"`},
	{"sharesAreShownAsSuch", "tair-ssl-overview", `"expr": "sum(max by (instance_id) (tair_ssl_enabled`, `"expr": "100 * sum(max by (instance_id) (tair_ssl_enabled`},
	{"sharesAreShownAsSuch", "tair-ssl-overview", `"expr": "avg(up{job=~\"$job\"} and`, `"expr": "100 * avg(up{job=~\"$job\"} and`},
	{"sharesAreShownAsSuch", "tair-ssl-exporter", `"expr": "sum(up{`, `"expr": "avg(up{`},
	{"sharesAreShownAsSuch", "tair-ssl-exporter", `"unit": "bytes"`, `"unit": "percent"`},
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
	{"queriesKeepToTheVariables", "tair-ssl-overview", `on (instance_id) tair_ssl_instance_info{job=~\"$job\",account=~\"$account\",region=~\"$region\"}`, `on (instance_id) tair_ssl_instance_info{job=~\"$job\",account=~\"production\",region=~\"$region\"}`},
	{"queriesKeepToTheVariables", "tair-ssl-overview", `on (instance_id) tair_ssl_instance_info{job=~\"$job\",account=~\"$account\",region=~\"$region\"}`, `on (instance_id) tair_ssl_instance_info{job=~\"$job\",account!~\"$account\",region=~\"$region\"}`},
	{"queriesKeepToTheVariables", "tair-ssl-overview", `on (instance_id) tair_ssl_instance_info{job=~\"$job\",account=~\"$account\",region=~\"$region\"}`, `on (instance_id) tair_ssl_instance_info{job=~\"$job\",account=\"$account\",region=~\"$region\"}`},
	{"queriesKeepToTheVariables", "tair-ssl-overview", `on (instance_id) tair_ssl_instance_info{job=~\"$job\",account=~\"$account\",region=~\"$region\"}`, `on (instance_id) tair_ssl_instance_info{job=~\"$job\",account=~\"$region\",region=~\"$account\"}`},
	{"queriesKeepToTheVariables", "tair-ssl-overview", `on (instance_id) tair_ssl_instance_info{job=~\"$job\",account=~\"$account\",region=~\"$region\"}`, `on (instance_id) tair_ssl_instance_info{job=~\"$job\",account=~\"$account\",region=~\"$region|cn-hangzhou\"}`},
	{"queriesKeepToTheVariables", "tair-ssl-overview", `on (instance_id) tair_ssl_instance_info{job=~\"$job\",account=~\"$account\",region=~\"$region\"}`, `on (instance_id) tair_ssl_instance_info{job=~\"tair_ssl\",account=~\"$account\",region=~\"$region\"}`},
	{"queriesKeepToTheVariables", "tair-ssl-overview", `on (instance_id) tair_ssl_instance_info{job=~\"$job\",account=~\"$account\",region=~\"$region\"}`, `on (instance_id) tair_ssl_instance_info{job=~\"$job\",account=~\"$account\",account!=\"test\",region=~\"$region\"}`},
	{"queriesKeepToTheVariables", "tair-ssl-overview", ` and on (instance_id) tair_ssl_instance_info{job=~\"$job\",account=~\"$account\",region=~\"$region\"}) / 86400`, `) / 86400`},
	{"queriesKeepToTheVariables", "tair-ssl-overview", `tair_ssl_supported{job=~\"$job\"} and on`, `tair_ssl_supported{job!~\"$job\"} and on`},
	{"queriesKeepToTheVariables", "tair-ssl-overview", `label_values(tair_ssl_instance_info{job=~\"$job\"}, account)`, `label_values(tair_ssl_instance_info, account)`},
	{"queriesKeepToTheVariables", "tair-ssl-overview", `label_values(tair_ssl_instance_info{job=~\"$job\"}, account)`, `label_values(tair_ssl_instance_info{job=~\"tair_ssl\"}, account)`},
	{"queriesKeepToTheVariables", "tair-ssl-exporter", `region=~\"$region|[*]\"`, `region=~\"$region\"`},
	{"queriesKeepToTheVariables", "tair-ssl-exporter", `tair_ssl_exporter_api_rate_limit_qps{job=~\"$job\",account=~\"$account\",region=~\"$region\"`, `tair_ssl_exporter_api_rate_limit_qps{job=~\"$job\",account=~\"$account\",region=~\"$region|[*]\"`},
	{"queriesKeepToTheVariables", "tair-ssl-instance", `tair_ssl_scrape_success{job=~\"$job\",instance_id=\"$instance_id\"}`, `tair_ssl_scrape_success{job=~\"$job\",instance_id=\"r-bp1demo8c5vnr1le\"}`},
	{"queriesKeepToTheVariables", "tair-ssl-instance", `tair_ssl_scrape_success{job=~\"$job\",instance_id=\"$instance_id\"}`, `tair_ssl_scrape_success{job=~\"$job\",instance_id!=\"$instance_id\"}`},
	{"queriesKeepToTheVariables", "tair-ssl-instance", `tair_ssl_scrape_success{job=~\"$job\",instance_id=\"$instance_id\"}`, `tair_ssl_scrape_success{job=~\"$job\",instance_id=\"$account\"}`},
	{"queriesKeepToTheVariables", "tair-ssl-instance", `tair_ssl_scrape_success{job=~\"$job\",instance_id=\"$instance_id\"}`, `tair_ssl_scrape_success{job=~\"$job\"}`},
	{"queriesKeepToTheVariables", "tair-ssl-instance", `tair_ssl_scrape_success{job=~\"$job\",instance_id=\"$instance_id\"}`, `tair_ssl_scrape_success{instance_id=\"$instance_id\"}`},
	{"queriesKeepToTheVariables", "tair-ssl-instance", `tair_ssl_instance_info{job=~\"$job\",instance_id=\"$instance_id\"}`, `tair_ssl_instance_info{job=~\"$job\",account=~\"$account\",region=~\"$region\"}`},
	{"countersAreRates", "tair-ssl-exporter", `$__rate_interval`, `5m`},
	{"countersAreRates", "tair-ssl-exporter", `$__rate_interval`, `$__interval`},
	{"countersAreRates", "tair-ssl-exporter", `rate(tair_ssl_exporter_api_throttles_total{job=~\"$job\",account=~\"$account\",region=~\"$region\"}[$__rate_interval])`, `tair_ssl_exporter_api_throttles_total{job=~\"$job\",account=~\"$account\",region=~\"$region\"}`},
	{"countersAreRates", "tair-ssl-exporter", `rate(tair_ssl_exporter_api_request_duration_seconds_bucket{job=~\"$job\"}[$__rate_interval])`, `tair_ssl_exporter_api_request_duration_seconds_bucket{job=~\"$job\"}`},
	{"countersAreRates", "tair-ssl-exporter", `increase(tair_ssl_exporter_credentials_refresh_failures_total{job=~\"$job\",account=~\"$account\"}[$__rate_interval])`, `delta(tair_ssl_exporter_credentials_refresh_failures_total{job=~\"$job\",account=~\"$account\"}[$__rate_interval])`},
	{"countersAreRates", "tair-ssl-exporter", `increase(tair_ssl_exporter_credentials_refresh_failures_total{job=~\"$job\",account=~\"$account\"}[$__rate_interval])`, `max_over_time(tair_ssl_exporter_credentials_refresh_failures_total{job=~\"$job\",account=~\"$account\"}[$__rate_interval])`},
	{"countersAreRates", "tair-ssl-exporter", `rate(process_cpu_seconds_total{job=~\"$job\"}[$__rate_interval])`, `process_cpu_seconds_total{job=~\"$job\"}`},
	{"countersAreRates", "tair-ssl-exporter", `rate(tair_ssl_exporter_api_request_duration_seconds_bucket{job=~\"$job\"}[$__rate_interval])`, `tair_ssl_exporter_api_request_duration_seconds_sum{job=~\"$job\"} / tair_ssl_exporter_api_request_duration_seconds_count{job=~\"$job\"}`},
	{"countersAreRates", "tair-ssl-exporter", `go_goroutines{job=~\"$job\"}`, `rate(go_goroutines{job=~\"$job\"}[$__rate_interval])`},
	{"targetsAreExporters", "tair-ssl-overview", ` and on (job) last_over_time(tair_ssl_exporter_build_info{job=~\"$job\"}[$__range])`, ``},
	{"targetsAreExporters", "tair-ssl-exporter", ` and on (job) last_over_time(tair_ssl_exporter_build_info{job=~\"$job\"}[$__range])`, ``},
	{"targetsAreExporters", "tair-ssl-exporter", ` and on (job) last_over_time(tair_ssl_exporter_build_info{job=~\"$job\"}[$__range])`, ` and on (job) tair_ssl_exporter_build_info{job=~\"$job\"}`},
	{"targetsAreExporters", "tair-ssl-exporter", ` and on (job) last_over_time(tair_ssl_exporter_build_info{job=~\"$job\"}[$__range])`, ` unless on (job) last_over_time(tair_ssl_exporter_build_info{job=~\"$job\"}[$__range])`},
	{"targetsAreExporters", "tair-ssl-exporter", ` and on (job) last_over_time(tair_ssl_exporter_build_info{job=~\"$job\"}[$__range])`, ` or on (job) last_over_time(tair_ssl_exporter_build_info{job=~\"$job\"}[$__range])`},
	{"targetsAreExporters", "tair-ssl-exporter", ` and on (job) last_over_time(tair_ssl_exporter_build_info{job=~\"$job\"}[$__range])`, ` and on (job) last_over_time(go_info{job=~\"$job\"}[$__range])`},
	{"targetsAreExporters", "tair-ssl-exporter", ` and on (job) last_over_time(tair_ssl_exporter_build_info{job=~\"$job\"}[$__range])`, ` and on (job) last_over_time(tair_ssl_exporter_build_info{job=~\"$job\"}[1h])`},
	{"targetsAreExporters", "tair-ssl-exporter", `go_goroutines{job=~\"$job\"} and on (job, instance) tair_ssl_exporter_build_info{job=~\"$job\"}`, `go_goroutines{job=~\"$job\"}`},
	{"targetsAreExporters", "tair-ssl-exporter", `process_resident_memory_bytes{job=~\"$job\"} and on (job, instance) tair_ssl_exporter_build_info{job=~\"$job\"}`, `process_resident_memory_bytes{job=~\"$job\"}`},
	{"targetsAreExporters", "tair-ssl-exporter", `scrape_duration_seconds{job=~\"$job\"} and on (job, instance) tair_ssl_exporter_build_info{job=~\"$job\"}`, `scrape_duration_seconds{job=~\"$job\"}`},
	{"targetsAreExporters", "tair-ssl-exporter", `go_goroutines{job=~\"$job\"} and on (job, instance) tair_ssl_exporter_build_info{job=~\"$job\"}`, `go_goroutines{job=~\"$job\"} and on (job) tair_ssl_exporter_build_info{job=~\"$job\"}`},
	{"pairsCountOnce", "tair-ssl-overview", `sum(max by (instance_id) (tair_ssl_enabled`, `sum(sum by (instance_id) (tair_ssl_enabled`},
	{"pairsCountOnce", "tair-ssl-overview", `sum(max by (instance_id) (tair_ssl_enabled`, `sum((tair_ssl_enabled`},
	{"pairsCountOnce", "tair-ssl-overview", `sum(max by (instance_id) (tair_ssl_enabled`, `sum(max without (instance) (tair_ssl_enabled`},
	{"pairsCountOnce", "tair-ssl-overview", `count(count by (instance_id) (`, `count((`},
	{"pairsCountOnce", "tair-ssl-exporter", `max by (instance) (go_goroutines`, `(go_goroutines`},
	{"joinsMatchOne", "tair-ssl-overview", `group_left (account, region, name) topk by (instance_id) (1, `, `group_left (account, region, name) (`},
	{"joinsMatchOne", "tair-ssl-overview", `group_left (account, region, name) topk by (instance_id) (1, `, `group_left (account, region, name) topk by (instance_id) (2, `},
	{"joinsMatchOne", "tair-ssl-instance", `+ 2 * (1 - max by (instance_id)`, `+ 2 * (1 - max by (instance_id, job)`},
	{"theFresherAnswerCounts", "tair-ssl-overview", ` and on (instance_id, job, instance) topk by (instance_id) (1, tair_ssl_last_success_timestamp_seconds{job=~\"$job\"})`, ``},
	{"theFresherAnswerCounts", "tair-ssl-overview", `tair_ssl_supported{job=~\"$job\"} and on (instance_id, job, instance)`, `tair_ssl_supported{job=~\"$job\"} and on (instance_id, job)`},
	{"theFresherAnswerCounts", "tair-ssl-overview", `tair_ssl_certificate_info{job=~\"$job\"} and on`, `tair_ssl_certificate_info{job=~\"$job\"} unless on`},
	{"theFresherAnswerCounts", "tair-ssl-instance", `topk by (instance_id) (1, tair_ssl_last_success`, `bottomk by (instance_id) (1, tair_ssl_last_success`},
	{"theFresherAnswerCounts", "tair-ssl-instance", `tair_ssl_last_success_timestamp_seconds{job=~\"$job\",instance_id=\"$instance_id\"}`, `tair_ssl_last_success_timestamp_seconds{job=~\"$job\"}`},
	{"shardsCountAsTheRulesSay", "tair-ssl-exporter", ` and on (job, instance) tair_ssl_exporter_total_shards{job=~\"$job\"} == scalar(max(tair_ssl_exporter_total_shards{job=~\"$job\"}))`, ``},
	{"shardsCountAsTheRulesSay", "tair-ssl-exporter", `== scalar(max(`, `== scalar(min(`},
	{"shardsCountAsTheRulesSay", "tair-ssl-exporter", `count_values(\"shard\", tair_ssl_exporter_shard`, `count(tair_ssl_exporter_shard`},
	{"legendsNameLabels", "tair-ssl-exporter", `{{action}} {{code}}`, `{{action}} {{status}}`},
	{"legendsNameLabels", "tair-ssl-exporter", `"legendFormat": "{{account}}"`, `"legendFormat": ""`},
	{"legendsNameLabels", "tair-ssl-overview", `"textFormat": "{{name}}`, `"textFormat": "{{names}}`},
	{"legendsNameLabels", "tair-ssl-overview", `"tagKeys": "account`, `"tagKeys": "accounts`},
	{"overridesMeetFields", "tair-ssl-overview", `"options": "under 7 d"`, `"options": "below 7 d"`},
	{"overridesMeetFields", "tair-ssl-overview", `"options": "Value #B"`, `"options": "Value #E"`},
	{"overridesMeetFields", "tair-ssl-overview", `"options": "/.*/"`, `"options": "/^names$/"`},
	{"overridesMeetFields", "tair-ssl-instance", `"id": "byFrameRefID", "options": "B"`, `"id": "byFrameRefID", "options": "C"`},
	{"linksUseShownFields", "tair-ssl-overview", `${__data.fields.instance_id}`, `${__data.fields.id}`},
	{"linksUseShownFields", "tair-ssl-overview", `"excludeByName": {`, `"excludeByName": {"instance_id": true, `},
	{"columnsMeetFields", "tair-ssl-overview", `"sortBy": [{"displayName": "Days left"`, `"sortBy": [{"displayName": "Days"`},
	{"columnsMeetFields", "tair-ssl-instance", `/^common_name$/`, `/^cn$/`},
	{"tablesShowEveryLabel", "tair-ssl-overview", `topk by (instance_id) (1, tair_ssl_instance_info{job=~\"$job\",account=~\"$account\",region=~\"$region\"}) and`,
		`topk by (instance_id) (1, max by (instance_id, account, region, name) (tair_ssl_instance_info{job=~\"$job\",account=~\"$account\",region=~\"$region\"})) and`},
	{"tablesShowEveryLabel", "tair-ssl-overview", `"excludeByName": {`, `"excludeByName": {"team": true, `},
	{"tablesShowEveryLabel", "tair-ssl-overview", `"namespace": true,`, ``},
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
