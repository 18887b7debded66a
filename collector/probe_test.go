package collector

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// probe asks /probe with a query.
func (w *world) probe(query string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.exporter.ProbeHandler(ScrapeTimeout{Default: soon}).ServeHTTP(rec,
		httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "/probe"+query, http.NoBody))
	return rec
}

func TestProbeServesOneWatchedInstanceAndNothingElse(t *testing.T) {
	inBubble(t, func(w *world) {
		if got := w.probe("?target=r-1").Code; got != http.StatusServiceUnavailable {
			t.Errorf("before the first configuration: status %d", got)
		}
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1", "r-2")
		w.apply()
		got := w.probe("?target=r-1")
		if got.Code != http.StatusOK || w.asked() != "r-1" {
			t.Errorf("status %d, asked for %q", got.Code, w.asked())
		}
		body := got.Body.String()
		if !strings.Contains(body, `tair_ssl_scrape_success{instance_id="r-1"} 1`) ||
			strings.Contains(body, "r-2") || strings.Contains(body, "tair_ssl_exporter_") || strings.Contains(body, "go_") {
			t.Errorf("body:\n%s", body)
		}
	})
}

func TestProbeOfWhatIsNotWatchedSpendsNothing(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1")
		w.apply()
		for query, want := range map[string]int{
			"": http.StatusBadRequest, "?target=": http.StatusBadRequest, "?target=r-9": http.StatusNotFound,
		} {
			if got := w.probe(query); got.Code != want {
				t.Errorf("%q: status %d, want %d", query, got.Code, want)
			}
		}
		if w.asked() != "" {
			t.Errorf("asked for %q", w.asked())
		}
	})
}

func TestProbeOfAnInstanceThatFailsTellsSo(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1")
		w.apply()
		w.api.SetFault("r-1", fails(403, "Forbidden.RAM"))
		got := w.probe("?target=r-1")
		if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), `tair_ssl_scrape_success{instance_id="r-1"} 0`) {
			t.Errorf("status %d:\n%s", got.Code, got.Body)
		}
	})
}

func TestProbeHonoursTheRefreshInterval(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1")
		w.setup.RefreshInterval = time.Hour
		w.apply()
		w.scrape(soon)
		pass(59 * time.Minute)
		w.probe("?target=r-1")
		if w.asked() != "r-1" {
			t.Errorf("asked for %q, want once", w.asked())
		}
		pass(time.Minute)
		w.probe("?target=r-1")
		if w.asked() != "r-1 r-1" {
			t.Errorf("asked for %q, want twice", w.asked())
		}
	})
}
