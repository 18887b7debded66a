package tair

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"tair_ssl_exporter/collector/tair/creds"
)

// ClientConfig holds the settings of a client for one region of one account.
type ClientConfig struct {
	Region      string
	Endpoint    string // overrides the endpoint table: host, host:port or http(s)://host:port
	Network     string // NetworkPublic (default) or NetworkVPC
	Credentials creds.Provider

	Timeout     time.Duration // of one HTTP request
	Attempts    int           // the most requests for one call, the first included
	Concurrency int           // the most DescribeInstanceSSL requests in flight; listings have one more
	QPS         float64       // the most requests in a second, of all kinds together

	UserAgent string
	Observer  Observer // nil: none

	Now         func() time.Time                                                  // the date of requests; nil: time.Now
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error) // nil: a net.Dialer
}

// Observer receives reports of what a client does. Its methods are called from many goroutines and must not block.
type Observer interface {
	// Attempted is called at the end of each attempt.
	Attempted(Attempt)
	// Waited is called with the time for which a request has waited for the rate limit.
	Waited(time.Duration)
}

// noopObserver is the Observer of a client that has none.
type noopObserver struct{}

func (noopObserver) Attempted(Attempt)    {}
func (noopObserver) Waited(time.Duration) {}

// Attempt describes one request to the API that has ended.
type Attempt struct {
	Action     string
	InstanceID string // of DescribeInstanceSSL
	Code       string // "OK", else the API's code, else the reason
	Reason     Reason // "" when the answer was 200 OK and valid
	Took       time.Duration

	body []byte // of the answer
}

// RequestID returns the cloud's ID of the request, or "".
func (a Attempt) RequestID() string {
	_, id, _ := codeAndRequestID(a.body)
	return id
}

// Client calls the API of one region with the credentials of one account. It is safe for concurrent use.
type Client struct {
	cfg       ClientConfig
	url       url.URL // of the API, without a query
	transport *http.Transport
	requests  *lane // of DescribeInstanceSSL
	events    *lane // of DescribeActiveOperationTasks, so that it delays no listing
	listings  *lane // of the other operations, so that a slow or throttled listing delays no scrape
	closed    atomic.Bool
}

// NewClient returns a client. It opens no connection. The error names the field of cfg that is missing or wrong.
func NewClient(cfg ClientConfig) (*Client, error) {
	switch {
	case cfg.Region == "":
		return nil, errors.New("region is missing")
	case cfg.Credentials == nil:
		return nil, errors.New("credentials are missing")
	case cfg.Timeout <= 0, cfg.Attempts < 1, cfg.Concurrency < 1, cfg.QPS <= 0:
		return nil, errors.New("timeout, attempts, concurrency and qps must be positive")
	}
	address, err := Endpoint(cfg.Region, cfg.Network, cfg.Endpoint)
	if err != nil {
		return nil, err
	}
	scheme, host, _ := strings.Cut(address, "://")
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Observer == nil {
		cfg.Observer = noopObserver{}
	}
	if cfg.DialContext == nil {
		cfg.DialContext = (&net.Dialer{Timeout: cfg.Timeout, KeepAlive: 30 * time.Second}).DialContext
	}
	requests, listings, events := newLane(cfg.QPS, cfg.Concurrency), newLane(cfg.QPS, 1), newLane(cfg.QPS, 1)
	listings.shared, events.shared = requests.limiter, requests.limiter
	return &Client{
		cfg:       cfg,
		url:       url.URL{Scheme: scheme, Host: host, Path: "/"},
		transport: newTransport(cfg),
		requests:  requests,
		listings:  listings,
		events:    events,
	}, nil
}

// URL returns the address of the API, as http(s)://host or http(s)://host:port.
func (c *Client) URL() string { return c.url.Scheme + "://" + c.url.Host }

// QPS returns the rate limit in force, in requests a second. It is below the configured one after the API has throttled
// DescribeInstanceSSL.
func (c *Client) QPS() float64 { return c.requests.limiter.qps() }

// Attempts returns ClientConfig.Attempts, the most requests for one call.
func (c *Client) Attempts() int { return c.cfg.Attempts }

// Close closes the idle connections at once and the others at the end of their requests. A scrape under way may still use
// the client.
func (c *Client) Close() {
	c.closed.Store(true)
	c.transport.CloseIdleConnections()
}
