package collector

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"

	"tair_ssl_exporter/collector/tair"
)

// queue asks for the instances of one account and region, the longest unasked first. Scrapes put what is due into it
// and wait; scrapes that overlap share what is in it. It has a worker for each request that may be in flight, and none
// while there is nothing to ask.
type queue struct {
	place       place
	client      Client
	concurrency int
	qps         float64 // as configured
	account     *account
	journal     *journal
	now         func() time.Time
	turn        chan struct{} // held by the one worker whose request goes out next, so that the order is kept

	mu      sync.Mutex
	waiting entryHeap
	asking  map[*entry]struct{}
	workers int
}

// entry is an instance's place in its queue. The fields from scrapes on belong to the queue's lock.
type entry struct {
	id     string // of the instance
	queue  *queue
	record *record

	scrapes []*scrape // that wait for a result
	since   time.Time // the last attempt when it was queued: the order of the queue
	index   int       // in the heap; -1: not waiting
	cancel  context.CancelCauseFunc
	sent    bool // a request of the call under way has gone out
}

// add puts an entry into the queue if it is due for a scrape, or lets the scrape share the call that is under way. It
// reports whether the scrape has to wait for the entry.
func (q *queue) add(e *entry, s *scrape) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	due, attemptedAt := e.record.due(s.began, s.interval)
	if !due {
		return false
	}
	s.remaining.Add(1)
	e.scrapes = append(e.scrapes, s)
	if _, asking := q.asking[e]; !asking && e.index < 0 {
		e.since = attemptedAt
		heap.Push(&q.waiting, e)
	}
	return true
}

// start sees to it that enough workers are at work.
func (q *queue) start() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.workers < q.concurrency && q.workers < len(q.waiting)+len(q.asking) {
		q.workers++
		go q.work()
	}
}

// leave takes a scrape that waits no longer from an entry, and reports whether the entry was left unsent. When no
// other scrape waits, nothing new is sent for the entry.
func (q *queue) leave(e *entry, s *scrape) (unsent bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := -1
	for i, other := range e.scrapes {
		if other == s {
			at = i
		}
	}
	if at < 0 {
		return false // it has its result
	}
	e.scrapes = append(e.scrapes[:at], e.scrapes[at+1:]...)
	unsent = !e.sent
	if len(e.scrapes) > 0 {
		return unsent
	}
	if e.index >= 0 {
		heap.Remove(&q.waiting, e.index)
	} else if e.cancel != nil {
		e.cancel(errNobodyWaits)
	}
	return unsent
}

var errNobodyWaits = errors.New("no scrape waits for the answer")

// work asks until the queue is empty.
func (q *queue) work() {
	for {
		q.turn <- struct{}{}
		q.mu.Lock()
		if len(q.waiting) == 0 {
			q.workers--
			q.mu.Unlock()
			<-q.turn
			return
		}
		e := heap.Pop(&q.waiting).(*entry)
		ctx, cancel := context.WithCancelCause(context.Background())
		q.asking[e] = struct{}{}
		e.cancel, e.sent = cancel, false
		q.mu.Unlock()

		q.ask(ctx, e)
		cancel(nil)
	}
}

// ask is one call for one instance. The turn, which the caller took, passes on when a request goes out or the call ends
// without one. ctx ends when no scrape waits for it any more, or when the account's credentials were refused meanwhile.
func (q *queue) ask(ctx context.Context, e *entry) {
	next := sync.OnceFunc(func() { <-q.turn })
	defer next()
	began := q.now()
	answer, err := q.client.DescribeInstanceSSL(ctx, e.id, func() {
		q.mu.Lock()
		e.sent = true
		q.mu.Unlock()
		next()
	})

	var failure *tair.Error
	switch notSent := errors.Is(err, tair.ErrNotSent); {
	case err == nil:
		q.account.learned(q, nil)
		q.journal.answered(q.place, e.id, e.record.succeeded(answer, began, q.now()))
		q.done(e)
	case notSent && errors.As(context.Cause(ctx), &failure): // somebody else's refusal
		e.record.failed(failure, time.Time{})
		q.done(e)
	case notSent:
		q.putBack(e)
	default:
		if !errors.As(err, &failure) {
			failure = &tair.Error{Reason: tair.ReasonOther, Detail: err.Error()}
		}
		news := e.record.failed(failure, began)
		switch {
		case failure.AccountWide():
			q.account.refused(q, failure)
		case news:
			q.journal.failed(q.place, e.id, failure)
		}
		q.account.learned(q, failure)
		q.done(e)
	}
}

// done tells the scrapes of an entry that there is a result.
func (q *queue) done(e *entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settle(e)
}

// settle is done with the lock held.
func (q *queue) settle(e *entry) {
	delete(q.asking, e)
	e.cancel, e.sent = nil, false
	for _, s := range e.scrapes {
		s.settled()
	}
	e.scrapes = nil
}

// putBack ends a call that was given up before anything was sent. A scrape may have come for it meanwhile.
func (q *queue) putBack(e *entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.asking, e)
	e.cancel = nil
	if len(e.scrapes) > 0 {
		heap.Push(&q.waiting, e)
	}
}

// drop gives a refusal to every instance that is not being asked right now.
func (q *queue) drop(refusal *tair.Error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for e := range q.asking {
		e.cancel(refusal) // ends its waiting; what is sent goes on
	}
	for _, e := range q.waiting {
		e.index = -1
		e.record.failed(refusal, time.Time{})
		q.settle(e)
	}
	q.waiting = nil
}

// entryHeap has the entry with the longest time since its last attempt on top; one never asked comes before all.
type entryHeap []*entry

func (h entryHeap) Len() int           { return len(h) }
func (h entryHeap) Less(i, j int) bool { return h[i].since.Before(h[j].since) }

func (h entryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push is for container/heap.
func (h *entryHeap) Push(x any) {
	e := x.(*entry)
	e.index = len(*h)
	*h = append(*h, e)
}

// Pop is for container/heap.
func (h *entryHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	e.index = -1
	return e
}
