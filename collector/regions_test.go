package collector

import (
	"fmt"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
)

// margin is what may lie between two runs in which the same thing happens.
const margin = 3 * time.Millisecond

// lastOf gives when the last of some instances was asked for, counted from the beginning of the world. All of them must
// have been answered, at the first time of asking.
func (w *world) lastOf(ids []string) (last time.Duration) {
	w.t.Helper()
	asked := make(map[string]int)
	at := make(map[string]time.Duration)
	requests := w.api.Requests()
	for _, r := range requests {
		asked[r.InstanceID]++
		at[r.InstanceID] = r.At.Sub(w.began)
	}
	answered := answeredIn(requests)
	for _, id := range ids {
		if !answered[id] || asked[id] != 1 {
			w.t.Errorf("%s was asked %d times, and answered: %t", id, asked[id], answered[id])
		}
		last = max(last, at[id])
	}
	return last
}

// wantAsFast compares two runs by their last arrivals, one of each group of instances.
func wantAsFast(t *testing.T, without, with map[string]time.Duration) {
	t.Helper()
	for group, want := range without {
		if got := with[group]; (got - want).Abs() > margin {
			t.Errorf("%s: done after %v, without the failure after %v", group, got, want)
		}
	}
}

// A region whose calls hang costs the others nothing.
func TestDeadRegionDelaysNobody(t *testing.T) {
	const (
		regions = 20
		within  = 9500 * time.Millisecond
	)
	name := func(n int) string { return fmt.Sprintf("region-%02d", n) }
	run := func(t *testing.T, dead string) (last map[string]time.Duration) {
		last = make(map[string]time.Duration)
		inSlowBubble(t, 50*time.Millisecond, func(w *world) {
			for n := range regions {
				w.reach("main", name(n), asShipped)
				w.watch("main", name(n), several(name(n), 25)...)
			}
			w.apply()
			if dead != "" {
				w.api.SetFault("DescribeInstanceSSL/"+dead, tairtest.Fault{Hang: true})
			}
			took := w.pull(within)
			if dead == "" && took > 2*time.Second || took > within {
				t.Errorf("the scrape took %v", took)
			}
			for n := range regions {
				if name(n) != dead {
					last[name(n)] = w.lastOf(several(name(n), 25))
				}
			}
			sent := len(w.api.Requests())
			pass(6 * time.Second) // until the last request has timed out
			if more := len(w.api.Requests()) - sent; more != 0 {
				t.Errorf("%d requests after the scrape", more)
			}
		})
		return last
	}
	without, with := run(t, ""), run(t, name(7))
	delete(without, name(7))
	wantAsFast(t, without, with)
}

// An account whose credentials are refused costs the others nothing, in the same region.
func TestRefusedAccountDelaysNobody(t *testing.T) {
	const accounts = 5
	name := func(n int) string { return fmt.Sprintf("account-%d", n) }
	run := func(t *testing.T, refused string) (last map[string]time.Duration) {
		last = make(map[string]time.Duration)
		inSlowBubble(t, 50*time.Millisecond, func(w *world) {
			for n := range accounts {
				w.reach(name(n), hangzhou, asShipped)
				w.watch(name(n), hangzhou, several(name(n), 25)...)
			}
			w.apply()
			if refused != "" {
				w.revoke(refused)
			}
			if took := w.pull(soon); took > 2*time.Second {
				t.Errorf("the scrape took %v", took)
			}
			for n := range accounts {
				if name(n) != refused {
					last[name(n)] = w.lastOf(several(name(n), 25))
				}
			}
		})
		return last
	}
	without, with := run(t, ""), run(t, name(2))
	delete(without, name(2))
	wantAsFast(t, without, with)
}
