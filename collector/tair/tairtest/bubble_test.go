package tairtest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// inBubble runs a test with a server and a client in one bubble, with the bubble's clock. A goroutine that outlives
// Server.Close fails it.
func inBubble(t *testing.T, opts Options, run func(t *testing.T, f *fixture)) {
	synctest.Test(t, func(t *testing.T) {
		opts.Keys = []Key{testKey, stsKey, {Account: "other", AccessKeyID: "LTAIother", AccessKeySecret: "s"}}
		api := New(opts)
		api.SetInstance(Instance{ID: "r-1", Region: "cn-hangzhou"})
		api.SetInstance(Instance{ID: "r-2", Region: "cn-shanghai"})
		l := NewPipeListener()
		server := Serve(api, l)
		transport := &http.Transport{DialContext: l.DialContext}
		run(t, &fixture{t: t, api: api, server: server, client: &http.Client{Transport: transport}})
		transport.CloseIdleConnections()
		server.Close()
		if n := server.OpenConnections(); n != 0 {
			t.Errorf("%d connections are open after Close", n)
		}
	})
}

// ssl asks for an instance now, by the bubble's clock.
func (f *fixture) ssl(key Key, id string) reply {
	f.t.Helper()
	return f.send(dated(newRequest(key, "DescribeInstanceSSL", "InstanceId", id)))
}

func dated(o *outgoing) *outgoing {
	o.header.Set("x-acs-date", time.Now().UTC().Format("2006-01-02T15:04:05Z"))
	return o
}

func TestLatencyAndDelayTakeTheirTime(t *testing.T) {
	inBubble(t, Options{Latency: 50 * time.Millisecond}, func(t *testing.T, f *fixture) {
		f.api.SetFault("r-2", Fault{Delay: time.Second, Error: &APIError{Status: 500, Code: "InternalError"}})
		f.api.SetFault("r-1", Fault{Delay: time.Second, After: 1})
		for _, step := range []struct {
			id   string
			took time.Duration
			code string
		}{
			{"r-1", 50 * time.Millisecond, "OK"},
			{"r-1", 1050 * time.Millisecond, "OK"},
			{"r-2", 1050 * time.Millisecond, "InternalError"},
			{"r-3", 50 * time.Millisecond, "InvalidInstanceId.NotFound"},
		} {
			start := time.Now()
			code := f.ssl(testKey, step.id).code(t)
			if took := time.Since(start); took != step.took || code != step.code {
				t.Errorf("%s: %s after %v, want %s after %v", step.id, code, took, step.code, step.took)
			}
		}
		if n := f.server.Connections(); n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
	})
}

func TestHangingTimesOutInABubble(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, f *fixture) {
		f.api.SetFault("", Fault{Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		r := f.sendWithin(ctx, dated(newRequest(testKey, "DescribeInstanceSSL", "InstanceId", "r-1")))
		if !errors.Is(r.err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), r.err)
		}
		synctest.Wait()
		if n := f.api.InFlight(); n != 0 {
			t.Errorf("%d requests in flight", n)
		}
	})
}

func TestMostInFlightAndConnectionsAreCounted(t *testing.T) {
	inBubble(t, Options{Latency: time.Second}, func(t *testing.T, f *fixture) {
		var all sync.WaitGroup
		for range 7 {
			all.Go(func() {
				if r := f.ssl(testKey, "r-1"); r.err != nil {
					t.Error(r.err)
				}
			})
		}
		all.Wait()
		if most, conns := f.api.MaxInFlight(), f.server.Connections(); most != 7 || conns != 7 {
			t.Errorf("%d in flight on %d connections, want 7 on 7", most, conns)
		}
		synctest.Wait()
		f.api.ResetRequests()
		f.ssl(testKey, "r-1")
		if most, log := f.api.MaxInFlight(), f.api.Requests(); most != 1 || len(log) != 1 {
			t.Errorf("after a reset: %d in flight, %d requests", most, len(log))
		}
	})
}

func TestQuotaSlides(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, f *fixture) {
		f.api.Limit(2, time.Second)
		for _, step := range []struct {
			at   time.Duration
			code string
		}{
			{0, "OK"}, {600 * time.Millisecond, "OK"},
			{999 * time.Millisecond, "Throttling.User"}, {999 * time.Millisecond, "Throttling.User"},
			{time.Second, "OK"}, {1599 * time.Millisecond, "Throttling.User"}, {1600 * time.Millisecond, "OK"},
		} {
			at := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(step.at) // where every bubble's clock starts
			<-time.After(time.Until(at))
			if code := f.ssl(testKey, "r-1").code(t); code != step.code {
				t.Errorf("at %v: %s, want %s", step.at, code, step.code)
			}
		}
		f.api.Limit(0, 0)
		if code := f.ssl(testKey, "r-1").code(t); code != "OK" {
			t.Errorf("after the quota was lifted: %s", code)
		}
	})
}

func TestQuotaIsCountedByRegionOperationAndAccount(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, f *fixture) {
		f.api.Limit(1, time.Minute)
		f.api.SetThrottleError(APIError{Status: 429, Code: "Throttling.Api"})
		other := Key{Account: "other", AccessKeyID: "LTAIother", AccessKeySecret: "s"}
		for _, step := range []struct {
			name string
			key  Key
			id   string
			code string
		}{
			{"first", testKey, "r-1", "OK"},
			{"same", testKey, "r-1", "Throttling.Api"},
			{"another key of the account", stsKey, "r-1", "Throttling.Api"},
			{"another account", other, "r-1", "OK"},
			{"another region", testKey, "r-2", "OK"},
		} {
			if code := f.ssl(step.key, step.id).code(t); code != step.code {
				t.Errorf("%s: %s, want %s", step.name, code, step.code)
			}
		}
		r := f.send(dated(newRequest(testKey, "DescribeInstances", "RegionId", "cn-hangzhou")))
		wantAnswer(t, r, 200, "OK")
		bad := dated(newRequest(testKey, "DescribeRegions"))
		bad.key.AccessKeySecret = "wrong"
		wantAnswer(t, f.send(bad), 400, "SignatureDoesNotMatch")
		wantAnswer(t, f.send(dated(newRequest(testKey, "DescribeRegions"))), 200, "OK")
	})
}

func TestPipeListenerRefusesAfterItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewPipeListener()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.DialContext(ctx, "tcp", "x"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nobody accepts: %v", err)
		}
		if _, err := l.DialContext(ctx, "tcp", "x"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("context has ended: %v", err)
		}
		if err := errors.Join(l.Close(), l.Close()); err != nil {
			t.Error(err)
		}
		if _, err := l.DialContext(t.Context(), "tcp", "x"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("dial after Close: %v", err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept after Close: %v", err)
		}
	})
}

func TestServerCloseEndsEverythingAndTheAPILivesOn(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, f *fixture) {
		f.api.SetFault("r-1", Fault{Hang: true})
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if r := f.ssl(testKey, "r-1"); r.err == nil {
					t.Errorf("a hanging request was answered: %d", r.status)
				}
			})
		}
		synctest.Wait()
		f.server.Close()
		all.Wait()
		l := NewPipeListener()
		again := Serve(f.api, l)
		defer again.Close()
		transport := &http.Transport{DialContext: l.DialContext}
		defer transport.CloseIdleConnections()
		f.client = &http.Client{Transport: transport}
		if code := f.ssl(testKey, "r-2").code(t); code != "OK" {
			t.Errorf("served again: %s", code)
		}
	})
}

func TestServerCanBeClosedAtOnce(t *testing.T) {
	for range 50 {
		server, err := Start(New(Options{}))
		if err != nil {
			t.Fatal(err)
		}
		server.Close()
		server.Close()
	}
}

func TestLogKeepsTheLatestRequests(t *testing.T) {
	inBubble(t, Options{KeepRequests: 2}, func(t *testing.T, f *fixture) {
		for _, id := range []string{"r-1", "r-2", "r-3"} {
			f.ssl(testKey, id)
		}
		if log := f.api.Requests(); len(log) != 2 || log[0].InstanceID != "r-2" || log[1].InstanceID != "r-3" {
			t.Errorf("log is %+v", log)
		}
	})
}
