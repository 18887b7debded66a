package collector

import (
	"fmt"
	"math"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/tairtest"
)

// The tables of docs/scaling.md are the figures of this file, taken from the log of the fake API, times the number of
// instances.

// callsWithin lets Prometheus servers scrape once a minute for that long, each with its own delay behind the first, and
// gives the calls for each instance.
func (w *world) callsWithin(span time.Duration, servers ...time.Duration) map[string]int {
	done := make(chan struct{})
	for _, delay := range servers {
		go func() {
			pass(delay)
			w.pullEach(time.Minute, soon, int(span/time.Minute))
			done <- struct{}{}
		}()
	}
	for range servers {
		<-done
	}
	calls := make(map[string]int)
	for _, r := range w.requests(tair.ActionDescribeInstanceSSL) {
		calls[r.InstanceID]++
	}
	return calls
}

func TestCallsOfADay(t *testing.T) {
	t.Parallel()
	one, together, apart := []time.Duration{0}, []time.Duration{0, 0}, []time.Duration{0, 25 * time.Second}
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
		// A minute before the interval has passed an answer still serves, so an instance is asked a little less often.
		{15 * time.Minute, one, day, 90, 96},
		{15 * time.Minute, together, day, 90, 96},
		{15 * time.Minute, apart, day, 93, 96},
		{time.Hour, one, day, 24, 24},
		{time.Hour, together, day, 24, 24},
		{time.Hour, apart, day, 24, 24},
		{3 * time.Hour, one, day, 8, 8},
		{3 * time.Hour, together, day, 8, 8},
		{3 * time.Hour, apart, day, 8, 8},
	} {
		t.Run(fmt.Sprint(c.refresh, c.servers), func(t *testing.T) {
			t.Parallel()
			inSlowBubble(t, 50*time.Millisecond, func(w *world) {
				ids := several("r", 10)
				w.setup.RefreshInterval = c.refresh
				w.reach("main", hangzhou, asShipped)
				w.watch("main", hangzhou, ids...)
				w.apply()
				calls := w.callsWithin(c.span, c.servers...)
				for _, id := range ids {
					if calls[id] != c.calls || calls[id]*int(day/c.span) > c.day {
						t.Errorf("%s: %d calls, want %d and at most %d a day", id, calls[id], c.calls, c.day)
					}
				}
			})
		})
	}
}

// What fails for a moment is called by every scrape, three times; what stays, after 1, 2, 4, 8 ... minutes.
func TestCallsForAnInstanceThatFails(t *testing.T) {
	t.Parallel()
	inSlowBubble(t, 50*time.Millisecond, func(w *world) {
		w.setup.RefreshInterval = 3 * time.Hour
		w.reach("main", hangzhou, asShipped)
		w.watch("main", hangzhou, "r-forbidden", "r-failing")
		w.api.SetFault("r-forbidden", fails(403, "Forbidden.RAM"))
		w.api.SetFault("r-failing", fails(500, "InternalError"))
		w.apply()
		calls := w.callsWithin(time.Hour, 0, 25*time.Second)
		if calls["r-forbidden"] != 6 || calls["r-failing"] != 360 {
			t.Errorf("%v calls in 120 scrapes, want 6 and 360", calls)
		}
	})
}

// Discovery asks for pages of 50 about 288 times a day, whether anybody scrapes or not, and every shard asks for all.
func TestDiscoveryCallsOfADay(t *testing.T) {
	t.Parallel()
	const (
		regions = 2
		span    = day / 8
	)
	for instances, pages := range map[int]int{0: 1, 50: 1, 51: 2, 120: 3} { // in each region
		t.Run(fmt.Sprint(instances), func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(w *world) {
				w.findEverywhere("main")
				w.api.SetRegions(tairtest.Region{ID: hangzhou, Endpoint: "a:80"}, tairtest.Region{ID: shanghai, Endpoint: "b:80"})
				for _, region := range []string{hangzhou, shanghai} {
					for _, id := range several(region, instances) {
						w.exists("main", region, id)
					}
				}
				w.setup.Shard = Shard{Index: 1, Total: 3}
				w.apply()
				pass(span)
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
