package tair

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/collector/tair/tairtest"
)

var (
	errInternal  = &tairtest.APIError{Status: 500, Code: "InternalError"}
	errThrottled = &tairtest.APIError{Status: 429, Code: "Throttling.User"}
)

func TestNewClientRefuses(t *testing.T) {
	const positive = "timeout, attempts, concurrency and qps must be positive"
	for _, c := range []struct {
		spoil func(*ClientConfig)
		want  string
	}{
		{func(c *ClientConfig) { c.Region = "" }, "region is missing"},
		{func(c *ClientConfig) { c.Credentials = nil }, "credentials are missing"},
		{func(c *ClientConfig) { c.Timeout = 0 }, positive},
		{func(c *ClientConfig) { c.Attempts = 0 }, positive},
		{func(c *ClientConfig) { c.Concurrency = 0 }, positive},
		{func(c *ClientConfig) { c.QPS = 0 }, positive},
		{func(c *ClientConfig) { c.QPS = -1 }, positive},
		{func(c *ClientConfig) { c.Endpoint = "/" }, wrongEndpoint},
	} {
		cfg := ClientConfig{Region: testRegion, Credentials: &fakeKeys{}, Timeout: time.Second, Attempts: 1, Concurrency: 1, QPS: 1}
		if _, err := NewClient(cfg); err != nil {
			t.Fatal(err)
		}
		c.spoil(&cfg)
		if _, err := NewClient(cfg); err == nil || err.Error() != c.want {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

func TestFailuresAreTriedAgainOrNot(t *testing.T) {
	apiError := func(status int, code string) tairtest.Fault {
		return tairtest.Fault{Error: &tairtest.APIError{Status: status, Code: code}}
	}
	for _, c := range []struct {
		name     string
		fault    tairtest.Fault
		requests int // of the 3 that are allowed
		reason   Reason
	}{
		{"throttled", apiError(400, "Throttling"), 3, ReasonThrottled},
		{"server", apiError(503, "ServiceUnavailable"), 3, ReasonServer},
		{"locked", apiError(409, "LockTimeout"), 3, ReasonServer},
		{"gateway", tairtest.Fault{Status: 502, Body: []byte("<html>")}, 3, ReasonServer},
		{"hang", tairtest.Fault{Hang: true}, 3, ReasonTimeout},
		{"reset", tairtest.Fault{Reset: true}, 3, ReasonNetwork},
		{"cut", tairtest.Fault{Cut: true}, 3, ReasonNetwork},
		{"not found", apiError(404, "InvalidInstanceId.NotFound"), 1, ReasonNotFound},
		{"forbidden", apiError(403, "Forbidden.RAM"), 1, ReasonForbidden},
		{"unauthorized", apiError(400, "IncompleteSignature"), 1, ReasonUnauthorized},
		{"invalid", tairtest.Fault{Body: []byte("{}")}, 1, ReasonInvalidResponse},
		{"other", apiError(400, "InvalidParameter"), 1, ReasonOther},
		{"unsupported", apiError(400, "InvalidRedisVersionPattern"), 1, ReasonOther},
	} {
		inBubbles(t, c.name, ClientConfig{Attempts: 3}, func(t *testing.T, r *rig) {
			r.api.SetFault(testInstance, c.fault)
			_, err := r.ask()
			var failed *Error
			if !errors.As(err, &failed) || failed.Reason != c.reason {
				t.Errorf("error %v, want %s", err, c.reason)
			}
			r.wantRequests(c.requests)
			if c.requests == 1 {
				return
			}
			r.api.ResetRequests()
			c.fault.Times = 2
			r.api.SetFault(testInstance, c.fault)
			r.wantSSL()
			r.wantRequests(3)
		})
	}
}

func TestWaitsBetweenAttempts(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name        string
		failure     *tairtest.APIError
		least, most []time.Duration
		qps         float64 // after them
	}{
		{"random part of a doubling time", errInternal, make([]time.Duration, 6), []time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 2000 * ms}, 1000},
		{"and the pause", errThrottled, []time.Duration{1000 * ms, 1000 * ms}, []time.Duration{1100 * ms, 1200 * ms}, 125},
	} {
		inBubbles(t, c.name, ClientConfig{Attempts: len(c.most) + 1}, func(t *testing.T, r *rig) {
			r.api.SetFault("", tairtest.Fault{Error: c.failure})
			_, _ = r.ask()
			log := r.api.Requests()
			r.wantRequests(len(c.most) + 1)
			for i, most := range c.most {
				if got := log[i+1].At.Sub(log[i].At); got < c.least[i] || got > most {
					t.Errorf("%v after attempt %d, want %v to %v", got, i+1, c.least[i], most)
				}
			}
			if got := r.client.QPS(); got != c.qps {
				t.Errorf("%v/s, want %v/s", got, c.qps)
			}
		})
	}
	for n := 1; n < 200; n++ {
		if got := Backoff(n); got < 0 || got >= maxBackoff {
			t.Errorf("%v after attempt %d", got, n)
		}
	}
}

func TestRefusedCredentials(t *testing.T) {
	const invalid, seen = "InvalidAccessKeyId.Inactive", "SignatureNonceUsed"
	one, both := []creds.Credentials{testKey}, []creds.Credentials{testKey, otherKey}
	for _, c := range []struct {
		name     string
		chain    []creds.Credentials // what the provider returns, the next one after each rejection
		attempts int
		code     string
		refusals int
		rejected []creds.Credentials
		requests int
		ok       bool
	}{
		{"others work", both, 3, invalid, 1, one, 2, true},
		{"there are no others", one, 3, invalid, 1, one, 1, false},
		{"others are refused too", both, 3, invalid, 2, both, 2, false},
		{"no attempt is left", both, 1, invalid, 1, one, 1, false},
		{"a nonce that was seen is no reason to drop them", both, 3, seen, 1, nil, 2, true},
	} {
		inBubbles(t, c.name, ClientConfig{Attempts: c.attempts}, func(t *testing.T, r *rig) {
			r.keys.chain = c.chain
			r.api.SetFault("", tairtest.Fault{Error: &tairtest.APIError{Status: 403, Code: c.code}, Times: c.refusals})
			if c.ok {
				r.wantSSL()
			} else {
				_, err := r.ask()
				var failure *Error
				if !errors.As(err, &failure) || failure.Reason != ReasonUnauthorized {
					t.Errorf("error %+v", err)
				}
			}
			if !slices.Equal(r.keys.rejected, c.rejected) {
				t.Errorf("%d rejected, want %d, or others", len(r.keys.rejected), len(c.rejected))
			}
			r.wantRequests(c.requests)
		})
	}
}

func TestCredentialsCannotBeObtained(t *testing.T) {
	inBubble(t, ClientConfig{}, func(t *testing.T, r *rig) {
		why := &creds.Error{Type: creds.TypeRAMRoleARN, Class: "sts", Code: "NoPermission", RequestID: "1B2C"}
		r.keys.err = why
		_, err := r.client.Admit(t.Context())
		wantError(t, err, Error{
			Reason: ReasonCredentials, Code: "NoPermission", RequestID: "1B2C",
			Detail: "cannot obtain credentials: class=sts code=NoPermission request_id=1B2C", Credentials: why,
		})
		r.wantRequests(0)
		if len(r.observed.attempts) != 0 {
			t.Errorf("observed %+v", r.observed.attempts)
		}
	})
}

// The failure of an attempt says more than why there is no other.
func TestCredentialsRunOutAfterAnAttempt(t *testing.T) {
	inBubble(t, ClientConfig{}, func(t *testing.T, r *rig) {
		r.api.SetFault("", tairtest.Fault{Delay: time.Second, Error: errInternal})
		time.AfterFunc(500*time.Millisecond, func() { r.keys.fail(&creds.Error{Class: "file"}) })
		_, err := r.ask()
		wantError(t, err, Error{Reason: ReasonServer, Status: 500, Code: "InternalError", RequestID: anyRequestID})
		r.wantRequests(1)
	})
}

func TestNothingIsSentOnceTheContextHasEnded(t *testing.T) {
	stopped := errors.New("stopped")
	const half = 500 * time.Millisecond
	for _, c := range []struct {
		name    string
		prepare func(r *rig)
		stop    bool // ends before its deadline
		took    time.Duration
		want    string
	}{
		{"the token would come too late", (*rig).wantSSL, false, 0, "waiting for the rate limit: rate: Wait(n=1) would exceed context deadline"},
		{"waiting for a token", (*rig).wantSSL, true, half, "waiting for the rate limit: stopped"},
		{"in a pause", func(r *rig) { r.client.requests.limiter.throttled() }, true, half, "waiting for the rate limit: stopped"},
		{"behind another call", func(r *rig) { r.wantSSL(); go r.wantSSL(); synctest.Wait() }, false, half, "waiting for the rate limit: context deadline exceeded"},
		{"waiting for credentials", func(r *rig) { r.keys.hang = true }, false, half, "waiting for credentials: context deadline exceeded"},
		{"waiting for a slot", func(r *rig) { r.hold(); r.hold() }, false, half, "waiting for a slot: context deadline exceeded"},
	} {
		inBubbles(t, c.name, ClientConfig{QPS: 0.5, Concurrency: 2}, func(t *testing.T, r *rig) {
			c.prepare(r)
			r.api.ResetRequests()
			ctx, cancel := context.WithTimeout(t.Context(), half)
			if c.stop {
				var stop context.CancelCauseFunc
				ctx, stop = context.WithCancelCause(t.Context())
				time.AfterFunc(half, func() { stop(stopped) })
			}
			defer cancel()
			began := time.Now()
			got, err := r.askUnder(ctx)
			if err == nil || err.Error() != c.want || got != (SSL{}) || time.Since(began) != c.took {
				t.Errorf("got %+v, error %v after %v\nwant %s after %v", got, err, time.Since(began), c.want, c.took)
			}
			<-ctx.Done()
			if _, err := r.askUnder(ctx); !errors.Is(err, context.Cause(ctx)) {
				t.Errorf("error %v with an ended context", err)
			}
			r.wantRequests(0)
			pass(time.Minute) // the call ahead ends
			if n := len(r.client.requests.slots); n != 0 {
				t.Errorf("%d slots are still taken", n)
			}
		})
	}
}

// hold takes a permit and releases it much later.
func (r *rig) hold() {
	if permit, err := r.client.Admit(r.t.Context()); err == nil {
		time.AfterFunc(30*time.Second, permit.Release)
	}
}

func TestPermitDependsOnNoContext(t *testing.T) {
	inBubble(t, ClientConfig{}, func(t *testing.T, r *rig) {
		r.api.SetFault("", tairtest.Fault{Delay: 3 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		got, err := r.askOnce(ctx, testInstance)
		if got != testSSL || err != nil || time.Since(began) != 3*time.Second {
			t.Errorf("got %+v, error %v after %v", got, err, time.Since(began))
		}
	})
}

func TestObserver(t *testing.T) {
	inBubble(t, ClientConfig{Attempts: 6, QPS: 1}, func(t *testing.T, r *rig) {
		r.burst(3)
		if want := []time.Duration{0, time.Second, 2 * time.Second}; !slices.Equal(r.observed.waits, want) {
			t.Errorf("waits %v, want %v", r.observed.waits, want)
		}
		*r.observed = recorder{}
		r.api.SetFault("",
			tairtest.Fault{Times: 1, Hang: true},
			tairtest.Fault{Times: 1, Delay: 4 * time.Second, Reset: true},
			tairtest.Fault{Times: 1, Delay: time.Second, Error: errInternal},
			tairtest.Fault{Times: 1, Status: 502, Body: []byte("<html>")},
			tairtest.Fault{Times: 1, Delay: 2 * time.Second},
			tairtest.Fault{Times: 1, Error: &tairtest.APIError{Status: 403, Code: "IncorrectEngineVersion"}},
		)
		r.wantSSL()
		_, _ = r.ask()
		const action = "DescribeInstanceSSL"
		want := []Attempt{
			{Action: action, Code: "timeout", Reason: ReasonTimeout, Took: 5 * time.Second},
			{Action: action, Code: "network", Reason: ReasonNetwork, Took: 4 * time.Second},
			{Action: action, Code: "InternalError", Reason: ReasonServer, Took: time.Second},
			{Action: action, Code: "server", Reason: ReasonServer},
			{Action: action, Code: "OK", Took: 2 * time.Second},
			{Action: action, Code: "IncorrectEngineVersion", Reason: ReasonForbidden},
		}
		for n, got := range r.observed.attempts {
			if answered := got.Code != "timeout" && got.Code != "network" && got.Code != "server"; (got.RequestID() != "") != answered {
				t.Errorf("request ID %q of %+v", got.RequestID(), got)
			}
			want[n].InstanceID, want[n].body = testInstance, got.body
		}
		if !reflect.DeepEqual(r.observed.attempts, want) {
			t.Errorf("observed %+v\nwant %+v", r.observed.attempts, want)
		}
		if len(r.observed.waits) != len(want) {
			t.Errorf("waits %v, want %d", r.observed.waits, len(want))
		}
	})
}
