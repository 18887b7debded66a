package collector

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/creds"
)

// applyTwoAccounts applies 20 instances of main and 5 of other, in the same region, with 3 calls at a time for each.
func (w *world) applyTwoAccounts() {
	for account, n := range map[string]int{"main": 20, "other": 5} {
		w.addTarget(account, hangzhou, concurrency(3))
		w.addInstances(account, hangzhou, makeIDs("r-"+account, n)...)
	}
	w.apply()
}

// signedBy counts the requests since the latest ResetRequests that are signed with the key of an account.
func (w *world) signedBy(account string) (n int) {
	for _, r := range w.api.Requests() {
		if r.AccessKeyID == "LTAI-"+account {
			n++
		}
	}
	return n
}

// A refused key stops its account alone. One call notices that the API accepts it again, whatever the back-off of the
// instances.
func TestRefusedKey(t *testing.T) {
	inSlowBubble(t, 50*time.Millisecond, func(w *world) {
		w.applyTwoAccounts()
		w.scrape(soon).wantError("main", "")
		w.revoke("main")
		for range 3 {
			w.api.ResetRequests()
			p := w.scrape(soon)
			p.wantError("main", "unauthorized,InvalidAccessKeyId.NotFound")
			p.wantError("other", "")
			if refused, others := w.signedBy("main"), w.signedBy("other"); refused < 1 || refused > 3 || others != 5 {
				t.Errorf("%d requests with the refused key, want 1 to 3; %d of the other account, want 5", refused, others)
			}
			if v, ok := p.value("certificate_expiry_timestamp_seconds", "instance_id", "r-main-0007"); !ok || v < 1 {
				t.Error("the latest answer is not kept")
			}
			p.want(0, "scrape_deferred_instances")
		}
		w.setup.RefreshInterval = time.Hour
		w.apply()
		w.scrapeEach(time.Minute, soon, 30)
		w.grant("main")
		w.scrapeEach(time.Minute, soon, 1)
		w.scrape(soon).wantError("main", "")
	})
}

// A refusal ends the scrape of its region without waiting for the rate limit, and leaves the other regions alone.
func TestRefusalStopsItsRegionAlone(t *testing.T) {
	inBubble(t, func(w *world) {
		healthy, refusing := makeIDs("r-h", 50), makeIDs("r-s", 10)
		w.addTarget("main", hangzhou)
		w.addTarget("main", shanghai, qps(0.01)) // the first at once, the next after 100 s
		w.addInstances("main", hangzhou, healthy...)
		w.addInstances("main", shanghai, refusing...)
		w.apply()
		w.api.SetFault("DescribeInstanceSSL/"+shanghai, failWith(404, "InvalidAccessKeyId.NotFound"))
		for n := range 4 {
			w.api.ResetRequests()
			p := w.scrape(soon)
			p.wantSuccess(healthy...)
			p.wantPrefix("success=0 error=unauthorized,InvalidAccessKeyId.NotFound", refusing...)
			if got := len(w.requests(tair.ActionDescribeInstanceSSL)); got != 51 {
				t.Errorf("scrape %d: %d requests, want 50 and one to see whether the region still refuses", n, got)
			}
			p.want(0, "scrape_deferred_instances")
			w.wantElapsed(time.Duration(n) * 2 * time.Minute)
			advance(2 * time.Minute)
		}
	})
}

// Without credentials nothing is sent in any region of the account.
func TestMissingCredentialsStopEveryRegion(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addTarget("main", shanghai)
		w.addInstances("main", shanghai, "r-1", "r-2")
		w.applyTwoAccounts()
		w.account("main").failWith(func(context.Context) error {
			return &creds.Error{Type: creds.TypeRAMRoleARN, Class: "sts", Code: "NoPermission"}
		})
		for range 2 {
			p := w.scrape(soon)
			p.wantError("main", "credentials,NoPermission")
			p.wantError("other", "")
			p.want(0, "scrape_deferred_instances")
		}
		if n := w.signedBy("main"); n != 0 {
			t.Errorf("%d requests without credentials", n)
		}
		w.account("main").failWith(nil)
		w.scrape(soon).wantError("main", "")
	})
}

// A scrape that waits for credentials ends at its deadline. What is known of the instances stays.
func TestCredentialsThatTakeTooLong(t *testing.T) {
	inBubble(t, func(w *world) {
		w.applyTwoAccounts()
		w.scrape(soon)
		advance(time.Minute)
		w.account("main").failWith(func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		p := w.scrape(time.Second)
		w.wantElapsed(time.Minute + time.Second)
		p.wantError("main", "")
		p.want(20, "scrape_deferred_instances")
		p.wantPrefix("success=1 last=0s", "r-main-0001")
		p.wantPrefix("success=1 last=1m0s", "r-other-0001")
		synctest.Wait()
		w.account("main").failWith(nil)
		w.scrape(soon).want(0, "scrape_deferred_instances")
	})
}

// An instance that fails by a refusal without a request of its own keeps its place in the order.
func TestRefusalIsNoAttemptForTheRest(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		w.applyMain("r-1 r-2 r-3", concurrency(1))
		w.scrape(soon)
		first := w.wantOnceEach("r-1 r-2 r-3")
		w.revoke("main")
		w.scrape(soon)
		w.grant("main")
		w.addInstances("main", hangzhou, "r-new")
		w.apply()
		w.api.ResetRequests()
		w.scrape(soon)
		w.wantRequestedIDs(strings.Join([]string{"r-new", first[1], first[2], first[0]}, " "))
	})
}
