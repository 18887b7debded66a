package tair

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"tair_ssl_exporter/collector/tair/creds"
)

const (
	maxBody      = 1 << 20
	maxHeader    = 64 << 10
	firstBackoff = 100 * time.Millisecond // doubled for each further attempt; the wait is a random part of it
	maxBackoff   = 2 * time.Second
)

// ClientConfig describes the API of one region to one account.
type ClientConfig struct {
	Region      string
	Endpoint    string // overrides the endpoint table: host, host:port or http(s)://host:port
	Network     string // NetworkPublic (default) or NetworkVPC
	Credentials creds.Provider

	Timeout     time.Duration // of one HTTP attempt
	Attempts    int           // tries of a call, the first included
	Concurrency int           // requests in flight at most; calls that list have one more to themselves
	QPS         float64       // requests a second at most

	UserAgent string
	Observer  Observer // told of what the client does; may be nil

	Now         func() time.Time                                                  // nil: time.Now; what requests are dated with
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error) // nil: the network
}

// Observer is told what a client does. Its methods are called from many goroutines and must not block.
type Observer interface {
	// Attempted is called when one HTTP request has ended.
	Attempted(Attempt)
	// Waited is called with the time that a request has waited for the rate limit.
	Waited(time.Duration)
}

// Attempt is one HTTP request that has ended.
type Attempt struct {
	Action string
	Code   string // "OK", else the API's code, else the reason
	Reason Reason // "" when it was answered
	Took   time.Duration
}

// Client asks the API of one region for one account. It is safe for concurrent use.
type Client struct {
	cfg     ClientConfig
	region  string
	url     url.URL // of the API, without a query
	asking  *lane
	listing *lane // beside the other, so that a listing that is slow or throttled keeps nothing else waiting
	closed  atomic.Bool
}

// lane is the way of one kind of calls to the API.
type lane struct {
	slots   chan struct{} // one for each request that may be in flight
	limiter *limiter
	also    *limiter // counts these calls as well; nil: none
	// Requests go to the transport itself: a http.Client would follow redirects, and with them carry the security
	// token to another host.
	transport *http.Transport
}

// NewClient gives a client; it makes no connection. The error tells which field of cfg is not usable.
func NewClient(cfg ClientConfig) (*Client, error) {
	switch {
	case cfg.Region == "":
		return nil, errors.New("region is missing")
	case cfg.Credentials == nil:
		return nil, errors.New("credentials are missing")
	case cfg.Timeout <= 0, cfg.Attempts < 1, cfg.Concurrency < 1, cfg.QPS <= 0:
		return nil, errors.New("timeout, attempts, concurrency and qps must be positive")
	}
	scheme, host, err := endpoint(cfg.Region, cfg.Network, cfg.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("region %s: %w", cfg.Region, err)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Observer == nil {
		cfg.Observer = nobody{}
	}
	if cfg.DialContext == nil {
		cfg.DialContext = (&net.Dialer{Timeout: cfg.Timeout, KeepAlive: 30 * time.Second}).DialContext
	}
	asking, listing := newLane(cfg, cfg.Concurrency), newLane(cfg, 1)
	listing.also = asking.limiter // the rate holds for everything together
	return &Client{
		cfg:     cfg,
		region:  cfg.Region,
		url:     url.URL{Scheme: scheme, Host: host, Path: "/"},
		asking:  asking,
		listing: listing,
	}, nil
}

// newLane gives a lane for that many requests in flight, and connections.
func newLane(cfg ClientConfig, concurrency int) *lane {
	return &lane{
		slots:   make(chan struct{}, concurrency),
		limiter: newLimiter(cfg.QPS),
		transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            cfg.DialContext,
			TLSHandshakeTimeout:    cfg.Timeout,
			IdleConnTimeout:        90 * time.Second,
			MaxIdleConns:           concurrency,
			MaxIdleConnsPerHost:    concurrency,
			MaxConnsPerHost:        concurrency,
			MaxResponseHeaderBytes: maxHeader,
			DisableCompression:     true, // a body is cut at its size on the wire
		},
	}
}

// URL is what the client asks, as http(s)://host or http(s)://host:port.
func (c *Client) URL() string { return c.url.Scheme + "://" + c.url.Host }

// QPS is the limit in force, in requests a second: the configured one, lowered while the API throttles
// DescribeInstanceSSL.
func (c *Client) QPS() float64 { return c.asking.limiter.qps() }

// Close ends the connections: the idle ones at once, the others when their requests have ended. A scrape under way may
// still ask.
func (c *Client) Close() {
	c.closed.Store(true)
	c.asking.transport.CloseIdleConnections()
	c.listing.transport.CloseIdleConnections()
}

// call is one question to the API, whatever number of attempts it takes.
type call struct {
	action string
	lists  bool // goes by the lane for listing
	params []param
	sent   func()                                          // told before each attempt; may be nil
	decode func(body []byte) (requestID string, err error) // reads the body of a 200 OK
}

// call asks until there is an answer, an error that stays or no attempt left.
func (c *Client) call(ctx context.Context, q call) error {
	query := canonicalQuery(q.params)
	lane := c.asking
	if q.lists {
		lane = c.listing
	}
	var last *Error
	renewed := false // other credentials have been tried after the API refused the first
	for n := 1; ; n++ {
		key, err := c.admit(ctx, lane)
		switch {
		case err != nil && last != nil:
			return last // what was learned weighs more than that there was no time to learn more
		case err != nil:
			return err
		}
		if q.sent != nil {
			q.sent()
		}
		last = c.attempt(lane, q, query, key)
		lane.limiter.learn(last)
		<-lane.slots
		switch {
		case last == nil:
			return nil
		case last.AccountWide():
			c.cfg.Credentials.Reject(key)
			if n == c.cfg.Attempts || renewed || !c.hasOther(ctx, key) {
				return last
			}
			renewed = true
		case n == c.cfg.Attempts || !last.retryable():
			return last
		default:
			if err := sleep(ctx, backoff(n)); err != nil {
				return last
			}
		}
	}
}

// hasOther reports whether there are credentials now that differ from those the API did not take.
func (c *Client) hasOther(ctx context.Context, refused creds.Credentials) bool {
	fresh, err := c.cfg.Credentials.Credentials(ctx)
	return err == nil && fresh != refused
}

// admit waits under ctx until a request may be sent, and gives what to sign it with. Without an error the caller holds
// one of the lane's slots.
func (c *Client) admit(ctx context.Context, l *lane) (key creds.Credentials, err error) {
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return key, fmt.Errorf("%w: waiting for a slot: %w", ErrNotSent, context.Cause(ctx))
	}
	defer func() {
		if err != nil {
			<-l.slots
		}
	}()
	began := time.Now()
	err = l.limiter.wait(ctx)
	if err == nil && l.also != nil {
		err = l.also.wait(ctx)
	}
	c.cfg.Observer.Waited(time.Since(began))
	if err != nil {
		return key, fmt.Errorf("%w: waiting for the rate limit: %w", ErrNotSent, err)
	}
	key, err = c.cfg.Credentials.Credentials(ctx)
	var failed *creds.Error
	switch {
	case err == nil:
		return key, nil
	case errors.As(err, &failed):
		return key, &Error{
			Reason: ReasonCredentials, Code: failed.Code, RequestID: failed.RequestID, Detail: failed.Error(),
		}
	default:
		return key, fmt.Errorf("%w: waiting for credentials: %w", ErrNotSent, err)
	}
}

// attempt sends one request and reads its answer. It knows nothing of the caller's context, so that no answer the
// quota was spent on is lost; it ends by its own timeout.
func (c *Client) attempt(l *lane, q call, query string, key creds.Credentials) *Error {
	ctx, cancel := context.WithTimeout(context.Background(), c.cfg.Timeout)
	defer cancel()
	began := time.Now()
	failed := c.exchange(ctx, l, q, query, key)
	if c.closed.Load() {
		l.transport.CloseIdleConnections() // the one that has just become idle
	}
	report := Attempt{Action: q.action, Code: "OK", Took: time.Since(began)}
	if failed != nil {
		report.Code, report.Reason = cmp.Or(failed.Code, string(failed.Reason)), failed.Reason
	}
	c.cfg.Observer.Attempted(report)
	return failed
}

// exchange is one request and its answer. A kept-alive connection that the other side had closed meanwhile is
// replaced once: net/http does not send a POST again, and a fresh nonce is needed anyway.
func (c *Client) exchange(ctx context.Context, l *lane, q call, query string, key creds.Credentials) *Error {
	status, body, reusedDead, err := c.send(ctx, l.transport, q.action, query, key)
	if err != nil && reusedDead && ctx.Err() == nil {
		status, body, _, err = c.send(ctx, l.transport, q.action, query, key)
	}
	switch {
	case err != nil:
		return transportError(status, err)
	case status != http.StatusOK:
		return decodeError(status, body)
	case len(body) > maxBody:
		return &Error{Reason: ReasonInvalidResponse, Status: status, Detail: "the body is over 1 MiB"}
	}
	requestID, err := q.decode(body)
	if err != nil {
		return &Error{Reason: ReasonInvalidResponse, Status: status, RequestID: requestID, Detail: err.Error()}
	}
	return nil
}

// send does one HTTP request. The body may be one byte over maxBody, no more. reusedDead: it failed on a kept-alive
// connection before the first byte of an answer.
func (c *Client) send(ctx context.Context, transport *http.Transport, action, query string, key creds.Credentials) (status int, body []byte, reusedDead bool, err error) {
	var reused, answered atomic.Bool // the hooks run on goroutines of the transport
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:              func(i httptrace.GotConnInfo) { reused.Store(i.Reused) },
		GotFirstResponseByte: func() { answered.Store(true) },
	})
	target := c.url
	target.RawQuery = query
	req := (&http.Request{
		Method: http.MethodPost,
		URL:    &target,
		Header: signed(attempt{host: target.Host, action: action, query: query, nonce: rand.Text(), date: c.cfg.Now()}, key),
	}).WithContext(traced)
	req.Header["User-Agent"] = []string{c.cfg.UserAgent}

	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, nil, reused.Load() && !answered.Load(), err
	}
	defer func() { _ = resp.Body.Close() }()
	if n := resp.ContentLength; n >= 0 && n <= maxBody {
		body = make([]byte, n)
		_, err = io.ReadFull(resp.Body, body)
	} else {
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	}
	return resp.StatusCode, body, false, err
}

// transportError tells a timeout from a broken connection.
func transportError(status int, err error) *Error {
	var slow net.Error
	if errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &slow) && slow.Timeout()) {
		return &Error{Reason: ReasonTimeout, Status: status, Detail: "no complete answer in time"}
	}
	detail, _, _ := strings.Cut(err.Error(), `"`) // what net/http quotes came from the other side
	return &Error{Reason: ReasonNetwork, Status: status, Detail: strings.TrimRight(detail, ": ")}
}

// backoff is the wait after attempt n, with full jitter: any part of a doubling time, so that calls which failed
// together do not come back together.
func backoff(n int) time.Duration {
	return mathrand.N(min(maxBackoff, firstBackoff<<min(n-1, 10))) //nolint:gosec // jitter is no secret
}

// nobody is the Observer of a client that has none.
type nobody struct{}

func (nobody) Attempted(Attempt)    {}
func (nobody) Waited(time.Duration) {}
