//go:build deploy

package helm_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

func TestBadValuesAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{ // a value, and the path that the refusal names
		{`shards=0`, "/shards"}, {`shards="2"`, "/shards"}, {`shards=2,replicas=2`, "shards, replicas: 2 and 2, but each shard has one pod"},
		{`replicas=-1`, "/replicas"}, {`unknown=1`, "unknown"}, {`image.name="x"`, "/image"},
		{`image.registry="r/"`, "/image/registry"}, {`image.tag="a b"`, "/image/tag"},
		{`configAs="ConfigMap",config.accounts=[{"instances":[{"id":"r-a","region":"cn-a"}],"credentials":{"type":"access_key","access_key_id":"a","access_key_secret":"b"}}]`, "config has a secret (access_key_secret)"},
		{`configAs="ConfigMap",config.accounts=[{"instances":[{"id":"r-a","region":"cn-a"}],"credentials":{"type":"credentials_uri","url":"http://h/a"}}]`, "config has a secret (url)"},
		{`image.digest="latest"`, "/image/digest"}, {`image.pullPolicy="Sometimes"`, "/image/pullPolicy"},
		{`configAs="File"`, "/configAs"}, {`config="x"`, "/config"}, {`config.accounts=[]`, "/config/accounts"},
		{`config.refresh=1`, "additional properties 'refresh' not allowed"}, {`config.api.attempts=11`, "/config/api/attempts"},
		{`config.accounts=[{"discovery":[{"regions":["cn-a"],"tag":{}}]}]`, "/config/accounts/0/discovery/0"},
		{`config.accounts=[{"instances":["r-a"],"credentials":{"type":"sts"}}]`, "/config/accounts/0/credentials"},
		{`existingSecrets=["a b"]`, "/existingSecrets/0"}, {`env=[{"value":"x"}]`, "/env/0"},
		{`extraArgs=["debug"]`, "/extraArgs/0"}, {`extraArgs=["-h"]`, "/extraArgs/0"},
		{`fullnameOverride="a.b"`, "/fullnameOverride"}, {`fullnameOverride="1x"`, "/fullnameOverride"},
		{`nameOverride="a.b"`, "/nameOverride"}, {`rrsa.enabled=true`, "rrsa.roleName: is missing"},
		{`rrsa.roleName="acs:ram::1:role/x"`, "/rrsa/roleName"}, {`webConfig.tls=true`, "/webConfig/existingSecret"},
		{`serviceMonitor.interval="1"`, "/serviceMonitor/interval"},
		{`serviceMonitor.interval="30s1m"`, "/serviceMonitor/interval"},
		{`serviceMonitor.interval=""`, "/serviceMonitor/interval"}, {`serviceMonitor.job="a\"b"`, "/serviceMonitor/job"},
		{`prometheusRule.extraLabels={"a b":""}`, "additional properties 'a b' not allowed"},
		{`prometheusRule.extraLabels={"__x":""}`, "additional properties '__x' not allowed"},
		{`prometheusRule.extraLabels=["team"]`, "/prometheusRule/extraLabels"},
		{`prometheusRule.runbookUrlBase="wiki"`, "/prometheusRule/runbookUrlBase"},
		{`podDisruptionBudget.maxUnavailable=0`, "/podDisruptionBudget/maxUnavailable"}, {`podLabels.a=1`, "/podLabels/a"},
		{`prometheusRule.enabled=true,prometheusRule.alerts={"TairSSLDown":{"for":"1h"}}`, "prometheusRule.alerts: TairSSLDown is no alert here; there are TairSSLCertificateExpir"},
		{`prometheusRule.alerts={"TairSSLTargetDown":{"for":"1 h"}}`, "/prometheusRule/alerts/TairSSLTargetDown/for"},
		{`serviceMonitor.enabled=true,podMonitor.enabled=true`, "serviceMonitor, podMonitor: both are enabled"},
		{`reloader.enabled=true,demo=true`, "reloader: with demo there is no configuration file"},
		{`reloader.enabled=true,webConfig.existingSecret="x"`, "reloader: it knows no password"},
		{`reloader.enabled=true,extraArgs=["--no-web.enable-lifecycle"]`, "extraArgs: --no-web.enable-lifecycle"},
		{`ingress.enabled=true`, "ingress.hosts: is missing"}, {`httpRoute.enabled=true`, "httpRoute.parentRefs: is missing"},
		{`ingress.enabled=true,ingress.hosts=["a"],shards=2`, "ingress: each request would reach another shard"},
		{`ingress.hosts=["http://a"]`, "/ingress/hosts/0"}, {`extraVolumes=[{"emptyDir":{}}]`, "/extraVolumes/0"},
		{`livenessProbe.httpGet=1`, "/livenessProbe"}, {`namespaceOverride="a.b"`, "/namespaceOverride"}, {`extraManifests=[1]`, "/extraManifests/0"},
		{`prometheusRule.extraLabels={"name":""}`, "prometheusRule.extraLabels: name is a label of the rules"},
	} {
		_, err := helm(t, releaseName, chart, "--set-json", c[0])
		mustRefuse(t, c[0], err, c[1])
	}
	if _, err := helm(t, releaseName, chart, "--set", "global.registry=x"); err != nil {
		t.Errorf("global values of a parent chart: %v", err)
	}
	for values, want := range map[string]string{
		"image.registry=r.example.com/infra": "r.example.com/infra/tair_ssl_exporter:", "image.registry=a.example.com,global.imageRegistry=b.example.com": "b.example.com/tair_ssl_exporter:",
		"image.tag=1.2.3-x_y": "app.kubernetes.io/version: \"1.2.3-x_y\"",
	} {
		rendered, err := helm(t, releaseName, chart, "--set", values)
		if err != nil || !strings.Contains(rendered, want) {
			t.Errorf("%s: no %s (%v)", values, want, err)
		}
	}
}

// Refused are flags that the chart sets, and flags with which nothing is served: as an argument and as a variable. A new
// flag of the program must be refused, unless it is added to free.
func TestFlagsOfTheChartAreRefused(t *testing.T) {
	t.Parallel()
	free := []string{"log.format", "log.level", "scrape.timeout", "scrape.timeout-offset", "web.enable-lifecycle", "web.max-requests"}
	_, help, _ := apptest.Run(t, "--help")
	flags := apptest.MatchesIn(t, "--help", help, `(?m)^ {2}(?:-h, | {4})--(?:\[no-\])?([a-z.-]+)`)
	flags = append(flags, "help-long", "completion-bash")
	var args, refusals, allowed []string
	var env []map[string]string
	for _, flag := range flags {
		variable := "TAIR_SSL_EXPORTER_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(flag))
		env = append(env, map[string]string{"name": variable, "value": "1"})
		forms := []string{"--" + flag, "--no-" + flag, "--" + flag + "=1"}
		args = append(args, forms...)
		if slices.Contains(free, flag) {
			allowed = append(allowed, append(forms, variable)...)
			continue
		}
		for _, form := range forms {
			refusals = append(refusals, "extraArgs: "+form+": other values set it, or nothing would be served")
		}
		if flag != "help-long" && flag != "completion-bash" { // these two have no variable
			refusals = append(refusals, "env: "+variable+": other values set it, or nothing would be served")
		}
	}
	_, err := helm(t, releaseName, chart, "--set-json", "extraArgs="+jsonOf(t, args), "--set-json", "env="+jsonOf(t, env))
	for _, refusal := range refusals {
		mustRefuse(t, "a flag of the chart", err, refusal)
	}
	for _, flag := range allowed {
		if len(allowed) != 4*len(free) || strings.Contains(err.Error(), ": "+flag+": ") {
			t.Errorf("of %q, %s is no flag or is refused: %v", free, flag, err)
		}
	}
}

func jsonOf(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The operator refuses a scrape timeout above the interval, and reports it in its own log only.
func TestScrapeTimeoutIsNotLongerThanTheInterval(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		interval, timeout string
		fits              bool
	}{
		{"15s", "30s", false}, {"15s", "15s", true}, {"15s", "15001ms", false}, {"15s", "15000ms", true},
		{"1m30s", "90s", true}, {"1m30s", "91s", false}, {"1m30s", "1m30s500ms", false}, {"1m30s", "1m", true},
		{"1d", "23h59m", true}, {"1d", "25h", false},
	} {
		_, err := helm(t, releaseName, chart, "--set", "serviceMonitor.enabled=true,serviceMonitor.interval="+c.interval+
			",serviceMonitor.scrapeTimeout="+c.timeout)
		if !c.fits {
			mustRefuse(t, c.timeout, err, "serviceMonitor: scrapeTimeout "+c.timeout+" is longer than interval "+c.interval)
		} else if err != nil {
			t.Errorf("%s in %s: %v", c.timeout, c.interval, err)
		}
	}
}

// Duplicate keys are no valid YAML, and readers differ in which one wins.
func TestKeysOfTheChartAreRefused(t *testing.T) {
	t.Parallel()
	labels := []string{"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/version"}
	all := append(slices.Clone(labels), "app.kubernetes.io/managed-by", "helm.sh/chart")
	values := []string{"rrsa.enabled=true", "rrsa.roleName=x"}
	var refusals []string
	for value, keys := range map[string][]string{
		"commonLabels":               append(slices.Clone(all), "pod-identity.alibabacloud.com/injection"),
		"podLabels":                  append(slices.Clone(labels), "pod-identity.alibabacloud.com/injection"),
		"podAnnotations":             {"checksum/config"},
		"serviceAccount.annotations": {"pod-identity.alibabacloud.com/role-name"},
		"serviceMonitor.labels":      all,
		"prometheusRule.labels":      all,
		"dashboards.labels":          all,
	} {
		for _, key := range keys {
			values = append(values, value+"."+strings.ReplaceAll(key, ".", `\.`)+"=x")
			refusals = append(refusals, value+": "+key+" is set by the chart")
		}
		values = append(values, value+`.example\.com/own-`+strings.ReplaceAll(value, ".", "-")+"=x")
	}
	_, err := helm(t, releaseName, chart, "--set", strings.Join(values, ","))
	for _, refusal := range refusals {
		mustRefuse(t, "a key of the chart", err, refusal)
	}
	if strings.Contains(err.Error(), "example.com/own") {
		t.Error(err)
	}
	// What the chart does not set then is the user's to set.
	renderWith(t, "--set", `demo=true,podAnnotations.checksum/config=x,podLabels.pod-identity\.alibabacloud\.com/injection=on`)
}
