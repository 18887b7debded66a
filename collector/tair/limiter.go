package tair

import (
	"context"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	minQPS        = 0.5         // the lowest rate after throttling
	throttlePause = time.Second // how long no request starts after a throttled answer; also the least time between two halvings

	// One answer adds a 400th of the configured rate, at most a tenth of the current rate. Near the rate that was
	// throttled last, it adds a fifth of that. So 400 to 800 answers restore the configured rate.
	climbSteps   = 400
	climbShare   = 10
	carefulSteps = 5
	near         = 0.1 // the share of the throttled rate within which the steps are careful
)

// limiter limits the rate of the requests of one account and region, and finds the cloud's quota by itself. A throttled
// answer halves the rate, and every other answer raises it by a step. Near the rate that was throttled last the steps are
// small, so that the rate stays just below the quota for most of the time. Beyond it the quota has grown, or others use
// less of it, and the steps are large again.
type limiter struct {
	ceiling float64
	bucket  *rate.Limiter
	turn    chan struct{} // held by the first caller in the line, so that a lowered rate applies to all callers behind it

	mu      sync.Mutex
	paused  time.Time // no request starts before
	lowered time.Time // when the rate was halved last
	tooMuch float64   // the rate that was throttled last; 0: none
	flowed  bool      // an answer since then was not throttled
}

func newLimiter(qps float64) *limiter {
	return &limiter{
		ceiling: qps,
		bucket:  rate.NewLimiter(rate.Limit(qps), burst(qps)),
		turn:    make(chan struct{}, 1),
	}
}

// burst returns how many requests may start at once after a time without requests.
func burst(qps float64) int { return max(1, int(qps/10)) }

// wait returns when a request may start, or with the cause when ctx ends first. Callers proceed in the order of their calls.
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
			return err // the token would come after the deadline of ctx
		}
		if l.pause() <= 0 { // else an answer was throttled meanwhile
			return nil
		}
	}
}

// pause returns how long no request may start; zero or less when one may.
func (l *limiter) pause() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.paused)
}

// learn adapts the rate to the result of a request, which is nil for a success. Every answer that is not throttled, an
// error too, shows that the quota is not used up. A request without an answer shows nothing.
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

// throttled lowers the rate after a throttled answer. A burst of such answers counts once.
func (l *limiter) throttled() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.paused = now.Add(throttlePause)
	if now.Sub(l.lowered) < throttlePause {
		return
	}
	l.lowered = now
	if l.flowed { // else the quota of a long window is still used up, whatever the rate is now
		l.tooMuch, l.flowed = l.qps(), false
	}
	l.set(max(minQPS, l.qps()/2))
}

// answered raises the rate by one step, up to the ceiling. In a pause it does nothing, because the request was sent at the
// old rate.
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

// set changes the rate and the burst: after a pause, the API would refuse a burst of the old size. The caller holds l.mu.
func (l *limiter) set(qps float64) {
	qps = min(l.ceiling, qps)
	l.bucket.SetLimit(rate.Limit(qps))
	l.bucket.SetBurst(burst(qps))
}

// qps returns the limit in force, in requests a second.
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
