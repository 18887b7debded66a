//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tair_ssl_exporter/dashboards"
	"tair_ssl_exporter/internal/apptest"
)

// demoAlerts returns the alerts of the demo, as "alertname severity instance", or account/region without an instance.
func demoAlerts() []string {
	return []string{
		"TairSSLCertificateExpired critical r-gs5demo6h3ryl2vf",
		"TairSSLCertificateExpiringSoon warning r-bp1demo1b6wnh5ye",
		"TairSSLCertificateExpiringSoon warning r-bp1demo8c5vnr1le",
		"TairSSLCertificateExpiringVerySoon critical r-bp1demo2g6pbs9uj",
		"TairSSLInstanceNotFound warning r-bp1demo6t8xvz3pq",
		"TairSSLInstanceNotRead warning r-bp1demo9z1qme7ct",
		"TairSSLRenewalTooLate warning r-bp1demo1b6wnh5ye",
		"TairSSLThrottled warning staging/ap-southeast-1",
	}
}

// TestE2EAlertsAndDashboards runs the demo with Prometheus, Alertmanager and the shipped configurations at shorter
// intervals: exactly the alerts of the demo arrive, and every query of every dashboard has an answer. The unit tests of the
// rules test the durations.
func TestE2EAlertsAndDashboards(t *testing.T) {
	t.Parallel() // it mostly waits
	received := &receiver{firing: make(map[string]alert)}
	webhook := httptest.NewServer(received)
	defer webhook.Close()
	_, exporter := startExporter(t, "--demo")
	alertmanager := apptest.FreeAddress(t)
	apptest.Background(t, apptest.Tool(t, "ALERTMANAGER"), "--config.file="+apptest.File(t, "alertmanager.yml", quickAlertmanager(t, webhook.URL)),
		"--storage.path="+t.TempDir(), "--web.listen-address="+alertmanager, "--cluster.listen-address=", "--log.level=warn")
	prom := startPrometheus(t, strings.NewReplacer("localhost:10219", exporter, "localhost:9093", alertmanager).
		Replace(apptest.Read(t, "deploy/prometheus/prometheus.yml")))
	prom.loadRules(t)
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
			t.Errorf("%s arrives at %s, want %s", a.name(), a.path, want)
		}
		if a.Labels["instance_id"] != "" && (a.Labels["account"] == "" || a.Labels["region"] == "" || a.Labels["name"] == "") {
			t.Errorf("%s does not name the instance: %v", a.name(), a.Labels)
		}
	}
	askDashboards(t, prom)
	if got := received.names(); !slices.Equal(got, demoAlerts()) {
		t.Errorf("alerts that fire: %q, want %q", got, demoAlerts())
	}
}

// quickAlertmanager returns the shipped configuration with the receivers at webhook and without waiting times.
func quickAlertmanager(t *testing.T, webhook string) string {
	t.Helper()
	text := strings.ReplaceAll(apptest.Read(t, "deploy/alertmanager/alertmanager.yml"), "http://localhost:9099", webhook)
	for key, value := range map[string]string{"group_wait": "1s", "group_interval": "2s", "repeat_interval": "1h"} {
		text = regexp.MustCompile(`(?m)^(\s+`+key+`:) \S+`).ReplaceAllString(text, "$1 "+value)
	}
	return strings.ReplaceAll(text, "send_resolved: false", "send_resolved: true") // so that receiver keeps what fires
}

// alert is an alert in the format of Alertmanager.
type alert struct {
	Status      string            `json:"status,omitempty"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	path        string            // of the webhook
}

// name returns the alert in the form of demoAlerts.
func (a alert) name() string {
	of := a.Labels["instance_id"]
	if of == "" {
		of = a.Labels["account"] + "/" + a.Labels["region"]
	}
	return a.Labels["alertname"] + " " + a.Labels["severity"] + " " + of
}

// receiver serves the webhooks of Alertmanager and keeps the alerts that fire.
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

// askDashboards sends every query of every dashboard as Grafana does, for two instances.
func askDashboards(t *testing.T, prom *prometheus) {
	t.Helper()
	// A query over a time range needs two samples of what is recorded every 5s.
	within(t, 30*time.Second, func() bool { return len(prom.query(t, `count_over_time(tair_ssl:instance_info:latest[1h]) > 2`)) > 0 })
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
				found, err := prom.series(q.Fill(values), q.Instant)
				if err != nil {
					t.Errorf("%s: %v", q.ID, err)
				}
				answers += len(found)
			}
			if answers == 0 && !q.MayBeEmpty() {
				t.Errorf("%s: no answer to %s", q.ID, q.Expr)
			}
		}
	}
}
