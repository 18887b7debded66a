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

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inBubble runs a test with a server and a client in one bubble, whose time starts at testTime for the API. A goroutine that
// outlives Server.Close fails it.
func inBubble(t *testing.T, opts Options, run func(t *testing.T, f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		opts.Now = func() time.Time { return testTime.Add(time.Since(start)) }
		opts.Keys = []Key{testKey, stsKey, otherKey}
		api := New(opts)
		api.SetInstance(Instance{ID: "r-1", Region: "cn-hangzhou"})
		api.SetInstance(Instance{ID: "r-2", Region: "cn-shanghai"})
		f := serveOnPipe(t, api)
		run(t, f)
		f.client.CloseIdleConnections()
		f.server.Close()
		if n := f.server.OpenConnections(); n != 0 {
			t.Errorf("%d connections are open after Close", n)
		}
	})
}

func serveOnPipe(t testing.TB, api *API) *fixture {
	l := NewPipeListener()
	return &fixture{t: t, api: api, server: Serve(api, l), client: &http.Client{Transport: &http.Transport{DialContext: l.DialContext}}}
}

func TestHangingEndsWithTheClientTheServerOrTheAPI(t *testing.T) {
	for name, end := range map[string]func(f *fixture, cancel context.CancelFunc){
		"client": func(_ *fixture, cancel context.CancelFunc) { cancel() },
		"server": func(f *fixture, _ context.CancelFunc) { f.server.Close() },
		"API":    func(f *fixture, _ context.CancelFunc) { f.api.Close(); f.api.Close() },
	} {
		for _, fault := range []Fault{{Hang: true}, {Delay: time.Hour}, {Delay: time.Hour, Hang: true}} {
			inBubble(t, Options{}, func(t *testing.T, f *fixture) {
				f.api.SetFault("r-1", fault)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				done := make(chan reply)
				go func() { done <- f.do(newRequest(testKey, sslRequest).signed(t, f.server.URL).WithContext(ctx)) }()
				synctest.Wait()
				if n, log := f.api.InFlight(), f.api.Requests(); n != 1 || log[0].Code != CodePending || log[0].Status != 0 {
					t.Errorf("%s, %+v: %d in flight, log has %+v", name, fault, n, log[0])
				}
				start := time.Now()
				end(f, cancel)
				r := <-done
				synctest.Wait()
				if n, log := f.api.InFlight(), f.api.Requests(); r.err == nil || n != 0 || log[0].Code != CodeAborted || time.Since(start) != 0 {
					t.Errorf("%s, %+v: got %+v, %d in flight, log has %+v", name, fault, r, n, log[0])
				}
				again := serveOnPipe(t, f.api) // a closed Server leaves its API usable
				wantResponse(t, again.get("DescribeInstanceSSL InstanceId=r-2"), 200, "OK")
				again.client.CloseIdleConnections()
				again.server.Close()
			})
		}
	}
}

func TestRequestsInFlightAreCounted(t *testing.T) {
	inBubble(t, Options{Latency: time.Second, KeepRequests: 3}, func(t *testing.T, f *fixture) {
		var requests sync.WaitGroup
		start := time.Now()
		for range 7 {
			requests.Go(func() { wantResponse(t, f.get("DescribeInstanceSSL InstanceId=r-1"), 200, "OK") })
		}
		requests.Wait()
		if most, conns, took := f.api.MaxInFlight(), f.server.Connections(), time.Since(start); most != 7 || conns != 7 || took != time.Second {
			t.Errorf("%d in flight on %d connections for %v, want 7 on 7 for 1s", most, conns, took)
		}
		synctest.Wait()
		f.api.SetFault("r-2", Fault{Delay: time.Second})
		f.get("DescribeInstanceSSL InstanceId=r-2")
		if log := f.api.Requests(); len(log) != 3 || log[1].InstanceID != "r-1" || log[2].InstanceID != "r-2" || time.Since(start) != 3*time.Second {
			t.Errorf("after %v the log is %+v, want the latest 3 requests after 3s", time.Since(start), log)
		}
		synctest.Wait()
		f.api.ResetRequests()
		if most, log := f.api.MaxInFlight(), f.api.Requests(); most != 0 || len(log) != 0 {
			t.Errorf("after a reset: %d in flight, %d requests", most, len(log))
		}
	})
}

func TestQuotaIsASlidingWindowForEachRegionOperationAndAccount(t *testing.T) {
	const ssl1, ssl2 = "DescribeInstanceSSL InstanceId=r-1", "DescribeInstanceSSL InstanceId=r-2"
	forged := Key{AccessKeyID: testKey.AccessKeyID, AccessKeySecret: "guess"}
	inBubble(t, Options{}, func(t *testing.T, f *fixture) {
		start := time.Now()
		f.api.Limit(2, time.Second)
		for n, step := range []struct {
			at      time.Duration
			key     Key
			request string
			code    string
		}{
			{0, testKey, ssl1, "OK"},
			{599 * time.Millisecond, forged, ssl1, "SignatureDoesNotMatch"}, // does not count
			{600 * time.Millisecond, testKey, ssl1, "OK"},
			{999 * time.Millisecond, testKey, ssl1, "Throttling.User"}, // does not count either
			{999 * time.Millisecond, stsKey, ssl1, "Throttling.User"},  // another key of the account
			{999 * time.Millisecond, otherKey, ssl1, "OK"},
			{999 * time.Millisecond, testKey, ssl2, "OK"}, // another region
			{999 * time.Millisecond, testKey, "DescribeInstances RegionId=cn-hangzhou", "OK"},
			{time.Second, testKey, ssl1, "OK"},
			{1599 * time.Millisecond, testKey, ssl1, "Throttling.User"},
			{1600 * time.Millisecond, testKey, ssl1, "OK"},
		} {
			<-time.After(time.Until(start.Add(step.at)))
			if code := f.send(newRequest(step.key, step.request)).code(t); code != step.code {
				t.Errorf("step %d at %v: %s, want %s", n, step.at, code, step.code)
			}
		}
		f.api.SetThrottleError(APIError{Status: 429, Code: "Throttling.Api"})
		wantResponse(t, f.get(ssl1), 429, "Throttling.Api")
		f.api.Limit(0, 0)
		wantResponse(t, f.get(ssl1), 200, "OK")
	})
}

func TestPipeListenerErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewPipeListener()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for range 2 { // while it waits for Accept, and after the context has ended
			if _, err := l.DialContext(ctx, "tcp", "x"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("dial until the deadline: %v", err)
			}
		}
		closing := errors.Join(l.Close(), l.Close())
		_, dial := l.DialContext(t.Context(), "tcp", "x")
		_, accept := l.Accept()
		if closing != nil || !errors.Is(dial, net.ErrClosed) || !errors.Is(accept, net.ErrClosed) {
			t.Errorf("Close %v, then dial %v, accept %v", closing, dial, accept)
		}
	})
}

func TestServerCanBeClosedAtOnce(t *testing.T) {
	for range 50 {
		f := newFixture(t)
		f.server.Close()
		f.server.Close()
	}
}
