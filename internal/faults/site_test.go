//go:build linux

package faults

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
	"tair_ssl_exporter/internal/apptest"
)

var expiresAt = time.Date(2035, 5, 1, 0, 0, 0, 0, time.UTC)

// site is a cell of the matrix: an account with an API of its own, a fault, and the instances that it concerns.
type site struct {
	fault
	spread
	account string
	ids     []string
	gateway *gateway
	keyN    atomic.Int64 // how often the key has been rotated
	noKeys  atomic.Bool  // the service of keys is down
	service *httptest.Server
	dir     string // of the files of keys
	end     func() // of a fault with a start
}

func newSite(t *testing.T, n int, f fault, s spread) *site {
	t.Helper()
	c := &site{fault: f, spread: s, account: fmt.Sprintf("account-%d", n), dir: t.TempDir()}
	for i := range s.instances {
		c.ids = append(c.ids, fmt.Sprintf("r-bp1site%dx%02d", n, i))
	}
	c.gateway = newGateway(t, apiOf(c), f.https)
	c.service = httptest.NewServer(http.HandlerFunc(c.serveKey))
	t.Cleanup(c.service.Close)
	proxy.route(net.JoinHostPort(proxiedHost, c.port()), c.gateway.address)
	c.writeKey(t)
	return c
}

func (s *site) port() string {
	_, port, _ := net.SplitHostPort(s.gateway.address)
	return port
}

// key is the key that the API accepts.
func (s *site) key() tairtest.Key {
	return tairtest.Key{
		Account: s.account, AccessKeyID: fmt.Sprintf("LTAI%s-%d", s.account, s.keyN.Load()), AccessKeySecret: "secret-of-" + s.account,
		SecurityToken: map[string]string{"uri": "token-of-" + s.account}[s.keys],
	}
}

// serveKey is the service of a credentials URI.
func (s *site) serveKey(w http.ResponseWriter, _ *http.Request) {
	if s.noKeys.Load() {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{
		"AccessKeyId": s.key().AccessKeyID, "AccessKeySecret": s.key().AccessKeySecret, "SecurityToken": s.key().SecurityToken,
		"Expiration": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
	})
}

func (s *site) writeKey(t *testing.T) {
	apptest.Write(t, filepath.Join(s.dir, "id"), s.key().AccessKeyID)
	apptest.Write(t, filepath.Join(s.dir, "secret"), s.key().AccessKeySecret)
}

// rotate replaces the key.
func (s *site) rotate(t *testing.T) {
	old := s.key()
	s.keyN.Add(1)
	s.writeKey(t)
	s.gateway.api.SetKey(s.key())
	s.gateway.api.RevokeKey(old.AccessKeyID)
}

// config is the account in the configuration file.
func (s *site) config() string {
	credentials := fmt.Sprintf("{type: access_key, access_key_id: %s, access_key_secret: %s}", s.key().AccessKeyID, s.key().AccessKeySecret)
	switch s.keys {
	case "uri":
		credentials = fmt.Sprintf("{type: credentials_uri, url: %q}", s.service.URL)
	case "files":
		credentials = fmt.Sprintf("{type: access_key, access_key_id_file: %s/id, access_key_secret_file: %s/secret}", s.dir, s.dir)
	}
	scheme, host := "http", "127.0.0.1"
	if s.https {
		scheme = "https"
	}
	if s.host != "" {
		host = s.host
	}
	return fmt.Sprintf("  - {name: %s, credentials: %s, endpoint: \"%s://%s:%s\", region: cn-hangzhou, instances: [%s]}\n",
		s.account, credentials, scheme, host, s.port(), strings.Join(s.ids, ", "))
}

// fail sets in the fault.
func (s *site) fail(t *testing.T) {
	s.gateway.n.Store(0)
	switch {
	case s.start != nil:
		s.end = s.start(t, s)
		return
	case s.serve != nil:
		s.gateway.broken.Store(&breaking{hits: s.hits, serve: func(w http.ResponseWriter, r *http.Request) { s.serve(s.gateway, w, r) }})
		return
	case s.accept != nil:
		s.gateway.server.SetKeepAlivesEnabled(false) // each request has a connection of its own
		s.gateway.broken.Store(&breaking{hits: s.hits, accept: s.accept})
	default:
		s.gateway.broken.Store(&breaking{cert: &foreign})
	}
	s.gateway.closeConns()
}

func (s *site) heal() {
	s.gateway.server.SetKeepAlivesEnabled(true)
	s.gateway.broken.Store(nil)
	if s.end != nil {
		s.end()
	}
}

// check compares what a scrape shows of the site with what is right while the fault lasts.
func (s *site) check(t *testing.T, p page) {
	t.Helper()
	failed := 0
	for _, id := range s.ids {
		got := p[id]
		concerned := s.spread.name == "30 % of 50" || s.hits(id, 0) // of the 30 %, any one
		expires := expiresAt
		switch {
		case got.success && concerned && !s.expires.IsZero() && got.expires != float64(expiresAt.Unix()):
			expires = s.expires
		case got.success && (!concerned || s.spread.name == "30 % of 50" || strings.HasPrefix(s.want, "ok")):
		case got.success:
			t.Errorf("%s, %s: %s is read", s.fault.name, s.spread.name, id)
		default:
			failed++
			if !concerned || !strings.Contains(" "+s.want+" ", " "+got.reason+" ") {
				t.Errorf("%s, %s: %s has %q, want %s", s.fault.name, s.spread.name, id, got.reason, s.want)
			}
		}
		if got.expires != float64(expires.Unix()) { // the answer of before is kept
			t.Errorf("%s, %s: %s expires at %v, want %v", s.fault.name, s.spread.name, id, got.expires, expires.Unix())
		}
	}
	if failed == 0 && !strings.HasPrefix(s.want, "ok") {
		t.Errorf("%s, %s: nothing fails", s.fault.name, s.spread.name)
	}
}

// checkWhole wants every instance to be read, with its own answer.
func (s *site) checkWhole(t *testing.T, when string, p page) {
	t.Helper()
	for _, id := range s.ids {
		if got := p[id]; !got.success || got.expires != float64(expiresAt.Unix()) {
			t.Errorf("%s, %s: %s %s: %+v", s.fault.name, s.spread.name, id, when, got)
		}
	}
}
