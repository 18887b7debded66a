package tair

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tair_ssl_exporter/collector/tair/creds"
)

// lane carries one kind of request to the API, with its own limits.
type lane struct {
	slots   chan struct{} // holds one element for each request in flight
	limiter *limiter
	shared  *limiter // a second limiter to wait for, or nil: listings count for the rate of the other requests too
}

func newLane(qps float64, concurrency int) *lane {
	return &lane{slots: make(chan struct{}, concurrency), limiter: newLimiter(qps)}
}

// Permit is the right to send one request: a slot among the requests in flight, a token of the rate limit and credentials.
// Its owner sends at most one request with it and then releases it.
type Permit struct {
	client *Client
	lane   *lane
	creds  creds.Credentials
}

// Admit waits until a DescribeInstanceSSL request may be sent, or until ctx ends. It sends nothing itself.
//
// The error is an [*Error] with [ReasonCredentials] when no credentials can be obtained. Else it wraps the cause of ctx, or
// says that a token of the rate limit would come after the deadline of ctx.
func (c *Client) Admit(ctx context.Context) (*Permit, error) { return c.admit(ctx, c.requests) }

func (c *Client) admit(ctx context.Context, l *lane) (_ *Permit, err error) {
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for a slot: %w", context.Cause(ctx))
	}
	defer func() {
		if err != nil {
			<-l.slots
		}
	}()
	began := time.Now()
	err = l.limiter.wait(ctx)
	if err == nil && l.shared != nil {
		err = l.shared.wait(ctx)
	}
	c.cfg.Observer.Waited(time.Since(began))
	if err != nil {
		return nil, fmt.Errorf("waiting for the rate limit: %w", err)
	}
	credentials, err := c.cfg.Credentials.Credentials(ctx)
	var failed *creds.Error
	switch {
	case err == nil:
		return &Permit{client: c, lane: l, creds: credentials}, nil
	case errors.As(err, &failed):
		return nil, &Error{
			Reason: ReasonCredentials, Code: failed.Code, RequestID: failed.RequestID, Detail: failed.Error(), Credentials: failed,
		}
	default:
		return nil, fmt.Errorf("waiting for credentials: %w", err)
	}
}

// Release makes room for another request. The permit may be used or not.
func (p *Permit) Release() { <-p.lane.slots }

// send sends one request and reads its answer, until ctx ends or the timeout of an attempt has passed.
func (p *Permit) send(ctx context.Context, r request) *Error {
	failure := p.client.attempt(ctx, r, p.creds)
	p.lane.limiter.learn(failure)
	if failure != nil && failure.RefusesCredentials() {
		p.client.cfg.Credentials.Reject(p.creds)
	}
	return failure
}

// HasNewCredentials reports whether the credentials of the permit have been replaced, as they may be once the API has
// refused them. It waits for a refresh that is under way, at most as long as an attempt may take.
func (p *Permit) HasNewCredentials(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, p.client.cfg.Timeout)
	defer cancel()
	fresh, err := p.client.cfg.Credentials.Credentials(ctx)
	return err == nil && fresh != p.creds
}
