package creds

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// The library refreshes temporary credentials that live for 180 s or less, so that those of a successful refresh
// hold for keptFor. It tells no expiry, and calling it may block for many seconds.
const (
	freshFor   = 30 * time.Second // served without asking the library
	keptFor    = 3 * time.Minute  // served while refreshes run or fail
	retryAfter = 5 * time.Second  // from a failed refresh to the next while credentials are kept

	// patience is how long a caller waits for a refresh after one that failed, when nothing is kept: a
	// provider that is slow to fail must not look like one that has not answered yet.
	patience = 2 * time.Second
)

// cache shares the credentials that a blocking fetch yields, with one fetch at a time.
type cache struct {
	// fetch gets credentials; with anew, from nothing that it remembers. It is never called by two at a time.
	fetch     func(anew bool) (Credentials, *Error)
	now       func() time.Time
	onFailure func(*Error)

	mu        sync.Mutex
	current   Credentials // zero when none are kept
	succeeded time.Time   // when current came
	failure   *Error      // why the latest refresh failed; nil when it did not
	failed    time.Time   // when it did
	anew      bool        // the next fetch must be anew
	running   *refresh    // nil when no refresh is under way
}

// refresh is one refresh that is under way.
type refresh struct {
	done     chan struct{} // closed at the end
	after    *Error        // why the refresh before failed; nil when it did not
	err      *Error        // set before done is closed
	rejected Credentials   // what was rejected meanwhile: no fresh result if this is it
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
		// What the refresh gave was rejected before it could be handed out: once more.
	}
}

// wait returns when the refresh has ended, or with an error when ctx ends first or when, after a failed refresh, the
// patience does. The refresh goes on.
func (r *refresh) wait(ctx context.Context) error {
	var impatient <-chan time.Time
	if r.after != nil {
		t := time.NewTimer(patience)
		defer t.Stop()
		impatient = t.C
	}
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-impatient:
		return r.after
	}
}

// look gives the credentials to serve or else the refresh to wait for, and starts one when it is time to.
func (c *cache) look(ctx context.Context) (Credentials, *refresh, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.keptAt(now) {
		due := now.Sub(c.succeeded) >= freshFor &&
			(c.failure == nil || now.Sub(c.failed) >= retryAfter)
		if due && c.running == nil {
			c.start()
		}
		return c.current, nil, nil
	}
	if ctx.Err() != nil {
		return Credentials{}, nil, context.Cause(ctx)
	}
	if c.running == nil {
		c.start()
	}
	return Credentials{}, c.running, nil
}

// kept gives the credentials that may still be served.
func (c *cache) kept() (Credentials, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current, c.keptAt(c.now())
}

// keptAt reports whether the current credentials may be served at the time now. c.mu is held.
func (c *cache) keptAt(now time.Time) bool {
	return c.current != Credentials{} && now.Sub(c.succeeded) < keptFor
}

// start begins a refresh in its own goroutine: the library knows no context. c.mu is held.
func (c *cache) start() {
	r := &refresh{done: make(chan struct{}), after: c.failure}
	anew := c.anew
	c.running, c.anew = r, false
	go func() {
		got, err := c.fetch(anew)
		if err != nil {
			c.onFailure(err)
		}
		c.finish(r, got, err)
	}()
}

// finish keeps the result of a refresh and wakes those who wait for it.
func (c *cache) finish(r *refresh, got Credentials, err *Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		c.failed, c.failure = c.now(), err
	case got != r.rejected:
		c.current, c.succeeded, c.failure = got, c.now(), nil
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
	c.current, c.anew = Credentials{}, true
	if c.running != nil {
		c.running.rejected = rejected
	}
}

// Format keeps the credentials out of a printed provider: fmt does not ask what lies in unexported fields.
func (c *cache) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "credentials "+hiddenSecret)
}
