package collector

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
)

// probe sends a request to /probe.
func (w *world) probe(query string) *httptest.ResponseRecorder {
	return w.do(w.t.Context(), w.exporter.ProbeHandler(ScrapeTimeout{Default: soon}), "/probe"+query)
}

func TestScrapeTimeoutOfARequest(t *testing.T) {
	d := ScrapeTimeout{Default: 10 * time.Second, Offset: 500 * time.Millisecond}
	for _, tt := range []struct {
		header string
		want   time.Duration
	}{
		{"", 9500 * time.Millisecond},
		{"15", 14500 * time.Millisecond},
		{"1.5", time.Second},
		{"0.6", 300 * time.Millisecond}, // half, as the offset leaves next to nothing
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

func TestMetricsKeepTheTimeoutOfTheHeader(t *testing.T) {
	inBubble(t, func(w *world) {
		w.applyMain("r-1")
		w.api.SetFault("", tairtest.Fault{Hang: true})
		h := w.exporter.MetricsHandler(ScrapeTimeout{Default: time.Hour, Offset: 250 * time.Millisecond})
		r := httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "/metrics", http.NoBody)
		r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "3")
		h.ServeHTTP(httptest.NewRecorder(), r)
		w.wantElapsed(2750 * time.Millisecond)
	})
}

func TestNothingIsServedBeforeTheConfiguration(t *testing.T) {
	w := onLoopback(t, Options{})
	for _, rec := range []*httptest.ResponseRecorder{
		w.do(t.Context(), w.metrics(soon), "/metrics"), w.probe("?target=r-1"), w.do(t.Context(), w.exporter.SDHandler(), "/sd"),
	} {
		if rec.Code != http.StatusServiceUnavailable || !strings.Contains(rec.Body.String(), "no configuration is loaded") {
			t.Errorf("HTTP %d: %s", rec.Code, rec.Body)
		}
	}
	w.scrapeSelf().want(0, "config_last_reload_successful")

	w.apply() // a setup without instances is no error
	p := w.scrape(soon)
	p.want(0, "scrape_deferred_instances")
	p.wantAbsent("instance_info")
	if rec := w.do(t.Context(), w.exporter.SDHandler(), "/sd"); rec.Code != http.StatusOK || strings.TrimSpace(rec.Body.String()) != "[]" {
		t.Errorf("/sd: HTTP %d: %s", rec.Code, rec.Body)
	}
}

func TestFormatIsNegotiated(t *testing.T) {
	w := onLoopback(t, Options{})
	w.applyMain("r-1")
	for _, h := range []http.Handler{w.metrics(soon), w.exporter.SelfHandler()} {
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
				t.Errorf("Accept %q: the end of OpenMetrics is present: %t", accept, ends)
			}
		}
	}
}

func TestScrapesAtATimeAreBounded(t *testing.T) {
	inBubble(t, func(w *world) {
		w.applyMain("r-1")
		w.api.SetFault("", tairtest.Fault{Hang: true})
		h := w.metrics(3 * time.Second)
		var served, refused atomic.Int32
		var all sync.WaitGroup
		for range maxScrapes + 2 {
			all.Go(func() {
				switch w.do(w.t.Context(), h, "/metrics").Code {
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
		w.wantLog(`level=warn caller=http.go:[0-9]+ .* what=scrapes allowed=8`)
		w.scrape(soon) // is served again
		for range maxLists {
			w.exporter.lists <- struct{}{}
		}
		if rec := w.do(w.t.Context(), w.exporter.SDHandler(), "/sd"); rec.Code != http.StatusServiceUnavailable {
			t.Errorf("/sd: HTTP %d", rec.Code)
		}
		advance(soon)
	})
}

// A log that blocks blocks no scrape.
func TestBlockedLogBlocksNoScrape(t *testing.T) {
	inBubble(t, func(w *world) {
		w.applyMain("r-1 r-2")
		w.log.block()
		for _, f := range []tairtest.Fault{failWith(500, "InternalError"), failWith(403, "Forbidden.RAM"), failWith(403, "SignatureDoesNotMatch"), {}} {
			w.api.SetFault("r-1", f)
			w.scrape(soon)
			w.wantElapsed(0)
		}
		w.log.unblock()
		w.settle()
		if lines := w.log.take(); len(lines) < 4 {
			t.Errorf("logged %q", lines)
		}
	})
}

func TestProbeServesOneWatchedInstanceAlone(t *testing.T) {
	inBubble(t, func(w *world) {
		w.api.SetFault("r-2", failWith(403, "Forbidden.RAM"))
		w.applyMain("r-1 r-2")
		for _, tt := range []struct {
			query     string
			status    int
			body      string
			requested string
		}{
			{"", http.StatusBadRequest, "the parameter target is missing", ""},
			{"?target=", http.StatusBadRequest, "the parameter target is missing", ""},
			{"?target=r-9", http.StatusNotFound, "not an instance that is watched here", ""},
			{"?target=r-1", http.StatusOK, `tair_ssl_scrape_success{instance_id="r-1"} 1`, "r-1"},
			{"?target=r-2", http.StatusOK, `tair_ssl_scrape_success{instance_id="r-2"} 0`, "r-2"},
		} {
			w.api.ResetRequests()
			got := w.probe(tt.query)
			body := got.Body.String()
			if got.Code != tt.status || !strings.Contains(body, tt.body) {
				t.Errorf("%q: HTTP %d, want %d with %s:\n%s", tt.query, got.Code, tt.status, tt.body, body)
			}
			for _, other := range []string{"r-1", "r-2", "tair_ssl_exporter_", "go_"} {
				if other != tt.requested && strings.Contains(body, other) {
					t.Errorf("%q: the body has %s", tt.query, other)
				}
			}
			w.wantRequestedIDs(tt.requested)
		}
	})
}

func TestProbeHonoursTheRefreshInterval(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setup.RefreshInterval = time.Hour
		w.applyMain("r-1")
		w.scrape(soon)
		advance(59 * time.Minute)
		w.probe("?target=r-1")
		w.wantRequestedIDs("r-1")
		advance(time.Minute)
		w.probe("?target=r-1")
		w.wantRequestedIDs("r-1 r-1")
	})
}
