package tair

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// withLimiter runs a test with a limiter on the clock of a bubble.
func withLimiter(t *testing.T, qps float64, test func(t *testing.T, l *limiter)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newLimiter(qps)) })
}

// wantStarts checks when callers, one after the other, may start: in whole milliseconds from now.
func wantStarts(t *testing.T, l *limiter, want ...int) {
	t.Helper()
	began := time.Now()
	var got []int
	for range want {
		if err := l.wait(t.Context()); err != nil {
			t.Error(err)
		}
		got = append(got, int(time.Since(began).Round(time.Millisecond).Milliseconds()))
	}
	if !slices.Equal(got, want) {
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
		withLimiter(t, c.qps, func(t *testing.T, l *limiter) {
			wantStarts(t, l, c.want...)
			pass(time.Hour) // restores the burst, and no more
			wantStarts(t, l, c.want...)
			wantQPS(t, l, c.qps)
		})
	}
}

func TestLimiterLearns(t *testing.T) {
	const ms, sec = time.Millisecond, time.Second
	type step struct {
		after  time.Duration
		times  int
		result *Error
		want   float64
	}
	throttled := &Error{Reason: ReasonThrottled, Status: 429}
	halvedThen := func(result *Error, want float64) []step {
		return []step{{0, 1, throttled, 200}, {time.Minute, 1, result, want}}
	}
	for name, c := range map[string]struct {
		qps   float64
		steps []step
	}{
		"halved at most once a second": {8, []step{
			{0, 2, throttled, 4}, {999 * ms, 1, throttled, 4}, {ms, 1, throttled, 2}, {500 * ms, 1, throttled, 2}, {500 * ms, 1, throttled, 1},
			{sec, 1, throttled, 0.5}, {sec, 1, throttled, 0.5}, {time.Hour, 1, throttled, 0.5},
		}},
		"raised by answers alone": {400, []step{{0, 1, throttled, 200}, {time.Hour, 0, nil, 200}, {0, 1, nil, 201}, {0, 198, nil, 399}, {0, 1, nil, 400}, {0, 1, nil, 400}}},
		// What was sent before the pause and is answered in it does not undo the halving.
		"not raised in a pause":    {100, []step{{0, 1, throttled, 50}, {999 * ms, 1, nil, 50}, {ms, 1, nil, 50.25}}},
		"raised by forbidden":      {400, halvedThen(&Error{Reason: ReasonForbidden, Status: 403}, 201)},
		"raised by unsupported":    {400, halvedThen(&Error{Reason: ReasonOther, Status: 400, Code: "InvalidRedisVersionPattern"}, 201)},
		"raised by a server error": {400, halvedThen(&Error{Reason: ReasonServer, Status: 503}, 201)},
		"same without an answer":   {400, halvedThen(&Error{Reason: ReasonTimeout}, 200)},
		"halved by throttling":     {400, halvedThen(throttled, 100)},
	} {
		t.Run(name, func(t *testing.T) {
			withLimiter(t, c.qps, func(t *testing.T, l *limiter) {
				for _, s := range c.steps {
					pass(s.after)
					for range s.times {
						l.learn(s.result)
					}
					wantQPS(t, l, s.want)
				}
			})
		})
	}
}

func TestLimiterStaysWithinItsBounds(t *testing.T) {
	for _, c := range []struct{ ceiling, lowest, next float64 }{
		{0.125, 0.125, 0.125}, {0.5, 0.5, 0.5}, {0.75, 0.5, 0.501875}, {3, 0.5, 0.5075}, {100, 0.5, 0.55}, {1000, 0.5, 0.55}, // by a tenth at most
	} {
		withLimiter(t, c.ceiling, func(t *testing.T, l *limiter) {
			for range 12 {
				l.throttled()
				pass(time.Second)
			}
			wantQPS(t, l, c.lowest)
			l.answered()
			wantQPS(t, l, c.next)
			for range 2 * climbSteps { // half of them where it climbs slowly
				l.answered()
			}
			wantQPS(t, l, c.ceiling)
			l.answered()
			wantQPS(t, l, c.ceiling)
		})
	}
}

// Near the rate that was throttled the climb is slow, and fast again beyond it.
func TestLimiterClimbsSlowlyWhereItWasThrottled(t *testing.T) {
	withLimiter(t, 400, func(t *testing.T, l *limiter) {
		throttle := func(after time.Duration, times int) {
			for range times {
				pass(after)
				l.throttled()
			}
		}
		climb := func(to float64, least, most int) {
			t.Helper()
			pass(throttlePause)
			n := 0
			for ; l.qps() < to; n++ {
				l.answered()
			}
			if n < least || n > most {
				t.Errorf("%d answers to %v/s, want %d to %d", n, to, least, most)
			}
		}
		throttle(time.Second, 2)
		climb(200, 100, 100)
		throttle(0, 1)
		wantQPS(t, l, 100)
		climb(180, 68, 92)
		climb(220, 188, 212)
		climb(400, 168, 192)

		// While every answer is throttled, the later rates are not the cause.
		throttle(time.Second, 4)
		wantQPS(t, l, 25)
		climb(350, 315, 340)
	})
}

func TestLimiterBurstFollowsTheRate(t *testing.T) {
	withLimiter(t, 40, func(t *testing.T, l *limiter) {
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
	withLimiter(t, 10, func(t *testing.T, l *limiter) {
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

// The pause and the lowered rate apply to the callers in the line too, which proceed in their order.
func TestLimiterHoldsTheLineBack(t *testing.T) {
	withLimiter(t, 2, func(t *testing.T, l *limiter) {
		wantStarts(t, l, 0)
		began := time.Now()
		served := make(chan int, 20)
		for n := range 20 {
			go func() {
				if err := l.wait(t.Context()); err != nil {
					t.Error(err)
				}
				served <- n
			}()
			synctest.Wait() // it stands in the line
		}
		l.throttled() // 1/s from now on; the first caller has a token for 500 ms, which passes in the pause
		for want := range 20 {
			got := <-served
			if at := time.Since(began).Round(time.Millisecond); got != want || at != time.Duration(want+2)*time.Second {
				t.Fatalf("caller %d starts after %v, want %d after %d s", got, at, want, want+2)
			}
		}
	})
}
