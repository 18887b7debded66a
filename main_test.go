package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
)

const (
	testID     = "r-bp1zxszhcgatnx"
	testKeyID  = "CANARYKEYID"
	testSecret = "CANARYSECRET"
)

// program is the exporter running in the test's process.
type running struct {
	url  string
	log  *logBuffer
	stop func() int // ends it as SIGTERM does and gives the exit code
}

// logBuffer keeps what is logged and tells the address that is listened on.
type logBuffer struct {
	mu      sync.Mutex
	text    strings.Builder
	address chan string
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Write(p)
	if m := regexp.MustCompile(`Listening on"[ ,].*?address"?[=:]"?([^\s",]+)`).FindSubmatch(p); m != nil {
		select {
		case b.address <- string(m[1]):
		default:
		}
	} else if m := regexp.MustCompile(`"address":"([^"]+)".*"Listening on"`).FindSubmatch(p); m != nil {
		select {
		case b.address <- string(m[1]):
		default:
		}
	}
	return len(p), nil
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// start runs the exporter with the flags on a free port of loopback until the test ends.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{log: &logBuffer{address: make(chan string, 1)}}
	exit := make(chan int, 1)
	go func() { exit <- run(ctx, append(args, "--web.listen-address=127.0.0.1:0"), io.Discard, r.log) }()
	select {
	case address := <-r.log.address:
		r.url = "http://" + address
	case code := <-exit:
		t.Fatalf("the exporter ended with %d:\n%s", code, r.log)
	}
	r.stop = sync.OnceValue(func() int {
		cancel()
		return <-exit
	})
	t.Cleanup(func() { r.stop() })
	return r
}

// get gives the status and body of a route.
func (r *running) get(t *testing.T, path string) (int, string) {
	t.Helper()
	return ask(t, http.DefaultClient, http.MethodGet, r.url+path)
}

func ask(t *testing.T, client *http.Client, method, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// cloud starts a fake API that knows one instance and one key.
func cloud(t *testing.T) (*tairtest.API, *tairtest.Server) {
	t.Helper()
	api := tairtest.New(tairtest.Options{Keys: []tairtest.Key{{
		Account: "main", AccessKeyID: testKeyID, AccessKeySecret: testSecret,
	}}})
	api.SetInstance(tairtest.Instance{
		ID: testID, Region: "cn-hangzhou", SSLEnabled: "Enable", ExpiresAt: time.Now().Add(40 * 24 * time.Hour),
	})
	server, err := tairtest.Start(api)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return api, server
}

// file writes a file into a directory of the test's and gives its path.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// configFor gives a configuration that watches the instances at the fake API.
func configFor(server *tairtest.Server, ids ...string) string {
	return fmt.Sprintf(`
accounts:
  - credentials: {type: access_key, access_key_id: %s, access_key_secret: %s}
    endpoint: %s
    region: cn-hangzhou
    instances: [%s]
`, testKeyID, testSecret, server.URL, strings.Join(ids, ", "))
}

func mustContain(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}

func TestMetricsOfAConfiguredInstance(t *testing.T) {
	_, server := cloud(t)
	r := start(t, "--config.file="+file(t, "c.yml", configFor(server, testID)))
	status, body := r.get(t, "/metrics")
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, body)
	}
	mustContain(t, body,
		`tair_ssl_scrape_success{instance_id="`+testID+`"} 1`,
		`tair_ssl_enabled{instance_id="`+testID+`"} 1`,
		`tair_ssl_instance_info{account="default",instance_id="`+testID+`",name="",region="cn-hangzhou"} 1`,
		`tair_ssl_exporter_api_requests_total{account="default",action="DescribeInstanceSSL",code="OK",region="cn-hangzhou"} 1`,
		`tair_ssl_exporter_build_info{`, `tair_ssl_exporter_config_last_reload_successful 1`,
	)
}

func TestDemoShowsEveryStateAndSaysThatItIsSimulated(t *testing.T) {
	r := start(t, "--demo")
	_, body := r.get(t, "/metrics")
	mustContain(t, body, `reason="not_found"`, `reason="forbidden"`, `tair_ssl_supported{instance_id="r-bp1demo4x8wkd3oi"} 0`,
		`account="staging"`, `region="ap-southeast-1"`, `team="payments"`, `name="订单缓存"`)
	if !regexp.MustCompile(`tair_ssl_certificate_expires_in_seconds\{.*\} -2592\d\d`).MatchString(body) {
		t.Error("no instance has expired three days ago")
	}
	_, body = r.get(t, "/metrics")
	mustContain(t, body, `tair_ssl_scrape_error_info{code="Throttling.User",instance_id="r-gs5demo3m1cbe5rw",reason="throttled"} 1`,
		`tair_ssl_enabled{instance_id="r-gs5demo3m1cbe5rw"} 1`) // the last known answer is kept
	_, page := r.get(t, "/")
	mustContain(t, page, "SIMULATED", `href="/metrics"`)
	mustContain(t, r.log.String(), "SIMULATED")
}

func TestRoutes(t *testing.T) {
	api, server := cloud(t)
	r := start(t, "--config.file="+file(t, "c.yml", configFor(server, testID)))
	for _, c := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/-/healthy", 200, "healthy\n"},
		{"GET", "/-/ready", 200, "ready\n"},
		{"GET", "/metrics/self", 200, "tair_ssl_exporter_instances{account=\"default\",region=\"cn-hangzhou\"} 1\n"},
		{"GET", "/config", 200, "access_key_secret: <secret>"},
		{"GET", "/", 200, "tair_ssl_exporter"},
		{"GET", "/probe", 400, "the parameter target is missing"},
		{"GET", "/probe?target=r-bp1unknown", 404, "not an instance that is watched here"},
		{"GET", "/nothing", 404, "404 page not found\n"},
		{"GET", "/-/reload", 405, "Method Not Allowed\n"},
		{"POST", "/-/reload", 403, "--web.enable-lifecycle"},
		{"POST", "/metrics", 405, "Method Not Allowed\n"},
	} {
		status, body := ask(t, http.DefaultClient, c.method, r.url+c.path)
		if status != c.status || !strings.Contains(body, c.body) {
			t.Errorf("%s %s: status %d, body %q; want %d with %q", c.method, c.path, status, body, c.status, c.body)
		}
	}
	if n := len(api.Requests()); n != 0 {
		t.Errorf("%d API calls without a scrape of the instances", n)
	}
}

func TestAShardTakesItsPart(t *testing.T) {
	total := 0.0
	for shard := range 3 {
		r := start(t, "--demo", fmt.Sprintf("--shard=%d", shard), "--total-shards=3")
		_, body := r.get(t, "/metrics") // waits for discovery
		mustContain(t, body, fmt.Sprintf("tair_ssl_exporter_shard %d\n", shard), "tair_ssl_exporter_total_shards 3\n",
			`tair_ssl_exporter_api_rate_limit_qps{account="staging",region="cn-hangzhou"} 6.66`)
		for _, m := range regexp.MustCompile(`(?m)^tair_ssl_exporter_instances\{.*\} (\d+)$`).FindAllStringSubmatch(body, -1) {
			n, _ := strconv.ParseFloat(m[1], 64)
			total += n
		}
	}
	if total != 12 {
		t.Errorf("the shards watch %v instances together, want each of the 12 once", total)
	}
}

func TestOtherTelemetryPath(t *testing.T) {
	r := start(t, "--demo", "--web.telemetry-path=/tls")
	if status, _ := r.get(t, "/tls/self"); status != http.StatusOK {
		t.Errorf("/tls/self: status %d", status)
	}
	if status, _ := r.get(t, "/metrics"); status != http.StatusNotFound {
		t.Errorf("/metrics: status %d", status)
	}
}

func TestTheScrapeTimeoutHeaderIsKept(t *testing.T) {
	api, server := cloud(t)
	api.SetFault(testID, tairtest.Fault{Hang: true})
	r := start(t, "--config.file="+file(t, "c.yml", configFor(server, testID)), "--scrape.timeout-offset=0s")
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/metrics", http.NoBody)
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "0.2")
	resp, err := http.DefaultClient.Do(req) // answers although the API never does
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	mustContain(t, string(body), `tair_ssl_scrape_error_info{code="",instance_id="`+testID+`",reason="pending"} 1`)
}

func TestStopLetsAScrapeUnderWayEndAndExitsWithZero(t *testing.T) {
	api, server := cloud(t)
	api.SetFault(testID, tairtest.Fault{Delay: 300 * time.Millisecond})
	r := start(t, "--config.file="+file(t, "c.yml", configFor(server, testID)))
	body := make(chan string, 1)
	go func() {
		resp, err := http.Get(r.url + "/metrics")
		if err != nil {
			body <- err.Error()
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		body <- string(text)
	}()
	waitUntil(t, func() bool { return api.InFlight() > 0 })
	if code := r.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	mustContain(t, <-body, `tair_ssl_scrape_success{instance_id="`+testID+`"} 1`)
	mustContain(t, r.log.String(), "stopping")
}

// waitUntil waits for what other goroutines do. The limit is well below the time after which idle connections end by
// themselves, so that none can leak unseen.
func waitUntil(t *testing.T, holds func() bool) {
	t.Helper()
	limit := time.After(30 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-limit:
			t.Fatal("it never came to hold")
		case <-tick.C:
		}
	}
}

func TestNoSecretLeaves(t *testing.T) {
	api, server := cloud(t)
	for _, e := range tairtest.Errors() {
		api.SetFault(testID, tairtest.Fault{Error: &e, Times: 1})
	}
	r := start(t, "--config.file="+file(t, "c.yml", configFor(server, testID, "r-bp1other")), "--log.level=debug")
	var seen strings.Builder
	for _, path := range []string{"/metrics", "/metrics", "/metrics/self", "/config", "/", "/-/ready"} {
		_, body := r.get(t, path)
		seen.WriteString(body)
	}
	api.RevokeKey(testKeyID)
	_, body := r.get(t, "/metrics")
	mustContain(t, body, `reason="unauthorized"`)
	seen.WriteString(body + r.log.String())
	for _, secret := range []string{testKeyID, testSecret} {
		if strings.Contains(seen.String(), secret) {
			t.Errorf("%s leaves the exporter:\n%s", secret, seen.String())
		}
	}
}

func TestEveryLogLineHasTimeAndCallerOnce(t *testing.T) {
	_, server := cloud(t)
	path := file(t, "c.yml", configFor(server, "r-bp1gone"))
	r := start(t, "--config.file="+path, "--log.format=json")
	_, _ = r.get(t, "/metrics")
	r.stop()
	lines := bufio.NewScanner(strings.NewReader(r.log.String()))
	n := 0
	for ; lines.Scan(); n++ {
		for _, key := range []string{`"time":`, `"caller":`, `"level":`, `"msg":`} {
			if strings.Count(lines.Text(), key) != 1 {
				t.Errorf("%s is not there once: %s", key, lines.Text())
			}
		}
		if !json.Valid(lines.Bytes()) {
			t.Errorf("not JSON: %s", lines.Text())
		}
	}
	if n < 4 {
		t.Errorf("%d lines only:\n%s", n, r.log)
	}
}
