//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"tair_ssl_exporter/internal/apptest"
)

// TestE2ENotificationsOfManyInstances sends the alerts of 500 instances in 5 accounts at once to Alertmanager with the
// shipped configuration: one notification for an account and an alert arrives, and nothing that another alert inhibits.
func TestE2ENotificationsOfManyInstances(t *testing.T) {
	t.Parallel() // it mostly waits
	var notified notifications
	webhook := httptest.NewServer(&notified)
	defer webhook.Close()
	address := apptest.FreeAddress(t)
	apptest.Background(t, apptest.Tool(t, "ALERTMANAGER"), "--config.file="+apptest.File(t, "alertmanager.yml", quickAlertmanager(t, webhook.URL)),
		"--storage.path="+t.TempDir(), "--web.listen-address="+address, "--cluster.listen-address=", "--log.level=warn")

	var alerts []alert
	fire := func(name, severity string, account, instance int) {
		labels := map[string]string{"alertname": "TairSSL" + name, "severity": severity, "account": fmt.Sprint("account-", account)}
		if instance >= 0 {
			labels["instance_id"] = fmt.Sprintf("r-%d-%03d", account, instance)
		}
		alerts = append(alerts, alert{Labels: labels, Annotations: map[string]string{"summary": name}})
	}
	for account := range 5 {
		for instance := range 100 {
			switch {
			case account == 0 && instance < 10:
				fire("CertificateExpiringVerySoon", "critical", account, instance)
				fire("RenewalTooLate", "warning", account, instance)
			case account == 1 && instance < 50:
				fire("Disabled", "critical", account, instance)
			case account == 4 && instance < 3:
				fire("CertificateExpiringVerySoon", "critical", account, instance)
				fire("InstanceNotRead", "warning", account, instance)
			case account == 4:
				fire("CertificateExpiringSoon", "warning", account, instance)
				fire("InstanceNotRead", "warning", account, instance)
			default:
				fire("CertificateExpiringSoon", "warning", account, instance)
			}
		}
	}
	fire("CredentialsRejected", "warning", 4, -1)
	post(t, address, alerts)

	want := []string{
		"/critical TairSSLCertificateExpiringVerySoon account-0 10",
		"/critical TairSSLCertificateExpiringVerySoon account-4 3",
		"/critical TairSSLDisabled account-1 50",
		"/warnings TairSSLCertificateExpiringSoon account-0 90",
		"/warnings TairSSLCertificateExpiringSoon account-1 50",
		"/warnings TairSSLCertificateExpiringSoon account-2 100",
		"/warnings TairSSLCertificateExpiringSoon account-3 100",
		"/warnings TairSSLCredentialsRejected account-4 1",
	}
	within(t, 30*time.Second, func() bool { return len(notified.all()) >= len(want) })
	// What arrives after a later alert would have arrived before.
	alerts = nil
	fire("Throttled", "warning", 9, -1)
	post(t, address, alerts)
	want = append(want, "/warnings TairSSLThrottled account-9 1")
	within(t, 30*time.Second, func() bool { return slices.Contains(notified.all(), want[len(want)-1]) })
	if got := notified.all(); !slices.Equal(got, want) {
		t.Errorf("notifications %q, want %q", got, want)
	}
	notified.mu.Lock()
	defer notified.mu.Unlock()
	if notified.largest > 32<<10 {
		t.Errorf("a notification has %d bytes", notified.largest)
	}
}

// post sends alerts as Prometheus does, once Alertmanager serves.
func post(t *testing.T, address string, alerts []alert) {
	t.Helper()
	body, err := json.Marshal(alerts)
	if err != nil {
		t.Fatal(err)
	}
	within(t, 30*time.Second, func() bool {
		resp, err := http.Post("http://"+address+"/api/v2/alerts", "application/json", bytes.NewReader(body))
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// notifications serves the webhooks and keeps "path alertname account count" of each request.
type notifications struct {
	mu      sync.Mutex
	names   []string
	largest int // bytes
}

func (n *notifications) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var raw bytes.Buffer
	var body struct {
		GroupLabels     map[string]string
		Alerts          []alert
		TruncatedAlerts int
	}
	if _, err := raw.ReadFrom(req.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := json.Unmarshal(raw.Bytes(), &body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.largest = max(n.largest, raw.Len())
	n.names = append(n.names, fmt.Sprintf("%s %s %s %d", req.URL.Path, body.GroupLabels["alertname"], body.GroupLabels["account"], len(body.Alerts)+body.TruncatedAlerts))
}

func (n *notifications) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Sorted(slices.Values(n.names))
}
