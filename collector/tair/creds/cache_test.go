package creds

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// source is a cache on the clock of a bubble, with a fetch whose result the test sets.
type source struct {
	*cache
	result            Credentials   // zero: the fetch fails
	takes             time.Duration // of a fetch
	fetches, failures int
}

func inBubble(t *testing.T, test func(t *testing.T, s *source)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &source{result: credentialsOfID("one")}
		s.cache = &cache{now: time.Now, onFailure: func(*Error) { s.failures++ }, fetch: func(bool) (Credentials, *Error) {
			s.fetches++
			result := s.result
			time.Sleep(s.takes)
			if result == (Credentials{}) {
				return result, &Error{Class: classHTTP}
			}
			return result, nil
		}}
		test(t, s)
		time.Sleep(time.Hour) // a fetch under way ends
	})
}

// ask asks once. Want is the ID of the credentials or the class of the error, and fetches is how many began so far.
func (s *source) ask(t *testing.T, want string, fetches int) {
	t.Helper()
	s.burst(t, 1, want, fetches)
}

// burst asks by so many callers at once.
func (s *source) burst(t *testing.T, callers int, want string, fetches int) {
	t.Helper()
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			c, err := s.Credentials(t.Context())
			got := c.AccessKeyID
			var failed *Error
			if errors.As(err, &failed) {
				got = failed.Class
			}
			if got != want {
				t.Errorf("got %q, error %v; want %q", got, err, want)
			}
		})
	}
	all.Wait()
	synctest.Wait() // for a refresh in the background
	if s.fetches != fetches {
		t.Errorf("%d fetches, want %d", s.fetches, fetches)
	}
}

// Trap 1: the library knows no context and blocks.
func TestWaitEndsWithContext(t *testing.T) {
	inBubble(t, func(t *testing.T, s *source) {
		s.takes = time.Minute
		why := errors.New("the scrape is over")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
		defer cancel()
		for range 2 { // the second begins after the end
			if _, err := s.Credentials(ctx); !errors.Is(err, why) {
				t.Errorf("got %v, want the cause", err)
			}
		}
		s.ask(t, "one", 1) // the fetch goes on
		if _, err := s.Credentials(ctx); err != nil {
			t.Errorf("what is kept needs no context: %v", err)
		}
	})
}

// Trap 2: the library is not safe for concurrent use.
func TestConcurrentCallersShareOneFetch(t *testing.T) {
	inBubble(t, func(t *testing.T, s *source) {
		s.takes = time.Second
		s.burst(t, 50, "one", 1)
	})
}

// Trap 3: a failed refresh returns an error although the old credentials are still valid.
func TestLastGoodKeptAfterFailedRefresh(t *testing.T) {
	inBubble(t, func(t *testing.T, s *source) {
		s.ask(t, "one", 1)
		s.result = Credentials{}
		for _, step := range []struct {
			passes  time.Duration
			fetches int
		}{
			{freshFor - 1, 1}, {1, 2}, {retryAfter - 1, 2}, {1, 3}, {keptFor - freshFor - retryAfter - 1, 4},
		} {
			time.Sleep(step.passes)
			s.ask(t, "one", step.fetches)
		}
		time.Sleep(time.Nanosecond)
		s.ask(t, classHTTP, 4) // nothing is kept now, and the latest failure is young
		time.Sleep(failureFor)
		s.ask(t, classHTTP, 5)
		if s.failures != 4 {
			t.Errorf("%d failures were reported, want 4", s.failures)
		}
		time.Sleep(failureFor)
		s.result = credentialsOfID("two")
		s.ask(t, "two", 6)
	})
}

func TestBackgroundRefreshDoesNotBlock(t *testing.T) {
	inBubble(t, func(t *testing.T, s *source) {
		s.ask(t, "one", 1)
		s.result, s.takes = credentialsOfID("two"), time.Minute
		time.Sleep(freshFor)
		began := time.Now()
		for range 3 {
			s.ask(t, "one", 2)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("waited for %s", took)
		}
		time.Sleep(s.takes)
		synctest.Wait() // the fetch ends at the same time
		s.ask(t, "two", 2)
	})
}

func TestTooOldCredentialsAreNotServed(t *testing.T) {
	inBubble(t, func(t *testing.T, s *source) {
		s.ask(t, "one", 1)
		s.result, s.takes = credentialsOfID("two"), time.Second
		time.Sleep(keptFor)
		s.ask(t, "two", 2)
	})
}

func TestRejectedCredentialsAreNotServed(t *testing.T) {
	inBubble(t, func(t *testing.T, s *source) {
		s.ask(t, "one", 1)
		s.result = credentialsOfID("two")
		s.Reject(credentialsOfID("one"))
		s.ask(t, "two", 2)
		s.Reject(credentialsOfID("one")) // no longer the current ones
		s.Reject(Credentials{})
		s.ask(t, "two", 2)

		s.Reject(credentialsOfID("two"))
		s.result = Credentials{}
		s.ask(t, classHTTP, 3) // nothing is kept
		time.Sleep(failureFor)
		s.result = credentialsOfID("two")
		s.ask(t, "two", 4) // a later refresh obtains it again
	})
}

func TestRejectedWhileRefreshing(t *testing.T) {
	inBubble(t, func(t *testing.T, s *source) {
		s.ask(t, "one", 1)
		s.takes = time.Second
		time.Sleep(freshFor)
		s.ask(t, "one", 2) // the refresh began before the rejection: its result is not fresh
		s.result = credentialsOfID("two")
		s.Reject(credentialsOfID("one"))
		s.ask(t, "two", 3)
	})
}

// The regions of an account and the scrapes of a burst share one failed fetch.
func TestFailureIsServedForASecond(t *testing.T) {
	inBubble(t, func(t *testing.T, s *source) {
		s.result, s.takes = Credentials{}, 100*time.Millisecond
		s.burst(t, 150, classHTTP, 1)
		time.Sleep(failureFor - 1)
		s.burst(t, 150, classHTTP, 1)
		time.Sleep(time.Nanosecond)
		s.burst(t, 150, classHTTP, 2)
		if s.failures != 2 {
			t.Errorf("%d failures were reported, want 2", s.failures)
		}
	})
}

func TestRejectionEndsTheSecondOfAFailure(t *testing.T) {
	inBubble(t, func(t *testing.T, s *source) {
		s.ask(t, "one", 1)
		s.result = Credentials{}
		time.Sleep(freshFor)
		s.ask(t, "one", 2) // while the refresh in the background fails
		s.result = credentialsOfID("two")
		s.Reject(credentialsOfID("one"))
		s.ask(t, "two", 3)
	})
}

// A source that takes longer to fail than a scrape has time must be reported as failed, and not as one that has not
// answered yet.
func TestSlowFailureIsReportedToTheNextCaller(t *testing.T) {
	inBubble(t, func(t *testing.T, s *source) {
		s.result, s.takes = Credentials{}, 11*time.Second
		ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
		defer cancel()
		if _, err := s.Credentials(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("before the first refresh has failed: %v", err)
		}
		time.Sleep(10 * time.Second)
		began := time.Now()
		s.ask(t, classHTTP, 2)
		if took := time.Since(began); took != patience {
			t.Errorf("waited for %s, want %s", took, patience)
		}
	})
}
