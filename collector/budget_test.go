package collector

import (
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair"
)

// A fleet that no scrape has the time for: each one gets as far as it can and the next goes on from there, whatever
// came of the calls.
func TestBudgetIsSharedEvenly(t *testing.T) {
	t.Parallel() // one of the two that take the longest
	const (
		within  = 2 * time.Second
		scrapes = 8
		known   = 6
	)
	inSlowBubble(t, 50*time.Millisecond, func(w *world) {
		ids := several("r", 1000)
		w.reach("main", hangzhou, asShipped, func(c *tair.ClientConfig) { c.QPS = 200 })
		w.watch("main", hangzhou, ids...)
		w.apply()
		want := make(map[string]string, len(ids))
		for i, id := range ids {
			switch {
			case i%10 == 3:
				want[id] = "Forbidden.RAM"
				w.api.SetFault(id, fails(403, want[id]))
			case i%20 == 7:
				want[id] = "InvalidInstanceId.NotFound"
				w.api.RemoveInstance(id)
			default:
				want[id] = "OK"
			}
		}

		times := make(map[string]int, len(ids))
		for n := range scrapes {
			w.api.ResetRequests()
			took := w.pull(within)
			if took > within {
				t.Errorf("scrape %d took %v", n+1, took)
			}
			pass(15*time.Second - took)
			for _, r := range w.api.Requests() {
				times[r.InstanceID]++
				if r.Code != want[r.InstanceID] {
					t.Errorf("%s: %s, want %s", r.InstanceID, r.Code, want[r.InstanceID])
				}
			}
			if n+1 == known && len(times) != len(ids) {
				t.Errorf("%d instances were asked within %d scrapes, want all %d", len(times), known, len(ids))
			}
			least, most, all := times[ids[0]], times[ids[0]], 0
			for _, id := range ids {
				least, most, all = min(least, times[id]), max(most, times[id]), all+times[id]
			}
			if most > least+1 {
				t.Errorf("scrape %d: an instance was asked %d times, another one %d times", n+1, most, least)
			}
			if n+1 == scrapes {
				t.Logf("%d calls, %d to %d for an instance", all, least, most)
				if all < scrapes*380 { // 200 a second
					t.Errorf("%d calls in %d scrapes of %v", all, scrapes, within)
				}
			}
		}

		p := w.scrape(within)
		for i, id := range ids[:20] {
			prefix := map[string]string{
				"OK":                         "success=1 ",
				"Forbidden.RAM":              "success=0 error=forbidden,Forbidden.RAM",
				"InvalidInstanceId.NotFound": "success=0 error=not_found,InvalidInstanceId.NotFound",
			}[want[id]]
			if s := p.state(id); !strings.HasPrefix(s, prefix) {
				t.Errorf("%s (%d): %s, want %s", id, i, s, prefix)
			}
		}
		pass(time.Second)
	})
}

// Two Prometheus servers share the calls, at the same instants and half a scrape apart.
func TestReplicasShareTheBudget(t *testing.T) {
	for _, offset := range []time.Duration{0, 975 * time.Millisecond} {
		t.Run(offset.String(), func(t *testing.T) {
			inSlowBubble(t, 50*time.Millisecond, func(w *world) {
				const instances, rounds = 40, 10
				w.reach("main", hangzhou, asShipped) // 40 calls at 20 a second take 2 s
				w.watch("main", hangzhou, several("r", instances)...)
				w.apply()
				for n := range rounds {
					w.api.ResetRequests()
					began := time.Now()
					other := make(chan time.Duration)
					go func() {
						pass(offset)
						other <- w.pull(soon)
					}()
					took := w.pull(soon)
					took2 := <-other
					if took > 2500*time.Millisecond || took2 > 2500*time.Millisecond {
						t.Errorf("the scrapes took %v and %v", took, took2)
					}

					// What was answered before the second scrape began is too old for it.
					times := make(map[string]int)
					early := make(map[string]bool)
					for _, r := range w.api.Requests() {
						times[r.InstanceID]++
						if r.At.Sub(began)+50*time.Millisecond < offset {
							early[r.InstanceID] = true
						}
					}
					for _, id := range several("r", instances) {
						want := 1
						if early[id] {
							want = 2
						}
						if times[id] != want {
							t.Errorf("round %d: %s was asked %d times, want %d", n, id, times[id], want)
						}
					}
					pass(15*time.Second - time.Since(began))
				}
			})
		})
	}
}

// With a refresh interval four servers cost a call an hour for each instance.
func TestRefreshIntervalBoundsTheCallsOfADay(t *testing.T) {
	inSlowBubble(t, 50*time.Millisecond, func(w *world) {
		const servers = 4
		ids := several("r", 10)
		w.setup.RefreshInterval = time.Hour
		w.reach("main", hangzhou, asShipped)
		w.watch("main", hangzhou, ids...)
		w.apply()
		done := make(chan struct{})
		for n := range servers {
			go func() {
				pass(time.Duration(n) * 20 * time.Second) // they do not scrape together
				w.pullEach(4*time.Minute, soon, int(day/(4*time.Minute)))
				done <- struct{}{}
			}()
		}
		for range servers {
			<-done
		}
		times := make(map[string]int)
		last := make(map[string]time.Time)
		for _, r := range w.api.Requests() {
			times[r.InstanceID]++
			if before, asked := last[r.InstanceID]; asked && r.At.Sub(before) < time.Hour {
				t.Errorf("%s was asked again after %v", r.InstanceID, r.At.Sub(before))
			}
			last[r.InstanceID] = r.At
		}
		for _, id := range ids {
			if n := times[id]; n < 23 || n > 24 {
				t.Errorf("%s was asked %d times in a day, want 23 or 24", id, n)
			}
		}
	})
}
