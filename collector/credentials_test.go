package collector

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/creds"
)

// staticKey gives the same credentials until it is told otherwise.
type staticKey struct {
	mu    sync.Mutex
	creds creds.Credentials
	fail  func(ctx context.Context) error // nil: none
}

// Credentials is for creds.Provider.
func (k *staticKey) Credentials(ctx context.Context) (creds.Credentials, error) {
	k.mu.Lock()
	key, fail := k.creds, k.fail
	k.mu.Unlock()
	if fail != nil {
		return creds.Credentials{}, fail(ctx)
	}
	return key, nil
}

// Reject is for creds.Provider.
func (k *staticKey) Reject(creds.Credentials) {}

func (k *staticKey) failWith(fail func(ctx context.Context) error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fail = fail
}

const concurrency = 3

// twoAccounts watches 20 instances of main and 5 of other, in the same region.
func twoAccounts(w *world, changes ...func(*tair.ClientConfig)) {
	changes = append(changes, func(c *tair.ClientConfig) { c.Concurrency = concurrency })
	for account, n := range map[string]int{"main": 20, "other": 5} {
		w.reach(account, hangzhou, changes...)
		for i := range n {
			w.watch(account, hangzhou, fmt.Sprintf("r-%s-%d", account, i))
		}
	}
	w.apply()
}

// wantEach compares the reason of every instance of an account.
func wantEach(w *world, p page, account, reason string) {
	w.t.Helper()
	for _, m := range p.families["tair_ssl_instance_info"].GetMetric() {
		if label(m, "account") != account {
			continue
		}
		id := label(m, "instance_id")
		got := ""
		for _, e := range p.families["tair_ssl_scrape_error_info"].GetMetric() {
			if label(e, "instance_id") == id {
				got = label(e, "reason") + " " + label(e, "code")
			}
		}
		if got != reason {
			w.t.Errorf("%s: %q, want %q", id, got, reason)
		}
	}
}

// sentBy counts the requests since the last ResetRequests that were signed with the key of an account.
func sentBy(w *world, account string) (n int) {
	for _, r := range w.api.Requests() {
		if r.AccessKeyID == "LTAI-"+account {
			n++
		}
	}
	return n
}

func TestRefusedCredentialsStopTheAccountAndNoOther(t *testing.T) {
	inSlowBubble(t, 50*time.Millisecond, func(w *world) {
		twoAccounts(w)
		wantEach(w, w.scrape(soon), "main", "")

		w.revoke("main")
		for range 3 {
			w.api.ResetRequests()
			p := w.scrape(soon)
			wantEach(w, p, "main", "unauthorized InvalidAccessKeyId.NotFound")
			wantEach(w, p, "other", "")
			if n := sentBy(w, "main"); n < 1 || n > concurrency {
				t.Errorf("%d requests with refused credentials, want 1 to %d", n, concurrency)
			}
			if n := sentBy(w, "other"); n != 5 {
				t.Errorf("%d requests of the other account, want 5", n)
			}
			if v, ok := p.value("certificate_expiry_timestamp_seconds", "instance_id", "r-main-7"); !ok || v < 1 {
				t.Error("the last answer is gone")
			}
			p.want(t, 0, "scrape_deferred_instances")
		}

		w.grant("main")
		wantEach(w, w.scrape(soon), "main", "")
	})
}

func TestCredentialsThatCannotBeObtained(t *testing.T) {
	inBubble(t, func(w *world) {
		twoAccounts(w)
		w.account("main").failWith(func(context.Context) error {
			return &creds.Error{Type: creds.TypeRAMRoleARN, Class: "sts", Code: "NoPermission"}
		})
		for range 2 {
			p := w.scrape(soon)
			wantEach(w, p, "main", "credentials NoPermission")
			wantEach(w, p, "other", "")
			p.want(t, 0, "scrape_deferred_instances")
		}
		if n := sentBy(w, "main"); n != 0 {
			t.Errorf("%d requests without credentials", n)
		}
		w.account("main").failWith(nil)
		wantEach(w, w.scrape(soon), "main", "")
	})
}

// A refusal ends the scrape of its region without waiting for the rate limit, and leaves the other regions alone.
func TestRefusalStopsItsRegionAlone(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.reach("main", shanghai, func(c *tair.ClientConfig) { c.QPS = 0.01 }) // one at once, the next after 100 s
		for i := range 100 {
			w.watch("main", hangzhou, fmt.Sprintf("r-h%d", i))
		}
		for i := range 20 {
			w.watch("main", shanghai, fmt.Sprintf("r-s%d", i))
		}
		w.apply()
		w.api.SetFault("DescribeInstanceSSL/"+shanghai, fails(404, "InvalidAccessKeyId.NotFound"))
		for n := range 5 {
			w.api.ResetRequests()
			p := w.scrape(soon)
			for i := range 100 {
				if s := p.state(fmt.Sprintf("r-h%d", i)); !strings.HasPrefix(s, "success=1 ") {
					t.Fatalf("scrape %d: r-h%d: %s", n, i, s)
				}
			}
			for i := range 20 {
				if s := p.state(fmt.Sprintf("r-s%d", i)); !strings.HasPrefix(s, "success=0 error=unauthorized,InvalidAccessKeyId.NotFound") {
					t.Fatalf("scrape %d: r-s%d: %s", n, i, s)
				}
			}
			if got := len(w.requests(tair.ActionDescribeInstanceSSL)); got != 101 {
				t.Errorf("scrape %d: %d requests, want 100 and one to see whether the region still refuses", n, got)
			}
			p.want(t, 0, "scrape_deferred_instances")
			if took := time.Since(w.began); took != time.Duration(n)*2*time.Minute {
				t.Errorf("scrape %d ended after %v: it waited for the rate limit", n, took)
			}
			pass(2 * time.Minute)
		}
	})
}

// Without credentials nothing is sent in any region of the account.
func TestMissingCredentialsStopEveryRegion(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.reach("main", shanghai)
		w.watch("main", hangzhou, "r-1", "r-2")
		w.watch("main", shanghai, "r-3", "r-4")
		w.apply()
		w.account("main").failWith(func(context.Context) error { return &creds.Error{Class: "sts"} })
		p := w.scrape(soon)
		wantEach(w, p, "main", "credentials ")
		if n := sentBy(w, "main"); n != 0 {
			t.Errorf("%d requests without credentials", n)
		}
	})
}

// Credentials that work again are noticed by one call, whatever the back-off of the instances that were refused.
func TestCredentialsThatWorkAgainAreUsedAtOnce(t *testing.T) {
	inSlowBubble(t, 50*time.Millisecond, func(w *world) {
		twoAccounts(w)
		w.setup.RefreshInterval = time.Hour
		w.apply()
		w.revoke("main")
		for range 30 {
			w.scrape(soon)
			pass(time.Minute)
		}
		w.grant("main")
		w.scrape(soon)
		pass(time.Minute)
		wantEach(w, w.scrape(soon), "main", "")
	})
}

// Waiting for credentials is under the scrape's deadline, and nothing is learned of the instances by it.
func TestCredentialsThatTakeTooLong(t *testing.T) {
	inBubble(t, func(w *world) {
		twoAccounts(w)
		w.scrape(soon)
		pass(time.Minute)
		w.account("main").failWith(func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		p := w.scrape(time.Second)
		if took := time.Since(w.began); took != time.Minute+time.Second {
			t.Errorf("the scrape ended after %v", took)
		}
		wantEach(w, p, "main", "") // the last result stands
		p.want(t, 20, "scrape_deferred_instances")
		if v, _ := p.value("last_success_timestamp_seconds", "instance_id", "r-main-1"); v != float64(w.began.Unix()) {
			t.Errorf("last success at %v, want the beginning", v)
		}
		if v, _ := p.value("last_success_timestamp_seconds", "instance_id", "r-other-1"); v != float64(w.began.Unix()+60) {
			t.Errorf("last success of the other account at %v, want a minute later", v)
		}
		synctest.Wait()
		w.account("main").failWith(nil)
		p = w.scrape(soon)
		p.want(t, 0, "scrape_deferred_instances")
	})
}

func TestFailedRefreshesAreCounted(t *testing.T) {
	inBubble(t, func(w *world) {
		twoAccounts(w)
		w.exporter.CredentialsFailed("main", &creds.Error{Class: "sts"})
		p := w.scrape(soon)
		p.want(t, 1, "credentials_refresh_failures_total", "account", "main")
		p.want(t, 0, "credentials_refresh_failures_total", "account", "other")
	})
}

// Who got the reason without being sent was not asked by that, and keeps its place in the order.
func TestRefusalIsNoAttemptForTheRest(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		w.reach("main", hangzhou, oneAtATime)
		w.watch("main", hangzhou, "r-1", "r-2", "r-3")
		w.apply()
		w.scrape(soon)
		first := strings.Fields(w.asked())
		w.revoke("main")
		w.scrape(soon)
		w.grant("main")
		w.watch("main", hangzhou, "r-new")
		w.apply()
		w.api.ResetRequests()
		w.scrape(soon)
		if got, want := w.asked(), strings.Join([]string{"r-new", first[1], first[2], first[0]}, " "); got != want {
			t.Errorf("asked for %q, want %q", got, want)
		}
	})
}
