package collector

import (
	"context"
	"sync/atomic"
	"time"
)

// scrape is one pass over the fleet: the instances that it waits for.
type scrape struct {
	remaining atomic.Int64
	complete  chan struct{} // closed when nothing remains
}

// settled is called once for each entry that the scrape waited for and that has a result now.
func (s *scrape) settled() {
	if s.remaining.Add(-1) == 0 {
		close(s.complete)
	}
}

// refresh asks for what is due among the watched and returns when all is known or ctx ends, whichever is first. It
// gives the number of instances that were due but for which nothing had been sent by then.
func refresh(ctx context.Context, watched []*entry, now time.Time, interval time.Duration) (deferred int) {
	s := &scrape{complete: make(chan struct{})}
	s.remaining.Store(1) // held by this function until everything is queued

	var due []*entry
	queues := make(map[*queue]struct{})
	for _, e := range watched {
		if e.queue.add(e, s, now, interval) {
			due = append(due, e)
			queues[e.queue] = struct{}{}
		}
	}
	for q := range queues {
		q.start()
	}
	s.settled()

	select {
	case <-s.complete:
		return 0
	case <-ctx.Done():
	}
	for _, e := range due {
		if e.queue.leave(e, s) {
			deferred++
		}
	}
	return deferred
}
