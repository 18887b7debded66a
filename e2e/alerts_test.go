//go:build e2e

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tair_ssl_exporter/dashboards"
	"tair_ssl_exporter/internal/apptest"
)

// demoAlerts are the alerts that the demo gives cause for, as "alertname severity of what".
func demoAlerts() []string {
	return []string{
		"TairSSLCertificateExpired critical r-gs5demo6h3ryl2vf",
		"TairSSLCertificateExpiringSoon warning r-bp1demo8c5vnr1le",
		"TairSSLCertificateExpiringVerySoon critical r-bp1demo2g6pbs9uj",
		"TairSSLInstanceNotFound warning r-bp1demo6t8xvz3pq",
		"TairSSLNeverKnown warning r-bp1demo9z1qme7ct",
		"TairSSLScrapeFailing warning r-bp1demo9z1qme7ct",
		"TairSSLThrottled warning staging/ap-southeast-1",
	}
}

// TestE2EAlertsAndDashboards runs the demo under a real Prometheus and a real Alertmanager with the shipped
// configurations and rules, at shorter intervals: exactly the alerts of the demo arrive, and every query of every
// dashboard has an answer. Durations are proven by the unit tests of the rules.
func TestE2EAlertsAndDashboards(t *testing.T) {
	t.Parallel() // it mostly waits
	prometheus, alertmanager := tool(t, "PROMETHEUS"), tool(t, "ALERTMANAGER")
	dir := t.TempDir()
	binary := filepath.Join(dir, "tair_ssl_exporter")
	command(t, "go", "build", "-o", binary, ".")

	received := &receiver{firing: make(map[string]alert)}
	webhook := httptest.NewServer(received)
	defer webhook.Close()
	exporter, prom, am := freeAddress(t), freeAddress(t), freeAddress(t)
	background(t, binary, "--demo", "--web.listen-address="+exporter)
	background(t, alertmanager, "--config.file="+apptest.File(t, "alertmanager.yml", quickAlertmanager(t, webhook.URL)),
		"--storage.path="+filepath.Join(dir, "am"), "--web.listen-address="+am, "--cluster.listen-address=", "--log.level=warn")

	rules := filepath.Join(dir, "rules")
	if err := os.Mkdir(rules, 0o700); err != nil {
		t.Fatal(err)
	}
	configuration := strings.NewReplacer("scrape_interval: 1m", "scrape_interval: 1s", "scrape_timeout: 30s", "scrape_timeout: 1s",
		"localhost:10219", exporter, "localhost:9093", am, "rules/", rules+"/").Replace(apptest.Read(t, "deploy/prometheus/prometheus.yml"))
	server := background(t, prometheus, "--config.file="+apptest.File(t, "prometheus.yml", configuration),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+prom, "--log.level=warn")
	// The rules come once there is something to judge: before the first scrape no target is up, rightly an alert.
	within(t, time.Minute, func() bool { return len(instantQuery(t, prom, `tair_ssl_scrape_success`)) == 12 })
	quick := quickRules(t, apptest.Read(t, "deploy/prometheus/rules/tair_ssl.rules.yml"))
	if err := os.WriteFile(filepath.Join(rules, "tair_ssl.rules.yml"), []byte(quick), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := server.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("alerts that fire: %q", received.names())
		}
	})
	within(t, 90*time.Second, func() bool { return slices.Equal(received.names(), demoAlerts()) })
	for _, a := range received.all() {
		if a.Annotations["summary"] == "" || a.Annotations["runbook_url"] == "" ||
			strings.Contains(a.Annotations["description"], "<no value>") || strings.Contains(a.Annotations["description"], "error") {
			t.Errorf("%v %v", a.Labels, a.Annotations)
		}
		if want := map[string]string{"critical": "/critical", "warning": "/warnings", "info": "/info"}[a.Labels["severity"]]; a.path != want {
			t.Errorf("%s came to %s, want %s", a.name(), a.path, want)
		}
		if a.Labels["instance_id"] != "" && (a.Labels["account"] == "" || a.Labels["region"] == "" || a.Labels["name"] == "") {
			t.Errorf("%s does not name the instance: %v", a.name(), a.Labels)
		}
	}
	// A query over a stretch of time needs two samples of what is recorded every 5 s.
	within(t, 30*time.Second, func() bool { return len(instantQuery(t, prom, `count_over_time(tair_ssl:enabled:latest[1h]) > 2`)) > 0 })
	askDashboards(t, prom)
	if got := received.names(); !slices.Equal(got, demoAlerts()) {
		t.Errorf("alerts that fire: %q, want %q", got, demoAlerts())
	}
}

// quickRules shortens the durations of the rules, and nothing else.
func quickRules(t *testing.T, text string) string {
	t.Helper()
	quick := regexp.MustCompile(`(?m)^(\s+for:) \S+$`).ReplaceAllString(text, "$1 0s")
	quick = regexp.MustCompile(`(?m)^(\s+interval:) \S+$`).ReplaceAllString(quick, "$1 5s")
	before, after := strings.Split(text, "\n"), strings.Split(quick, "\n")
	changed := 0
	for i, line := range before {
		if line != after[i] {
			changed++
			if !regexp.MustCompile(`^\s+(for: 0s|interval: 5s)$`).MatchString(after[i]) {
				t.Errorf("a line that is no duration was changed: %s", line)
			}
		}
	}
	if changed == 0 {
		t.Error("no duration was shortened")
	}
	for _, line := range after {
		if key, value, _ := strings.Cut(strings.TrimSpace(line), ": "); key == "for" && value != "0s" || key == "interval" && value != "5s" {
			t.Errorf("a duration was not shortened: %s", line)
		}
	}
	return quick
}

// quickAlertmanager is the shipped configuration with its receivers here and without its patience.
func quickAlertmanager(t *testing.T, webhook string) string {
	t.Helper()
	text := strings.ReplaceAll(apptest.Read(t, "deploy/alertmanager/alertmanager.yml"), "http://localhost:9099", webhook)
	for key, value := range map[string]string{"group_wait": "1s", "group_interval": "2s", "repeat_interval": "1h"} {
		text = regexp.MustCompile(`(?m)^(\s+`+key+`:) \S+`).ReplaceAllString(text, "$1 "+value)
	}
	return strings.ReplaceAll(text, "send_resolved: false", "send_resolved: true") // so that what fires now is known
}

// alert is an alert as Alertmanager sends it.
type alert struct {
	Status              string
	Labels, Annotations map[string]string
	path                string // of the webhook that it came to
}

// name is how demoAlerts names it.
func (a alert) name() string {
	of := a.Labels["instance_id"]
	if of == "" {
		of = a.Labels["account"] + "/" + a.Labels["region"]
	}
	return a.Labels["alertname"] + " " + a.Labels["severity"] + " " + of
}

// receiver is what the webhooks of Alertmanager lead to. Alerts that differ in any label are two.
type receiver struct {
	mu     sync.Mutex
	firing map[string]alert // by all labels
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var body struct {
		Alerts []alert
	}
	if err := json.NewDecoder(req.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range body.Alerts {
		a.path = req.URL.Path
		labels := fmt.Sprint(a.Labels) // in the order of their names
		if a.Status == "firing" {
			r.firing[labels] = a
		} else {
			delete(r.firing, labels)
		}
	}
}

func (r *receiver) all() []alert {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Values(r.firing))
}

func (r *receiver) names() []string {
	var names []string
	for _, a := range r.all() {
		names = append(names, a.name())
	}
	slices.Sort(names)
	return names
}

// askDashboards asks every query of every dashboard as Grafana does, with one and another instance chosen.
func askDashboards(t *testing.T, prom string) {
	t.Helper()
	boards, err := dashboards.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, board := range boards {
		for _, q := range board.Queries() {
			answers := 0
			for _, id := range dashboards.DemoInstances() {
				values := dashboards.Values(id)
				values["__interval"], values["__rate_interval"] = "5s", "20s"
				n, err := answersTo(prom, q.Fill(values), q.Instant)
				if err != nil {
					t.Errorf("%s: %v", q.ID, err)
				}
				answers += n
			}
			if answers == 0 && !q.MayBeEmpty() {
				t.Errorf("%s: no answer to %s", q.ID, q.Expr)
			}
		}
	}
}

// answersTo counts the series that Prometheus gives for a query, over the last minute unless it is instant.
func answersTo(prom, promql string, instant bool) (int, error) {
	path, values := "/api/v1/query", url.Values{"query": {promql}}
	if !instant {
		now := time.Now().Unix()
		path += "_range"
		values["start"] = []string{strconv.FormatInt(now-60, 10)}
		values["end"] = []string{strconv.FormatInt(now, 10)}
		values["step"] = []string{"5"}
	}
	resp, err := fetch("http://" + prom + path + "?" + values.Encode())
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct {
			Result []json.RawMessage
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return 0, err
	}
	if answer.Status != "success" {
		return 0, fmt.Errorf("%s: %s", answer.Error, promql)
	}
	return len(answer.Data.Result), nil
}
