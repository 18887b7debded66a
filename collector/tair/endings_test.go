package tair

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
)

// manyIDs returns IDs with spaces between.
func manyIDs(n int) string {
	var ids strings.Builder
	for i := range n {
		fmt.Fprintf(&ids, "id-%d ", i)
	}
	return ids.String()
}

// An answer that is whole counts, however its connection ends. A header that never ends is no answer.
func TestOddEndsOfAnAnswer(t *testing.T) {
	body := `{"InstanceId":"` + testInstance + `","SSLEnabled":"Disable"}`
	chunk := fmt.Sprintf("%x\r\n%s\r\n", len(body), body)
	const head = "HTTP/1.1 200 OK\r\n"
	network := Error{Reason: ReasonNetwork, Status: 200, Detail: "unexpected EOF"}
	for name, c := range map[string]struct {
		answer string
		hold   bool // the connection stays open
		want   Error
	}{
		"no length, closed":              {head + "\r\n" + body, false, Error{}},
		"no length, not closed":          {head + "\r\n" + body, true, Error{}},
		"no last chunk, closed":          {head + "Transfer-Encoding: chunked\r\n\r\n" + chunk, false, Error{}},
		"no last chunk, not closed":      {head + "Transfer-Encoding: chunked\r\n\r\n" + chunk, true, Error{}},
		"longer than said, closed":       {head + "Content-Length: 999\r\n\r\n" + body, false, Error{}},
		"half a body":                    {head + "Content-Length: 999\r\n\r\n" + body[:20], false, network},
		"half a body that is JSON":       {head + "Content-Length: 999\r\n\r\n12", false, network},
		"an error without a last chunk":  {"HTTP/1.1 429 Slow\r\nContent-Length: 999\r\n\r\n" + `{"Code":"Throttling"}`, false, Error{Reason: ReasonThrottled, Status: 429, Code: "Throttling"}},
		"a header that never ends":       {head + "A: " + strings.Repeat("a", 1<<20), true, Error{Reason: ReasonInvalidResponse, Detail: "the header is over 64 KiB"}},
		"header lines that never end":    {head + strings.Repeat("A: b\r\n", 1<<16), true, Error{Reason: ReasonInvalidResponse, Detail: "the header is over 64 KiB"}},
		"informational without an end":   {strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 1<<16), true, Error{Reason: ReasonInvalidResponse, Detail: "the header is over 64 KiB"}},
		"a status line that has no end":  {"HTTP/1.1 200 " + strings.Repeat("O", 1<<20), true, Error{Reason: ReasonInvalidResponse, Detail: "the header is over 64 KiB"}},
		"half a header, and then silent": {head, true, Error{Reason: ReasonTimeout, Detail: "no complete answer in time"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := tairtest.NewPipeListener()
				go func() {
					for {
						conn, err := l.Accept()
						if err != nil {
							return
						}
						go answer(conn, c.answer, c.hold)
					}
				}()
				r := newRig(t, ClientConfig{DialContext: l.DialContext, Attempts: 1}, nil, nil)
				_, err := r.ask()
				if c.want != (Error{}) {
					wantError(t, err, c.want)
				} else if err != nil {
					t.Error(err)
				}
				r.client.Close()
				_ = l.Close()
			})
		})
	}
}

// answer reads a request and sends a text.
func answer(conn net.Conn, text string, hold bool) {
	_, _ = conn.Read(make([]byte, 16<<10))
	_, _ = io.WriteString(conn, text)
	if hold {
		_, _ = io.Copy(io.Discard, conn) // until the client closes
	}
	_ = conn.Close()
}

// When one kept-alive connection is dead, all of them may be: a call does not try one after the other.
func TestDeadConnectionsAreLeftTogether(t *testing.T) {
	for name, fault := range map[string]tairtest.Fault{"closed": {Reset: true}, "silent": {Hang: true}} {
		inBubbles(t, name, ClientConfig{Attempts: 1}, func(t *testing.T, r *rig) {
			r.api.SetFault("", tairtest.Fault{Delay: time.Millisecond})
			r.burst(10)
			synctest.Wait()
			if n := r.server.OpenConnections(); n != 10 {
				t.Fatalf("%d connections", n)
			}
			fault.Times = 1
			r.api.SetFault("", fault)
			_, _ = r.ask()
			synctest.Wait()
			if n := r.server.OpenConnections(); n > 1 {
				t.Errorf("%d connections are kept", n)
			}
			r.wantSSL()
		})
	}
}
