package collector

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/tairtest"
)

// asShipped is a change for reach: the limits that hold when the file names none.
func asShipped(c *tair.ClientConfig) {
	c.Timeout, c.Attempts, c.Concurrency, c.QPS = 5*time.Second, 3, 20, 20
}

// several gives n IDs that begin in the same way.
func several(prefix string, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%s-%04d", prefix, i)
	}
	return ids
}

// pull is a scrape without its page, which would take most of a test's time. It gives how long it took.
func (w *world) pull(within time.Duration) time.Duration {
	ctx, cancel := context.WithTimeout(w.t.Context(), within)
	defer cancel()
	inv, began := w.exporter.current.load(), time.Now()
	s := beginScrape(began, inv.setup.RefreshInterval)
	s.request(inv.records)
	s.wait(ctx)
	return time.Since(began)
}

// pullEach pulls n times, one interval after the other.
func (w *world) pullEach(interval, within time.Duration, n int) {
	for range n {
		pass(interval - w.pull(within))
	}
}

// throttledIn counts requests, and those among them that were throttled.
func throttledIn(requests []tairtest.Request) (throttled, all int) {
	for _, r := range requests {
		if r.Code == "Throttling.User" {
			throttled++
		}
	}
	return throttled, len(requests)
}

// answeredIn gives the instances that requests got an answer for.
func answeredIn(requests []tairtest.Request) map[string]bool {
	ids := make(map[string]bool)
	for _, r := range requests {
		if r.Code == tairtest.CodeOK {
			ids[r.InstanceID] = true
		}
	}
	return ids
}

// The limiter finds a quota that nobody told it of.
func TestQuotaIsFound(t *testing.T) {
	t.Parallel() // one of the two that take the longest
	for _, c := range []struct {
		name             string
		quota            int
		window           time.Duration
		instances        int
		qps              float64
		interval, within time.Duration
		first, then      int // scrapes
		known            bool
		share            float64 // of the requests that may be throttled then
	}{
		{"8 a second, every 15s", 8, time.Second, 100, 20, 15 * time.Second, 9500 * time.Millisecond, 3, 10, true, 0.10},
		{"8 a second, every minute", 8, time.Second, 100, 20, time.Minute, 9500 * time.Millisecond, 3, 10, true, 0.10},
		{"200 a minute, every minute", 200, time.Minute, 300, 20, time.Minute, soon, 5, 20, true, 0.20},
		{"200 a minute, a rate far above", 200, time.Minute, 300, 200, time.Minute, 9500 * time.Millisecond, 5, 5, true, 0.20},
		{"200 a minute, every 30s", 200, time.Minute, 300, 20, 30 * time.Second, 9500 * time.Millisecond, 5, 5, false, 0.20},
	} {
		t.Run(c.name, func(t *testing.T) {
			inSlowBubble(t, 50*time.Millisecond, func(w *world) {
				w.reach("main", hangzhou, asShipped, func(k *tair.ClientConfig) { k.QPS = c.qps })
				w.watch("main", hangzhou, several("r", c.instances)...)
				w.apply()
				w.api.Limit(c.quota, c.window)
				w.pullEach(c.interval, c.within, c.first)
				if known := len(answeredIn(w.api.Requests())); c.known && known != c.instances {
					t.Errorf("%d instances are known after %d scrapes, want %d", known, c.first, c.instances)
				}
				w.api.ResetRequests()
				w.pullEach(c.interval, c.within, c.then)
				throttled, all := throttledIn(w.api.Requests())
				t.Logf("throttled: %d of %d", throttled, all)
				if float64(throttled) >= c.share*float64(all) {
					t.Errorf("%d of %d requests were throttled, want less than %v %%", throttled, all, 100*c.share)
				}
				// A limiter that asks for nothing is never throttled either.
				if used := (all - throttled) / c.then; used < min(c.instances, c.quota)/4 {
					t.Errorf("%d answers a scrape of a quota of %d", used, c.quota)
				}
			})
		})
	}
}

// Those that the quota leaves no time for keep what is known of them; they have not failed.
func TestQuotaDefers(t *testing.T) {
	inSlowBubble(t, 50*time.Millisecond, func(w *world) {
		ids := several("r", 300)
		w.reach("main", hangzhou, asShipped)
		w.watch("main", hangzhou, ids...)
		w.apply()
		w.api.Limit(200, time.Minute)
		w.pullEach(time.Minute, soon, 3)
		for range 3 {
			began := time.Now()
			p := w.scrape(soon)
			latest := make(map[string]tairtest.Request)
			for _, r := range w.api.Requests() {
				latest[r.InstanceID] = r
			}
			deferred := 0
			for _, id := range ids {
				r := latest[id]
				sent := !r.At.Before(began)
				if !sent {
					deferred++
				}
				got, _ := p.value("scrape_success", "instance_id", id)
				switch {
				case r.Code == tairtest.CodeOK && got != 1:
					t.Errorf("%s: scrape_success %v after an answer (sent in this scrape: %t)", id, got, sent)
				case r.Code != tairtest.CodeOK && !sent && got != 0:
					t.Errorf("%s: scrape_success %v, last of all %s", id, got, r.Code)
				}
			}
			if deferred < 100 {
				t.Errorf("%d instances were not asked, want at least the 100 that are above the quota", deferred)
			}
			p.want(t, float64(deferred), "scrape_deferred_instances")
			pass(time.Minute - time.Since(began))
		}
	})
}

// Half an hour of a scrape a minute brings the configured rate back.
func TestQuotaIsFoundToBeGone(t *testing.T) {
	inSlowBubble(t, 50*time.Millisecond, func(w *world) {
		w.reach("main", hangzhou, asShipped)
		w.watch("main", hangzhou, several("r", 20)...)
		w.apply()
		w.api.Limit(1, time.Second)
		w.pullEach(time.Minute, soon, 5)
		w.api.Limit(0, 0)
		w.pullEach(time.Minute, soon, 30)
		w.api.ResetRequests()
		w.pull(soon)
		requests := w.api.Requests()
		if n := len(requests); n != 20 {
			t.Fatalf("%d requests, want 20", n)
		}
		if took := requests[19].At.Sub(requests[0].At); took != 900*time.Millisecond { // 2 at once, then 20 a second
			t.Errorf("20 requests within %v, want 900ms", took)
		}
	})
}
