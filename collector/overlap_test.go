package collector

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// later scrapes after a delay and keeps the page.
func later(w *world, all *sync.WaitGroup, delay, within time.Duration, p *page) {
	all.Go(func() {
		pass(delay)
		*p = w.scrape(within)
	})
}

func TestOverlappingScrapesShareTheCalls(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1", "r-2", "r-3")
		w.apply()
		var all sync.WaitGroup
		pages := make([]page, 3)
		for i := range pages {
			later(w, &all, time.Duration(i)*400*time.Millisecond, soon, &pages[i])
		}
		all.Wait()
		if took := time.Since(w.began); took != time.Second {
			t.Errorf("the last scrape ended after %v, want 1s", took)
		}
		for _, p := range pages {
			for _, id := range []string{"r-1", "r-2", "r-3"} {
				if s := p.state(id); !strings.HasPrefix(s, "success=1 last=1s ") {
					t.Errorf("%s: %s", id, s)
				}
			}
		}
		if n := len(w.api.Requests()); n != 3 {
			t.Errorf("%d requests, want 3", n)
		}
	})
}

// What was answered before a scrape began is asked for again, what is answered after it began is not.
func TestAnswerAfterTheBeginningCounts(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		w.reach("main", hangzhou, oneAtATime)
		w.watch("main", hangzhou, "r-1", "r-2", "r-3")
		w.apply()
		var all sync.WaitGroup
		var first, second page
		later(w, &all, 0, soon, &first)
		later(w, &all, 1500*time.Millisecond, soon, &second)
		all.Wait()
		asked := strings.Fields(w.asked())
		if len(asked) != 4 || asked[3] != asked[0] || without([]string{"r-1", "r-2", "r-3"}, asked) != "" {
			t.Errorf("asked for %v, want each once and the first one again", asked)
		}
		first.want(t, 3, "scrape_duration_seconds")
		second.want(t, 2.5, "scrape_duration_seconds")
	})
}

// An answer that comes between a scrape's beginning and its look at the instance counts for it too.
func TestAnswerAtTheBeginningCounts(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1")
		held := make(chan struct{})
		w.exporter.now = func() time.Time { // the second scrape is held up behind its look at the clock
			now := time.Now()
			if now.Sub(w.began) == 500*time.Millisecond {
				<-held
			}
			return now
		}
		w.apply()
		var all sync.WaitGroup
		var first, second page
		later(w, &all, 0, soon, &first)
		later(w, &all, 500*time.Millisecond, soon, &second)
		pass(2 * time.Second)
		close(held)
		all.Wait()
		if got := w.asked(); got != "r-1" {
			t.Errorf("asked for %q, want r-1 once", got)
		}
		w.wantState(second, "r-1", strings.NewReplacer("last=0s", "last=1s", "in=2400h0m0s", "in=2399h59m58s").Replace(knownAt0m))
	})
}

// The scrape with less time leaves; what it had queued is still sent for the other one.
func TestScrapeThatLeavesTakesNothingFromTheOther(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		w.reach("main", hangzhou, oneAtATime)
		w.watch("main", hangzhou, "r-1", "r-2", "r-3")
		w.apply()
		var all sync.WaitGroup
		var short, long page
		later(w, &all, 0, 1500*time.Millisecond, &short)
		later(w, &all, 200*time.Millisecond, soon, &long)
		all.Wait()
		short.want(t, 1, "scrape_deferred_instances")
		long.want(t, 0, "scrape_deferred_instances")
		if n := len(w.api.Requests()); n != 3 {
			t.Errorf("%d requests, want 3: %s", n, w.asked())
		}
	})
}

// A scrape that comes for a request which the last one has left still gets its answer.
func TestScrapeJoinsWhatAnotherHasLeft(t *testing.T) {
	inSlowBubble(t, 2*time.Second, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1")
		w.apply()
		w.wantState(w.scrape(time.Second), "r-1", pending)
		synctest.Wait()
		p := w.scrape(soon)
		if s := p.state("r-1"); !strings.HasPrefix(s, "success=1 last=2s ") || w.asked() != "r-1" {
			t.Errorf("%s; asked for %q, want r-1 once", s, w.asked())
		}
	})
}
