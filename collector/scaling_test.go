package collector

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/tairtest"
)

// The tables of docs/scaling.md are the figures of this file, which come from the log of the fake API, times the number of
// instances.

// scrapeByServers has Prometheus servers scrape once a minute for a span, each with its own delay behind the first. It
// returns the requests for each instance.
func (w *world) scrapeByServers(span time.Duration, delays ...time.Duration) map[string][]tairtest.Request {
	done := make(chan struct{})
	for _, delay := range delays {
		go func() {
			advance(delay)
			w.scrapeEach(time.Minute, soon, int(span/time.Minute))
			done <- struct{}{}
		}()
	}
	for range delays {
		<-done
	}
	calls := make(map[string][]tairtest.Request)
	for _, r := range w.requests(tair.ActionDescribeInstanceSSL) {
		calls[r.InstanceID] = append(calls[r.InstanceID], r)
	}
	return calls
}

func TestCallsOfADay(t *testing.T) {
	t.Parallel()
	one, together, apart := []time.Duration{0}, []time.Duration{0, 0}, []time.Duration{0, 25 * time.Second}
	four := []time.Duration{0, 20 * time.Second, 40 * time.Second, 60 * time.Second}
	for _, c := range []struct {
		refresh time.Duration
		servers []time.Duration
		span    time.Duration
		calls   int // for each instance in that span
		day     int // at most that many in a day: the tables
	}{
		// Without an interval every hour is like the first.
		{0, one, time.Hour, 60, 1440},
		{0, together, time.Hour, 60, 1440}, // what answers one scrape answers the other
		{0, apart, time.Hour, 120, 2880},
		// A minute before the interval has passed an answer is still served, so that the calls are a few less.
		{15 * time.Minute, one, day, 90, 96},
		{15 * time.Minute, together, day, 90, 96},
		{15 * time.Minute, apart, day, 93, 96},
		{time.Hour, one, day, 24, 24},
		{time.Hour, together, day, 24, 24},
		{time.Hour, apart, day, 24, 24},
		{time.Hour, four, day, 24, 24},
		{3 * time.Hour, one, day, 8, 8},
		{3 * time.Hour, together, day, 8, 8},
		{3 * time.Hour, apart, day, 8, 8},
	} {
		t.Run(fmt.Sprint(c.refresh, c.servers), func(t *testing.T) {
			t.Parallel()
			inSlowBubble(t, 50*time.Millisecond, func(w *world) {
				ids := makeIDs("r", 3)
				w.setup.RefreshInterval = c.refresh
				w.applyMain(strings.Join(ids, " "), defaultLimits)
				calls := w.scrapeByServers(c.span, c.servers...)
				for _, id := range ids {
					if n := len(calls[id]); n != c.calls || n*int(day/c.span) > c.day {
						t.Errorf("%s: %d calls, want %d and at most %d a day", id, n, c.calls, c.day)
					}
					for i := range calls[id][1:] {
						if gap := calls[id][i+1].At.Sub(calls[id][i].At); gap < c.refresh {
							t.Errorf("%s was requested again after %v", id, gap)
						}
					}
				}
			})
		})
	}
}

// Every scrape makes three attempts after a transient failure. After a lasting one it waits for 1, 2, 4, 8 ... minutes.
func TestCallsForAnInstanceThatFails(t *testing.T) {
	t.Parallel()
	inSlowBubble(t, 50*time.Millisecond, func(w *world) {
		w.setup.RefreshInterval = 3 * time.Hour
		w.api.SetFault("r-forbidden", failWith(403, "Forbidden.RAM"))
		w.api.SetFault("r-failing", failWith(500, "InternalError"))
		w.applyMain("r-forbidden r-failing", defaultLimits)
		calls := w.scrapeByServers(time.Hour, 0, 25*time.Second)
		if lasting, transient := len(calls["r-forbidden"]), len(calls["r-failing"]); lasting != 6 || transient != 360 {
			t.Errorf("%d and %d calls in 120 scrapes, want 6 and 360", lasting, transient)
		}
	})
}

// Discovery reads pages of 50 about 288 times a day, with or without scrapes, and every shard lists everything.
func TestDiscoveryCallsOfADay(t *testing.T) {
	t.Parallel()
	const (
		regions = 2
		span    = day / 8
	)
	for instances, pages := range map[int]int{0: 1, 50: 1, 51: 2} { // in each region
		t.Run(fmt.Sprint(instances), func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(w *world) {
				w.addAllRegions("main")
				w.setRegions(hangzhou, shanghai)
				for _, region := range []string{hangzhou, shanghai} {
					for _, id := range makeIDs(region, instances) {
						w.createInstance("main", region, id)
					}
				}
				w.setup.Shard = Shard{Index: 1, Total: 3}
				w.apply()
				advance(span)
				for action, each := range map[string]int{
					tair.ActionDescribeRegions: 1, tair.ActionDescribeInstances: regions * pages, tair.ActionDescribeInstanceSSL: 0,
				} {
					calls, want := float64(len(w.requests(action))), float64(each)*float64(span/every)
					if math.Abs(calls-want) > 0.08*want { // the time between two lists varies
						t.Errorf("%s: %v calls in %s, want about %v", action, calls, span, want)
					}
				}
			})
		})
	}
}

// The calls of a scrape, and the number of scrapes, one a minute, until every instance of a region is known.
func TestCallsOfAScrape(t *testing.T) {
	t.Parallel()
	const perMinute = 200 // calls: the quota that is published for many operations
	for _, c := range []struct {
		name    string
		qps     float64
		latency time.Duration
		timeout time.Duration // of Prometheus
		quota   int           // calls a minute; 0: none

		instances int
		calls     int // in the first scrape: qps x its time, or as many as the latency allows
		scrapes   int // until all are known
	}{
		{"30s", 20, 50 * time.Millisecond, 30 * time.Second, 0, 1000, 590, 2},
		{"a slow API", 100, 500 * time.Millisecond, 10200 * time.Millisecond, 0, 500, 400, 2},
		{"200 a minute, default limits", 20, 50 * time.Millisecond, 10 * time.Second, perMinute, 1000, 190, 6},
		{"200 a minute, evenly", 3, 50 * time.Millisecond, 55 * time.Second, perMinute, 1000, 163, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inSlowBubble(t, c.latency, func(w *world) {
				w.setup.RefreshInterval = time.Hour
				w.applyMain(strings.Join(makeIDs("r", c.instances), " "), defaultLimits, qps(c.qps))
				w.api.Limit(c.quota, time.Minute)
				timeout := ScrapeTimeout{Default: c.timeout, Offset: 500 * time.Millisecond}.Within(c.timeout)
				scrapes := 0
				for known := 0; known < c.instances && scrapes < 20; scrapes++ {
					w.scrapeEach(time.Minute, timeout, 1)
					throttled, all := w.countThrottled()
					if scrapes == 0 && (all < c.calls || all > c.calls+2) { // the burst comes on top
						t.Errorf("%d calls in the first scrape, want %d", all, c.calls)
					}
					if throttled > 0 {
						t.Fatalf("%d calls were throttled", throttled)
					}
					known = len(w.answeredIDs())
				}
				if scrapes != c.scrapes {
					t.Errorf("all are known after %d scrapes, want %d", scrapes, c.scrapes)
				}
			})
		})
	}
}

// countThrottled counts the requests so far, and those among them that were throttled.
func (w *world) countThrottled() (throttled, all int) {
	requests := w.api.Requests()
	for _, r := range requests {
		if r.Code == "Throttling.User" {
			throttled++
		}
	}
	return throttled, len(requests)
}

// answeredIDs returns the instances that have an answer among the requests so far.
func (w *world) answeredIDs() map[string]bool {
	ids := make(map[string]bool)
	for _, r := range w.api.Requests() {
		if r.Code == tairtest.CodeOK {
			ids[r.InstanceID] = true
		}
	}
	return ids
}

// The limiter finds a quota that the configuration does not name.
func TestQuotaIsFound(t *testing.T) {
	t.Parallel() // one of those that take the longest
	for _, c := range []struct {
		name              string
		quota             int
		window            time.Duration
		instances         int
		qps               float64
		interval, timeout time.Duration
		first, then       int     // scrapes
		known             bool    // all instances are known after the first scrapes
		share             float64 // of the requests that may be throttled then
	}{
		{"8 a second, every 15s", 8, time.Second, 100, 20, 15 * time.Second, 9500 * time.Millisecond, 3, 6, true, 0.10},
		{"200 a minute, every minute", 200, time.Minute, 300, 20, time.Minute, soon, 5, 4, true, 0.20},
		{"200 a minute, a rate far above", 200, time.Minute, 300, 200, time.Minute, 9500 * time.Millisecond, 5, 3, true, 0.20},
		{"200 a minute, every 30s", 200, time.Minute, 300, 20, 30 * time.Second, 9500 * time.Millisecond, 5, 5, false, 0.20},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inSlowBubble(t, 50*time.Millisecond, func(w *world) {
				w.applyMain(strings.Join(makeIDs("r", c.instances), " "), defaultLimits, qps(c.qps))
				w.api.Limit(c.quota, c.window)
				w.scrapeEach(c.interval, c.timeout, c.first)
				if n := len(w.answeredIDs()); c.known && n != c.instances {
					t.Errorf("%d instances are known after %d scrapes, want %d", n, c.first, c.instances)
				}
				w.api.ResetRequests()
				w.scrapeEach(c.interval, c.timeout, c.then)
				throttled, all := w.countThrottled()
				if float64(throttled) >= c.share*float64(all) {
					t.Errorf("%d of %d requests were throttled, want less than %v %%", throttled, all, 100*c.share)
				}
				// A limiter that lets nothing through is never throttled either.
				if used := (all - throttled) / c.then; used < min(c.instances, c.quota)/4 {
					t.Errorf("%d answers a scrape of a quota of %d", used, c.quota)
				}
			})
		})
	}
}

// Half an hour of a scrape a minute brings the configured rate back.
func TestRateComesBackWithTheQuota(t *testing.T) {
	inSlowBubble(t, 50*time.Millisecond, func(w *world) {
		w.applyMain(strings.Join(makeIDs("r", 20), " "), defaultLimits)
		w.api.Limit(1, time.Second)
		w.scrapeEach(time.Minute, soon, 5)
		w.api.Limit(0, 0)
		w.scrapeEach(time.Minute, soon, 30)
		w.api.ResetRequests()
		w.scrapeWithoutPage(soon)
		requests := w.api.Requests()
		if n := len(requests); n != 20 {
			t.Fatalf("%d requests, want 20", n)
		}
		if took := requests[19].At.Sub(requests[0].At); took != 900*time.Millisecond { // 2 at once, then 20 a second
			t.Errorf("20 requests within %v, want 900ms", took)
		}
	})
}
