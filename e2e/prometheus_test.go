//go:build e2e

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
	"tair_ssl_exporter/internal/apptest"
)

// TestE2ERealPrometheus builds the binary, lets it ask a fake API that checks signatures for the instances of a
// configuration file, and has a real Prometheus scrape it with the shipped configuration (at a shorter interval).
// The environment names the programs: PROMETHEUS and PROMTOOL.
func TestE2ERealPrometheus(t *testing.T) {
	t.Parallel() // it mostly waits
	prometheus, promtool := tool(t, "PROMETHEUS"), tool(t, "PROMTOOL")
	dir := t.TempDir()
	binary := filepath.Join(dir, "tair_ssl_exporter")
	command(t, "go", "build", "-o", binary, ".")

	api, server := apptest.StartAPI(t)
	api.SetInstance(tairtest.Instance{ID: "r-bp1off", Region: "cn-hangzhou", SSLEnabled: "Disable"})
	exporter, prom := freeAddress(t), freeAddress(t)
	background(t, binary, "--config.file="+apptest.File(t, "c.yml", apptest.Config(server, apptest.InstanceID, "r-bp1off", "r-bp1gone")),
		"--web.listen-address="+exporter)

	short := strings.NewReplacer("scrape_interval: 1m", "scrape_interval: 1s", "scrape_timeout: 30s", "scrape_timeout: 1s",
		"localhost:10219", exporter).Replace(apptest.Read(t, "deploy/prometheus/prometheus.yml"))
	configuration := apptest.File(t, "prometheus.yml", short)
	background(t, prometheus, "--config.file="+configuration, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+prom, "--log.level=warn")

	query := func(promql string) map[string]float64 { return instantQuery(t, prom, promql) }
	within(t, time.Minute, func() bool { return len(query(`tair_ssl_scrape_success`)) == 3 })

	if up := query(`up{job="tair_ssl"}`); len(up) != 1 || up[""] != 1 {
		t.Errorf("up: %v", up)
	}
	expires := query(`tair_ssl_certificate_expires_in_seconds * on (instance_id) group_left (account, region, name) tair_ssl_instance_info`)
	if days := expires[apptest.InstanceID] / 86400; len(expires) != 1 || days < 39.9 || days > 40 {
		t.Errorf("the certificate of 40 days expires in %v", expires)
	}
	if enabled := query(`tair_ssl_enabled`); len(enabled) != 2 || enabled[apptest.InstanceID] != 1 || enabled["r-bp1off"] != 0 {
		t.Errorf("enabled: %v", enabled)
	}
	if gone := query(`tair_ssl_scrape_error_info{reason="not_found"}`); len(gone) != 1 || gone["r-bp1gone"] != 1 {
		t.Errorf("not found: %v", gone)
	}

	status, body := apptest.Ask(t, http.DefaultClient, http.MethodGet, "http://"+exporter+"/metrics")
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	lint := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	lint.Stdin = strings.NewReader(body)
	if out, err := lint.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	command(t, binary, "--health-check", "--web.listen-address="+exporter)
}

// TestE2EServiceDiscovery has Prometheus's own code read /sd and relabel it with the shipped configuration.
func TestE2EServiceDiscovery(t *testing.T) {
	promtool := tool(t, "PROMTOOL")
	api, server := apptest.StartAPI(t)
	api.SetInstance(tairtest.Instance{ID: "r-bp1found", Region: "cn-hangzhou", Tags: map[string]string{"env": "prod"}})
	text := apptest.DiscoveryConfig(server, "cn-hangzhou") + "    region: cn-hangzhou\n    instances: [" + apptest.InstanceID + "]\n" // the endpoint of this one is not known
	r := apptest.Start(t, "--config.file="+apptest.File(t, "c.yml", text))
	apptest.WaitUntil(t, func() bool { status, _ := r.Get(t, "/-/ready"); return status == http.StatusOK })
	configuration := apptest.File(t, "prometheus.yml", strings.ReplaceAll(apptest.Read(t, "deploy/prometheus/service-discovery.yml"), "http://localhost:10219", r.URL))
	for job, want := range map[string]map[string]string{
		"tair_redis": {"__address__": "localhost:9121", "instance": "r-bp1found", "__param_target": "rediss://r-bp1found.redis.rds.aliyuncs.com:6379"},
		"tair_tls":   {"__address__": "localhost:9115", "instance": "r-bp1found", "__param_target": "r-bp1found.redis.rds.aliyuncs.com:6379", "__param_module": "tair_tls"},
	} {
		out, err := exec.CommandContext(t.Context(), promtool, "check", "service-discovery", "--timeout=5s", configuration, job).Output()
		if err != nil {
			t.Fatalf("%s: %v", job, err)
		}
		var found []struct {
			Labels map[string]string `json:"labels"`
		}
		if err := json.Unmarshal(out, &found); err != nil {
			t.Fatalf("%s: %v: %s", job, err, out)
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
			for _, name := range []string{"instance_id", "account", "region", "name"} {
				if f.Labels[name] != "" {
					t.Errorf("%s: has %s", job, name)
				}
			}
		}
		if kept != 1 {
			t.Errorf("%s: %d targets, want the one whose endpoint is known: %s", job, kept, out)
		}
	}
}

// fetch asks a server of the test, which answers soon or not at all.
func fetch(url string) (*http.Response, error) {
	return (&http.Client{Timeout: 10 * time.Second}).Get(url)
}

// instantQuery gives the values of a query by the instance_id of each series.
func instantQuery(t *testing.T, prom, promql string) map[string]float64 {
	t.Helper()
	resp, err := fetch("http://" + prom + "/api/v1/query?query=" + url.QueryEscape(promql))
	if err != nil {
		return nil // it is starting
	}
	defer resp.Body.Close()
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil
	}
	values := make(map[string]float64)
	for _, r := range answer.Data.Result {
		value, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		values[r.Metric["instance_id"]] = value
	}
	return values
}

// background runs a program until the test ends; it must end well when it is asked to.
func background(t *testing.T, name string, args ...string) *os.Process {
	t.Helper()
	var out strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", filepath.Base(name), err)
		}
		if t.Failed() {
			t.Logf("%s printed:\n%s", filepath.Base(name), out.String())
		}
	})
	return cmd.Process
}

// freeAddress gives an address of loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// within waits until something holds.
func within(t *testing.T, d time.Duration, holds func() bool) {
	t.Helper()
	limit := time.After(d)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-limit:
			t.Fatalf("it did not come to hold within %s", d)
		case <-tick.C:
		}
	}
}
