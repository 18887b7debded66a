package tair

import (
	"context"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	minQPS        = 0.5         // a throttled client never goes below
	throttlePause = time.Second // no new start after a throttled answer, and the shortest time between two halvings

	// What one answer adds to the rate: a 400th of the configured one, but no more than a tenth of the rate itself; near
	// the rate that was too much, a fifth of that. So some 400 to 800 answers undo whatever throttling has done.
	climbSteps   = 400
	climbShare   = 10
	carefulSteps = 5
	near         = 0.1 // of the rate that was too much, on either side
)

// limiter keeps the requests of one account and region under a rate and finds the cloud's quota by itself: a
// throttled answer halves the rate, every other answer lets it climb back. It remembers the rate at which it was throttled
// last and climbs slowly around it, so that it spends most of its time just below the quota. Once the rate is past that
// point, the quota has grown or others use less of it, and the climb is fast again.
type limiter struct {
	ceiling float64
	bucket  *rate.Limiter
	turn    chan struct{} // held by the one caller at the head of the line, so that a lowered rate holds for all behind it

	mu      sync.Mutex
	paused  time.Time // no start before
	lowered time.Time // the last halving
	tooMuch float64   // the rate at which it was throttled last; 0: never
	flowed  bool      // there was an answer since that was not throttled
}

func newLimiter(qps float64) *limiter {
	return &limiter{
		ceiling: qps,
		bucket:  rate.NewLimiter(rate.Limit(qps), burst(qps)),
		turn:    make(chan struct{}, 1),
	}
}

// burst is how many requests may start at once after a rest.
func burst(qps float64) int { return max(1, int(qps/10)) }

// wait returns when a request may start, or with the cause when ctx ends first. Callers are served in their order.
func (l *limiter) wait(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-l.turn }()
	for {
		if err := sleep(ctx, l.pause()); err != nil {
			return err
		}
		if err := l.bucket.Wait(ctx); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return err // the token would come after ctx's deadline
		}
		if l.pause() <= 0 { // else an answer was throttled meanwhile
			return nil
		}
	}
}

// pause is how long no request may start; not positive when one may.
func (l *limiter) pause() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.paused)
}

// learn adapts the rate to how a request ended; nil: with success. Every answer of the API that is not throttled shows
// that the quota is not spent, an error too; a request without an answer shows nothing.
func (l *limiter) learn(failure *Error) {
	switch {
	case failure == nil:
		l.answered()
	case failure.Reason == ReasonThrottled:
		l.throttled()
	case failure.Status != 0:
		l.answered()
	}
}

// throttled lowers the rate after an answer that said so. A burst of such answers counts once.
func (l *limiter) throttled() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.paused = now.Add(throttlePause)
	if now.Sub(l.lowered) < throttlePause {
		return
	}
	l.lowered = now
	if l.flowed { // else the quota of a long window is still spent, and that says nothing of this lower rate
		l.tooMuch, l.flowed = l.qps(), false
	}
	l.set(max(minQPS, l.qps()/2))
}

// answered lets the rate climb one step towards the ceiling. In a pause it does nothing: what is answered then was sent
// at the old rate.
func (l *limiter) answered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Until(l.paused) > 0 {
		return
	}
	l.flowed = true
	now := l.qps()
	if now >= l.ceiling {
		return
	}
	step := min(l.ceiling/climbSteps, now/climbShare)
	if math.Abs(now-l.tooMuch) < near*l.tooMuch {
		step /= carefulSteps
	}
	l.set(now + step)
}

// set changes the rate, and the burst with it: after a pause a full one would be sent only to be refused. l.mu is held.
func (l *limiter) set(qps float64) {
	qps = min(l.ceiling, qps)
	l.bucket.SetLimit(rate.Limit(qps))
	l.bucket.SetBurst(burst(qps))
}

// qps is the limit in force, in requests a second.
func (l *limiter) qps() float64 { return float64(l.bucket.Limit()) }

// sleep returns after d, at once when it is not positive, or with the cause when ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
