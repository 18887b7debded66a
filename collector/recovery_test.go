package collector

import (
	"context"
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/collector/tair/tairtest"
)

// A refusal that is over must not make instances that hang hold up all others.
func TestOneRefusalDoesNotSlowTheRegionDown(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addTarget("main", hangzhou)
		healthy := makeIDs("r-healthy", 100)
		w.addInstances("main", hangzhou, healthy...)
		w.apply()
		w.revoke("main")
		w.scrape(soon)
		w.grant("main")
		hanging := makeIDs("r-hanging", 4)
		w.addInstances("main", hangzhou, hanging...)
		for _, id := range hanging {
			w.api.SetFault(id, tairtest.Fault{Hang: true})
		}
		w.apply()
		w.scrape(soon).wantSuccess(healthy...)
		advance(soon)
	})
}

// While the API refuses the key, one call at a time is enough.
func TestRefusedRegionCostsOneCallAScrape(t *testing.T) {
	inSlowBubble(t, 50*time.Millisecond, func(w *world) {
		w.addTarget("main", hangzhou, concurrency(10))
		w.addInstances("main", hangzhou, makeIDs("r", 50)...)
		w.apply()
		w.revoke("main")
		w.scrape(soon)
		for range 3 {
			w.api.ResetRequests()
			w.scrape(soon)
			if n := len(w.requests(tair.ActionDescribeInstanceSSL)); n != 1 {
				t.Errorf("%d calls, want 1", n)
			}
		}
	})
}

// Missing credentials end the waiting of a region for its rate limit and for its slots.
func TestMissingCredentialsEndTheWaitingOfOtherRegions(t *testing.T) {
	for name, option := range map[string]clientOption{"rate limit": qps(0.01), "slots": concurrency(1)} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.addTarget("main", hangzhou)
				w.addTarget("main", shanghai, option)
				w.addInstances("main", hangzhou, "r-1")
				w.addInstances("main", shanghai, "r-2", "r-3", "r-4")
				w.api.SetFault("DescribeInstanceSSL/"+shanghai, tairtest.Fault{Delay: 4 * time.Second})
				w.api.SetFault("r-1", tairtest.Fault{Delay: time.Second})
				w.apply()
				wait := w.scrapeAfter(0, 3*time.Second)
				advance(2 * time.Second) // the first call of each region is under way or over
				w.account("main").failWith(func(context.Context) error { return &creds.Error{Class: "sts", Code: "NoPermission"} })
				p := w.scrapeAfter(0, 2*time.Second)()
				failed := 0
				for _, id := range []string{"r-2", "r-3", "r-4"} {
					if strings.HasPrefix(p.state(id), "success=0 error=credentials,NoPermission") {
						failed++
					}
				}
				if failed < 2 {
					t.Errorf("%d instances of the waiting region have the failure, want at least those that wait", failed)
				}
				p.want(0, "scrape_deferred_instances")
				wait()
				advance(soon)
			})
		})
	}
}

// A refusal is a result although new credentials are still awaited.
func TestRefusalIsKnownWhileCredentialsAreRefreshed(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addTarget("main", hangzhou, attempts(3))
		w.addInstances("main", hangzhou, "r-1")
		w.apply()
		w.revoke("main")
		calls := 0
		w.account("main").failWith(func(ctx context.Context) error {
			if calls++; calls == 1 {
				return nil
			}
			<-ctx.Done()
			return context.Cause(ctx)
		})
		w.scrape(3*time.Second).wantPrefix("success=0 error=unauthorized,IncompleteSignature", "r-1")
		advance(soon)
	})
}

// A list that fails after a reload must not cost what is known of the instances that it is about to find again.
func TestReloadKeepsAnswersWhileListingFails(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addTarget("main", hangzhou)
		w.createInstance("main", hangzhou, "r-1", tagged(map[string]string{"env": "prod"}))
		w.setup.DiscoveryInterval = time.Minute
		w.setup.Sources = []Source{{Account: "main", Regions: []string{hangzhou}}}
		w.apply()
		w.scrape(soon).wantSuccess("r-1")
		w.setup.Sources = []Source{{Account: "main", Regions: []string{hangzhou}, Filter: tair.Filter{Tags: map[string]string{"env": "prod"}}}}
		w.api.SetFault("DescribeInstances", failWith(500, "InternalError"))
		w.apply()
		w.scrape(soon)
		w.api.ClearFaults()
		w.api.SetFault("r-1", failWith(500, "InternalError"))
		advance(5 * time.Minute)
		p := w.scrape(soon)
		if v, ok := p.value("certificate_expiry_timestamp_seconds", "instance_id", "r-1"); !ok || v < 1 {
			t.Errorf("the expiry is lost: %s", p.state("r-1"))
		}
	})
}

func TestMemoryForgetsWhatHasLeft(t *testing.T) {
	inBubble(t, func(w *world) {
		w.applyMain("r-1 r-2 r-3")
		w.scrape(soon)
		w.setup.Instances = w.setup.Instances[:1]
		w.apply()
		if n := len(w.exporter.memory.records); n != 1 {
			t.Errorf("%d records, want 1", n)
		}
	})
}

// The last scrape that leaves takes the pending retry with it.
func TestNoRetryIsSentOnceNoScrapeWaits(t *testing.T) {
	inBubble(t, func(w *world) {
		w.applyMain("r-1", attempts(10))
		w.api.SetFault("", failWith(503, "ServiceUnavailable"))
		w.scrape(time.Millisecond) // the back-off takes longer, nearly always
		sent := len(w.requests(tair.ActionDescribeInstanceSSL))
		advance(time.Minute)
		if n := len(w.requests(tair.ActionDescribeInstanceSSL)); n != sent {
			t.Errorf("%d requests after the scrape", n-sent)
		}
	})
}

func TestNothingIsAppliedAfterClose(t *testing.T) {
	inBubble(t, func(w *world) {
		w.applyMain("r-1")
		w.exporter.Close()
		if err := w.exporter.Apply(w.setup); err == nil || err.Error() != "the exporter is closed" {
			t.Errorf("error %v", err)
		}
	})
}

// An update that is over does not hide the next one.
func TestNextRenewalFollowsOneThatIsOver(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addTarget("main", hangzhou)
		w.addInstances("main", hangzhou, "r-1")
		w.setup.DiscoveryInterval = time.Minute
		w.setup.Renewals = []RenewalList{{Account: "main", Home: hangzhou}}
		w.api.SetEvents(
			tairtest.Event{Account: "main", ID: 1, InsName: "r-1", SwitchTime: w.began.Add(-2 * day).UTC().Format(time.RFC3339)},
			tairtest.Event{Account: "main", ID: 2, InsName: "r-1", SwitchTime: w.began.Add(5 * day).UTC().Format(time.RFC3339)})
		w.apply()
		advance(time.Second)
		p := w.scrape(soon)
		if got, ok := p.value("renewal_scheduled_timestamp_seconds", "instance_id", "r-1"); !ok || got != float64(w.began.Add(5*day).Unix()) {
			t.Errorf("scheduled at %v (there: %t)", got, ok)
		}
	})
}
