package tairtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestEveryDocumentedErrorCanBeServed(t *testing.T) {
	f := newFixture(t)
	seen := map[APIError]bool{}
	for _, e := range Errors() {
		if seen[e] {
			t.Errorf("%d %s is listed twice", e.Status, e.Code)
		}
		seen[e] = true
		f.api.SetFault("r-1", Fault{Error: &e})
		wantAnswer(t, f.send(sslRequest("r-1")), e.Status, e.Code)
		if e.Class == "" || e.Status < 400 {
			t.Errorf("%+v has no class or no error status", e)
		}
	}
}

func TestFaultsActInTheirTurn(t *testing.T) {
	first := &APIError{Status: 503, Code: "ServiceUnavailable"}
	second := &APIError{Status: 400, Code: "Throttling"}
	tests := []struct {
		name   string
		faults []Fault
		want   string
	}{
		{"for good", []Fault{{Error: first}}, "ServiceUnavailable ServiceUnavailable ServiceUnavailable"},
		{"some times", []Fault{{Error: first, Times: 2}}, "ServiceUnavailable ServiceUnavailable OK"},
		{"later", []Fault{{Error: first, After: 1, Times: 1}}, "OK ServiceUnavailable OK"},
		{"one after the other", []Fault{{Error: first, Times: 1}, {Error: second, After: 1}}, "ServiceUnavailable OK Throttling Throttling"},
		{"none", nil, "OK"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.api.SetFault("r-1", tt.faults...)
			for n, want := range strings.Fields(tt.want) {
				if got := f.send(sslRequest("r-1")).code(t); got != want {
					t.Errorf("request %d: %s, want %s", n+1, got, want)
				}
			}
			f.api.ClearFaults()
			if got := f.send(sslRequest("r-1")).code(t); got != "OK" {
				t.Errorf("after ClearFaults: %s", got)
			}
		})
	}
}

func TestFaultsHitTheirTargetOnly(t *testing.T) {
	fault := Fault{Error: &APIError{Status: 500, Code: "InternalError"}}
	ssl, other := sslRequest, func(string) *outgoing { return newRequest(testKey, "DescribeInstances", "RegionId", "cn-hangzhou") }
	tests := []struct {
		target  string
		request func(string) *outgoing
		id      string
		hit     bool
	}{
		{"r-1", ssl, "r-1", true},
		{"r-2", ssl, "r-1", false},
		{"", ssl, "r-1", true},
		{"", other, "", true},
		{"DescribeInstances", other, "", true},
		{"DescribeInstances", ssl, "r-1", false},
		{"DescribeInstances/cn-hangzhou", other, "", true},
		{"DescribeInstances/cn-shanghai", other, "", false},
		{"DescribeInstanceSSL/cn-hangzhou", ssl, "r-1", true},
	}
	for _, tt := range tests {
		f := newFixture(t)
		f.api.SetFault(tt.target, fault)
		if code := f.send(tt.request(tt.id)).code(t); (code == "InternalError") != tt.hit {
			t.Errorf("fault on %q: %s", tt.target, code)
		}
	}
}

func TestFaultsDoNotCoverMistakesOfTheClient(t *testing.T) {
	f := newFixture(t)
	f.api.SetFault("", Fault{Hang: true})
	o := sslRequest("r-1")
	o.key.AccessKeySecret = "wrong"
	wantAnswer(t, f.send(o), 400, "SignatureDoesNotMatch")
	wantAnswer(t, f.send(newRequest(testKey, "DescribeNothing")), 404, "InvalidAction.NotFound")
}

func TestForeignAnswersAreSentAsTheyAre(t *testing.T) {
	huge := bytes.Repeat([]byte("x"), 1<<20+1)
	tests := []struct {
		name   string
		fault  Fault
		status int
		kind   string
		code   string
	}{
		{"HTML of a proxy", Fault{Status: 502, ContentType: "text/html", Body: []byte("<html>")}, 502, "text/html", CodeBody},
		{"empty object", Fault{Body: []byte("{}")}, 200, "application/json;charset=utf-8", CodeBody},
		{"huge", Fault{Body: huge}, 200, "application/json;charset=utf-8", CodeBody},
		{"nothing", Fault{Body: []byte{}}, 200, "application/json;charset=utf-8", CodeBody},
		{"only a status", Fault{Status: 429}, 429, "application/json;charset=utf-8", CodeBody},
		{"redirect", Fault{Redirect: "http://127.0.0.1:1/"}, 307, "", CodeRedirect},
		{"another redirect", Fault{Redirect: "http://127.0.0.1:1/", Status: 302}, 302, "", CodeRedirect},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.api.SetFault("r-1", tt.fault)
			r := f.send(sslRequest("r-1"))
			if r.err != nil {
				t.Fatal(r.err)
			}
			if r.status != tt.status || !bytes.Equal(r.body, tt.fault.Body) && len(r.body)+len(tt.fault.Body) > 0 ||
				r.header.Get("Content-Type") != tt.kind || r.header.Get("Location") != tt.fault.Redirect {
				t.Errorf("got %d, %d bytes, %v", r.status, len(r.body), r.header)
			}
			if log := f.api.Requests(); log[0].Status != tt.status || log[0].Code != tt.code {
				t.Errorf("log has %+v", log[0])
			}
		})
	}
}

func TestCutSendsHalfAnAnswer(t *testing.T) {
	f := newFixture(t)
	whole := f.send(sslRequest("r-1"))
	f.api.SetFault("r-1", Fault{Cut: true, Times: 1})
	r := f.send(sslRequest("r-1"))
	if !errors.Is(r.err, io.ErrUnexpectedEOF) || r.status != 200 || len(r.body) != len(whole.body)/2 {
		t.Errorf("got %d, %d of %d bytes, error %v", r.status, len(r.body), len(whole.body), r.err)
	}
	if log := f.api.Requests(); log[1].Status != 200 || log[1].Code != CodeCut {
		t.Errorf("log has %+v", log[1])
	}
	wantAnswer(t, f.send(sslRequest("r-1")), 200, "OK")
	if n := f.server.Connections(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

func TestResetAnswersNothing(t *testing.T) {
	f := newFixture(t)
	f.api.SetFault("r-1", Fault{Reset: true})
	r := f.send(sslRequest("r-1"))
	if r.err == nil || r.status != 0 {
		t.Fatalf("got %d, error %v", r.status, r.err)
	}
	if log := f.api.Requests(); log[0].Status != 0 || log[0].Code != CodeReset {
		t.Errorf("log has %+v", log[0])
	}
}

func TestHangingEndsWithTheClient(t *testing.T) {
	for _, fault := range []Fault{{Hang: true}, {Delay: time.Hour}, {Delay: time.Hour, Hang: true}} {
		f := newFixture(t)
		f.api.SetFault("r-1", fault)
		ctx, cancel := context.WithCancel(t.Context())
		answered := make(chan reply)
		go func() { answered <- f.sendWithin(ctx, sslRequest("r-1")) }()
		waitFor(t, func() bool { return f.api.InFlight() == 1 })
		if log := f.api.Requests(); log[0].Code != CodePending || log[0].Status != 0 {
			t.Errorf("log has %+v", log[0])
		}
		cancel()
		if r := <-answered; !errors.Is(r.err, context.Canceled) {
			t.Errorf("got %+v", r)
		}
		waitFor(t, func() bool { return f.api.InFlight() == 0 })
		if log := f.api.Requests(); log[0].Code != CodeAborted {
			t.Errorf("log has %+v", log[0])
		}
	}
}

func TestHangingEndsWithTheServerOrTheAPI(t *testing.T) {
	ends := map[string]func(*fixture){
		"server": func(f *fixture) { f.server.Close() },
		"API":    func(f *fixture) { f.api.Close(); f.api.Close() },
	}
	for name, end := range ends {
		for _, fault := range []Fault{{Hang: true}, {Delay: time.Hour}} {
			f := newFixture(t)
			f.api.SetFault("", fault)
			answered := make(chan reply)
			go func() { answered <- f.send(sslRequest("r-1")) }()
			waitFor(t, func() bool { return f.api.InFlight() == 1 })
			end(f)
			if r := <-answered; r.err == nil {
				t.Errorf("%s closed: got %+v", name, r)
			}
			waitFor(t, func() bool { return f.api.InFlight() == 0 })
		}
	}
}

// waitFor waits for something that another goroutine does soon, without the power to be told.
func waitFor(t testing.TB, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 10_000 {
		if done() {
			return
		}
		<-tick.C
	}
	t.Fatal("waited in vain")
}
