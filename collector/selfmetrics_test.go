package collector

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/collector/tair/tairtest"
)

func TestResponseCountsItsOwnCalls(t *testing.T) {
	w := onLoopback(t, Options{})
	w.applyMain("r-1 r-2 r-3 r-4")
	here := []string{"account", "main", "region", hangzhou, "action", "DescribeInstanceSSL"}
	code := func(code string) []string { return append(slices.Clip(here), "code", code) }

	p := w.scrapeSelf()
	p.want(0, "api_requests_total", code("OK")...)
	p.want(0, "api_throttles_total", here...)
	p.want(0, "api_request_duration_seconds", "action", "DescribeInstanceSSL")

	w.api.SetFault("r-2", failWith(404, "InvalidInstanceId.NotFound"))
	w.api.SetFault("r-3", failWith(400, "Throttling.User"))
	w.api.SetFault("r-4", tairtest.Fault{Reset: true})
	p = w.scrape(soon)
	for _, c := range []string{"OK", "InvalidInstanceId.NotFound", "Throttling.User", "network"} {
		p.want(1, "api_requests_total", code(c)...)
	}
	p.want(1, "api_throttles_total", here...)
	p.want(4, "api_request_duration_seconds", "action", "DescribeInstanceSSL")

	n := len(w.api.Requests())
	p = w.scrapeSelf()
	p.wantAbsent("instance_info")
	if len(w.api.Requests()) != n {
		t.Error("/metrics/self calls the API")
	}
	p.want(1, "api_requests_total", code("OK")...)
	for _, name := range []string{"go_goroutines", "process_cpu_seconds_total", "tair_ssl_exporter_build_info"} {
		if p.families[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
}

// Codes without end make no series without end.
func TestCodesAreBounded(t *testing.T) {
	inBubble(t, func(w *world) {
		w.applyMain("r-1")
		count := func(code string) {
			w.api.SetFault("r-1", failWith(400, code))
			w.scrapeWithoutPage(soon)
		}
		for n := range maxCodes + 10 {
			count(fmt.Sprintf("Code.%d", n))
		}
		count("Code.3")
		w.api.SetFault("r-1", tairtest.Fault{Reset: true})
		p := w.scrape(soon)
		at := []string{"account", "main", "region", hangzhou, "action", "DescribeInstanceSSL", "code"}
		for code, n := range map[string]float64{"other": 10, "Code.3": 2, "Code.49": 1, "network": 1} {
			p.want(n, "api_requests_total", append(slices.Clip(at), code)...)
		}
		if n := len(p.families["tair_ssl_exporter_api_requests_total"].GetMetric()); n != maxCodes+3 { // other, network and OK
			t.Errorf("%d series", n)
		}
	})
}

func TestDurationIsANativeAndAClassicHistogram(t *testing.T) {
	w := onLoopback(t, Options{})
	w.applyMain("r-1 r-2")
	w.scrape(soon)
	r := httptest.NewRequest(http.MethodGet, "/metrics/self", http.NoBody)
	r.Header.Set("Accept", string(expfmt.NewFormat(expfmt.TypeProtoDelim))) // text has no native histograms
	answer := httptest.NewRecorder()
	w.exporter.SelfHandler().ServeHTTP(answer, r)
	d := expfmt.NewDecoder(answer.Body, expfmt.ResponseFormat(answer.Header()))
	for {
		var f dto.MetricFamily
		if err := d.Decode(&f); err != nil {
			t.Fatalf("the histogram is missing: %v", err)
		}
		if f.GetName() != "tair_ssl_exporter_api_request_duration_seconds" {
			continue
		}
		h := f.GetMetric()[0].GetHistogram()
		if h.GetSchema() != 3 || len(h.GetPositiveSpan()) == 0 || len(h.GetBucket()) < 10 || h.GetSampleCount() != 2 {
			t.Errorf("got %v", h)
		}
		return
	}
}

func TestReloadsAreShown(t *testing.T) {
	now := time.Unix(1700000000, 0)
	w := onLoopback(t, Options{Now: func() time.Time { return now }})
	want := func(successful, at float64) {
		t.Helper()
		p := w.scrapeSelf()
		p.want(successful, "config_last_reload_successful")
		p.want(at, "config_last_reload_success_timestamp_seconds")
	}
	want(0, 0)
	if w.exporter.Ready() == nil {
		t.Error("ready without a configuration")
	}
	w.apply()
	if w.exporter.Ready() != nil {
		t.Error("not ready with a configuration")
	}
	want(1, 1700000000)
	now = now.Add(time.Hour)
	w.exporter.ReloadFailed()
	want(0, 1700000000)
	w.apply()
	want(1, 1700003600)
}

// The label sets of an account and region that leave the setup are gone, and a call that ends later restores none. When
// they come back, they count from 0.
func TestLabelSetsOfWhatLeftAreGone(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addTarget("main", hangzhou)
		w.addTarget("main", shanghai)
		w.addTarget("other", hangzhou)
		w.addInstances("main", hangzhou, "r-1")
		w.addInstances("main", shanghai, "r-2", "r-late")
		w.addInstances("other", hangzhou, "r-3")
		w.apply()
		w.api.SetFault("r-2", failWith(400, "Throttling.User"))
		w.api.SetFault("r-late", tairtest.Fault{Delay: 3 * time.Second})
		w.exporter.CredentialsFailed("other", &creds.Error{Class: "sts"})
		present := func(p page, account, region string, want bool) {
			t.Helper()
			for _, name := range []string{"api_requests_total", "api_throttles_total", "api_rate_limit_wait_seconds_total",
				"api_rate_limit_qps", "instances"} {
				if _, ok := p.value("exporter_"+name, "account", account, "region", region); ok != want {
					t.Errorf("%s of %s in %s is present: %t, want %t", name, account, region, ok, want)
				}
			}
		}
		p := w.scrape(time.Second)
		present(p, "main", shanghai, true)
		present(p, "other", hangzhou, true)
		p.want(1, "api_throttles_total", "account", "main", "region", shanghai)
		p.want(1, "credentials_refresh_failures_total", "account", "other")

		before := w.setup
		w.setup.Instances, w.setup.Targets = before.Instances[:1], before.Targets[:1]
		w.apply()
		advance(10 * time.Second) // the late call ends
		w.exporter.CredentialsFailed("other", &creds.Error{Class: "sts"})
		p = w.scrape(soon)
		present(p, "main", hangzhou, true)
		present(p, "main", shanghai, false)
		present(p, "other", hangzhou, false)
		p.want(0, "credentials_refresh_failures_total", "account", "main")
		p.wantAbsent("exporter_credentials_refresh_failures_total", "account", "other")

		w.setup = before
		w.api.ClearFaults()
		w.apply()
		p = w.scrape(soon)
		present(p, "main", shanghai, true)
		p.want(2, "api_requests_total", "account", "main", "region", shanghai, "code", "OK")
		p.want(0, "api_throttles_total", "account", "main", "region", shanghai)
		p.want(0, "credentials_refresh_failures_total", "account", "other")
	})
}
