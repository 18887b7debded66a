package collector

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/tairtest"
)

// wantOnceEach wants every ID to be requested once. It returns the order.
func (w *world) wantOnceEach(ids string) (order []string) {
	w.t.Helper()
	order = strings.Fields(w.requestedIDs())
	if got := slices.Sorted(slices.Values(order)); !slices.Equal(got, strings.Fields(ids)) {
		w.t.Fatalf("requested %v, want each of %s once", order, ids)
	}
	return order
}

func TestDeferredInstancesComeFirstNextTime(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		w.applyMain("r-1 r-2 r-3 r-4", concurrency(1))
		p := w.scrape(2500 * time.Millisecond)
		p.want(1, "scrape_deferred_instances")
		first := strings.Fields(w.requestedIDs())
		if len(first) != 3 {
			t.Fatalf("requested %q, want three", first)
		}
		deferred := slices.DeleteFunc([]string{"r-1", "r-2", "r-3", "r-4"}, func(id string) bool { return slices.Contains(first, id) })[0]
		p.wantState(first[2], pending)
		p.wantState(deferred, pending)

		// The third answer comes within this scrape, so that it is not requested again. The deferred one comes first.
		w.scrape(soon).want(0, "scrape_deferred_instances")
		w.wantRequestedIDs(strings.Join(append(first, deferred, first[0], first[1]), " "))
	})
}

// The order is that of the latest attempt, whatever came of it. An instance without an attempt comes first.
func TestLongestAgoComesFirst(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		w.api.SetFault("r-2", failWith(500, "InternalError"))
		w.applyMain("r-1 r-2 r-3", concurrency(1))
		w.scrape(soon)
		first := strings.Join(w.wantOnceEach("r-1 r-2 r-3"), " ")

		w.addInstances("main", hangzhou, "r-new")
		w.apply()
		for _, timeout := range []time.Duration{soon, 3500 * time.Millisecond} {
			w.api.ResetRequests()
			w.scrape(timeout)
			w.wantRequestedIDs("r-new " + first)
		}
		advance(time.Second)
	})
}

// An attempt that failed is repeated behind the instances that have waited for longer. After throttling the instance keeps
// its place.
func TestRetryOrder(t *testing.T) {
	for _, tt := range []struct {
		name, want string // the order of the scrape before is 0 1 2 3
		fault      tairtest.Fault
	}{
		{"server error", "0 1 2 3 0", failWith(500, "InternalError", 1)},
		{"throttled", "0 0 1 2 3", failWith(400, "Throttling.User", 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inSlowBubble(t, time.Second, func(w *world) {
				w.applyMain("r-1 r-2 r-3 r-4", concurrency(1), attempts(2))
				w.scrape(soon)
				order := w.wantOnceEach("r-1 r-2 r-3 r-4")
				w.api.ResetRequests()
				w.api.SetFault("", tt.fault)
				w.scrape(soon).wantSuccess(order...)
				w.wantRequestedIDs(strings.NewReplacer("0", order[0], "1", order[1], "2", order[2], "3", order[3]).Replace(tt.want))
			})
		})
	}
}

func TestNothingIsRetriedOnceNoScrapeWaits(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		const failed = "success=0 error=server,ServiceUnavailable"
		w.applyMain("r-1", attempts(9))
		w.api.SetFault("", failWith(503, "ServiceUnavailable"))
		w.scrape(1500*time.Millisecond).wantState("r-1", failed) // in its second attempt
		advance(time.Minute)
		if n := len(w.api.Requests()); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
		w.scrape(0).wantState("r-1", failed)
		synctest.Wait()
		advance(2 * time.Second)
	})
}

// A failed attempt is a result, although another one is under way. The log has only what the last attempt brings.
func TestFailedAttemptIsKnownBeforeTheNextOneEnds(t *testing.T) {
	inBubble(t, func(w *world) {
		w.applyMain("r-1", attempts(3), func(c *tair.ClientConfig) { c.Timeout = 2 * time.Second })
		w.api.SetFault("", tairtest.Fault{Hang: true})
		p := w.scrape(3 * time.Second)
		p.wantState("r-1", "success=0 error=timeout,-")
		p.want(0, "scrape_deferred_instances")
		w.wantLog()
		advance(soon)
	})
}

// A request that outlives its scrape has cost quota, so its result is kept.
func TestLateResultIsKept(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setup.RefreshInterval = time.Hour
		w.applyMain("r-1 r-2")
		w.api.SetFault("r-1", tairtest.Fault{Delay: 3 * time.Second, Times: 1})
		w.api.SetFault("r-2", tairtest.Fault{Hang: true, Times: 1})
		p := w.scrape(time.Second)
		p.wantState("r-1", pending)
		p.wantState("r-2", pending)
		p.want(0, "scrape_deferred_instances")

		advance(5 * time.Second)
		w.api.SetFault("r-2", tairtest.Fault{Hang: true})
		p = w.scrape(time.Second)
		p.wantState("r-1", valid("r-1", 3*time.Second, 7*time.Second))
		p.wantState("r-2", "success=0 error=timeout,-")
		if n := strings.Count(w.requestedIDs(), "r-1"); n != 1 {
			t.Errorf("r-1 was requested %d times, want once", n)
		}
		advance(soon) // until the second request for r-2 has timed out
	})
}

// An instance that waits for the rate limit until the scrape ends takes no token from the next one.
func TestRateLimitDefers(t *testing.T) {
	inBubble(t, func(w *world) {
		w.applyMain("r-1 r-2 r-3 r-4 r-5", qps(1))
		p := w.scrape(2500 * time.Millisecond)
		p.want(2, "scrape_deferred_instances")
		p.want(1, "api_rate_limit_qps", "account", "main", "region", hangzhou)
		if v, _ := p.value("exporter_api_rate_limit_wait_seconds_total"); v < 2 {
			t.Errorf("%v s of waiting, want 0 + 1 + 1 at least", v)
		}
		w.scrape(2*time.Second).want(3, "scrape_deferred_instances") // two are sent, at 3 s and at 4 s
		w.wantOnceEach("r-1 r-2 r-3 r-4 r-5")
	})
}

// A client that asks all the time costs one call for each instance and second.
func TestCallsForAnInstanceAreASecondApart(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setup.CallInterval = time.Second
		w.api.SetFault("r-fails", failWith(500, "InternalError"))
		w.api.SetFault("r-forbidden", failWith(403, "Forbidden.RAM"))
		advance(time.Millisecond)
		w.applyMain("r-1 r-fails r-forbidden")
		advance(time.Millisecond)
		for range 100 {
			w.scrapeWithoutPage(soon)
			advance(100 * time.Millisecond)
		}
		if n := len(w.api.Requests()); n != 3*10 {
			t.Errorf("%d calls for three instances in 10 s", n)
		}
		w.scrape(soon)
		w.api.ClearFaults()
		w.clients[0].Close()
		w.setup.Targets = nil
		w.applyMain("") // another client is asked at once
		w.scrape(soon).wantSuccess("r-1", "r-fails", "r-forbidden")
	})
}

// An attempt that is under way, or to be repeated, is shared by a scrape that comes within that second.
func TestCallUnderWayIsSharedWithinTheSecond(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setup.CallInterval = time.Second
		w.api.SetFault("r-1", failWith(500, "InternalError", 1), tairtest.Fault{Delay: 2 * time.Second})
		advance(time.Millisecond)
		w.applyMain("r-1", attempts(2))
		advance(time.Millisecond)
		first, second := w.scrapeAfter(0, soon), w.scrapeAfter(500*time.Millisecond, soon)
		first().wantSuccess("r-1")
		second().wantSuccess("r-1")
	})
}

func TestConcurrencyBoundsCallsAndConnections(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		w.applyMain(strings.Join(makeIDs("r", 10), " "), concurrency(4))
		w.scrape(soon)
		w.wantElapsed(3 * time.Second)
		if most, conns := w.api.MaxInFlight(), w.server.Connections(); most != 4 || conns != 4 {
			t.Errorf("%d calls at a time on %d connections, want 4 on 4", most, conns)
		}
	})
}

// When no scrape has the time for every instance, each one goes on where the one before ended, whatever came of the calls.
func TestCallsAreSharedEvenly(t *testing.T) {
	const (
		timeout = 2 * time.Second
		scrapes = 8
		enough  = 6 // scrapes for all instances
	)
	inSlowBubble(t, 50*time.Millisecond, func(w *world) {
		ids := makeIDs("r", 250)
		w.applyMain(strings.Join(ids, " "), defaultLimits, qps(50))
		for i, id := range ids {
			switch {
			case i%10 == 3:
				w.api.SetFault(id, failWith(403, "Forbidden.RAM"))
			case i%20 == 7:
				w.api.RemoveInstance(id)
			}
		}
		times := make(map[string]int, len(ids))
		for n := range scrapes {
			w.api.ResetRequests()
			took := w.scrapeWithoutPage(timeout)
			if took > timeout {
				t.Errorf("scrape %d took %v", n+1, took)
			}
			advance(15*time.Second - took)
			for _, r := range w.api.Requests() {
				times[r.InstanceID]++
			}
			if n+1 == enough && len(times) != len(ids) {
				t.Errorf("%d instances were requested within %d scrapes, want all %d", len(times), enough, len(ids))
			}
			least, most, all := times[ids[0]], times[ids[0]], 0
			for _, id := range ids {
				least, most, all = min(least, times[id]), max(most, times[id]), all+times[id]
			}
			if most > least+1 {
				t.Errorf("scrape %d: an instance was requested %d times, another one %d times", n+1, most, least)
			}
			if n+1 == scrapes && all < scrapes*95 { // 50 a second
				t.Errorf("%d calls in %d scrapes of %v", all, scrapes, timeout)
			}
		}
	})
}
