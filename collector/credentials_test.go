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

// A refusal in one region is known in the others of the account, also to those who wait for their turn there.
func TestRefusalReachesEveryRegion(t *testing.T) {
	inBubble(t, func(w *world) {
		slow := func(c *tair.ClientConfig) { c.QPS = 0.01 } // one at once, the next after 100 s
		w.reach("main", hangzhou, slow)
		w.reach("main", shanghai, slow)
		for i := range 10 {
			w.watch("main", hangzhou, fmt.Sprintf("r-h%d", i))
			w.watch("main", shanghai, fmt.Sprintf("r-s%d", i))
		}
		w.apply()
		w.revoke("main")
		p := w.scrape(soon)
		wantEach(w, p, "main", "unauthorized InvalidAccessKeyId.NotFound")
		if n := sentBy(w, "main"); n < 1 || n > 2 {
			t.Errorf("%d requests, want at most one in each region", n)
		}
		if took := time.Since(w.began); took != 0 {
			t.Errorf("the scrape took %v: it waited for a turn that nobody needs", took)
		}
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
