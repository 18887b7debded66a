package collector

import (
	"context"
	"sync/atomic"
	"time"
)

// scrape is one pass over the fleet: the instances that it waits for.
type scrape struct {
	began     time.Time
	interval  time.Duration // an answer younger than this needs no call
	due       []*entry
	asked     map[*entry]struct{} // by askOnce
	remaining atomic.Int64
	complete  chan struct{} // closed when nothing remains
}

func beginScrape(now time.Time, interval time.Duration) *scrape {
	s := &scrape{began: now, interval: interval, complete: make(chan struct{})}
	s.remaining.Store(1) // held until everything is queued: see wait
	return s
}

// askOnce is ask, for a scrape that will ask again for more: what it asked for then stays out.
func (s *scrape) askOnce(all []*watched) {
	s.ask(all)
	if s.asked == nil {
		s.asked = make(map[*entry]struct{}, len(all))
	}
	for _, w := range all {
		s.asked[w.entry] = struct{}{}
	}
}

// ask puts what is due among the watched into its queues.
func (s *scrape) ask(all []*watched) {
	queues := make(map[*queue]struct{})
	for _, w := range all {
		if _, asked := s.asked[w.entry]; asked {
			continue
		}
		if w.queue.add(w.entry, s) {
			s.due = append(s.due, w.entry)
			queues[w.queue] = struct{}{}
		}
	}
	for q := range queues {
		q.start()
	}
}

// settled is called once for each entry that the scrape waited for and that has a result now.
func (s *scrape) settled() {
	if s.remaining.Add(-1) == 0 {
		close(s.complete)
	}
}

// wait returns when all that was asked for is known or ctx ends, whichever is first. It gives the number of instances
// that were due but for which nothing had been sent by then. Nothing may be asked for any more.
func (s *scrape) wait(ctx context.Context) (deferred int) {
	s.settled()
	select {
	case <-s.complete:
		return 0
	case <-ctx.Done():
	}
	for _, e := range s.due {
		if e.queue.leave(e, s) {
			deferred++
		}
	}
	return deferred
}
