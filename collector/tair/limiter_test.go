package tair

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// starts gives the times, in whole milliseconds from now, at which n callers one after the other may start.
func starts(t *testing.T, l *limiter, n int) []int {
	t.Helper()
	began := time.Now()
	var at []int
	for range n {
		if err := l.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		at = append(at, int(time.Since(began).Round(time.Millisecond).Milliseconds()))
	}
	return at
}

func wantStarts(t *testing.T, l *limiter, want ...int) {
	t.Helper()
	if got := starts(t, l, len(want)); !slices.Equal(got, want) {
		t.Errorf("starts at %v ms, want %v", got, want)
	}
}

func wantQPS(t *testing.T, l *limiter, want float64) {
	t.Helper()
	if got := l.qps(); got != want {
		t.Errorf("limit %v/s, want %v/s", got, want)
	}
}

func TestLimiterPaces(t *testing.T) {
	for _, c := range []struct {
		qps  float64
		want []int
	}{
		{0.25, []int{0, 4000, 8000}},
		{1, []int{0, 1000, 2000}},
		{5, []int{0, 200, 400, 600}},
		{20, []int{0, 0, 50, 100, 150}},
		{50, []int{0, 0, 0, 0, 0, 20, 40}},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(c.qps)
			wantStarts(t, l, c.want...)
			pass(time.Hour) // a rest gives the burst back, and no more
			wantStarts(t, l, c.want...)
			wantQPS(t, l, c.qps)
		})
	}
}

func TestLimiterHalvesAtMostOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(8)
		for _, step := range []struct {
			after time.Duration
			want  float64
		}{
			{0, 4}, {0, 4}, {999 * time.Millisecond, 4},
			{time.Millisecond, 2}, {500 * time.Millisecond, 2}, {500 * time.Millisecond, 1},
			{time.Second, 0.5}, {time.Second, 0.5}, {time.Hour, 0.5},
		} {
			pass(step.after)
			l.throttled()
			wantQPS(t, l, step.want)
		}
	})
}

func TestLimiterStaysWithinItsBounds(t *testing.T) {
	for _, c := range []struct{ ceiling, lowest float64 }{
		{0.125, 0.125}, {0.5, 0.5}, {0.75, 0.5}, {3, 0.5}, {100, 0.5},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(c.ceiling)
			for range 10 {
				l.throttled()
				pass(time.Second)
			}
			wantQPS(t, l, c.lowest)
			for range 2 * climbSteps { // half of them where it climbs slowly
				l.answered()
			}
			wantQPS(t, l, c.ceiling)
			l.answered()
			wantQPS(t, l, c.ceiling)
		})
	}
}

func TestLimiterClimbsWithSuccessesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(400)
		l.throttled()
		pass(time.Hour)
		wantQPS(t, l, 200)
		l.answered()
		wantQPS(t, l, 201)
		for range 198 {
			l.answered()
		}
		wantQPS(t, l, 399)
		l.answered()
		wantQPS(t, l, 400)
		l.answered()
		wantQPS(t, l, 400)
	})
}

func TestEveryAnswerThatIsNotThrottledRaisesTheRate(t *testing.T) {
	for _, c := range []struct {
		name    string
		failure *Error
		want    float64
	}{
		{"success", nil, 201},
		{"forbidden", &Error{Reason: ReasonForbidden, Status: 403}, 201},
		{"unsupported", &Error{Reason: ReasonOther, Status: 400, Code: "InvalidRedisVersionPattern"}, 201},
		{"server", &Error{Reason: ReasonServer, Status: 503}, 201},
		{"no answer", &Error{Reason: ReasonTimeout}, 200},
		{"throttled", &Error{Reason: ReasonThrottled, Status: 429}, 100},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(400)
			l.throttled()
			pass(time.Minute)
			l.learn(c.failure)
			if got := l.qps(); got != c.want {
				t.Errorf("%s: %v/s, want %v/s", c.name, got, c.want)
			}
		})
	}
}

// Near the rate that was too much the climb is slow, and fast again past it.
func TestLimiterClimbsSlowlyWhereItWasThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(400)
		throttle := func(after time.Duration) {
			pass(after)
			l.throttled()
		}
		successes := func(to float64) (n int) {
			pass(throttlePause)
			for ; l.qps() < to; n++ {
				l.answered()
			}
			return n
		}
		throttle(0)
		throttle(time.Second)
		successes(200)
		throttle(0)
		wantQPS(t, l, 100)
		for _, c := range []struct {
			to   float64
			want int
		}{{180, 80}, {220, 200}, {400, 180}} {
			if n := successes(c.to); n < c.want-12 || n > c.want+12 {
				t.Errorf("%d successes to %v/s, want about %d", n, c.to, c.want)
			}
		}

		// While nothing gets through, the rates that follow are not to blame.
		for range 4 {
			throttle(time.Second)
		}
		wantQPS(t, l, 25)
		if n := successes(350); n < 315 || n > 340 {
			t.Errorf("%d successes from 25/s to 350/s, want about 330", n)
		}
	})
}

// The rate at the bottom is not left in one leap, however high the configured one is.
func TestLimiterClimbsByATenthAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(1000)
		for range 12 {
			l.throttled()
			pass(time.Second)
		}
		wantQPS(t, l, 0.5)
		l.answered()
		wantQPS(t, l, 0.55)
	})
}

// What was sent before the pause and succeeds in it does not undo the halving.
func TestLimiterDoesNotClimbInAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(100)
		l.throttled()
		pass(999 * time.Millisecond)
		l.answered()
		wantQPS(t, l, 50)
		pass(time.Millisecond)
		l.answered()
		wantQPS(t, l, 50.25)
	})
}

func TestLimiterBurstFollowsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(40)
		wantStarts(t, l, 0, 0, 0, 0, 25)
		l.throttled()
		wantStarts(t, l, 1000, 1000, 1050, 1100) // 2 of 20/s
		for range climbSteps {
			l.answered()
		}
		wantQPS(t, l, 40)
		pass(time.Second)
		wantStarts(t, l, 0, 0, 0, 0, 25)
	})
}

func TestLimiterPausesNewStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(10)
		wantStarts(t, l, 0, 100)
		l.throttled()
		wantStarts(t, l, 1000, 1200, 1400) // and then at half the rate
		l.throttled()
		pass(600 * time.Millisecond)
		l.throttled() // counts for the pause alone
		wantStarts(t, l, 1000)
		wantQPS(t, l, 2.5)
	})
}

// Those who stand in line already are held to the pause and the lowered rate too.
func TestLimiterHoldsTheLineBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(2)
		wantStarts(t, l, 0)
		began := time.Now()
		at := make(chan time.Duration)
		for range 3 {
			go func() {
				if err := l.wait(t.Context()); err != nil {
					t.Error(err)
				}
				at <- time.Since(began)
			}()
		}
		synctest.Wait()
		l.throttled() // 1/s from now on; the first in line has a token for 500 ms, which passes in the pause
		for _, want := range []time.Duration{2 * time.Second, 3 * time.Second, 4 * time.Second} {
			if got := (<-at).Round(time.Millisecond); got != want {
				t.Errorf("starts after %v, want %v", got, want)
			}
		}
	})
}

func TestLimiterServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(5)
		served := make(chan int, 20)
		for n := range 20 {
			go func() {
				if err := l.wait(t.Context()); err != nil {
					t.Error(err)
				}
				served <- n
			}()
			synctest.Wait() // it stands in line
		}
		for want := range 20 {
			if got := <-served; got != want {
				t.Fatalf("caller %d was served, want %d", got, want)
			}
		}
	})
}

func TestLimiterWaitEndsWithItsContext(t *testing.T) {
	stopped := errors.New("stopped")
	for _, c := range []struct {
		name  string
		ahead bool // somebody else is first in line
		pause bool
	}{
		{"for a token", false, false},
		{"for its turn", true, false},
		{"in a pause", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLimiter(1)
				if c.pause {
					l.throttled()
				} else {
					wantStarts(t, l, 0)
				}
				var other sync.WaitGroup
				if c.ahead {
					other.Go(func() {
						if err := l.wait(t.Context()); err != nil {
							t.Error(err)
						}
					})
					synctest.Wait()
				}
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(300*time.Millisecond, func() { cancel(stopped) })
				began := time.Now()
				if err := l.wait(ctx); !errors.Is(err, stopped) || time.Since(began) != 300*time.Millisecond {
					t.Errorf("error %v after %v", err, time.Since(began))
				}
				if err := l.wait(ctx); !errors.Is(err, stopped) {
					t.Errorf("error %v with an ended context", err)
				}
				other.Wait()
			})
		})
	}
}

func TestLimiterTellsAtOnceThatTheDeadlineIsTooNear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(1)
		wantStarts(t, l, 0)
		ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
		defer cancel()
		began := time.Now()
		err := l.wait(ctx)
		if want := "rate: Wait(n=1) would exceed context deadline"; err == nil || err.Error() != want || !time.Now().Equal(began) {
			t.Errorf("error %v after %v, want %s", err, time.Since(began), want)
		}
		wantStarts(t, l, 1000) // the token is not lost
	})
}
