package tair

import (
	"math"
	"net/http"
	"time"
)

const (
	// bufferSize is that of a connection, for reading and for writing. Most requests and answers fit. An exporter of many
	// accounts has thousands of connections.
	bufferSize = 2 << 10
	// slowAnswer is how long an answer may take so that connections are kept for all that the rate allows in that time.
	slowAnswer = 0.5 // seconds
)

// newTransport returns the connections of a client. It is used without a http.Client, which follows redirects and so sends
// the security token to another host.
func newTransport(cfg ClientConfig) *http.Transport {
	idle := min(cfg.Concurrency, int(math.Ceil(cfg.QPS*slowAnswer))) + 1 // and one for listings
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            cfg.DialContext,
		TLSHandshakeTimeout:    cfg.Timeout,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConns:           idle,
		MaxIdleConnsPerHost:    idle,
		MaxResponseHeaderBytes: maxHeader,
		ReadBufferSize:         bufferSize,
		WriteBufferSize:        bufferSize,
		DisableCompression:     true, // a body is cut at its size on the wire
	}
}
