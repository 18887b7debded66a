package tair

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// credClock is a clock that stands still until it is moved.
type credClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *credClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *credClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// testCredentials is a provider with its clock and its count of failed refreshes.
type testCredentials struct {
	*credentialsCache
	clock    *credClock
	failures atomic.Int32
}

func newTestCredentials(t *testing.T, cfg CredentialsConfig) *testCredentials {
	t.Helper()
	c := &testCredentials{clock: &credClock{now: time.Unix(1_800_000_000, 0)}}
	p, err := NewCredentials(cfg, CredentialsOptions{
		Now: c.clock.Now, OnRefreshFailure: func(*CredentialsError) { c.failures.Add(1) },
	})
	if err != nil {
		t.Fatal(err)
	}
	c.credentialsCache = p.(*credentialsCache)
	return c
}

// settle waits for the refresh under way, if any.
func (c *testCredentials) settle() {
	c.mu.Lock()
	running := c.running
	c.mu.Unlock()
	if running != nil {
		<-running.done
	}
}

// want asks once, checks what it gets and lets a refresh in the background end.
func (c *testCredentials) want(t *testing.T, want Credentials) {
	t.Helper()
	got, err := c.Credentials(t.Context())
	if err != nil || got != want {
		t.Fatalf("got %q, error %v; want %q", got.AccessKeyID, err, want.AccessKeyID)
	}
	c.settle()
}

// wantError asks once and checks the class of the error.
func (c *testCredentials) wantError(t *testing.T, class string) *CredentialsError {
	t.Helper()
	got, err := c.Credentials(t.Context())
	var failed *CredentialsError
	if !errors.As(err, &failed) || failed.Class != class || got != (Credentials{}) {
		t.Fatalf("got %q, error %v; want class %s", got.AccessKeyID, err, class)
	}
	return failed
}

func credURIConfig(s *credServer) CredentialsConfig {
	return CredentialsConfig{Type: CredentialsURI, URL: s.URL}
}

// credBlocked gives a handler that waits until release is called, and tells of each request that began.
func credBlocked(t *testing.T, then http.HandlerFunc) (h http.HandlerFunc, began <-chan struct{}, release func()) {
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
func TestCredentialsWaitEndsWithContext(t *testing.T) {
	h, began, release := credBlocked(t, credGive("one", time.Hour))
	s := newURIServer(t, h)
	c := newTestCredentials(t, credURIConfig(s))
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
	c.want(t, credsOf("one"))
	if n := len(s.seen()); n != 1 {
		t.Errorf("%d fetches, want the one that went on", n)
	}
	if _, err := c.Credentials(ctx); err != nil {
		t.Errorf("what is at hand needs no context: %v", err)
	}
}

// Trap 2: the library is not safe for concurrent use.
func TestCredentialsSharedByConcurrentCallers(t *testing.T) {
	h, began, release := credBlocked(t, credGive("one", time.Hour))
	s := newURIServer(t, h)
	c := newTestCredentials(t, credURIConfig(s))
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			if got, err := c.Credentials(t.Context()); err != nil || got != credsOf("one") {
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

// Trap 3: a failed refresh gives an error although the old credentials still hold.
func TestCredentialsLastGoodKeptAfterFailedRefresh(t *testing.T) {
	s := newURIServer(t, credGive("one", 100*time.Second)) // so short that each refresh fetches
	c := newTestCredentials(t, credURIConfig(s))
	c.want(t, credsOf("one"))
	s.answer(credFail(http.StatusInternalServerError, "oops"))

	c.clock.move(credentialsFresh - 1)
	c.want(t, credsOf("one"))
	if n := len(s.seen()); n != 1 {
		t.Fatalf("%d fetches while fresh, want 1", n)
	}
	c.clock.move(1)
	c.want(t, credsOf("one"))
	c.clock.move(credentialsRetry - 1)
	c.want(t, credsOf("one"))
	if n := len(s.seen()); n != 2 {
		t.Fatalf("%d fetches, want 2: no retry within 5 s", n)
	}
	c.clock.move(1)
	c.want(t, credsOf("one"))
	if n, f := len(s.seen()), c.failures.Load(); n != 3 || f != 2 {
		t.Fatalf("%d fetches and %d failures, want 3 and 2", n, f)
	}
	c.clock.move(credentialsKept - credentialsFresh - credentialsRetry - 1)
	c.want(t, credsOf("one"))
	c.clock.move(1)
	c.wantError(t, classHTTP)
	c.wantError(t, classHTTP)
	if f := c.failures.Load(); f != 5 {
		t.Errorf("%d failures were told, want 5", f)
	}
	s.answer(credGive("two", time.Hour))
	c.want(t, credsOf("two"))
}

func TestCredentialsBackgroundRefreshDoesNotBlock(t *testing.T) {
	s := newURIServer(t, credGive("one", 100*time.Second))
	c := newTestCredentials(t, credURIConfig(s))
	c.want(t, credsOf("one"))
	h, began, release := credBlocked(t, credGive("two", time.Hour))
	s.answer(h)
	c.clock.move(credentialsFresh)
	for range 3 { // while the refresh hangs
		if got, err := c.Credentials(t.Context()); err != nil || got != credsOf("one") {
			t.Fatalf("got %q, error %v", got.AccessKeyID, err)
		}
	}
	<-began
	release()
	c.settle()
	c.want(t, credsOf("two"))
	if n := len(s.seen()); n != 2 {
		t.Errorf("%d fetches, want 2", n)
	}
}

func TestCredentialsTooOldAreWaitedFor(t *testing.T) {
	s := newURIServer(t, credGive("one", 100*time.Second))
	c := newTestCredentials(t, credURIConfig(s))
	c.want(t, credsOf("one"))
	s.answer(credGive("two", time.Hour))
	c.clock.move(credentialsKept)
	c.want(t, credsOf("two"))
}

func TestCredentialsRejectedNotServed(t *testing.T) {
	s := newURIServer(t, credGive("one", time.Hour)) // the library would hold on to it
	c := newTestCredentials(t, credURIConfig(s))
	c.want(t, credsOf("one"))
	s.answer(credGive("two", time.Hour))
	c.Reject(credsOf("one"))
	c.want(t, credsOf("two"))

	c.Reject(credsOf("one")) // no longer the current ones
	c.Reject(Credentials{})
	c.want(t, credsOf("two"))
	if n := len(s.seen()); n != 2 {
		t.Errorf("%d fetches, want 2", n)
	}

	c.Reject(credsOf("two"))
	s.answer(credFail(http.StatusBadGateway, "oops"))
	c.wantError(t, classHTTP) // nothing is kept
	s.answer(credGive("two", time.Hour))
	c.want(t, credsOf("two")) // a fresh refresh yields it
}

func TestCredentialsRejectedWhileRefreshing(t *testing.T) {
	s := newURIServer(t, credGive("one", 100*time.Second))
	c := newTestCredentials(t, credURIConfig(s))
	c.want(t, credsOf("one"))
	h, began, release := credBlocked(t, credGive("one", time.Hour)) // began before the rejection: not fresh
	s.answer(h)
	c.clock.move(credentialsFresh)
	if _, err := c.Credentials(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-began
	s.answer(credGive("two", time.Hour))
	c.Reject(credsOf("one"))
	release()
	c.want(t, credsOf("two"))
	if n := len(s.seen()); n != 3 {
		t.Errorf("%d fetches, want 3", n)
	}
}
