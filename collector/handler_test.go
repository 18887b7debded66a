package collector

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/tairtest"
)

func TestScrapeTime(t *testing.T) {
	d := ScrapeTimeout{Default: 10 * time.Second, Offset: 500 * time.Millisecond}
	for _, tt := range []struct {
		header string
		want   time.Duration
	}{
		{"", 9500 * time.Millisecond},
		{"15", 14500 * time.Millisecond},
		{"1.5", time.Second},
		{"0.6", 300 * time.Millisecond}, // half, as the offset would leave next to nothing
		{"0.1", 50 * time.Millisecond},
		{"1e99", maxScrapeTime - d.Offset},
		{"Inf", maxScrapeTime - d.Offset},
		{"0", 9500 * time.Millisecond},
		{"-3", 9500 * time.Millisecond},
		{"NaN", 9500 * time.Millisecond},
		{"soon", 9500 * time.Millisecond},
		{"5s", 9500 * time.Millisecond},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
		if tt.header != "" {
			r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", tt.header)
		}
		if got := d.Of(r); got != tt.want {
			t.Errorf("header %q: %v, want %v", tt.header, got, tt.want)
		}
	}
}

func TestHandlerKeepsTheTimeOfTheHeader(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1")
		w.apply()
		w.api.SetFault("", tairtest.Fault{Hang: true})
		h := w.exporter.MetricsHandler(ScrapeTimeout{Default: time.Hour, Offset: 250 * time.Millisecond})
		r := httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "/metrics", http.NoBody)
		r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "3")
		h.ServeHTTP(httptest.NewRecorder(), r)
		if took := time.Since(w.began); took != 2750*time.Millisecond {
			t.Errorf("the scrape took %v, want 2.75s", took)
		}
	})
}

func TestResponseCountsItsOwnCalls(t *testing.T) {
	w := onLoopback(t, Options{})
	w.reach("main", hangzhou)
	w.watch("main", hangzhou, "r-1", "r-2", "r-3", "r-4")
	w.apply()
	here := []string{"account", "main", "region", hangzhou, "action", "DescribeInstanceSSL"}
	code := func(code string) []string { return append(here[:len(here):len(here)], "code", code) }

	self := func() page { return w.get(t.Context(), w.exporter.SelfHandler()) }
	p := self()
	p.want(t, 0, "api_requests_total", code("OK")...)
	p.want(t, 0, "api_throttles_total", here...)
	p.want(t, 0, "api_request_duration_seconds", "action", "DescribeInstanceSSL")

	w.api.SetFault("r-2", fails(404, "InvalidInstanceId.NotFound"))
	w.api.SetFault("r-3", fails(400, "Throttling.User"))
	w.api.SetFault("r-4", tairtest.Fault{Reset: true})
	p = w.scrape(soon)
	p.want(t, 1, "api_requests_total", code("OK")...)
	p.want(t, 1, "api_requests_total", code("InvalidInstanceId.NotFound")...)
	p.want(t, 1, "api_requests_total", code("Throttling.User")...)
	p.want(t, 1, "api_requests_total", code("network")...)
	p.want(t, 1, "api_throttles_total", here...)
	p.want(t, 4, "api_request_duration_seconds", "action", "DescribeInstanceSSL")

	n := len(w.api.Requests())
	p = self()
	if _, ok := p.value("instance_info"); ok || len(w.api.Requests()) != n {
		t.Error("/metrics/self asked for the instances")
	}
	p.want(t, 1, "api_requests_total", code("OK")...)
	for _, name := range []string{"go_goroutines", "process_cpu_seconds_total", "tair_ssl_exporter_build_info"} {
		if p.families[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestThrottlingLowersTheLimitShown(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou, func(c *tair.ClientConfig) { c.QPS = 8 })
		w.watch("main", hangzhou, "r-1")
		w.apply()
		w.scrape(soon).want(t, 8, "api_rate_limit_qps", "account", "main", "region", hangzhou)
		w.api.SetFault("r-1", fails(400, "Throttling"))
		w.scrape(soon).want(t, 4, "api_rate_limit_qps", "account", "main", "region", hangzhou)
	})
}

func TestNothingIsServedBeforeTheConfiguration(t *testing.T) {
	w := onLoopback(t, Options{})
	rec := httptest.NewRecorder()
	w.handler(soon).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	if rec.Code != http.StatusServiceUnavailable || !strings.Contains(rec.Body.String(), "no configuration is loaded") {
		t.Errorf("HTTP %d: %s", rec.Code, rec.Body)
	}
	w.get(t.Context(), w.exporter.SelfHandler()).want(t, 0, "config_last_reload_successful")
}

func TestFormatIsNegotiated(t *testing.T) {
	w := onLoopback(t, Options{})
	w.reach("main", hangzhou)
	w.watch("main", hangzhou, "r-1")
	w.apply()
	for _, h := range []http.Handler{w.handler(soon), w.exporter.SelfHandler()} {
		for accept, want := range map[string]string{
			"": "text/plain",
			"application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5": "application/openmetrics-text; version=1.0.0",
		} {
			rec := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
			r.Header.Set("Accept", accept)
			h.ServeHTTP(rec, r)
			if got := rec.Header().Get("Content-Type"); rec.Code != http.StatusOK || !strings.HasPrefix(got, want) {
				t.Errorf("Accept %q: HTTP %d, %s, want %s", accept, rec.Code, got, want)
			}
			if ends := strings.HasSuffix(rec.Body.String(), "# EOF\n"); ends != (accept != "") {
				t.Errorf("Accept %q: the end of OpenMetrics is there: %t", accept, ends)
			}
		}
	}
}

func TestNothingWatchedIsNoError(t *testing.T) {
	w := onLoopback(t, Options{})
	w.apply()
	p := w.scrape(soon)
	p.want(t, 0, "scrape_deferred_instances")
	if _, ok := p.value("instance_info"); ok {
		t.Error("an instance is watched")
	}
}

func TestScrapesAtATimeAreBounded(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1")
		w.apply()
		w.api.SetFault("", tairtest.Fault{Hang: true})
		h := w.handler(3 * time.Second)
		var served, refused atomic.Int32
		var all sync.WaitGroup
		for range maxScrapes + 2 {
			all.Go(func() {
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "/metrics", http.NoBody))
				switch rec.Code {
				case http.StatusOK:
					served.Add(1)
				case http.StatusServiceUnavailable:
					refused.Add(1)
				}
			})
		}
		all.Wait()
		if served.Load() != maxScrapes || refused.Load() != 2 {
			t.Errorf("%d scrapes served and %d refused, want %d and 2", served.Load(), refused.Load(), maxScrapes)
		}
		if lines := w.log.take(); len(lines) != 1 || !strings.Contains(lines[0], "level=warn") || !strings.Contains(lines[0], "allowed=8") {
			t.Errorf("logged %q, want one warning", lines)
		}
		w.scrape(soon) // there is room again
		pass(soon)
	})
}

// A reader of the log that has stopped stops no scrape.
func TestBlockedLogStopsNoScrape(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1", "r-2")
		w.apply()
		w.log.hold()
		for _, fault := range []tairtest.Fault{fails(500, "InternalError"), fails(403, "Forbidden.RAM"), fails(403, "SignatureDoesNotMatch"), {}} {
			w.api.SetFault("r-1", fault)
			began := time.Now()
			w.scrape(soon)
			if took := time.Since(began); took != 0 {
				t.Errorf("a scrape took %v", took)
			}
		}
		w.log.release()
		synctest.Wait()
		if lines := w.log.take(); len(lines) < 4 {
			t.Errorf("logged %q", lines)
		}
	})
}
