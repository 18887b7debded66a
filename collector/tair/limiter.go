package tair

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	minQPS        = 0.5         // a throttled client never goes below
	throttlePause = time.Second // no new start after a throttled answer, and the shortest time between two halvings
	climbSteps    = 400         // successes that take the limit from nothing back to the configured rate
)

// limiter keeps the requests of one account and region under a rate and finds the cloud's quota by itself: a
// throttled answer halves the rate, successful ones let it climb back.
type limiter struct {
	ceiling float64
	bucket  *rate.Limiter
	turn    chan struct{} // held by the one caller at the head of the line, so that a lowered rate holds for all behind it

	mu      sync.Mutex
	paused  time.Time // no start before
	lowered time.Time // the last halving
}

func newLimiter(qps float64) *limiter {
	return &limiter{
		ceiling: qps,
		bucket:  rate.NewLimiter(rate.Limit(qps), max(1, int(qps/10))),
		turn:    make(chan struct{}, 1),
	}
}

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
	l.bucket.SetLimit(rate.Limit(min(l.ceiling, max(minQPS, l.qps()/2))))
}

// succeeded lets the rate climb one step towards the ceiling.
func (l *limiter) succeeded() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.qps(); now < l.ceiling {
		l.bucket.SetLimit(rate.Limit(min(l.ceiling, now+l.ceiling/climbSteps)))
	}
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
