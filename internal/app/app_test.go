package app_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tair_ssl_exporter/collector/tair/tairtest"
	"tair_ssl_exporter/internal/apptest"
)

func TestMain(m *testing.M) {
	http.DefaultTransport = newTransport() // as main does
	goleak.VerifyTestMain(m)
}

func TestMetricsOfAConfiguredInstance(t *testing.T) {
	_, server := apptest.StartAPI(t)
	r := apptest.Start(t, "--config.file="+apptest.File(t, "c.yml", apptest.Config(server, apptest.InstanceID)))
	status, body := r.Get(t, "/metrics")
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, body)
	}
	apptest.Contains(t, body,
		`tair_ssl_scrape_success{instance_id="`+apptest.InstanceID+`"} 1`,
		`tair_ssl_enabled{instance_id="`+apptest.InstanceID+`"} 1`,
		`tair_ssl_instance_info{account="default",instance_id="`+apptest.InstanceID+`",name="",region="cn-hangzhou"} 1`,
		`tair_ssl_exporter_api_requests_total{account="default",action="DescribeInstanceSSL",code="OK",region="cn-hangzhou"} 1`,
		`tair_ssl_exporter_build_info{`, `tair_ssl_exporter_config_last_reload_successful 1`,
	)
}

func TestDemoShowsEveryStateAndSaysThatItIsSimulated(t *testing.T) {
	r := apptest.Start(t, "--demo")
	_, body := r.Get(t, "/metrics")
	apptest.Contains(t, body, `reason="not_found"`, `reason="forbidden"`, `tair_ssl_supported{instance_id="r-bp1demo4x8wkd3oi"} 0`,
		`account="staging"`, `region="ap-southeast-1"`, `team="payments"`, `name="订单缓存"`)
	if !regexp.MustCompile(`tair_ssl_certificate_expires_in_seconds\{.*\} -2592\d\d`).MatchString(body) {
		t.Error("no instance has expired three days ago")
	}
	body = scrapeUntil(t, r, `tair_ssl_scrape_error_info{code="Throttling.User",instance_id="r-gs5demo3m1cbe5rw",reason="throttled"} 1`)
	apptest.Contains(t, body, `tair_ssl_enabled{instance_id="r-gs5demo3m1cbe5rw"} 1`) // the last known answer is kept
	var page string
	apptest.WaitUntil(t, func() bool { // no scrape waits for the renewals
		_, page = r.Get(t, "/")
		return strings.Contains(page, "after the expiry")
	})
	apptest.Contains(t, page, "SIMULATED", `href="metrics"`, "订单缓存", "Last call failed: forbidden", "expired 3 days ago")
	_, calendar := r.Get(t, "/calendar.ics?label=team:payments")
	apptest.Contains(t, calendar, "UID:r-bp1demo8c5vnr1le.expiry@", "UID:r-bp1demo8c5vnr1le.renewal@")
	apptest.Contains(t, r.Log(), "SIMULATED", "msg=watching configuration=--demo accounts=2 instances=10 discovery=1 regions=*,ap-southeast-1,cn-hangzhou")
}

// scrapeUntil scrapes until the response has a text: an instance is called once a second at most.
func scrapeUntil(t *testing.T, r *apptest.Exporter, text string) (body string) {
	t.Helper()
	apptest.WaitUntil(t, func() bool {
		_, body = r.Get(t, "/metrics")
		return strings.Contains(body, text)
	})
	return body
}

func TestRoutes(t *testing.T) {
	api, server := apptest.StartAPI(t)
	r := apptest.Start(t, "--config.file="+apptest.File(t, "c.yml", apptest.Config(server, apptest.InstanceID)))
	for _, c := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/-/healthy", 200, "healthy\n"},
		{"GET", "/-/ready", 200, "ready\n"},
		{"GET", "/metrics/self", 200, "tair_ssl_exporter_instances{account=\"default\",region=\"cn-hangzhou\"} 1\n"},
		{"GET", "/config", 200, "access_key_secret: <secret>"},
		{"GET", "/", 200, "1 of 1 instances has not been read yet."},
		{"GET", "/assets/page.css", 200, "prefers-color-scheme"},
		{"GET", "/assets/", 404, "404 page not found\n"},
		{"GET", "/calendar.ics", 503, "1 of 1 instances have not been read yet"},
		{"GET", "/calendar.ics?label=x", 400, "such as label=team:payments"},
		{"GET", "/probe", 400, "the parameter target is missing"},
		{"GET", "/probe?target=r-bp1unknown", 404, "not an instance that is watched here"},
		{"GET", "/nothing", 404, "404 page not found\n"},
		{"GET", "/-/reload", 405, "Method Not Allowed\n"},
		{"POST", "/-/reload", 403, "--web.enable-lifecycle"},
		{"POST", "/metrics", 405, "Method Not Allowed\n"},
	} {
		status, body := apptest.Ask(t, http.DefaultClient, c.method, r.URL+c.path)
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
		r := apptest.Start(t, "--demo", fmt.Sprintf("--shard=%d", shard), "--total-shards=3")
		_, body := r.Get(t, "/metrics") // waits for discovery
		apptest.Contains(t, body, fmt.Sprintf("tair_ssl_exporter_shard %d\n", shard), "tair_ssl_exporter_total_shards 3\n",
			`tair_ssl_exporter_api_rate_limit_qps{account="staging",region="cn-hangzhou"} 6.66`)
		for _, m := range regexp.MustCompile(`(?m)^tair_ssl_exporter_instances\{.*\} (\d+)$`).FindAllStringSubmatch(body, -1) {
			n, _ := strconv.ParseFloat(m[1], 64)
			total += n
		}
	}
	if total != 13 {
		t.Errorf("the shards watch %v instances together, want each of the 13 once", total)
	}
}

func TestOtherTelemetryPath(t *testing.T) {
	r := apptest.Start(t, "--demo", "--web.telemetry-path=/tls")
	if status, _ := r.Get(t, "/tls/self"); status != http.StatusOK {
		t.Errorf("/tls/self: status %d", status)
	}
	if status, _ := r.Get(t, "/metrics"); status != http.StatusNotFound {
		t.Errorf("/metrics: status %d", status)
	}
}

func TestTheScrapeTimeoutHeaderIsKept(t *testing.T) {
	api, server := apptest.StartAPI(t)
	api.SetFault(apptest.InstanceID, tairtest.Fault{Hang: true})
	r := apptest.Start(t, "--config.file="+apptest.File(t, "c.yml", apptest.Config(server, apptest.InstanceID)), "--scrape.timeout-offset=0s")
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL+"/metrics", http.NoBody)
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "0.2")
	resp, err := http.DefaultClient.Do(req) // answers although the API never does
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	apptest.Contains(t, string(body), `tair_ssl_scrape_error_info{code="",instance_id="`+apptest.InstanceID+`",reason="pending"} 1`)
}

func TestStopLetsAScrapeUnderWayEndAndExitsWithZero(t *testing.T) {
	api, server := apptest.StartAPI(t)
	api.SetFault(apptest.InstanceID, tairtest.Fault{Delay: 300 * time.Millisecond})
	r := apptest.Start(t, "--config.file="+apptest.File(t, "c.yml", apptest.Config(server, apptest.InstanceID)))
	body := make(chan string, 1)
	go func() {
		resp, err := http.Get(r.URL + "/metrics")
		if err != nil {
			body <- err.Error()
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		body <- string(text)
	}()
	apptest.WaitUntil(t, func() bool { return api.InFlight() > 0 })
	if code := r.Stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	apptest.Contains(t, <-body, `tair_ssl_scrape_success{instance_id="`+apptest.InstanceID+`"} 1`)
	apptest.Contains(t, r.Log(), "stopping")
}

func TestNoSecretLeaves(t *testing.T) {
	api, server := apptest.StartAPI(t)
	for _, e := range tairtest.Errors() {
		api.SetFault(apptest.InstanceID, tairtest.Fault{Error: &e, Times: 1})
	}
	r := apptest.Start(t, "--config.file="+apptest.File(t, "c.yml", apptest.Config(server, apptest.InstanceID, "r-bp1other")), "--log.level=debug")
	var seen strings.Builder
	for _, path := range []string{"/metrics", "/metrics", "/metrics/self", "/config", "/", "/calendar.ics", "/-/ready"} {
		_, body := r.Get(t, path)
		seen.WriteString(body)
	}
	api.RevokeKey(apptest.KeyID)
	body := scrapeUntil(t, r, `reason="unauthorized"`)
	r.Stop() // the log is written now
	seen.WriteString(body + r.Log())
	for _, secret := range []string{apptest.KeyID, apptest.KeySecret} {
		if strings.Contains(seen.String(), secret) {
			t.Errorf("%s leaves the exporter:\n%s", secret, seen.String())
		}
	}
}

// An account without credentials is known before the first scrape.
func TestTheStartNamesTheSourcesThatHaveNoKey(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	r := apptest.Start(t, "--instance=cn-hangzhou/r-bp1a")
	apptest.WaitUntil(t, func() bool { return strings.Contains(r.Log(), "class=chain") })
	apptest.Contains(t, r.Log(), "level=error", "account=default", "ALIBABA_CLOUD_ACCESS_KEY_ID", "aliyun CLI", "none has a key")
}

// So is one that a reload brings.
func TestAReloadTriesTheCredentials(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	_, server := apptest.StartAPI(t)
	path := apptest.File(t, "c.yml", apptest.Config(server, apptest.InstanceID))
	r := apptest.Start(t, "--config.file="+path, "--web.enable-lifecycle")
	const without = "accounts: [{instances: [{id: r-1, region: cn-hangzhou}], credentials: {type: default}}]"
	if err := os.WriteFile(path, []byte(without), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, body := r.Post(t, "/-/reload"); status != http.StatusOK {
		t.Fatal(body)
	}
	apptest.WaitUntil(t, func() bool { return strings.Contains(r.Log(), "class=chain") })
}

func TestEveryLogLineHasTimeAndCallerOnce(t *testing.T) {
	_, server := apptest.StartAPI(t)
	path := apptest.File(t, "c.yml", apptest.Config(server, "r-bp1gone"))
	r := apptest.Start(t, "--config.file="+path, "--log.format=json")
	_, _ = r.Get(t, "/metrics")
	r.Stop()
	lines := bufio.NewScanner(strings.NewReader(r.Log()))
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
		t.Errorf("%d lines only:\n%s", n, r.Log())
	}
}
