package creds

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// The library refreshes temporary credentials when 180 s or less of their life are left. So those of a successful
// fetch are valid for keptFor. It reports no expiry, and a call of it may block for many seconds.
const (
	freshFor   = 30 * time.Second // served without a fetch
	keptFor    = 3 * time.Minute  // served while fetches run or fail
	retryAfter = 5 * time.Second  // from a failed fetch to the next one while credentials are kept

	// failureFor is how long a failure is served while no credentials are kept: all regions of an account and all
	// scrapes of a burst share one failed fetch.
	failureFor = time.Second

	// patience is how long a caller waits for a fetch that follows a failed one while no credentials are kept: a
	// source that is slow to fail is then reported as failed, and not as one that has not answered yet.
	patience = 2 * time.Second
)

// cache shares the credentials of a blocking fetch between callers, with one fetch at a time.
type cache struct {
	// fetch returns credentials. With anew it uses nothing that it remembers. Its calls never overlap.
	fetch     func(anew bool) (Credentials, *Error)
	now       func() time.Time
	onFailure func(*Error)

	mu       sync.Mutex
	current  Credentials // zero when none are kept
	fetched  time.Time   // when current was fetched
	failure  *Error      // of the latest fetch; nil when it succeeded
	failed   time.Time   // when the latest fetch failed
	rejected bool        // current was rejected: the next fetch is anew and waits for nothing
	running  *refresh    // nil when no fetch is under way
}

// refresh is one fetch that is under way.
type refresh struct {
	done     chan struct{} // closed at the end
	previous *Error        // why the fetch before failed; nil when it succeeded
	err      *Error        // set before done is closed
	rejected Credentials   // rejected since it began: a result equal to it is not kept
}

// Credentials implements Provider.
func (c *cache) Credentials(ctx context.Context) (Credentials, error) {
	for {
		current, r, err := c.look(ctx)
		if r == nil {
			return current, err
		}
		if err := r.wait(ctx); err != nil {
			return Credentials{}, err
		}
		if current, ok := c.kept(); ok {
			return current, nil
		}
		if r.err != nil {
			return Credentials{}, r.err
		}
		// The result was rejected before it could be served: look again.
	}
}

// wait returns when the fetch has ended. It returns an error when ctx ends first or, after a failed fetch, when
// patience runs out. The fetch goes on.
func (r *refresh) wait(ctx context.Context) error {
	var expired <-chan time.Time
	if r.previous != nil {
		t := time.NewTimer(patience)
		defer t.Stop()
		expired = t.C
	}
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-expired:
		return r.previous
	}
}

// look returns the credentials or the error to serve, or else the refresh to wait for. It starts one when it is due.
func (c *cache) look(ctx context.Context) (Credentials, *refresh, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.keptAt(now) {
		due := now.Sub(c.fetched) >= freshFor && (c.failure == nil || now.Sub(c.failed) >= retryAfter)
		if due && c.running == nil {
			c.start()
		}
		return c.current, nil, nil
	}
	switch {
	case ctx.Err() != nil:
		return Credentials{}, nil, context.Cause(ctx)
	case c.running != nil:
		return Credentials{}, c.running, nil
	case c.failure != nil && !c.rejected && now.Sub(c.failed) < failureFor:
		return Credentials{}, nil, c.failure
	}
	c.start()
	return Credentials{}, c.running, nil
}

// kept returns the credentials that may still be served.
func (c *cache) kept() (Credentials, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current, c.keptAt(c.now())
}

// keptAt reports whether the current credentials may be served at the time now. The caller holds c.mu.
func (c *cache) keptAt(now time.Time) bool {
	return c.current != Credentials{} && now.Sub(c.fetched) < keptFor
}

// start begins a fetch in its own goroutine, because the library takes no context. The caller holds c.mu.
func (c *cache) start() {
	r := &refresh{done: make(chan struct{}), previous: c.failure}
	anew := c.rejected
	c.running, c.rejected = r, false
	go func() {
		got, err := c.fetch(anew)
		if err != nil {
			c.onFailure(err)
		}
		c.finish(r, got, err)
	}()
}

// finish keeps the result of a fetch and wakes the callers that wait for it.
func (c *cache) finish(r *refresh, got Credentials, err *Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		c.failed, c.failure = c.now(), err
	case got != r.rejected:
		c.current, c.fetched, c.failure = got, c.now(), nil
	}
	c.running, r.err = nil, err
	close(r.done)
}

// Reject implements Provider.
func (c *cache) Reject(rejected Credentials) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if rejected != c.current || rejected == (Credentials{}) {
		return
	}
	c.current, c.rejected = Credentials{}, true
	if c.running != nil {
		c.running.rejected = rejected
	}
}

// Format hides the credentials of a printed provider: fmt calls no methods of values in unexported fields.
func (c *cache) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "credentials "+hiddenSecret) }
