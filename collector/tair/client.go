package tair

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	"tair_ssl_exporter/collector/tair/creds"
)

// ClientConfig describes the API of one region to one account.
type ClientConfig struct {
	Region      string
	Endpoint    string // overrides the endpoint table: host, host:port or http(s)://host:port
	Network     string // NetworkPublic (default) or NetworkVPC
	Credentials creds.Provider

	Timeout     time.Duration // of one HTTP attempt
	Attempts    int           // tries of a call, the first included
	Concurrency int           // requests in flight at most; listings have one more of their own
	QPS         float64       // requests a second at most

	UserAgent string
	Observer  Observer // hears of every attempt; may be nil

	Now         func() time.Time                                                  // nil: time.Now; the date of requests
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error) // nil: the network
}

// Observer hears what a client does. Its methods are called from many goroutines and must not block.
type Observer interface {
	// Attempted is called when one HTTP request has ended.
	Attempted(Attempt)
	// Waited is called with the time that a request has waited for the rate limit.
	Waited(time.Duration)
}

// noopObserver is the Observer of a client that has none.
type noopObserver struct{}

func (noopObserver) Attempted(Attempt)    {}
func (noopObserver) Waited(time.Duration) {}

// Attempt is one HTTP request that has ended.
type Attempt struct {
	Action string
	Code   string // "OK", else the API's code, else the reason
	Reason Reason // "" when it was answered
	Took   time.Duration
}

// Client asks the API of one region for one account. It is safe for concurrent use.
type Client struct {
	cfg      ClientConfig
	url      url.URL // of the API, without a query
	requests *lane   // of DescribeInstanceSSL
	listings *lane   // of everything else, so that a slow or throttled listing delays no scrape
	closed   atomic.Bool
}

// NewClient returns a client; it opens no connection. The error names the field of cfg that is not usable.
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
		cfg.Observer = noopObserver{}
	}
	if cfg.DialContext == nil {
		cfg.DialContext = (&net.Dialer{Timeout: cfg.Timeout, KeepAlive: 30 * time.Second}).DialContext
	}
	requests, listings := newLane(cfg, cfg.Concurrency), newLane(cfg, 1)
	listings.shared = requests.limiter
	return &Client{
		cfg:      cfg,
		url:      url.URL{Scheme: scheme, Host: host, Path: "/"},
		requests: requests,
		listings: listings,
	}, nil
}

// URL is the address of the API, as http(s)://host or http(s)://host:port.
func (c *Client) URL() string { return c.url.Scheme + "://" + c.url.Host }

// QPS is the limit in force, in requests a second: the configured one, lowered while the API throttles
// DescribeInstanceSSL.
func (c *Client) QPS() float64 { return c.requests.limiter.qps() }

// Attempts is how often a request is sent at most, the first time included.
func (c *Client) Attempts() int { return c.cfg.Attempts }

// Close ends the connections: the idle ones at once, the others when their requests have ended. A scrape under way may
// still use the client.
func (c *Client) Close() {
	c.closed.Store(true)
	c.requests.transport.CloseIdleConnections()
	c.listings.transport.CloseIdleConnections()
}
