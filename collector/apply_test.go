package collector

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/collector/tair/tairtest"
)

func TestApplyTakesInstancesOutAndIn(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1", "r-2")
		w.apply()
		w.scrape(soon).want(t, 2, "instances", "account", "main", "region", hangzhou)

		w.setup.Instances = w.setup.Instances[1:]
		w.apply()
		p := w.scrape(soon)
		if s := p.state("r-1"); s != "" {
			t.Errorf("r-1 is still there: %s", s)
		}
		if _, ok := p.value("instance_info", "instance_id", "r-1"); ok {
			t.Error("the info of r-1 is still there")
		}
		if s := p.state("r-2"); !strings.HasPrefix(s, "success=1 ") {
			t.Errorf("r-2: %s", s)
		}
		p.want(t, 1, "instances", "account", "main", "region", hangzhou)

		w.watch("main", hangzhou, "r-3")
		w.apply()
		if s := w.scrape(soon).state("r-3"); !strings.HasPrefix(s, "success=1 ") {
			t.Errorf("r-3: %s", s)
		}
	})
}

func TestApplyKeepsWhatIsKnown(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.reach("main", shanghai)
		w.reach("other", hangzhou)
		w.watch("main", hangzhou, "r-1", "r-moved", "r-sold")
		w.setup.RefreshInterval = time.Hour
		w.apply()
		w.scrape(soon)

		w.setup.LabelNames = []string{"team"} // as much as can change around an instance
		w.setup.Instances[0].Name, w.setup.Instances[0].Labels = "sessions", map[string]string{"team": "payments"}
		w.setup.Instances[1].Region = shanghai
		w.setup.Instances[2].Account = "other"
		w.setup.Targets = nil
		w.reach("main", hangzhou)
		w.reach("main", shanghai)
		w.reach("other", hangzhou)
		w.api.SetFault("", fails(500, "InternalError"))
		w.apply()
		p := w.scrape(soon)
		w.wantState(p, "r-1", knownAt0m)
		w.wantState(p, "r-moved", "success=0 error=server,InternalError")
		w.wantState(p, "r-sold", "success=0 error=server,InternalError")
		if _, ok := p.value("instance_info", "instance_id", "r-1", "name", "sessions", "team", "payments"); !ok {
			t.Error("the info metric of r-1 is not the new one")
		}
	})
}

func TestLabelSetsOfPlacesThatLeftAreGone(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.reach("main", shanghai)
		w.reach("other", hangzhou)
		w.watch("main", hangzhou, "r-1")
		w.watch("main", shanghai, "r-2", "r-late")
		w.watch("other", hangzhou, "r-3")
		w.apply()
		w.api.SetFault("r-2", fails(400, "Throttling.User"))
		w.api.SetFault("r-late", tairtest.Fault{Delay: 3 * time.Second})
		w.exporter.CredentialsFailed("other", &creds.Error{Class: "sts"})
		perPlace := []string{"api_requests_total", "api_throttles_total", "api_rate_limit_wait_seconds_total",
			"api_rate_limit_qps", "instances"}
		there := func(p page, account, region string, want bool) {
			t.Helper()
			for _, name := range perPlace {
				if _, ok := p.value("exporter_"+name, "account", account, "region", region); ok != want {
					t.Errorf("%s of %s in %s is there: %t, want %t", name, account, region, ok, want)
				}
			}
		}
		p := w.scrape(time.Second)
		there(p, "main", shanghai, true)
		there(p, "other", hangzhou, true)
		p.want(t, 1, "api_throttles_total", "account", "main", "region", shanghai)

		before := w.setup
		w.setup.Instances, w.setup.Targets = before.Instances[:1], before.Targets[:1]
		w.apply()
		pass(10 * time.Second) // the late one has ended meanwhile
		w.exporter.CredentialsFailed("other", &creds.Error{Class: "sts"})
		p = w.scrape(soon)
		there(p, "main", hangzhou, true)
		there(p, "main", shanghai, false)
		there(p, "other", hangzhou, false)
		p.want(t, 0, "credentials_refresh_failures_total", "account", "main")
		if _, ok := p.value("exporter_credentials_refresh_failures_total", "account", "other"); ok {
			t.Error("credentials_refresh_failures_total of other is still there")
		}

		w.setup = before // and back: from 0 on
		w.api.ClearFaults()
		w.apply()
		p = w.scrape(soon)
		there(p, "main", shanghai, true)
		p.want(t, 2, "api_requests_total", "account", "main", "region", shanghai, "code", "OK")
		p.want(t, 0, "api_throttles_total", "account", "main", "region", shanghai)
		p.want(t, 0, "credentials_refresh_failures_total", "account", "other")
	})
}

func TestApplyRefusesWhatDoesNotFit(t *testing.T) {
	w := onLoopback(t, Options{})
	w.reach("main", hangzhou)
	w.watch("main", hangzhou, "r-1")
	w.apply()
	asker := w.setup.Targets[0].Client
	for _, tt := range []struct {
		name, want string
		change     func(s *Setup)
	}{
		{"no client", "account main, region cn-shanghai: a client is missing", func(s *Setup) {
			s.Targets = append(s.Targets, Target{Account: "main", Region: shanghai})
		}},
		{"no target", "instance r-2: no client for account main, region cn-shanghai", func(s *Setup) {
			s.Instances = append(s.Instances, Instance{ID: "r-2", Account: "main", Region: shanghai})
		}},
		{"the same ID twice", "instance r-1 is listed twice", func(s *Setup) {
			s.Targets = append(s.Targets, Target{Account: "other", Region: hangzhou, Client: asker})
			s.Instances = append(s.Instances, Instance{ID: "r-1", Account: "other", Region: hangzhou})
		}},
	} {
		setup := w.setup
		tt.change(&setup)
		if err := w.exporter.Apply(setup); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
		p := w.scrape(soon)
		p.want(t, 1, "instances", "account", "main")
		if s := p.state("r-1"); !strings.HasPrefix(s, "success=1 ") {
			t.Errorf("%s: the old fleet does not work on: %s", tt.name, s)
		}
	}
}

func TestScrapeInFlightEndsOnTheOldFleet(t *testing.T) {
	inSlowBubble(t, 2*time.Second, func(w *world) {
		w.reach("main", hangzhou, oneAtATime)
		w.watch("main", hangzhou, "r-1", "r-2")
		w.setup.LabelNames = []string{"team"}
		w.apply()
		var all sync.WaitGroup
		var old, next page
		later(w, &all, 0, soon, &old)
		pass(time.Second)
		w.setup.Instances = w.setup.Instances[:1]
		w.setup.LabelNames = []string{"env"}
		w.setup.Instances[0].Labels = map[string]string{"team": "payments", "env": "prod"}
		w.apply()
		later(w, &all, 0, soon, &next)
		all.Wait()
		for _, id := range []string{"r-1", "r-2"} {
			if s := old.state(id); !strings.HasPrefix(s, "success=1 ") {
				t.Errorf("%s on the old fleet: %s", id, s)
			}
		}
		if s := next.state("r-1"); !strings.HasPrefix(s, "success=1 ") || next.state("r-2") != "" {
			t.Errorf("the new fleet: r-1 %s, r-2 %s", s, next.state("r-2"))
		}
		if _, ok := next.value("instance_info", "env", "prod", "team", ""); !ok {
			t.Error("the new fleet has the old labels")
		}
	})
}

func TestReloadIsTold(t *testing.T) {
	now := time.Unix(1700000000, 0)
	w := onLoopback(t, Options{Now: func() time.Time { return now }})
	self := func() page { return w.get(t.Context(), w.exporter.SelfHandler()) }
	self().want(t, 0, "config_last_reload_successful")
	if w.exporter.Ready() == nil {
		t.Error("ready without a configuration")
	}
	w.apply()
	if w.exporter.Ready() != nil {
		t.Error("not ready with a configuration")
	}
	self().want(t, 1, "config_last_reload_successful")
	self().want(t, 1700000000, "config_last_reload_success_timestamp_seconds")
	now = now.Add(time.Hour)
	w.exporter.ReloadFailed()
	self().want(t, 0, "config_last_reload_successful")
	self().want(t, 1700000000, "config_last_reload_success_timestamp_seconds")
	w.apply()
	self().want(t, 1, "config_last_reload_successful")
	self().want(t, 1700003600, "config_last_reload_success_timestamp_seconds")
}

func TestFleetThatIsTooLargeIsWarnedOfOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou, func(c *tair.ClientConfig) { c.QPS = 2 })
		w.reach("main", shanghai)
		w.watch("main", hangzhou, "r-1", "r-2", "r-3", "r-4")
		w.watch("main", shanghai, "r-5")
		w.setup.ScrapeTime = 2 * time.Second
		w.apply()
		if lines := w.log.take(); len(lines) != 0 {
			t.Errorf("4 instances fit into 2 s at 2/s, but: %q", lines)
		}
		w.setup.ScrapeTime = 1999 * time.Millisecond
		w.apply()
		w.scrape(soon)
		lines := w.log.take()
		if len(lines) != 1 {
			t.Fatalf("%d lines, want one: %q", len(lines), lines)
		}
		for _, want := range []string{"level=warn", "account=main", "region=cn-hangzhou", "instances=4", "calls_per_scrape=3", "refresh_interval"} {
			if !strings.Contains(lines[0], want) {
				t.Errorf("%q lacks %q", lines[0], want)
			}
		}
	})
}

// A value that no metric can hold costs its own metrics alone.
func TestOneBadInstanceHidesNoOther(t *testing.T) {
	w := onLoopback(t, Options{})
	w.reach("main", hangzhou)
	w.watch("main", hangzhou, "r-1", "r-2")
	w.setup.Instances[1].Name = "\xff"
	w.apply()
	rec := httptest.NewRecorder()
	w.handler(soon).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `tair_ssl_scrape_success{instance_id="r-2"} 1`) {
		t.Errorf("HTTP %d: %s", rec.Code, rec.Body)
	}
	if lines := strings.Join(w.log.take(), "\n"); !strings.Contains(lines, "level=error") {
		t.Errorf("logged: %q", lines)
	}
}
