//go:build linux

package faults

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
)

// fault is one way to fail, and what the exporter makes of it.
type fault struct {
	name    string
	want    string // the reasons that are right, with spaces between; "ok" when the answer has to come all the same
	expires time.Time
	https   bool   // the endpoint has TLS
	host    string // of the endpoint, instead of 127.0.0.1
	keys    string // the credentials: "" an access key, "uri", "files"

	serve  func(g *gateway, w http.ResponseWriter, r *http.Request) // for requests
	accept func(conn net.Conn)                                      // for connections
	start  func(t *testing.T, s *site) (end func())                 // for anything else
}

// text is a fault that answers with a status and a body, in which ID is the instance.
func text(name, want string, status int, contentType, body string) fault {
	return fault{name: name, want: want, serve: func(_ *gateway, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.ReplaceAll(body, "ID", r.URL.Query().Get("InstanceId")))
	}}
}

func faults() []fault {
	const (
		jsonType = "application/json"
		invalid  = "invalid_response"
		enabled  = `{"InstanceId":"ID","SSLEnabled":"Enable"`
	)
	apiError := func(name, want string, status int, code string) fault {
		return text(name, want, status, jsonType, `{"RequestId":"1-2","Code":"`+code+`","Message":"m"}`)
	}
	answer := func(name, body string) fault { return text(name, invalid, 200, jsonType, body) }
	serve := func(name, want string, serve func(g *gateway, w http.ResponseWriter, r *http.Request)) fault {
		return fault{name: name, want: want, serve: serve}
	}
	endless := func(w io.Writer) { _, _ = io.Copy(w, io.LimitReader(spaces{}, 512<<20)) }
	var bomb bytes.Buffer // 16 MiB
	z := gzip.NewWriter(&bomb)
	_, _ = io.Copy(z, io.LimitReader(spaces{}, 16<<20))
	_ = z.Close()
	year9999 := text("date in 9999", "ok", 200, jsonType, enabled+`,"SSLExpiredTime":"9999-12-31T23:59:59Z"}`)
	year9999.expires = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	return []fault{
		apiError("throttled 400", "throttled", 400, "Throttling.User"),
		apiError("throttled 429", "throttled", 429, "Throttling.Api"),
		apiError("500", "server", 500, "InternalError"),
		apiError("503", "server", 503, "ServiceUnavailable"),
		apiError("forbidden", "forbidden", 403, "Forbidden.RAM"),
		text("HTML 502", "server", 502, "text/html", "<html>Bad Gateway</html>"),
		text("HTML 200", invalid, 200, "text/html", "<html>captive portal</html>"),
		text("XML", invalid, 200, "text/xml", "<Response><InstanceId>ID</InstanceId></Response>"),
		answer("empty", ""), answer("null", "null"), answer("wrong types", `{"InstanceId":"ID","SSLEnabled":true}`),
		answer("another instance", `{"InstanceId":"r-bp1another","SSLEnabled":"Disable"}`),
		answer("unknown SSLEnabled", `{"InstanceId":"ID","SSLEnabled":"Perhaps","SSLExpiredTime":"2030-01-01T00:00:00Z"}`),
		answer("missing date", enabled+`}`), answer("unreadable date", enabled+`,"SSLExpiredTime":"soon"}`),
		answer("date in 1970", enabled+`,"SSLExpiredTime":"1970-01-01T00:00:00Z"}`), year9999,
		serve("truncated", "network", func(_ *gateway, w http.ResponseWriter, _ *http.Request) {
			conn := hijack(w)
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"InstanceId\"")
			_ = conn.Close()
		}),
		serve("reset", "network", func(_ *gateway, w http.ResponseWriter, _ *http.Request) { reset(hijack(w)) }),
		serve("redirect to another host", invalid, func(_ *gateway, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+foreignHost+"/", http.StatusTemporaryRedirect)
		}),
		serve("one byte a second", "timeout", func(g *gateway, w http.ResponseWriter, _ *http.Request) { g.drip(w, enabled) }),
		serve("silent", "timeout", func(g *gateway, w http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-g.ended:
			}
		}),
		serve("512 MB", invalid, func(_ *gateway, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(512<<20))
			endless(w)
		}),
		serve("endless chunks", invalid, func(_ *gateway, w http.ResponseWriter, _ *http.Request) { endless(w) }),
		serve("endless header", invalid, func(_ *gateway, w http.ResponseWriter, _ *http.Request) {
			conn := hijack(w)
			defer conn.Close()
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nA: ")
			endless(conn)
		}),
		serve("gzip bomb", invalid, func(_ *gateway, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		}),
		{name: "half-closed keep-alive", want: "ok", start: func(_ *testing.T, s *site) func() {
			s.gateway.conns.Range(func(conn, _ any) bool {
				_ = conn.(*net.TCPConn).CloseWrite()
				return true
			})
			return func() {}
		}},
		{name: "connection reset", want: "network", accept: reset},
		{name: "refused", want: "network", start: func(t *testing.T, s *site) func() {
			_ = s.gateway.listener.Close()
			s.gateway.closeConns()
			return func() { s.gateway.listen(t, s.gateway.address) }
		}},
		{name: "silent TLS peer", want: "timeout", https: true, accept: func(net.Conn) {}},
		{name: "certificate not trusted", want: "network", https: true},
		{name: "no name server", want: "network", https: true, host: resolvedHost, start: func(_ *testing.T, s *site) func() {
			noDNS.Store(true)
			s.gateway.closeConns()
			return func() { noDNS.Store(false) }
		}},
		{name: "proxy refuses", want: "network", https: true, host: proxiedHost, start: func(_ *testing.T, s *site) func() {
			host := net.JoinHostPort(proxiedHost, s.port())
			proxy.route(host, "")
			s.gateway.closeConns()
			return func() { proxy.route(host, s.gateway.address) }
		}},
		{name: "clock off by an hour", want: "unauthorized", start: func(_ *testing.T, s *site) func() {
			s.gateway.api.SetClockOffset(time.Hour)
			return func() { s.gateway.api.SetClockOffset(0) }
		}},
		{name: "credentials refused", want: "unauthorized", start: func(_ *testing.T, s *site) func() {
			s.gateway.api.RevokeKey(s.key().AccessKeyID)
			return func() { s.gateway.api.SetKey(s.key()) }
		}},
		{name: "credentials expire", want: "ok unauthorized", keys: "uri", start: func(t *testing.T, s *site) func() {
			s.rotate(t)
			return func() {}
		}},
		{name: "credentials rotated", want: "ok unauthorized", keys: "files", start: func(t *testing.T, s *site) func() {
			s.rotate(t)
			return func() {}
		}},
		{name: "token service down", want: "credentials unauthorized", keys: "uri", start: func(t *testing.T, s *site) func() {
			s.noKeys.Store(true)
			s.rotate(t)
			return func() { s.noKeys.Store(false) }
		}},
	}
}

const foreignHost = "attacker.test"

// spaces is an endless text.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// spread is which instances of a site a fault concerns.
type spread struct {
	name      string
	instances int
	hits      func(id string, n int64) bool
}

func spreads() []spread {
	return []spread{
		{"alone", 1, func(string, int64) bool { return true }},
		{"1 of 50", 50, func(id string, _ int64) bool { return strings.HasSuffix(id, "x00") }},
		{"all of 50", 50, func(string, int64) bool { return true }},
		{"30 % of 50", 50, func(_ string, n int64) bool { return n%10 < 3 }},
	}
}

// apiOf returns a fake API that knows the instances of a site.
func apiOf(s *site) *tairtest.API {
	api := tairtest.New(tairtest.Options{Keys: []tairtest.Key{s.key()}, KeepRequests: 10})
	for _, id := range s.ids {
		api.SetInstance(tairtest.Instance{ID: id, Region: "cn-hangzhou", SSLEnabled: "Enable", ExpiresAt: expiresAt})
	}
	return api
}
