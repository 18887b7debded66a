package tair

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"tair_ssl_exporter/collector/tair/creds"
)

const (
	maxBody      = 1 << 20
	maxHeader    = 64 << 10
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 2 * time.Second
)

// request is a request to the API, which may take several attempts.
type request struct {
	action string
	id     string                  // the instance ID, for the report of an attempt
	query  string                  // canonical: see canonicalQuery
	decode func(body []byte) error // reads the body of a 200 OK
}

// call sends a request on a lane until it succeeds, fails for good or has no attempt left. When ctx ends between two
// attempts, the error is the one of the last attempt.
func (c *Client) call(ctx context.Context, l *lane, r request) error {
	var last *Error
	for n := 1; ; n++ {
		permit, err := c.admit(ctx, l)
		switch {
		case err != nil && last != nil:
			return last // why the attempt failed says more than why there is no other
		case err != nil:
			return err
		}
		last = permit.send(ctx, r)
		again := last != nil && (last.Transient() || last.RefusesCredentials() && permit.HasNewCredentials(ctx))
		permit.Release()
		switch {
		case last == nil:
			return nil
		case n == c.cfg.Attempts || !again || sleep(ctx, Backoff(n)) != nil:
			return last
		}
	}
}

// attempt sends one request and reports it to the observer.
func (c *Client) attempt(ctx context.Context, r request, creds creds.Credentials) *Error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	began := time.Now()
	failure, body := c.exchange(ctx, r, creds)
	if c.closed.Load() {
		c.transport.CloseIdleConnections() // this connection has just become idle
	}
	report := Attempt{Action: r.action, InstanceID: r.id, Code: "OK", Took: time.Since(began), body: body}
	if failure != nil {
		report.Code, report.Reason = cmp.Or(failure.Code, string(failure.Reason)), failure.Reason
	}
	c.cfg.Observer.Attempted(report)
	return failure
}

// exchange sends one request and reads its answer, whose body it returns too. When the other side has closed a kept-alive
// connection, it sends the request once more on another connection: net/http does not send a POST again, and the nonce must
// be a new one.
func (c *Client) exchange(ctx context.Context, r request, creds creds.Credentials) (failure *Error, body []byte) {
	got, reusedDead, err := c.send(ctx, r, creds)
	if err != nil && reusedDead {
		c.transport.CloseIdleConnections() // they may be dead too
		if ctx.Err() == nil {
			got, _, err = c.send(ctx, r, creds)
		}
	}
	if err != nil && bytes.HasPrefix(got.body, []byte("{")) && json.Valid(got.body) {
		err = nil // all of it is there: only the connection has ended in an odd way
	}
	switch {
	case err != nil:
		return transportError(got.status, err), nil
	case got.status != http.StatusOK:
		return decodeError(got), got.body
	case len(got.body) > maxBody:
		return &Error{Reason: ReasonInvalidResponse, Status: got.status, Detail: "the body is over 1 MiB"}, nil
	}
	if err := r.decode(got.body); err != nil {
		_, requestID, _ := codeAndRequestID(got.body)
		return &Error{Reason: ReasonInvalidResponse, Status: got.status, RequestID: requestID, Detail: err.Error()}, got.body
	}
	return nil, got.body
}

// response is an HTTP answer.
type response struct {
	status int
	body   []byte        // at most one byte over maxBody
	ahead  time.Duration // how far this machine's clock is ahead of the API's; 0 when the answer has no date
}

// send does one HTTP request. reusedDead is true when it failed on a kept-alive connection before the first byte of an
// answer.
func (c *Client) send(ctx context.Context, r request, creds creds.Credentials) (got response, reusedDead bool, err error) {
	var reused, answered atomic.Bool // the hooks run on goroutines of the transport
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:              func(i httptrace.GotConnInfo) { reused.Store(i.Reused) },
		GotFirstResponseByte: func() { answered.Store(true) },
	})
	target := c.url
	target.RawQuery = r.query
	now := c.cfg.Now()
	req := (&http.Request{
		Method: http.MethodPost,
		URL:    &target,
		Header: signed(attempt{host: target.Host, action: r.action, query: r.query, nonce: rand.Text(), date: now}, creds),
	}).WithContext(traced)
	req.Header["User-Agent"] = []string{c.cfg.UserAgent}

	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return response{}, reused.Load() && !answered.Load(), err
	}
	defer func() { _ = resp.Body.Close() }()
	got.status = resp.StatusCode
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		got.ahead = now.Sub(date)
	}
	if n := resp.ContentLength; n >= 0 && n <= maxBody {
		body := make([]byte, n)
		var read int
		read, err = io.ReadFull(resp.Body, body)
		got.body = body[:read]
	} else {
		got.body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	}
	return got, false, err
}

// transportError returns the error for a request without a complete answer. Status is 0 when there was none at all.
func transportError(status int, err error) *Error {
	var slow net.Error
	if errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &slow) && slow.Timeout()) {
		return &Error{Reason: ReasonTimeout, Status: status, Detail: "no complete answer in time"}
	}
	if strings.Contains(err.Error(), "server response headers exceeded") {
		return &Error{Reason: ReasonInvalidResponse, Status: status, Detail: "the header is over 64 KiB"}
	}
	detail, _, _ := strings.Cut(err.Error(), `"`) // net/http quotes what the other side sent
	return &Error{Reason: ReasonNetwork, Status: status, Detail: strings.TrimRight(detail, ": ")}
}

// Backoff returns the wait between attempt n (from 1) and the next: a random part of 100 ms, which doubles with each
// attempt up to 2 s. So requests that fail together are not sent again together.
func Backoff(n int) time.Duration {
	return mathrand.N(min(maxBackoff, firstBackoff<<min(n-1, 10))) //nolint:gosec // jitter is no secret
}
