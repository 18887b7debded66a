package collector

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"tair_ssl_exporter/collector/tair"
)

// scheduler calls the API for the instances of one account and region, the one whose latest attempt is the longest ago
// first. It binds late: its dispatcher first gets a permit from the client, then takes the first instance that is due,
// then sends. So the order is exact, and a change of mind costs nothing. Scrapes that overlap share what is due and what
// is in flight.
type scheduler struct {
	at      accountRegion
	client  *tair.Client
	auth    *authState
	logger  log.Logger
	now     func() time.Time
	running *sync.WaitGroup // of all goroutines that schedulers start
	began   time.Time

	mu      sync.Mutex
	tasks   map[*record]*task // due, in flight, or waiting for another attempt
	due     taskHeap
	stop    context.CancelFunc // ends the waiting of the dispatcher; nil when none runs
	refused bool               // the API refused the credentials of the latest call

	forbidden forbiddenInstances // that the log does not know yet
}

// task is an instance that scrapes wait for. It belongs to the lock of its scheduler.
type task struct {
	record   *record
	scrapes  []*scrape // that wait for the result
	since    time.Time // the latest attempt when it became due: the order of the heap
	index    int       // in the heap; notDue: not there
	attempts int       // sent so far
	retry    *time.Timer
}

const notDue = -1

// request adds those of the records that are due for a scrape, or shares the calls for them that are under way.
func (s *scheduler) request(records []*record, waiting *scrape) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		due, attemptedAt := r.due(waiting.began, waiting.refresh, s.refused)
		if !due {
			continue
		}
		t := s.tasks[r]
		if t == nil {
			if attemptedAt.After(s.began) && waiting.began.Sub(attemptedAt) < waiting.least {
				continue
			}
			t = &task{record: r, since: attemptedAt}
			s.tasks[r] = t
			heap.Push(&s.due, t)
		}
		t.scrapes = append(t.scrapes, waiting)
		waiting.awaits(s, t)
	}
	s.dispatch()
}

// dispatch sees to it that a dispatcher runs while something is due. s.mu is held.
func (s *scheduler) dispatch() {
	if s.stop != nil || len(s.due) == 0 {
		return
	}
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	s.running.Go(func() { s.dispatchUntil(ctx) })
}

// dispatchUntil sends what is due, until nothing is or ctx ends.
func (s *scheduler) dispatchUntil(ctx context.Context) {
	for s.hasDue(ctx) {
		permit, err := s.admit(ctx)
		if err != nil {
			if ctx.Err() == nil { // no credentials
				s.running.Go(s.failAll(asError(err)))
			}
			continue
		}
		t, alone := s.take(ctx)
		switch {
		case t == nil:
			permit.Release()
		case alone:
			s.running.Go(s.call(permit, t))
		default:
			s.running.Go(func() { s.call(permit, t)() })
		}
	}
}

// admit waits for a permit. A region of the account that gets no credentials ends the waiting of all of them.
func (s *scheduler) admit(ctx context.Context) (*tair.Permit, error) {
	waiting, stop := s.auth.untilCredentialsFail(ctx)
	defer stop()
	permit, err := s.client.Admit(waiting)
	if err != nil && waiting.Err() == nil {
		s.auth.credentialsFailed(asError(err))
	}
	return permit, err
}

// hasDue reports whether the dispatcher of ctx has to go on. When not, it is no longer the dispatcher.
func (s *scheduler) hasDue(ctx context.Context) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	if len(s.due) == 0 {
		s.stopDispatcher()
		return false
	}
	return true
}

// stopDispatcher is called with s.mu held.
func (s *scheduler) stopDispatcher() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// take returns the first task that is due; nil: there is none any more. alone: the API refuses the credentials, so that
// one call at a time is enough to see whether it still does.
func (s *scheduler) take(ctx context.Context) (t *task, alone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil || len(s.due) == 0 {
		return nil, false
	}
	t = heap.Pop(&s.due).(*task)
	t.attempts++
	return t, s.refused
}

// call makes one attempt for a task, and releases the permit once its result is known here: a refusal of the credentials
// stops the next one. What it returns writes the log, which may block.
func (s *scheduler) call(permit *tair.Permit, t *task) (report func()) {
	defer permit.Release()
	sentAt := s.now()
	answer, err := permit.DescribeInstanceSSL(t.record.id)
	if err == nil {
		ended := t.record.succeeded(answer, sentAt, s.now())
		forbidden := s.finish(t, nil)
		return func() {
			s.reportSuccess(t.record, ended)
			forbidden()
		}
	}
	failure := asError(err)
	t.record.failed(failure, sentAt)
	again := failure.Transient() || failure.RefusesCredentials() && permit.HasNewCredentials(context.Background())
	if again && s.tryAgain(t, failure, sentAt) {
		return func() {}
	}
	forbidden := s.finish(t, failure)
	if failure.RefusesCredentials() {
		return s.failAll(failure)
	}
	return func() {
		s.reportFailure(t.record, failure)
		forbidden()
	}
}

// reportSuccess logs what is over; ended: the failure of the instance, nil when there was none.
func (s *scheduler) reportSuccess(r *record, ended *tair.Error) {
	s.auth.learn(s.at.region, nil)
	if ended != nil {
		_ = level.Info(s.logger).Log("msg", "the SSL state can be read again", "instance_id", r.id,
			"account", s.at.account, "region", s.at.region, "was", ended.Reason)
	}
}

// reportFailure logs a failure of one instance, unless the log has it already.
func (s *scheduler) reportFailure(r *record, failure *tair.Error) {
	s.auth.learn(s.at.region, failure)
	if failure.Reason != tair.ReasonForbidden && r.report(failure) {
		_ = level.Warn(s.logger).Log(append([]any{"msg", "cannot read the SSL state", "instance_id", r.id,
			"account", s.at.account, "region", s.at.region}, failureDetails(failure)...)...)
	}
}

// tryAgain makes a task due again after a while, behind those that have waited for longer, unless no scrape waits for it
// or no attempt is left. A throttled task keeps its place, as the quota was spent and not its turn, but an instance that
// never had an attempt comes first.
func (s *scheduler) tryAgain(t *task, failure *tair.Error, sentAt time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(t.scrapes) == 0 || t.attempts >= s.client.Attempts() {
		return false
	}
	s.refused = false
	switch {
	case failure.Reason != tair.ReasonThrottled:
		t.since = sentAt
	case t.since.IsZero():
		t.since = t.since.Add(1)
	}
	t.retry = time.AfterFunc(tair.Backoff(t.attempts), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if t.retry != nil { // else the last scrape has left meanwhile
			t.retry = nil
			heap.Push(&s.due, t)
			s.dispatch()
		}
	})
	return true
}

// finish ends a task that is in flight. What it returns logs the forbidden instances, if it is time to.
func (s *scheduler) finish(t *task, failure *tair.Error) (report func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = failure != nil && failure.RefusesCredentials()
	s.end(t)
	if failure != nil && failure.Reason == tair.ReasonForbidden && t.record.report(failure) {
		s.forbidden.add(t.record.id, failure, s.now())
	}
	return s.takeForbidden()
}

// end lets the scrapes of a task go on. s.mu is held.
func (s *scheduler) end(t *task) {
	delete(s.tasks, t.record)
	for _, waiting := range t.scrapes {
		waiting.settled()
	}
	t.scrapes = nil
}

// failAll ends everything that is due with a failure of the account, without a call. What it returns writes the log, which
// may block.
func (s *scheduler) failAll(failure *tair.Error) (report func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.due {
		t.index = notDue
		t.record.refused(failure)
		s.end(t)
	}
	s.due = nil
	s.stopDispatcher()
	return func() { s.auth.learn(s.at.region, failure) }
}

// leave takes a scrape that waits no longer from its tasks, and returns how many of them had not been sent. A task that
// no other scrape waits for is given up, unless it is in flight.
func (s *scheduler) leave(tasks []*task, leaving *scrape) (unsent int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range tasks {
		if !t.remove(leaving) {
			continue // it has its result
		}
		if t.attempts == 0 {
			unsent++
		}
		if len(t.scrapes) > 0 {
			continue
		}
		switch {
		case t.index != notDue:
			heap.Remove(&s.due, t.index)
			delete(s.tasks, t.record)
		case t.retry != nil:
			t.retry.Stop()
			t.retry = nil
			delete(s.tasks, t.record)
		}
	}
	if len(s.due) == 0 {
		s.stopDispatcher()
	}
	if s.forbidden.n > 0 {
		s.running.Go(s.takeForbidden()) // the log may block
	}
	return unsent
}

// remove takes a scrape from the ones that wait, and reports whether it was there.
func (t *task) remove(leaving *scrape) bool {
	for i, waiting := range t.scrapes {
		if waiting == leaving {
			t.scrapes = append(t.scrapes[:i], t.scrapes[i+1:]...)
			return true
		}
	}
	return false
}

// asError returns an error of the client as what it is; any other one has the reason "other".
func asError(err error) *tair.Error {
	var failure *tair.Error
	if err != nil && !errors.As(err, &failure) {
		failure = &tair.Error{Reason: tair.ReasonOther, Detail: err.Error()}
	}
	return failure
}

// taskHeap has the task with the longest time since its latest attempt on top; one that never had one comes first.
type taskHeap []*task

func (h taskHeap) Len() int           { return len(h) }
func (h taskHeap) Less(i, j int) bool { return h[i].since.Before(h[j].since) }

func (h taskHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push is for container/heap.
func (h *taskHeap) Push(x any) {
	t := x.(*task)
	t.index = len(*h)
	*h = append(*h, t)
}

// Pop is for container/heap.
func (h *taskHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	t.index = notDue
	return t
}
