package creds

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const fails = "fails" // the result of a fetch that fails

// source is a cache on the clock of a bubble, with a fetch whose result the test sets.
type source struct {
	*cache
	result            string        // the ID of the credentials, or fails
	takes             time.Duration // of a fetch
	fetches, failures int
}

func inBubble(t *testing.T, takes time.Duration, test func(t *testing.T, s *source)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &source{result: "one", takes: takes}
		s.cache = &cache{now: time.Now, onFailure: func(*Error) { s.failures++ }, fetch: func(bool) (Credentials, *Error) {
			s.fetches++
			result := s.result
			time.Sleep(s.takes)
			if result == fails {
				return Credentials{}, &Error{Class: ClassHTTP}
			}
			return credentialsOfID(result), nil
		}}
		test(t, s)
		time.Sleep(time.Hour) // a fetch under way ends
	})
}

// step is what happens to a cache, and then what so many callers at once get from it.
type step struct {
	after   time.Duration
	reject  string // the ID of credentials that the API refuses
	result  string // of the fetches from now on: an ID or fails; "": as before
	callers int    // 0: one
	want    string // the ID of the credentials or the class of the error
	took    time.Duration
	fetches int // that began so far
}

func (s *source) play(t *testing.T, step step) {
	t.Helper()
	time.Sleep(step.after)
	synctest.Wait() // for a fetch that ends now
	if step.result != "" {
		s.result = step.result
	}
	s.Reject(Credentials{}) // does nothing
	if step.reject != "" {
		s.Reject(credentialsOfID(step.reject))
	}
	began := time.Now()
	var all sync.WaitGroup
	for range max(1, step.callers) {
		all.Go(func() {
			c, err := s.Credentials(t.Context())
			got := c.AccessKeyID
			var failed *Error
			if errors.As(err, &failed) {
				got = failed.Class
			}
			if took := time.Since(began); got != step.want || took != step.took {
				t.Errorf("got %q after %s, error %v; want %q after %s", got, took, err, step.want, step.took)
			}
		})
	}
	all.Wait()
	synctest.Wait() // for a refresh in the background
	if s.fetches != step.fetches {
		t.Errorf("%d fetches, want %d", s.fetches, step.fetches)
	}
}

func TestCache(t *testing.T) {
	for name, c := range map[string]struct {
		takes    time.Duration // of each fetch
		steps    []step
		failures int
	}{
		// Trap 2: the library is not safe for concurrent use.
		"concurrent callers share one fetch": {time.Second, []step{{callers: 50, want: "one", took: time.Second, fetches: 1}}, 0},
		// Trap 3: a failed refresh returns an error although the old credentials are still valid.
		"the last good ones are kept after a failed refresh": {0, []step{
			{want: "one", fetches: 1},
			{after: freshFor - 1, result: fails, want: "one", fetches: 1},
			{after: 1, want: "one", fetches: 2},
			{after: retryAfter - 1, want: "one", fetches: 2},
			{after: 1, want: "one", fetches: 3},
			{after: keptFor - freshFor - retryAfter - 1, want: "one", fetches: 4},
			{after: 1, want: ClassHTTP, fetches: 4}, // nothing is kept now, and the latest failure is young
			{after: failureFor, want: ClassHTTP, fetches: 5},
			{after: failureFor, result: "two", want: "two", fetches: 6},
		}, 4},
		"a refresh in the background does not block": {time.Minute, []step{
			{want: "one", took: time.Minute, fetches: 1},
			{after: freshFor, result: "two", callers: 3, want: "one", fetches: 2},
			{after: time.Minute - 1, want: "one", fetches: 2},
			{after: 1, want: "two", fetches: 2},
		}, 0},
		"too old ones are not served": {time.Second, []step{
			{want: "one", took: time.Second, fetches: 1},
			{after: keptFor, result: "two", want: "two", took: time.Second, fetches: 2},
		}, 0},
		"rejected ones are not served": {0, []step{
			{want: "one", fetches: 1},
			{reject: "one", result: "two", want: "two", fetches: 2},
			{reject: "one", want: "two", fetches: 2},                    // no longer the current ones
			{reject: "two", result: fails, want: ClassHTTP, fetches: 3}, // nothing is kept
			{after: failureFor, result: "two", want: "two", fetches: 4}, // a later refresh obtains it again
		}, 1},
		"a refresh that began before the rejection is too old": {time.Second, []step{
			{want: "one", took: time.Second, fetches: 1},
			{after: freshFor, want: "one", fetches: 2},
			{reject: "one", result: "two", want: "two", took: 2 * time.Second, fetches: 3},
		}, 0},
		// The regions of an account and the scrapes of a burst share one failed fetch.
		"a failure is served for a second": {100 * time.Millisecond, []step{
			{result: fails, callers: 150, want: ClassHTTP, took: 100 * time.Millisecond, fetches: 1},
			{after: failureFor - 1, callers: 150, want: ClassHTTP, fetches: 1},
			{after: 1, callers: 150, want: ClassHTTP, took: 100 * time.Millisecond, fetches: 2},
		}, 2},
		"a rejection ends the second of a failure": {0, []step{
			{want: "one", fetches: 1},
			{after: freshFor, result: fails, want: "one", fetches: 2}, // while the refresh in the background fails
			{reject: "one", result: "two", want: "two", fetches: 3},
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, c.takes, func(t *testing.T, s *source) {
				for _, step := range c.steps {
					s.play(t, step)
				}
				if s.failures != c.failures {
					t.Errorf("%d failures were reported, want %d", s.failures, c.failures)
				}
			})
		})
	}
}

// Trap 1: the library knows no context and blocks.
func TestWaitEndsWithContext(t *testing.T) {
	inBubble(t, time.Minute, func(t *testing.T, s *source) {
		why := errors.New("the scrape is over")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
		defer cancel()
		for range 2 { // the second begins after the end
			if _, err := s.Credentials(ctx); !errors.Is(err, why) {
				t.Errorf("got %v, want the cause", err)
			}
		}
		s.play(t, step{want: "one", took: time.Minute - time.Second, fetches: 1}) // the fetch goes on
		if _, err := s.Credentials(ctx); err != nil {
			t.Errorf("what is kept needs no context: %v", err)
		}
	})
}

// A source that takes longer to fail than a scrape has time must be reported as failed, and not as one that has no
// answer yet.
func TestSlowFailureIsReportedToTheNextCaller(t *testing.T) {
	inBubble(t, 11*time.Second, func(t *testing.T, s *source) {
		s.result = fails
		ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
		defer cancel()
		if _, err := s.Credentials(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("before the first refresh has failed: %v", err)
		}
		s.play(t, step{after: 10 * time.Second, want: ClassHTTP, took: patience, fetches: 2})
	})
}
