package collector

import (
	"net/http"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/tairtest"
)

// What is known of an instance stays while its ID, account and region do, whatever else of it changes.
func TestApplyKeepsWhatIsKnown(t *testing.T) {
	inBubble(t, func(w *world) {
		addTargets := func() {
			w.addTarget("main", hangzhou)
			w.addTarget("main", shanghai)
			w.addTarget("other", hangzhou)
		}
		addTargets()
		w.addInstances("main", hangzhou, "r-1", "r-region", "r-account")
		w.setup.RefreshInterval = time.Hour
		w.apply()
		w.scrape(soon)

		w.setup.LabelNames = []string{"team"}
		w.setup.Instances[0].Name, w.setup.Instances[0].Labels = "sessions", map[string]string{"team": "payments"}
		w.setup.Instances[1].Region = shanghai
		w.setup.Instances[2].Account = "other"
		w.setup.Targets = nil
		addTargets()
		w.api.SetFault("", failWith(500, "InternalError"))
		w.apply()
		p := w.scrape(soon)
		p.wantState("r-1", valid("r-1", 0, 0))
		p.wantState("r-region", "success=0 error=server,InternalError")
		p.wantState("r-account", "success=0 error=server,InternalError")
		if _, ok := p.value("instance_info", "instance_id", "r-1", "name", "sessions", "team", "payments"); !ok {
			t.Error("the info metric of r-1 is not the new one")
		}
	})
}

// What a source has found stays while its account, region and filter do.
func TestApplyKeepsWhatWasFound(t *testing.T) {
	inBubble(t, func(w *world) {
		prod, qa := map[string]string{"env": "prod"}, map[string]string{"env": "qa"}
		w.addRegions(hangzhou)
		w.addSource(Source{Account: "main", Regions: []string{shanghai}, Filter: tair.Filter{Tags: prod}})
		w.createInstance("main", hangzhou, "r-1")
		w.createInstance("main", shanghai, "r-2", tagged(prod))
		w.setup.RefreshInterval = time.Hour
		w.apply()
		w.scrape(soon)

		failAfter := func(d time.Duration) tairtest.Fault {
			f := failWith(500, "InternalError")
			f.Delay = d
			return f
		}
		w.api.SetFault("DescribeInstances/"+hangzhou, failAfter(time.Second))
		w.api.SetFault("DescribeInstances/"+shanghai, failAfter(2*time.Second))
		w.setup.Sources[0].Labels = map[string]string{"team": "payments"} // needs no other listing
		w.setup.Sources[1].Filter = tair.Filter{Tags: qa}                 // needs another listing
		w.setup.LabelNames = []string{"team"}
		w.apply()
		if code := w.do(t.Context(), w.exporter.SDHandler(), "/sd").Code; code != http.StatusServiceUnavailable {
			t.Errorf("/sd before the new listing was tried: HTTP %d", code)
		}
		if w.exporter.Ready() != nil {
			t.Error("a new listing makes the exporter not ready")
		}
		p := w.scrape(soon)
		wantEqual(t, "watched", p.infos("team"), "r-1 team=payments")
		p.wantState("r-1", valid("r-1", 0, 2*time.Second))
		p.want(0, "discovery_last_refresh_successful", "account", "main", "region", hangzhou)
		p.want(float64(w.began.Unix()), "discovery_last_success_timestamp_seconds", "account", "main", "region", hangzhou)
		p.wantAbsent("exporter_discovery_last_success_timestamp_seconds", "region", shanghai)
	})
}

// A scrape does not wait for the first listing of a source that left the setup.
func TestApplyEndsTheWaitForTheFirstListing(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addTarget("main", shanghai)
		w.addInstances("main", shanghai, "r-1")
		w.addRegions(hangzhou)
		w.api.SetFault("DescribeInstances", tairtest.Fault{Hang: true})
		w.apply()
		wait := w.scrapeAfter(0, 4*time.Second)
		advance(time.Second)
		w.setup.Sources = nil
		w.apply()
		p := wait()
		w.wantElapsed(time.Second)
		p.wantSuccess("r-1")
	})
}

func TestApplyRefusesAnInconsistentSetup(t *testing.T) {
	w := onLoopback(t, Options{})
	w.applyMain("r-1")
	for _, tt := range []struct {
		want   string
		change func(s *Setup)
	}{
		{"account main, region cn-shanghai: a client is missing", func(s *Setup) {
			s.Targets = append(s.Targets, Target{Account: "main", Region: shanghai})
		}},
		{"instance r-2: no client for account main, region cn-shanghai", func(s *Setup) {
			s.Instances = append(s.Instances, Instance{ID: "r-2", Account: "main", Region: shanghai})
		}},
		{"instance r-1 is listed twice", func(s *Setup) {
			s.Targets = append(s.Targets, Target{Account: "other", Region: hangzhou, Client: s.Targets[0].Client})
			s.Instances = append(s.Instances, Instance{ID: "r-1", Account: "other", Region: hangzhou})
		}},
		{"discovery: an interval is missing", func(s *Setup) {
			s.Sources = []Source{{Account: "main", Regions: []string{hangzhou}}}
		}},
		{"discovery: no client for account main, region cn-shanghai", func(s *Setup) {
			s.DiscoveryInterval, s.Sources = every, []Source{{Account: "main", Regions: []string{hangzhou, shanghai}}}
		}},
		{"discovery: no client for account other, region cn-hangzhou", func(s *Setup) {
			s.DiscoveryInterval, s.Sources = every, []Source{{Account: "other", Regions: []string{AllRegions}, Home: hangzhou}}
		}},
	} {
		setup := w.setup
		tt.change(&setup)
		if err := w.exporter.Apply(setup); err == nil || err.Error() != tt.want {
			t.Errorf("%v, want %s", err, tt.want)
		}
		p := w.scrape(soon) // the setup before is in force
		p.want(1, "instances", "account", "main")
		p.wantSuccess("r-1")
	}
}

// Close waits for the calls in flight. Their answers are served afterwards.
func TestCloseWaitsForCallsInFlight(t *testing.T) {
	inSlowBubble(t, 3*time.Second, func(w *world) {
		w.setup.RefreshInterval = time.Hour
		w.applyMain("r-1")
		w.scrape(time.Second).wantState("r-1", pending)
		w.exporter.Close()
		w.wantElapsed(3 * time.Second)
		w.scrape(soon).wantState("r-1", valid("r-1", 3*time.Second, 3*time.Second))
		w.wantRequestedIDs("r-1")
	})
}
