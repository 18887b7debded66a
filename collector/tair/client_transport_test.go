package tair

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/collector/tair/tairtest"
)

func TestTimeout(t *testing.T) {
	for _, c := range []struct {
		name  string
		warm  bool // on a kept-alive connection
		fault tairtest.Fault
	}{
		{"no answer", false, tairtest.Fault{Hang: true}},
		{"no answer on a kept-alive connection", true, tairtest.Fault{Hang: true}},
		{"late answer", false, tairtest.Fault{Delay: time.Minute}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, ClientConfig{Timeout: 7 * time.Second, Attempts: 1}, func(t *testing.T, r *rig) {
				if c.warm {
					r.wantSSL()
					r.api.ResetRequests()
				}
				r.api.SetFault("", c.fault)
				began := time.Now()
				_, err := r.ask()
				wantError(t, err, Error{Reason: ReasonTimeout, Detail: "no complete answer in time"})
				if took := time.Since(began); took != 7*time.Second {
					t.Errorf("took %v", took)
				}
				r.wantRequests(1)
				synctest.Wait()
				if n := r.server.OpenConnections(); n != 0 {
					t.Errorf("%d connections are open", n)
				}
			})
		})
	}
}

func TestBrokenConnection(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault tairtest.Fault
		want  Error
	}{
		{"before the answer", tairtest.Fault{Reset: true}, Error{Reason: ReasonNetwork, Detail: "EOF"}},
		{"within the answer", tairtest.Fault{Cut: true}, Error{Reason: ReasonNetwork, Status: 200, Detail: "unexpected EOF"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, ClientConfig{Attempts: 1}, func(t *testing.T, r *rig) {
				r.api.SetFault("", c.fault)
				_, err := r.ask()
				wantError(t, err, c.want)
			})
		})
	}
}

func TestNoConnection(t *testing.T) {
	r := onLoopback(t, ClientConfig{Attempts: 1})
	r.server.Close()
	_, err := r.ask()
	wantError(t, err, Error{Reason: ReasonNetwork, Detail: "dial tcp " + r.server.Addr + ": connect: connection refused"})
}

// A kept-alive connection may be dead without its client knowing. That is not the API's failure and costs no attempt.
func TestDeadConnectionIsReplacedOnce(t *testing.T) {
	for _, c := range []struct {
		name     string
		fault    tairtest.Fault
		requests int
		want     Error
	}{
		{"and then there is an answer", tairtest.Fault{Reset: true, Times: 1}, 2, Error{}},
		{"and no more", tairtest.Fault{Reset: true}, 2, Error{Reason: ReasonNetwork, Detail: "EOF"}},
		{"but not when an answer had begun", tairtest.Fault{Cut: true}, 1, Error{Reason: ReasonNetwork, Status: 200, Detail: "unexpected EOF"}},
		{"but not when time is up", tairtest.Fault{Reset: true, Delay: 5 * time.Second}, 1, Error{Reason: ReasonTimeout, Detail: "no complete answer in time"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, ClientConfig{Attempts: 1, Timeout: 4 * time.Second}, func(t *testing.T, r *rig) {
				r.wantSSL()
				r.api.ResetRequests()
				r.api.SetFault("", c.fault)
				got, err := r.ask()
				if (c.want == Error{}) {
					if err != nil || got != testSSL {
						t.Errorf("got %+v, error %v", got, err)
					}
				} else {
					wantError(t, err, c.want)
				}
				r.wantRequests(c.requests)
				if n := len(r.observed.attempts); n != 2 {
					t.Errorf("%d attempts observed, want 2", n)
				}
			})
		})
	}
}

func TestDeadConnectionIsReplacedOnLoopback(t *testing.T) {
	r := onLoopback(t, ClientConfig{Attempts: 1})
	r.wantSSL()
	r.api.SetFault("", tairtest.Fault{Reset: true, Times: 1})
	r.wantSSL()
	r.wantRequests(3)
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

// Bodies are cut as they come in, whether their length is told or not.
func TestLargeBodies(t *testing.T) {
	for _, c := range []struct {
		status int
		want   Error
	}{
		{200, Error{Reason: ReasonInvalidResponse, Status: 200, Detail: "the body is over 1 MiB"}},
		{502, Error{Reason: ReasonServer, Status: 502, Detail: "the body is not the API's"}},
	} {
		for _, told := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d, length told %t", c.status, told), func(t *testing.T) {
				const size = 64 << 20
				var written int64
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					if told {
						w.Header().Set("Content-Length", fmt.Sprint(size))
					}
					w.WriteHeader(c.status)
					written, _ = io.CopyN(w, endless{}, size)
				}))
				r := onLoopback(t, ClientConfig{Endpoint: server.URL, Attempts: 1})
				_, err := r.ask()
				wantError(t, err, c.want)
				server.Close() // waits for the handler
				if written == size {
					t.Error("the whole body was read")
				}
			})
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
				var calls sync.WaitGroup
				for range 200 {
					calls.Go(r.wantSSL)
				}
				calls.Wait()
			}
			r.wantRequests(400)
			if n, most := r.server.Connections(), r.api.MaxInFlight(); n != concurrency || most != concurrency {
				t.Errorf("%d connections, %d requests in flight, want %d", n, most, concurrency)
			}
		})
	}
}

func TestConnectionsAreLimitedOnLoopback(t *testing.T) {
	r := onLoopback(t, ClientConfig{Concurrency: 10, Timeout: time.Minute, QPS: 1e6})
	var calls sync.WaitGroup
	for range 200 {
		calls.Go(r.wantSSL)
	}
	calls.Wait()
	r.wantRequests(200)
	// A connection whose request got one that was free sooner is one too many for a moment.
	if n, most := r.server.Connections(), r.api.MaxInFlight(); n > 20 || most > 10 {
		t.Errorf("%d connections, %d requests in flight, want at most 20 and 10", n, most)
	}
	r.client.Close()
	r.wantSSL() // a closed client still works
}

// Whatever the other side sends back, no error repeats it. It may be what the request carried.
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

// answerEach gives the same bytes to every connection, after its request.
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
		var calls sync.WaitGroup
		for range 3 {
			calls.Go(func() {
				if _, err := r.ask(); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		calls.Go(func() { _, _ = r.ask() })
		synctest.Wait()
		if _, err := r.askUnder(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while the slot is taken: %v", err)
		}
		calls.Wait()
		if n := len(r.api.Requests()); n != 4 {
			t.Errorf("%d requests, want 4", n)
		}
	})
}

func TestANonceThatWasSeenIsNoReasonToDropTheCredentials(t *testing.T) {
	inBubble(t, ClientConfig{}, func(t *testing.T, r *rig) {
		r.api.SetFault(testInstance, tairtest.Fault{Times: 1, Error: &tairtest.APIError{Status: 403, Code: "SignatureNonceUsed"}})
		if got, err := r.ask(); err != nil || got != testSSL {
			t.Errorf("got %+v, error %v", got, err)
		}
		if n := len(r.keys.rejected); n != 0 {
			t.Errorf("%d credentials are rejected", n)
		}
	})
}
