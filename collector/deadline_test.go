package collector

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/tairtest"
)

const pending = "success=0 error=pending,-"

func TestScrapeReturnsAtItsDeadline(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.reach("main", shanghai, func(c *tair.ClientConfig) { c.Concurrency = 2 })
		w.watch("main", hangzhou, "r-1", "r-2", "r-3")
		w.watch("main", shanghai, "r-hangs-1", "r-hangs-2", "r-hangs-3")
		w.apply()
		w.api.SetFault("DescribeInstanceSSL/"+shanghai, tairtest.Fault{Hang: true})
		p := w.scrape(2 * time.Second)
		if took := time.Since(w.began); took != 2*time.Second {
			t.Errorf("the scrape took %v, want 2s", took)
		}
		w.wantState(p, "r-1", strings.Replace(knownAt0m, "in=2400h0m0s", "in=2399h59m58s", 1))
		for _, id := range []string{"r-hangs-1", "r-hangs-2", "r-hangs-3"} {
			w.wantState(p, id, pending)
		}
		p.want(t, 1, "scrape_deferred_instances") // two were sent
		p.want(t, 2, "scrape_duration_seconds")
	})
}

func TestScrapeEndsWhenItsClientHasGone(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1")
		w.apply()
		w.api.SetFault("", tairtest.Fault{Hang: true})
		ctx, cancel := context.WithCancel(w.t.Context())
		time.AfterFunc(time.Second, cancel)
		w.get(ctx, w.handler(soon))
		if took := time.Since(w.began); took != time.Second {
			t.Errorf("the scrape took %v, want 1s", took)
		}
	})
}

// The quota is spent: what comes of a request that outlives its scrape counts.
func TestLateAnswerIsKept(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1", "r-2")
		w.setup.RefreshInterval = time.Hour
		w.apply()
		w.api.SetFault("r-1", tairtest.Fault{Delay: 3 * time.Second, Times: 1})
		w.api.SetFault("r-2", tairtest.Fault{Hang: true, Times: 1})
		p := w.scrape(time.Second)
		w.wantState(p, "r-1", pending)
		w.wantState(p, "r-2", pending)
		p.want(t, 0, "scrape_deferred_instances")

		pass(5 * time.Second)
		w.api.SetFault("r-2", tairtest.Fault{Hang: true})
		p = w.scrape(time.Second)
		w.wantState(p, "r-1", "success=1 last=3s supported=1 enabled=1 expiry=2400h0m0s in=2399h59m53s"+cert)
		w.wantState(p, "r-2", "success=0 error=timeout,-")
		if n := strings.Count(w.asked(), "r-1"); n != 1 {
			t.Errorf("r-1 was asked %d times, want once", n)
		}
		pass(soon) // until the second request for r-2 has timed out
	})
}

func TestDeferredComeFirstNextTime(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		w.reach("main", hangzhou, oneAtATime)
		w.watch("main", hangzhou, "r-1", "r-2", "r-3", "r-4")
		w.apply()
		p := w.scrape(2500 * time.Millisecond)
		p.want(t, 1, "scrape_deferred_instances")
		first := strings.Fields(w.asked())
		if len(first) != 3 {
			t.Fatalf("asked for %q, want three", first)
		}
		left := without([]string{"r-1", "r-2", "r-3", "r-4"}, first)
		w.wantState(p, first[2], pending)
		w.wantState(p, left, pending)

		// The third answer comes within this scrape and is not asked for again; the one left behind comes first.
		p = w.scrape(soon)
		p.want(t, 0, "scrape_deferred_instances")
		want := strings.Join(append(first, left, first[0], first[1]), " ")
		if got := w.asked(); got != want {
			t.Errorf("asked for %q, want %q", got, want)
		}
	})
}

// without gives the first of all that is not in some.
func without(all, some []string) string {
	for _, a := range all {
		if !strings.Contains(strings.Join(some, " ")+" ", a+" ") {
			return a
		}
	}
	return ""
}

// The order is that of the last attempt, whatever came of it, and who was never asked comes before all.
func TestLongestUnaskedComesFirst(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		w.reach("main", hangzhou, oneAtATime)
		w.watch("main", hangzhou, "r-1", "r-2", "r-3")
		w.apply()
		w.api.SetFault("r-2", fails(500, "InternalError"))
		w.scrape(soon)
		first := w.asked()

		w.watch("main", hangzhou, "r-new")
		w.apply()
		w.api.ResetRequests()
		w.scrape(soon)
		if got, want := w.asked(), "r-new "+first; got != want {
			t.Errorf("asked for %q, want %q", got, want)
		}
		w.api.ResetRequests()
		w.scrape(3500 * time.Millisecond)
		if got, want := w.asked(), "r-new "+first; got != want {
			t.Errorf("asked for %q, want %q", got, want)
		}
		pass(time.Second)
	})
}

func TestNothingIsSentOnceNoScrapeWaits(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		w.reach("main", hangzhou, oneAtATime)
		w.watch("main", hangzhou, "r-1", "r-2", "r-3", "r-4", "r-5")
		w.apply()
		p := w.scrape(1500 * time.Millisecond)
		p.want(t, 3, "scrape_deferred_instances")
		pass(time.Minute)
		if n := len(w.api.Requests()); n != 2 {
			t.Errorf("%d requests, want the 2 of the scrape's time", n)
		}
	})
}

func TestNothingIsTriedAgainOnceNoScrapeWaits(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		w.reach("main", hangzhou, func(c *tair.ClientConfig) { c.Attempts = 9 })
		w.watch("main", hangzhou, "r-1")
		w.apply()
		w.api.SetFault("", fails(503, "ServiceUnavailable"))
		w.wantState(w.scrape(1500*time.Millisecond), "r-1", "success=0 error=server,ServiceUnavailable") // in its second attempt
		pass(time.Minute)
		if n := len(w.api.Requests()); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
		w.wantState(w.scrape(0), "r-1", "success=0 error=server,ServiceUnavailable")
		synctest.Wait()
		pass(2 * time.Second)
	})
}

// A failed attempt is a result, although another one is under way.
func TestFailedAttemptIsKnownBeforeTheNextOneEnds(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou, func(c *tair.ClientConfig) { c.Attempts, c.Timeout = 3, 2*time.Second })
		w.watch("main", hangzhou, "r-1")
		w.apply()
		w.api.SetFault("", tairtest.Fault{Hang: true})
		p := w.scrape(3 * time.Second)
		w.wantState(p, "r-1", "success=0 error=timeout,-")
		p.want(t, 0, "scrape_deferred_instances")
		if lines := w.log.take(); len(lines) != 0 {
			t.Errorf("logged before the last attempt: %q", lines)
		}
		pass(soon)
	})
}

// An attempt that is repeated waits behind those that have waited for longer.
func TestRetriesComeLast(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		w.reach("main", hangzhou, oneAtATime, func(c *tair.ClientConfig) { c.Attempts = 2 })
		w.watch("main", hangzhou, "r-1", "r-2", "r-3", "r-4")
		w.apply()
		w.api.SetFault("", tairtest.Fault{Error: &tairtest.APIError{Status: 500, Code: "InternalError"}, Times: 1})
		w.scrape(soon)
		asked := strings.Fields(w.asked())
		if len(asked) != 5 || asked[4] != asked[0] {
			t.Errorf("requests for %v, want the first one again at the end", asked)
		}
	})
}

// Who waits for the rate limit until the time is out was not asked, and does not use up the turn of another.
func TestRateLimitDefers(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou, func(c *tair.ClientConfig) { c.QPS = 1 })
		w.watch("main", hangzhou, "r-1", "r-2", "r-3", "r-4", "r-5")
		w.apply()
		p := w.scrape(2500 * time.Millisecond)
		p.want(t, 2, "scrape_deferred_instances")
		p.want(t, 1, "api_rate_limit_qps", "account", "main", "region", hangzhou)
		if v, _ := p.value("exporter_api_rate_limit_wait_seconds_total"); v < 2 {
			t.Errorf("%v s of waiting, want 0 + 1 + 1 at least", v)
		}
		p = w.scrape(2 * time.Second) // at 3 s and at 4 s
		asked := strings.Fields(w.asked())
		if len(asked) != 5 || without([]string{"r-1", "r-2", "r-3", "r-4", "r-5"}, asked) != "" {
			t.Errorf("asked for %v, want every one once", asked)
		}
		p.want(t, 3, "scrape_deferred_instances")
	})
}

func TestNoMoreAtOnceThanAllowed(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		w.reach("main", hangzhou, func(c *tair.ClientConfig) { c.Concurrency = 4 })
		for _, id := range "abcdefghij" {
			w.watch("main", hangzhou, "r-"+string(id))
		}
		w.apply()
		w.scrape(soon)
		if took := time.Since(w.began); took != 3*time.Second {
			t.Errorf("10 calls of 1s, 4 at once, took %v, want 3s", took)
		}
		if most, conns := w.api.MaxInFlight(), w.server.Connections(); most != 4 || conns != 4 {
			t.Errorf("%d at once on %d connections, want 4 on 4", most, conns)
		}
	})
}
