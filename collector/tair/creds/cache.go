package creds

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// The library refreshes temporary credentials when they expire in 180 s or less. So what a successful fetch returns is
// valid for keptFor. The library reports no expiry, and a call of it may block for many seconds.
const (
	freshFor   = 30 * time.Second // served without a fetch
	keptFor    = 3 * time.Minute  // served while fetches run or fail
	retryAfter = 5 * time.Second  // from a failed fetch to the next one while credentials are kept

	// failureFor is how long a failure is served while no credentials are kept, so that all regions of an account and
	// all scrapes of a burst share one failed fetch.
	failureFor = time.Second

	// patience is how long a caller waits for a fetch that follows a failed one while no credentials are kept. So a
	// source that is slow to fail is reported as failed, and not as one that has no answer yet.
	patience = 2 * time.Second
)

// cache shares the credentials of a blocking fetch between callers, with one fetch at a time.
type cache struct {
	// fetch returns credentials; with fresh set, it reuses no earlier ones. Its calls never overlap.
	fetch     func(fresh bool) (Credentials, *Error)
	now       func() time.Time
	onFailure func(*Error)

	mu       sync.Mutex
	current  Credentials // zero when none are kept
	fetched  time.Time   // when current was fetched
	failure  *Error      // of the latest fetch; nil when it succeeded
	failed   time.Time   // when the latest fetch failed
	rejected bool        // current was rejected: the next fetch is fresh and starts at once
	running  *refresh    // nil when no fetch is under way
}

// refresh is one fetch that is under way.
type refresh struct {
	done     chan struct{} // closed at the end
	previous *Error        // why the fetch before failed; nil when it succeeded
	err      *Error        // why this one failed; set before done is closed
	rejected Credentials   // rejected since the fetch began: a result equal to it is not kept
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
		if r.err != nil {
			return Credentials{}, r.err
		}
		// The result is kept, unless it was rejected meanwhile: look again.
	}
}

// wait returns when the fetch has ended. It returns an error when ctx ends first or, after a failed fetch, when
// patience runs out. Then the fetch goes on.
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

// look returns the credentials or the error to serve, else the refresh to wait for. It starts a refresh that is due.
func (c *cache) look(ctx context.Context) (Credentials, *refresh, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.current != (Credentials{}) && now.Sub(c.fetched) < keptFor {
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

// start begins a fetch in its own goroutine, because the library takes no context. The caller holds c.mu.
func (c *cache) start() {
	r := &refresh{done: make(chan struct{}), previous: c.failure}
	fresh := c.rejected
	c.running, c.rejected = r, false
	go func() {
		got, err := c.fetch(fresh)
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

// Format hides the credentials when the cache is printed: fmt calls no methods of values in unexported fields.
func (c *cache) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "credentials "+hiddenSecret) }
