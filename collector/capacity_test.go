package collector

import (
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair"
)

// What a scrape asks for at most, and how many scrapes, one a minute, it takes until every instance of a region is known:
// the figures of docs/scaling.md.
func TestCallsOfAScrape(t *testing.T) {
	t.Parallel()
	const perMinute = 200 // calls: the quota that is published for many operations
	for _, c := range []struct {
		name        string
		qps         float64
		concurrency int
		latency     time.Duration
		timeout     time.Duration // of Prometheus
		quota       int           // calls a minute; 0: none
		instances   int
		calls       int // in the first scrape: qps x its time, or as many as the latency allows
		scrapes     int // until all are known
	}{
		{"as shipped", 20, 20, 50 * time.Millisecond, 10 * time.Second, 0, 1000, 190, 6},
		{"30s", 20, 20, 50 * time.Millisecond, 30 * time.Second, 0, 1000, 590, 2},
		{"a slow API", 100, 20, 500 * time.Millisecond, 10200 * time.Millisecond, 0, 1000, 400, 3},
		{"200 a minute, as shipped", 20, 20, 50 * time.Millisecond, 10 * time.Second, perMinute, 1000, 190, 6},
		{"200 a minute, evenly", 3, 20, 50 * time.Millisecond, 55 * time.Second, perMinute, 1000, 163, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inSlowBubble(t, c.latency, func(w *world) {
				w.setup.RefreshInterval = time.Hour
				w.reach("main", hangzhou, asShipped, func(k *tair.ClientConfig) { k.QPS, k.Concurrency = c.qps, c.concurrency })
				w.watch("main", hangzhou, several("r", c.instances)...)
				w.apply()
				w.api.Limit(c.quota, time.Minute)
				within := ScrapeTimeout{Default: c.timeout, Offset: 500 * time.Millisecond}.Within(c.timeout)
				scrapes := 0
				for known := 0; known < c.instances && scrapes < 20; scrapes++ {
					w.pullEach(time.Minute, within, 1)
					throttled, all := throttledIn(w.api.Requests())
					if scrapes == 0 && (all < c.calls || all > c.calls+2) { // the burst comes on top
						t.Errorf("%d calls in the first scrape, want %d", all, c.calls)
					}
					if throttled > 0 {
						t.Fatalf("%d calls were throttled", throttled)
					}
					known = len(answeredIn(w.api.Requests()))
				}
				if scrapes != c.scrapes {
					t.Errorf("all are known after %d scrapes, want %d", scrapes, c.scrapes)
				}
			})
		})
	}
}
