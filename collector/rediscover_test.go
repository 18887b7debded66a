package collector

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/tairtest"
)

func TestApplyKeepsWhatWasFound(t *testing.T) {
	inBubble(t, func(w *world) {
		w.find(Source{Account: "main", Regions: []string{hangzhou}})
		w.find(Source{Account: "main", Regions: []string{shanghai}, Filter: tair.Filter{Tags: map[string]string{"env": "prod"}}})
		w.exists("main", hangzhou, "r-1")
		w.exists("main", shanghai, "r-2", tagged(map[string]string{"env": "prod"}))
		w.setup.RefreshInterval = time.Hour
		w.apply()
		w.scrape(soon)

		late := func(d time.Duration) tairtest.Fault {
			f := fails(500, "InternalError")
			f.Delay = d
			return f
		}
		w.api.SetFault("DescribeInstances/"+hangzhou, late(time.Second))
		w.api.SetFault("DescribeInstances/"+shanghai, late(2*time.Second))
		w.setup.Sources[0].Labels = map[string]string{"team": "payments"}             // is found by the same question
		w.setup.Sources[1].Filter = tair.Filter{Tags: map[string]string{"env": "qa"}} // is another question
		w.setup.LabelNames = []string{"team"}
		w.apply()
		if code := w.sd().Code; code != http.StatusServiceUnavailable {
			t.Errorf("/sd before the new question was asked: HTTP %d", code)
		}
		if w.exporter.Ready() != nil {
			t.Error("a new question takes the exporter out of service")
		}
		p := w.scrape(soon)
		wantEqual(t, "watched", p.infos("team"), []string{"r-1 team=payments"})
		w.wantState(p, "r-1", strings.Replace(knownAt0m, "in=2400h0m0s", "in=2399h59m58s", 1))
		p.want(t, 0, "discovery_last_refresh_successful", "account", "main", "region", hangzhou)
		p.want(t, float64(w.began.Unix()), "discovery_last_success_timestamp_seconds", "account", "main", "region", hangzhou)
		if _, there := p.value("exporter_discovery_last_success_timestamp_seconds", "region", shanghai); there {
			t.Error("the new question was never answered")
		}
	})
}

func TestApplyKeepsTheRegionsThatWereFound(t *testing.T) {
	inBubble(t, func(w *world) {
		w.findEverywhere("main")
		w.exists("main", shanghai, "r-1")
		w.setup.RefreshInterval = time.Hour
		w.api.SetRegions(tairtest.Region{ID: shanghai, Endpoint: "a.example:80"})
		w.apply()
		w.scrape(soon)
		before := w.exporter.current.load().schedulers[accountRegion{"main", shanghai}].client
		w.api.SetFault("", fails(500, "InternalError"))
		w.apply()
		p := w.scrape(soon)
		w.wantState(p, "r-1", knownAt0m)
		if after := w.exporter.current.load().schedulers[accountRegion{"main", shanghai}].client; after != before {
			t.Error("the client is another one: it has to learn the quota again")
		}
	})
}

func TestWhatLeftTheSetupIsListedNoMore(t *testing.T) {
	inBubble(t, func(w *world) {
		w.find(Source{Account: "main", Regions: []string{hangzhou, shanghai}})
		w.apply()
		w.scrape(soon)
		w.setup.Sources[0].Regions = []string{hangzhou}
		w.setup.Targets = w.setup.Targets[:1]
		w.apply()
		w.api.ResetRequests()
		pass(5 * every)
		listed := map[string]int{}
		for _, r := range w.api.Requests() {
			listed[r.Region]++
		}
		if n := listed[hangzhou]; listed[shanghai] != 0 || n < 4 || n > 7 {
			t.Errorf("listed: %v, want one every %s in %s only", listed, every, hangzhou)
		}
		w.exporter.Close()
		w.api.ResetRequests()
		pass(5 * every)
		if n := len(w.api.Requests()); n != 0 {
			t.Errorf("%d requests after the end", n)
		}
	})
}

// A scrape that waits for the first try must not wait for one that will never come.
func TestAReloadEndsTheWaitForTheFirstTry(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", shanghai)
		w.watch("main", shanghai, "r-1")
		w.find(Source{Account: "main", Regions: []string{hangzhou}})
		w.api.SetFault("DescribeInstances", tairtest.Fault{Hang: true})
		w.apply()
		var p page
		done := make(chan struct{})
		go func() {
			p = w.scrape(4 * time.Second)
			close(done)
		}()
		pass(time.Second)
		w.setup.Sources = nil
		w.apply()
		<-done
		if took := time.Since(w.began); took != time.Second {
			t.Errorf("it went on for %s", took)
		}
		if s := p.state("r-1"); !strings.HasPrefix(s, "success=1") {
			t.Errorf("r-1: %s", s)
		}
	})
}

func TestApplyRefusesSourcesThatReachNowhere(t *testing.T) {
	w := onLoopback(t, Options{})
	w.reach("main", hangzhou)
	w.setup.DiscoveryInterval = every
	for want, s := range map[string]Source{
		"discovery: no client for account main, region cn-shanghai":  {Account: "main", Regions: []string{hangzhou, shanghai}},
		"discovery: no client for account other, region cn-hangzhou": {Account: "other", Regions: []string{AllRegions}, Home: hangzhou},
	} {
		w.setup.Sources = []Source{s}
		if err := w.exporter.Apply(w.setup); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A listing that ends after its setup puts nothing in force.
func TestAReloadDuringAListing(t *testing.T) {
	inBubble(t, func(w *world) {
		w.find(Source{Account: "main", Regions: []string{hangzhou}})
		w.exists("main", hangzhou, "r-1")
		w.apply()
		w.scrape(soon)
		w.api.SetFault("DescribeInstances", tairtest.Fault{Times: 1, Delay: 3 * time.Second})
		for n := len(w.requests("DescribeInstances")); len(w.requests("DescribeInstances")) == n; {
			pass(time.Second)
		}
		w.exists("main", hangzhou, "r-2")
		w.setup.Sources[0].Filter = tair.Filter{Tags: map[string]string{"env": "none"}}
		w.apply()
		setup := w.exporter.current.load().setup
		pass(4 * time.Second)
		if w.exporter.current.load().setup != setup {
			t.Error("a listing of the old setup put it back in force")
		}
	})
}
