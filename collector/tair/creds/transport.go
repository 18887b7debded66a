package creds

import (
	"errors"
	"net/http"
	"net/url"
	"time"
)

// metadataService is the ECS metadata service, a fixed address in the library.
const metadataService = "100.100.100.200"

// NewTransport returns the transport that credentials-go has to find in http.DefaultTransport: the library clones that for
// each request and takes no other. It follows no redirect, which would carry a token to another host, asks the metadata
// service through no proxy, expands no compressed answer and keeps no connection.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  proxies(http.ProxyFromEnvironment),
		DisableKeepAlives:      true,
		DisableCompression:     true,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// proxies returns a function for http.Transport.Proxy, which is called for each request, those of redirects too.
func proxies(environment func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		switch {
		case r.Response != nil:
			return nil, errors.New("redirects are not followed")
		case r.URL.Hostname() == metadataService:
			return nil, nil
		}
		return environment(r)
	}
}
