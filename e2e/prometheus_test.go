//go:build e2e

package e2e

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
	"tair_ssl_exporter/internal/apptest"
)

// TestE2ERealPrometheus has the exporter ask a fake API that checks signatures, and Prometheus scrape it with the shipped
// configuration.
func TestE2ERealPrometheus(t *testing.T) {
	t.Parallel() // it mostly waits
	api, server := apptest.StartAPI(t)
	api.SetInstance(tairtest.Instance{ID: "r-bp1off", Region: "cn-hangzhou", SSLEnabled: "Disable"})
	_, exporter := startExporter(t, "--config.file="+apptest.File(t, "c.yml", apptest.Config(server, apptest.InstanceID, "r-bp1off", "r-bp1gone")))
	prom := startPrometheus(t, strings.ReplaceAll(apptest.Read(t, "deploy/prometheus/prometheus.yml"), "localhost:10219", exporter))
	within(t, time.Minute, func() bool { return len(prom.query(t, `tair_ssl_scrape_success`)) == 3 })

	if up := prom.query(t, `up{job="tair_ssl"}`); len(up) != 1 || up[""] != 1 {
		t.Errorf("up: %v", up)
	}
	expires := prom.query(t, `tair_ssl_certificate_expires_in_seconds * on (instance_id) group_left (account, region, name) tair_ssl_instance_info`)
	if days := expires[apptest.InstanceID] / 86400; len(expires) != 1 || days < 39.9 || days > 40 {
		t.Errorf("the certificate of 40 days expires in %v", expires)
	}
	if enabled := prom.query(t, `tair_ssl_enabled`); len(enabled) != 2 || enabled[apptest.InstanceID] != 1 || enabled["r-bp1off"] != 0 {
		t.Errorf("enabled: %v", enabled)
	}
	if gone := prom.query(t, `tair_ssl_scrape_error_info{reason="not_found"}`); len(gone) != 1 || gone["r-bp1gone"] != 1 {
		t.Errorf("not found: %v", gone)
	}

	status, body := apptest.Ask(t, http.DefaultClient, http.MethodGet, "http://"+exporter+"/metrics")
	lint := exec.CommandContext(t.Context(), apptest.Tool(t, "PROMTOOL"), "check", "metrics")
	lint.Stdin = strings.NewReader(body)
	if out, err := lint.CombinedOutput(); err != nil || status != http.StatusOK {
		t.Errorf("status %d, promtool check metrics: %v\n%s", status, err, out)
	}
	apptest.Command(t, apptest.Tool(t, "EXPORTER"), "--health-check", "--web.listen-address="+exporter)
}

// TestE2EServiceDiscovery has promtool read /sd and relabel it with the shipped configuration.
func TestE2EServiceDiscovery(t *testing.T) {
	api, server := apptest.StartAPI(t)
	api.SetInstance(tairtest.Instance{ID: "r-bp1found", Region: "cn-hangzhou", Tags: map[string]string{"env": "prod"}})
	// The endpoint of the listed instance is not known.
	text := apptest.DiscoveryConfig(server, "cn-hangzhou") + "    region: cn-hangzhou\n    instances: [" + apptest.InstanceID + "]\n"
	e := apptest.Start(t, "--config.file="+apptest.File(t, "c.yml", text))
	apptest.WaitUntil(t, func() bool { status, _ := e.Get(t, "/-/ready"); return status == http.StatusOK })
	configuration := apptest.File(t, "prometheus.yml",
		strings.ReplaceAll(apptest.Read(t, "deploy/prometheus/service-discovery.yml"), "http://localhost:10219", e.URL))
	for job, want := range map[string]map[string]string{
		"tair_redis": {"__address__": "localhost:9121", "instance": "r-bp1found", "__param_target": "rediss://r-bp1found.redis.rds.aliyuncs.com:6379"},
		"tair_tls":   {"__address__": "localhost:9115", "instance": "r-bp1found", "__param_target": "r-bp1found.redis.rds.aliyuncs.com:6379", "__param_module": "tair_tls"},
	} {
		out, err := exec.CommandContext(t.Context(), apptest.Tool(t, "PROMTOOL"), "check", "service-discovery", "--timeout=5s", configuration, job).Output()
		if err != nil {
			t.Fatalf("%s: %v", job, err)
		}
		var found []struct {
			Labels map[string]string `json:"labels"`
		}
		if err := json.Unmarshal(out, &found); err != nil {
			t.Fatalf("%s: %v: %s", job, err, out)
		}
		for _, name := range []string{"instance_id", "account", "region", "name"} {
			want[name] = "" // set by the exporter alone
		}
		kept := 0
		for _, f := range found {
			if len(f.Labels) == 0 {
				continue // dropped
			}
			kept++
			for name, value := range want {
				if f.Labels[name] != value {
					t.Errorf("%s: %s is %q, want %q", job, name, f.Labels[name], value)
				}
			}
		}
		if kept != 1 {
			t.Errorf("%s: %d targets, want the one whose endpoint is known: %s", job, kept, out)
		}
	}
}
