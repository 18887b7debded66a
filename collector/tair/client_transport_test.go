package tair

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/collector/tair/tairtest"
)

// A kept-alive connection may be dead without its client knowing. That is no failure of the API and costs no attempt.
func TestFailuresOfAConnection(t *testing.T) {
	slow := Error{Reason: ReasonTimeout, Detail: "no complete answer in time"}
	broken := Error{Reason: ReasonNetwork, Detail: "EOF"}
	cut := Error{Reason: ReasonNetwork, Status: 200, Detail: "unexpected EOF"}
	for _, c := range []struct {
		name     string
		warm     bool // on a kept-alive connection
		fault    tairtest.Fault
		requests int
		want     Error // none: an answer
	}{
		{"no answer", false, tairtest.Fault{Hang: true}, 1, slow},
		{"no answer on a kept-alive connection", true, tairtest.Fault{Hang: true}, 1, slow},
		{"late answer", false, tairtest.Fault{Delay: time.Minute}, 1, slow},
		{"broken before the answer", false, tairtest.Fault{Reset: true}, 1, broken},
		{"broken within the answer", false, tairtest.Fault{Cut: true}, 1, cut},
		{"dead, the next one works", true, tairtest.Fault{Reset: true, Times: 1}, 2, Error{}},
		{"dead, and the next one breaks", true, tairtest.Fault{Reset: true}, 2, broken},
		{"kept-alive, broken within the answer", true, tairtest.Fault{Cut: true}, 1, cut},
		{"dead when the time is up", true, tairtest.Fault{Reset: true, Delay: 8 * time.Second}, 1, slow},
	} {
		inBubbles(t, c.name, ClientConfig{Timeout: 7 * time.Second, Attempts: 1}, func(t *testing.T, r *rig) {
			open, took := 0, time.Duration(0)
			if c.warm {
				r.wantSSL()
				r.api.ResetRequests()
				r.observed.attempts = nil
			}
			r.api.SetFault("", c.fault)
			began := time.Now()
			if c.want == (Error{}) {
				r.wantSSL()
				open = 1
			} else {
				_, err := r.ask()
				wantError(t, err, c.want)
			}
			if c.want == slow {
				took = 7 * time.Second
			}
			if got := time.Since(began); got != took {
				t.Errorf("took %v, want %v", got, took)
			}
			r.wantRequests(c.requests)
			if n := len(r.observed.attempts); n != 1 {
				t.Errorf("%d attempts observed, want 1", n)
			}
			synctest.Wait()
			if n := r.server.OpenConnections(); n != open {
				t.Errorf("%d connections are open, want %d", n, open)
			}
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the target got %s %s", r.Method, r.URL)
	}))
	defer target.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, location := range []string{target.URL, target.URL + "/?a=b", "/", "http://[unreadable"} {
			r := onLoopback(t, ClientConfig{})
			r.keys.chain = []creds.Credentials{tokenKey}
			r.api.SetFault("", tairtest.Fault{Redirect: location, Status: status})
			_, err := r.ask()
			wantError(t, err, Error{Reason: ReasonInvalidResponse, Status: status, Detail: "redirects are not followed"})
			r.wantRequests(1)
		}
	}
}

// Bodies are cut while they are read, with and without a Content-Length.
func TestLargeBodies(t *testing.T) {
	const size = 64 << 20
	for _, want := range []Error{
		{Reason: ReasonInvalidResponse, Status: 200, Detail: "the body is over 1 MiB"},
		{Reason: ReasonServer, Status: 502, Detail: "the body is not the API's"},
	} {
		for _, withLength := range []bool{true, false} {
			var written int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if withLength {
					w.Header().Set("Content-Length", fmt.Sprint(size))
				}
				w.WriteHeader(want.Status)
				written, _ = io.CopyN(w, endless{}, size)
			}))
			_, err := onLoopback(t, ClientConfig{Endpoint: server.URL, Attempts: 1}).ask()
			wantError(t, err, want)
			server.Close() // waits for the handler
			if written == size {
				t.Errorf("%d, with a length %t: the whole body was read", want.Status, withLength)
			}
		}
	}
}

// endless is a body of spaces.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, strings.Repeat(" ", len(p))), nil }

func TestConnectionsAreLimitedAndKept(t *testing.T) {
	for _, concurrency := range []int{1, 10, 50} {
		inBubble(t, ClientConfig{Concurrency: concurrency, Timeout: time.Minute, QPS: 1e6}, func(t *testing.T, r *rig) {
			r.api.SetFault("", tairtest.Fault{Delay: 10 * time.Millisecond})
			for range 2 {
				r.burst(200)
			}
			r.wantRequests(400)
			if n, most := r.server.Connections(), r.api.MaxInFlight(); n != concurrency || most != concurrency {
				t.Errorf("%d connections, %d requests in flight, want %d", n, most, concurrency)
			}
			r.client.Close()
			r.wantSSL() // a closed client still works, and keeps no connection
			synctest.Wait()
			if n := r.server.OpenConnections(); n != 0 {
				t.Errorf("%d connections of a closed client are open", n)
			}
		})
	}
}

func TestConnectionsOnLoopback(t *testing.T) {
	r := onLoopback(t, ClientConfig{Concurrency: 10, Timeout: time.Minute, QPS: 1e6, Attempts: 1})
	r.burst(200)
	r.wantRequests(200)
	// A connection whose request got one that was free sooner is one too many for a moment.
	if n, most := r.server.Connections(), r.api.MaxInFlight(); n > 20 || most > 10 {
		t.Errorf("%d connections, %d requests in flight, want at most 20 and 10", n, most)
	}
	r.api.SetFault("", tairtest.Fault{Reset: true, Times: 1})
	r.wantSSL() // a dead connection is replaced
	r.wantRequests(202)
	r.server.Close()
	_, err := r.ask()
	wantError(t, err, Error{Reason: ReasonNetwork, Detail: "dial tcp " + r.server.Addr + ": connect: connection refused"})
}

// No error repeats what the other side sends: it may be what was in the request.
func TestErrorsCarryNoSecret(t *testing.T) {
	const token = "canaryToken+/="
	for _, answer := range []string{
		token + "\r\n\r\n",
		"HTTP/1.1 " + token + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\n" + token + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: " + token + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + token + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + token + "\r\n",
		"HTTP/1.1 307 " + token + "\r\nLocation: http://[" + token + "\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 500 " + token + "\r\nConnection: close\r\n\r\n" + `{"Code":"InternalError","Message":"` + token + `"}`,
		"HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n" + `{"Code":"SignatureDoesNotMatch","Message":"` + token + `","Recommend":"` + token + `"}`,
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + token,
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + `{"InstanceId":"` + token + `"}`,
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + `{"InstanceId":"` + testInstance + `","SSLEnabled":"` + token + `"}`,
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + `{"InstanceId":"` + testInstance + `","SSLEnabled":"Enable","SSLExpiredTime":"` + token + `"}`,
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go answerEach(listener, answer)
		r := onLoopback(t, ClientConfig{Endpoint: "http://" + listener.Addr().String(), Attempts: 1})
		for _, key := range []creds.Credentials{tokenKey, {
			AccessKeyID: tokenKey.AccessKeyID, AccessKeySecret: tokenKey.AccessKeySecret, SecurityToken: token + "\n" + token,
		}} {
			r.keys.chain = []creds.Credentials{key}
			_, err := r.ask()
			if err == nil {
				t.Errorf("%q is no error", answer)
			}
			texts := fmt.Sprintf("%v %+v %#v %q %v", err, err, err, err, []any{err})
			for _, secret := range []string{tokenKey.AccessKeyID, tokenKey.AccessKeySecret, token} {
				if strings.Contains(texts, secret) {
					t.Errorf("%q: the error repeats %s: %v", answer, secret, err)
				}
			}
		}
		_ = listener.Close()
	}
}

// answerEach sends the same bytes on every connection, after its request.
func answerEach(l net.Listener, answer string) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		request := make([]byte, 16<<10)
		_, _ = conn.Read(request)
		_, _ = io.WriteString(conn, answer)
		_ = conn.Close()
	}
}

func TestWaitingForASlotIsNotPartOfAnAttempt(t *testing.T) {
	inBubble(t, ClientConfig{Concurrency: 1, Attempts: 1}, func(t *testing.T, r *rig) {
		r.api.SetFault(testInstance, tairtest.Fault{Delay: 4 * time.Second}) // of 5s that an attempt has
		r.burst(3)
		r.wantRequests(3)
	})
}
