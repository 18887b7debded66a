package collector

import (
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
)

// step is something that happens, and what the next scrape tells of r-1. There is a minute between two scrapes.
type step struct {
	name string
	do   func(w *world)
	want string
}

// walk goes through steps with the one instance r-1.
func walk(t *testing.T, steps ...step) {
	t.Helper()
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1")
		w.apply()
		for i, s := range steps {
			if i > 0 {
				pass(time.Minute)
			}
			if s.do != nil {
				s.do(w)
			}
			w.t.Log(s.name)
			w.wantState(w.scrape(soon), "r-1", s.want)
		}
	})
}

const (
	cert      = " cert=r-1.redis.rds.aliyuncs.com"
	knownAt0m = "success=1 last=0s supported=1 enabled=1 expiry=2400h0m0s in=2400h0m0s" + cert
)

func TestOutageKeepsTheAnswer(t *testing.T) {
	fault := func(f tairtest.Fault) func(*world) { return func(w *world) { w.api.SetFault("r-1", f) } }
	kept := func(why, in string) string {
		return "success=0 error=" + why + " last=0s supported=1 enabled=1 expiry=2400h0m0s in=" + in + cert
	}
	walk(t,
		step{"known", nil, knownAt0m},
		step{"server", fault(fails(503, "ServiceUnavailable")), kept("server,ServiceUnavailable", "2399h59m0s")},
		step{"throttled", fault(fails(400, "Throttling.User")), kept("throttled,Throttling.User", "2399h58m0s")},
		step{"forbidden", fault(fails(403, "Forbidden.RAM")), kept("forbidden,Forbidden.RAM", "2399h57m0s")},
		step{"unauthorized", fault(fails(400, "InvalidTimeStamp.Expired")), kept("unauthorized,InvalidTimeStamp.Expired", "2399h56m0s")},
		step{"network", fault(tairtest.Fault{Reset: true}), kept("network,-", "2399h55m0s")},
		step{"other", fault(fails(400, "Made.Up")), kept("other,Made.Up", "2399h54m0s")},
		step{"long code", fault(fails(400, "é\n"+string(make([]byte, 99))+"0123456789012345678901234567890123456789012345678901234567890123456789")),
			kept("other,0123456789012345678901234567890123456789012345678901234567890123", "2399h53m0s")},
		// 5 s of waiting are in the time that is left
		step{"timeout", fault(tairtest.Fault{Hang: true}), kept("timeout,-", "2399h51m55s")},
		step{"known again", func(w *world) { w.api.ClearFaults() },
			"success=1 last=9m5s supported=1 enabled=1 expiry=2400h0m0s in=2399h50m55s" + cert},
	)
}

func TestNonsenseIsNotGuessedAt(t *testing.T) {
	body := func(s string) func(*world) {
		return func(w *world) { w.api.SetFault("r-1", tairtest.Fault{Body: []byte(s)}) }
	}
	kept := func(in string) string {
		return "success=0 error=invalid_response,- last=0s supported=1 enabled=1 expiry=2400h0m0s in=" + in + cert
	}
	walk(t,
		step{"known", nil, knownAt0m},
		step{"an unknown word", body(`{"InstanceId":"r-1","SSLEnabled":"Perhaps","SSLExpiredTime":"2030-01-01T00:00:00Z"}`), kept("2399h59m0s")},
		step{"no date", body(`{"InstanceId":"r-1","SSLEnabled":"Enable"}`), kept("2399h58m0s")},
		step{"an unreadable date", body(`{"InstanceId":"r-1","SSLEnabled":"Enable","SSLExpiredTime":"soon"}`), kept("2399h57m0s")},
		step{"another instance", body(`{"InstanceId":"r-2","SSLEnabled":"Disable"}`), kept("2399h56m0s")},
		step{"an empty body", body(``), kept("2399h55m0s")},
		step{"a foreign body", body(`<html>captive portal</html>`), kept("2399h54m0s")},
	)
}

func TestDeletedInstanceLosesItsAnswerAtOnce(t *testing.T) {
	gone := "success=0 error=not_found,InvalidInstanceId.NotFound"
	walk(t,
		step{"known", nil, knownAt0m},
		step{"deleted", func(w *world) { w.api.RemoveInstance("r-1") }, gone},
		step{"still deleted", nil, gone},
		step{"an outage brings nothing back", func(w *world) { w.api.SetFault("r-1", fails(500, "InternalError")) },
			"success=0 error=server,InternalError"},
		step{"restored", func(w *world) {
			w.api.ClearFaults()
			w.api.SetInstance(enabled("main", hangzhou, "r-1", w.began.Add(50*day)))
		}, "success=1 last=4m0s supported=1 enabled=1 expiry=1200h0m0s in=1199h56m0s" + cert},
	)
}

func TestDisabledAndRenewed(t *testing.T) {
	set := func(enabled string, expires time.Duration) func(*world) {
		return func(w *world) {
			w.api.SetInstance(tairtest.Instance{ID: "r-1", Region: hangzhou, SSLEnabled: enabled,
				ExpiresAt: w.began.Add(expires), CommonName: "r-1.redis.rds.aliyuncs.com"})
		}
	}
	walk(t,
		step{"known", nil, knownAt0m},
		step{"disabled with an old date", set("Disable", -day), "success=1 last=1m0s supported=1 enabled=0"},
		step{"an outage of a disabled one", func(w *world) { w.api.SetFault("r-1", fails(500, "InternalError")) },
			"success=0 error=server,InternalError last=1m0s supported=1 enabled=0"},
		step{"enabled, but expired", func(w *world) { w.api.ClearFaults(); set("Enable", -day)(w) },
			"success=1 last=3m0s supported=1 enabled=1 expiry=-24h0m0s in=-24h3m0s" + cert},
		step{"renewed", set("Enable", 365*day),
			"success=1 last=4m0s supported=1 enabled=1 expiry=8760h0m0s in=8759h56m0s" + cert},
		step{"unsupported after a change of its kind", func(w *world) { w.api.SetFault("r-1", fails(400, "InstanceType.NotSupport")) },
			"success=1 last=5m0s supported=0 enabled=0"},
	)
}

func TestFirstCallFails(t *testing.T) {
	walk(t,
		step{"failed", func(w *world) { w.api.SetFault("r-1", fails(503, "ServiceUnavailable")) },
			"success=0 error=server,ServiceUnavailable"},
		step{"known", func(w *world) { w.api.ClearFaults() },
			"success=1 last=1m0s supported=1 enabled=1 expiry=2400h0m0s in=2399h59m0s" + cert},
	)
}
