package collector

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/tairtest"
)

// step is a change, and the state of r-1 in the scrape after it. There is a minute between two steps.
type step struct {
	name   string
	change func(w *world)
	want   string
}

// runSteps runs steps with the one instance r-1.
func runSteps(t *testing.T, steps ...step) {
	t.Helper()
	inBubble(t, func(w *world) {
		w.applyMain("r-1")
		for i, s := range steps {
			if i > 0 {
				advance(time.Minute)
			}
			if s.change != nil {
				s.change(w)
			}
			w.t.Log(s.name)
			w.scrape(soon).wantState("r-1", s.want)
		}
	})
}

// fault is a change that makes the calls for r-1 fail.
func fault(f tairtest.Fault) func(*world) { return func(w *world) { w.api.SetFault("r-1", f) } }

func noFaults(w *world) { w.api.ClearFaults() }

// keptFrom0 is a state that keeps the answer of the beginning after a failure.
func keptFrom0(failure string, now time.Duration) string {
	return "success=0 error=" + failure + " " + known("r-1", 0, now)
}

func TestOutageKeepsTheAnswer(t *testing.T) {
	const m = time.Minute
	longCode := "é\n" + string(make([]byte, 99)) + strings.Repeat("0123456789", 7)
	runSteps(t,
		step{"success", nil, valid("r-1", 0, 0)},
		step{"server", fault(failWith(503, "ServiceUnavailable")), keptFrom0("server,ServiceUnavailable", m)},
		step{"throttled", fault(failWith(400, "Throttling.User")), keptFrom0("throttled,Throttling.User", 2*m)},
		step{"forbidden", fault(failWith(403, "Forbidden.RAM")), keptFrom0("forbidden,Forbidden.RAM", 3*m)},
		step{"unauthorized", fault(failWith(400, "InvalidTimeStamp.Expired")), keptFrom0("unauthorized,InvalidTimeStamp.Expired", 4*m)},
		step{"network", fault(tairtest.Fault{Reset: true}), keptFrom0("network,-", 5*m)},
		step{"other", fault(failWith(400, "Made.Up")), keptFrom0("other,Made.Up", 6*m)},
		step{"long code", fault(failWith(400, longCode)), keptFrom0("other,"+strings.Repeat("0123456789", 7)[:64], 7*m)},
		step{"timeout", fault(tairtest.Fault{Hang: true}), keptFrom0("timeout,-", 8*m+5*time.Second)},
		step{"success again", noFaults, valid("r-1", 9*m+5*time.Second, 9*m+5*time.Second)},
	)
}

func TestInvalidAnswerIsAFailure(t *testing.T) {
	steps := []step{{"success", nil, valid("r-1", 0, 0)}}
	for _, s := range []struct{ name, body string }{
		{"unknown word", `{"InstanceId":"r-1","SSLEnabled":"Perhaps","SSLExpiredTime":"2030-01-01T00:00:00Z"}`},
		{"no date", `{"InstanceId":"r-1","SSLEnabled":"Enable"}`},
		{"unreadable date", `{"InstanceId":"r-1","SSLEnabled":"Enable","SSLExpiredTime":"soon"}`},
		{"another instance", `{"InstanceId":"r-2","SSLEnabled":"Disable"}`},
		{"empty body", ``},
		{"HTML", `<html>captive portal</html>`},
	} {
		want := keptFrom0("invalid_response,-", time.Duration(len(steps))*time.Minute)
		steps = append(steps, step{s.name, fault(tairtest.Fault{Body: []byte(s.body)}), want})
	}
	runSteps(t, steps...)
}

func TestDeletedInstanceLosesItsAnswerAtOnce(t *testing.T) {
	gone := "success=0 error=not_found,InvalidInstanceId.NotFound"
	runSteps(t,
		step{"success", nil, valid("r-1", 0, 0)},
		step{"deleted", func(w *world) { w.api.RemoveInstance("r-1") }, gone},
		step{"still deleted", nil, gone},
		step{"an outage restores nothing", fault(failWith(500, "InternalError")), "success=0 error=server,InternalError"},
		step{"created again", func(w *world) {
			w.api.ClearFaults()
			w.createInstance("main", hangzhou, "r-1")
		}, valid("r-1", 4*time.Minute, 4*time.Minute)},
	)
}

func TestDisabledExpiredRenewedUnsupported(t *testing.T) {
	const cert = " cert=r-1.redis.rds.aliyuncs.com"
	set := func(enabled string, expires time.Duration) func(*world) {
		return func(w *world) {
			w.api.ClearFaults()
			w.api.SetInstance(tairtest.Instance{ID: "r-1", Region: hangzhou, SSLEnabled: enabled,
				ExpiresAt: w.began.Add(expires), CommonName: "r-1.redis.rds.aliyuncs.com"})
		}
	}
	runSteps(t,
		step{"first call fails", fault(failWith(503, "ServiceUnavailable")), "success=0 error=server,ServiceUnavailable"},
		step{"success", noFaults, valid("r-1", time.Minute, time.Minute)},
		step{"disabled with an old date", set("Disable", -day), "success=1 last=2m0s supported=1 enabled=0"},
		step{"outage while disabled", fault(failWith(500, "InternalError")),
			"success=0 error=server,InternalError last=2m0s supported=1 enabled=0"},
		step{"expired", set("Enable", -day), "success=1 last=4m0s supported=1 enabled=1 expiry=-24h0m0s in=-24h4m0s" + cert},
		step{"renewed", set("Enable", 365*day), "success=1 last=5m0s supported=1 enabled=1 expiry=8760h0m0s in=8759h55m0s" + cert},
		step{"unsupported", fault(failWith(400, "InstanceType.NotSupport")), "success=1 last=6m0s supported=0 enabled=0"},
	)
}

func TestKeepLastBoundsTheAgeOfAnAnswer(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setup.KeepLast = time.Hour
		w.applyMain("r-1")
		w.scrape(soon).wantState("r-1", valid("r-1", 0, 0))
		fault(failWith(500, "InternalError"))(w)
		advance(time.Hour - time.Second)
		w.scrape(soon).wantState("r-1", keptFrom0("server,InternalError", time.Hour-time.Second))
		advance(time.Second)
		w.scrape(soon).wantState("r-1", "success=0 error=server,InternalError")
		w.api.ClearFaults()
		w.scrape(soon).wantState("r-1", valid("r-1", time.Hour, time.Hour))

		w.setup.KeepLast = 0
		w.apply()
		w.scrape(soon).wantState("r-1", valid("r-1", time.Hour, time.Hour))
		fault(failWith(500, "InternalError"))(w)
		w.scrape(soon).wantState("r-1", "success=0 error=server,InternalError") // at the same instant
	})
}

// An answer is served from memory while it is younger than refresh_interval. A transient failure is not.
func TestRefreshIntervalServesFromMemory(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setup.RefreshInterval = 10 * time.Minute
		w.applyMain("r-1 r-2")
		w.api.SetFault("r-2", failWith(500, "InternalError"))
		w.scrape(soon)

		w.api.ResetRequests()
		advance(4 * time.Minute)
		p := w.scrape(soon)
		p.wantState("r-1", valid("r-1", 0, 4*time.Minute))
		p.wantState("r-2", "success=0 error=server,InternalError")
		w.wantRequestedIDs("r-2")

		w.api.ClearFaults()
		w.scrape(soon)
		w.api.ResetRequests()
		advance(6*time.Minute - time.Second)
		w.scrape(soon).wantState("r-1", valid("r-1", 0, 10*time.Minute-time.Second))
		w.wantRequestedIDs("")
		advance(time.Second)
		w.scrape(soon).wantState("r-1", valid("r-1", 10*time.Minute, 10*time.Minute))
		w.wantRequestedIDs("r-1")
	})
}

var (
	may       = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	forbidden = &tair.Error{Reason: tair.ReasonForbidden, Status: 403, Code: "Forbidden.RAM"}
	serverErr = &tair.Error{Reason: tair.ReasonServer, Status: 500, Code: "InternalError"}
)

// succeed keeps an answer to a request that was sent at a time and answered an hour later.
func succeed(r *record, sentAt time.Time) { _ = r.succeeded(tair.SSL{}, sentAt, sentAt.Add(time.Hour)) }

// prepared returns the prepared metrics of a record.
func prepared(r *record) []prometheus.Metric { return slices.Concat(r.status, r.answered) }

// Calls may overlap, so that the answer to an earlier request can arrive last.
func TestResultOlderThanTheLatestIsIgnored(t *testing.T) {
	fail := func(r *record, sentAt time.Time) { r.failed(forbidden, sentAt) }
	failOtherwise := func(r *record, sentAt time.Time) { r.failed(serverErr, sentAt) }
	for _, tt := range []struct {
		name         string
		latest, late func(r *record, sentAt time.Time)
	}{
		{"answer after answer", succeed, succeed},
		{"failure after answer", succeed, fail},
		{"answer after failure", fail, succeed},
		{"failure after failure", fail, failOtherwise},
	} {
		r := newRecord("r-1", newInstanceDescs())
		tt.latest(r, may)
		want := prepared(r)
		tt.late(r, may.Add(-time.Nanosecond))
		if !slices.Equal(prepared(r), want) || !r.attemptedAt.Equal(may) {
			t.Errorf("%s: it is not ignored", tt.name)
		}
	}
}

func TestMetricsStayPreparedUntilTheResultChanges(t *testing.T) {
	r := newRecord("r-1", newInstanceDescs())
	for _, s := range []struct {
		name             string
		change           func()
		status, answered bool // stay
	}{
		{"an answer", func() { succeed(r, may) }, false, false},
		{"a scrape", func() { r.collect(make(chan prometheus.Metric, 9), may, day) }, true, true},
		{"a failure", func() { r.failed(forbidden, may) }, false, true},
		{"the same failure", func() { r.failed(forbidden, may) }, true, true},
		{"another failure", func() { r.failed(serverErr, may) }, false, true},
		{"another answer", func() { succeed(r, may) }, false, false},
	} {
		status, answered := r.status, r.answered
		s.change()
		if a, b := slices.Equal(status, r.status), slices.Equal(answered, r.answered); a != s.status || b != s.answered {
			t.Errorf("after %s the same metrics: status %t, want %t; answer %t, want %t", s.name, a, s.status, b, s.answered)
		}
	}
}

func TestExpiresInFollowsTheClock(t *testing.T) {
	r := newRecord("r-1", newInstanceDescs())
	for _, tt := range []struct{ expiry, now time.Time }{
		{may.Add(time.Minute), may},
		{may.Add(time.Minute), may.Add(90 * time.Second)},                      // expired
		{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), may.Add(time.Hour)}, // too far for a time.Duration
	} {
		_ = r.succeeded(tair.SSL{Supported: true, Enabled: true, ExpiresAt: tt.expiry}, may, may)
		ch := make(chan prometheus.Metric, 9)
		r.collect(ch, tt.now, day)
		close(ch)
		var got []float64
		for m := range ch {
			var out dto.Metric
			if err := m.Write(&out); m.Desc() == r.descs.expiresIn && err == nil {
				got = append(got, out.GetGauge().GetValue())
			}
		}
		if want := float64(tt.expiry.Unix() - tt.now.Unix()); !slices.Equal(got, []float64{want}) {
			t.Errorf("%v at %v: %v, want %v", tt.expiry, tt.now, got, want)
		}
	}
}

// A lasting failure is followed by a call after 1, 2, 4 ... minutes, at most refresh_interval. A transient one is followed
// by a call at the next scrape, however young the answer before it is.
func TestBackOffAfterFailures(t *testing.T) {
	const m = time.Minute
	for _, tt := range []struct {
		name     string
		refresh  time.Duration
		failures []*tair.Error
		want     []time.Duration // until the next call, after each of them
	}{
		{"lasting", time.Hour, slices.Repeat([]*tair.Error{forbidden}, 8), []time.Duration{m, 2 * m, 4 * m, 8 * m, 16 * m, 32 * m, time.Hour, time.Hour}},
		{"short interval", 3 * m, slices.Repeat([]*tair.Error{forbidden}, 4), []time.Duration{m, 2 * m, 3 * m, 3 * m}},
		{"no interval", 0, slices.Repeat([]*tair.Error{forbidden}, 3), []time.Duration{0, 0, 0}},
		{"transient", time.Hour, slices.Repeat([]*tair.Error{serverErr}, 3), []time.Duration{0, 0, 0}},
		{"a transient one begins anew", time.Hour, []*tair.Error{forbidden, forbidden, serverErr, forbidden}, []time.Duration{m, 2 * m, 0, m}},
		{"an answer begins anew", time.Hour, []*tair.Error{forbidden, forbidden, nil, forbidden}, []time.Duration{m, 2 * m, time.Hour, m}},
	} {
		r, at := newRecord("r-1", newInstanceDescs()), may
		_ = r.succeeded(tair.SSL{}, at, at)
		for i, failure := range tt.failures {
			if failure == nil {
				_ = r.succeeded(tair.SSL{}, at, at)
			} else {
				r.failed(failure, at)
			}
			early, _ := r.due(at.Add(tt.want[i]-1), tt.refresh, false)
			due, attemptedAt := r.due(at.Add(tt.want[i]), tt.refresh, false)
			if early && tt.want[i] > 0 || !due || !attemptedAt.Equal(at) {
				t.Errorf("%s: not due exactly %v after result %d", tt.name, tt.want[i], i+1)
			}
			at = at.Add(tt.want[i])
		}
	}
}
