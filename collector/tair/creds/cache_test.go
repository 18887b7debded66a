package creds

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// testClock is a clock that stands still until it is moved.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// testProvider is a provider with its clock and its count of failed refreshes.
type testProvider struct {
	*cache
	clock    *testClock
	failures atomic.Int32
}

func newTestProvider(t *testing.T, cfg Config) *testProvider {
	t.Helper()
	c := &testProvider{clock: &testClock{now: time.Unix(1_800_000_000, 0)}}
	p, err := New(cfg, Options{
		Now: c.clock.Now, OnRefreshFailure: func(*Error) { c.failures.Add(1) },
	})
	if err != nil {
		t.Fatal(err)
	}
	c.cache = p.(*cache)
	return c
}

// settle waits for the refresh under way, if any.
func (c *testProvider) settle() {
	c.mu.Lock()
	running := c.running
	c.mu.Unlock()
	if running != nil {
		<-running.done
	}
}

// want asks once, checks what it gets and lets a refresh in the background end.
func (c *testProvider) want(t *testing.T, want Credentials) {
	t.Helper()
	got, err := c.Credentials(t.Context())
	if err != nil || got != want {
		t.Fatalf("got %q, error %v; want %q", got.AccessKeyID, err, want.AccessKeyID)
	}
	c.settle()
}

// wantError asks once and checks the class of the error.
func (c *testProvider) wantError(t *testing.T, class string) *Error {
	t.Helper()
	got, err := c.Credentials(t.Context())
	var failed *Error
	if !errors.As(err, &failed) || failed.Class != class || got != (Credentials{}) {
		t.Fatalf("got %q, error %v; want class %s", got.AccessKeyID, err, class)
	}
	return failed
}

func uriConfig(s *testServer) Config {
	return Config{Type: TypeCredentialsURI, URL: Secret(s.URL)}
}

// blocked returns a handler that waits until release is called, and a channel that receives once for each request.
func blocked(t *testing.T, then http.HandlerFunc) (h http.HandlerFunc, began <-chan struct{}, release func()) {
	t.Helper()
	in, open := make(chan struct{}, 100), make(chan struct{})
	release = sync.OnceFunc(func() { close(open) })
	t.Cleanup(release)
	return func(w http.ResponseWriter, r *http.Request) {
		in <- struct{}{}
		<-open
		then(w, r)
	}, in, release
}

// Trap 1: the library knows no context and blocks.
func TestWaitEndsWithContext(t *testing.T) {
	h, began, release := blocked(t, respondWith("one", time.Hour))
	s := newURIServer(t, h)
	c := newTestProvider(t, uriConfig(s))
	why := errors.New("the scrape is over")
	ctx, cancel := context.WithCancelCause(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := c.Credentials(ctx)
		result <- err
	}()
	<-began
	cancel(why)
	if err := <-result; !errors.Is(err, why) {
		t.Fatalf("got %v, want the cause", err)
	}
	if _, err := c.Credentials(ctx); !errors.Is(err, why) {
		t.Fatalf("got %v for a context that had ended, want the cause", err)
	}
	release()
	c.want(t, credentialsOfID("one"))
	if n := len(s.seen()); n != 1 {
		t.Errorf("%d fetches, want 1 that went on", n)
	}
	if _, err := c.Credentials(ctx); err != nil {
		t.Errorf("what is at hand needs no context: %v", err)
	}
}

// Trap 2: the library is not safe for concurrent use.
func TestSharedByConcurrentCallers(t *testing.T) {
	h, began, release := blocked(t, respondWith("one", time.Hour))
	s := newURIServer(t, h)
	c := newTestProvider(t, uriConfig(s))
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			if got, err := c.Credentials(t.Context()); err != nil || got != credentialsOfID("one") {
				t.Errorf("got %q, error %v", got.AccessKeyID, err)
			}
		})
	}
	<-began
	release()
	callers.Wait()
	if n := len(s.seen()); n != 1 {
		t.Errorf("%d fetches for 50 callers, want 1", n)
	}
}

// Trap 3: a failed refresh returns an error although the old credentials are still valid.
func TestLastGoodKeptAfterFailedRefresh(t *testing.T) {
	s := newURIServer(t, respondWith("one", 100*time.Second)) // so short that each refresh fetches
	c := newTestProvider(t, uriConfig(s))
	c.want(t, credentialsOfID("one"))
	s.answer(failWith(http.StatusInternalServerError, "oops"))

	c.clock.move(freshFor - 1)
	c.want(t, credentialsOfID("one"))
	if n := len(s.seen()); n != 1 {
		t.Fatalf("%d fetches while fresh, want 1", n)
	}
	c.clock.move(1)
	c.want(t, credentialsOfID("one"))
	c.clock.move(retryAfter - 1)
	c.want(t, credentialsOfID("one"))
	if n := len(s.seen()); n != 2 {
		t.Fatalf("%d fetches, want 2: no retry within 5 s", n)
	}
	c.clock.move(1)
	c.want(t, credentialsOfID("one"))
	if n, f := len(s.seen()), c.failures.Load(); n != 3 || f != 2 {
		t.Fatalf("%d fetches and %d failures, want 3 and 2", n, f)
	}
	c.clock.move(keptFor - freshFor - retryAfter - 1)
	c.want(t, credentialsOfID("one"))
	c.clock.move(1)
	c.wantError(t, classHTTP)
	if f := c.failures.Load(); f != 3 {
		t.Errorf("%d failures were reported, want 3", f)
	}
	c.clock.move(failureFor)
	s.answer(respondWith("two", time.Hour))
	c.want(t, credentialsOfID("two"))
}

// The regions of an account and the scrapes of a burst share one failed fetch.
func TestFailureIsServedForASecond(t *testing.T) {
	h, began, release := blocked(t, failWith(http.StatusInternalServerError, "oops"))
	s := newURIServer(t, h)
	c := newTestProvider(t, uriConfig(s))
	burst := func() {
		var callers sync.WaitGroup
		for range 150 {
			callers.Go(func() { c.wantError(t, classHTTP) })
		}
		<-began
		release()
		callers.Wait()
	}
	burst()
	c.clock.move(failureFor - 1)
	c.wantError(t, classHTTP)
	if n, f := len(s.seen()), c.failures.Load(); n != 1 || f != 1 {
		t.Errorf("%d fetches and %d failures within a second, want 1 and 1", n, f)
	}
	c.clock.move(1)
	burst()
	if n := len(s.seen()); n != 2 {
		t.Errorf("%d fetches after a second, want 2", n)
	}
}

func TestRejectionEndsTheSecondOfAFailure(t *testing.T) {
	s := newURIServer(t, respondWith("one", 100*time.Second))
	c := newTestProvider(t, uriConfig(s))
	c.want(t, credentialsOfID("one"))
	s.answer(failWith(http.StatusInternalServerError, "oops"))
	c.clock.move(freshFor)
	c.want(t, credentialsOfID("one")) // while the refresh in the background fails
	c.Reject(credentialsOfID("one"))
	s.answer(respondWith("two", time.Hour))
	c.want(t, credentialsOfID("two"))
}

// A source that takes longer to fail than a scrape has time must be reported as failed, and not as one that has not
// answered yet.
func TestSlowFailureIsReportedToTheNextCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cache{
			now: time.Now, onFailure: func(*Error) {},
			fetch: func(bool) (Credentials, *Error) {
				<-time.After(11 * time.Second)
				return Credentials{}, &Error{Class: classTimeout}
			},
		}
		ask := func() (time.Duration, error) {
			ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
			defer cancel()
			began := time.Now()
			_, err := c.Credentials(ctx)
			return time.Since(began), err
		}
		if _, err := ask(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("before the first refresh has failed: %v", err)
		}
		<-time.After(10 * time.Second)
		var failed *Error
		if took, err := ask(); !errors.As(err, &failed) || took != patience {
			t.Errorf("after the first refresh has failed: %v after %s, want its error after %s", err, took, patience)
		}
		<-time.After(time.Minute) // the refresh under way ends
	})
}

func TestBackgroundRefreshDoesNotBlock(t *testing.T) {
	s := newURIServer(t, respondWith("one", 100*time.Second))
	c := newTestProvider(t, uriConfig(s))
	c.want(t, credentialsOfID("one"))
	h, began, release := blocked(t, respondWith("two", time.Hour))
	s.answer(h)
	c.clock.move(freshFor)
	for range 3 { // while the refresh hangs
		if got, err := c.Credentials(t.Context()); err != nil || got != credentialsOfID("one") {
			t.Fatalf("got %q, error %v", got.AccessKeyID, err)
		}
	}
	<-began
	release()
	c.settle()
	c.want(t, credentialsOfID("two"))
	if n := len(s.seen()); n != 2 {
		t.Errorf("%d fetches, want 2", n)
	}
}

func TestTooOldAreWaitedFor(t *testing.T) {
	s := newURIServer(t, respondWith("one", 100*time.Second))
	c := newTestProvider(t, uriConfig(s))
	c.want(t, credentialsOfID("one"))
	s.answer(respondWith("two", time.Hour))
	c.clock.move(keptFor)
	c.want(t, credentialsOfID("two"))
}

func TestRejectedNotServed(t *testing.T) {
	s := newURIServer(t, respondWith("one", time.Hour)) // the library would hold on to it
	c := newTestProvider(t, uriConfig(s))
	c.want(t, credentialsOfID("one"))
	s.answer(respondWith("two", time.Hour))
	c.Reject(credentialsOfID("one"))
	c.want(t, credentialsOfID("two"))

	c.Reject(credentialsOfID("one")) // no longer the current ones
	c.Reject(Credentials{})
	c.want(t, credentialsOfID("two"))
	if n := len(s.seen()); n != 2 {
		t.Errorf("%d fetches, want 2", n)
	}

	c.Reject(credentialsOfID("two"))
	s.answer(failWith(http.StatusBadGateway, "oops"))
	c.wantError(t, classHTTP) // nothing is kept
	c.clock.move(failureFor)
	s.answer(respondWith("two", time.Hour))
	c.want(t, credentialsOfID("two")) // a later refresh obtains it again
}

func TestRejectedWhileRefreshing(t *testing.T) {
	s := newURIServer(t, respondWith("one", 100*time.Second))
	c := newTestProvider(t, uriConfig(s))
	c.want(t, credentialsOfID("one"))
	h, began, release := blocked(t, respondWith("one", time.Hour)) // began before the rejection: not fresh
	s.answer(h)
	c.clock.move(freshFor)
	if _, err := c.Credentials(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-began
	s.answer(respondWith("two", time.Hour))
	c.Reject(credentialsOfID("one"))
	release()
	c.want(t, credentialsOfID("two"))
	if n := len(s.seen()); n != 3 {
		t.Errorf("%d fetches, want 3", n)
	}
}
