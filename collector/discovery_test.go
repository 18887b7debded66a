package collector

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/tairtest"
)

const every = 5 * time.Minute // the discovery interval of the tests

// addSource adds a source to the setup, with its targets.
func (w *world) addSource(s Source, options ...clientOption) {
	w.setup.DiscoveryInterval = every
	for _, region := range s.Regions {
		if region == AllRegions {
			s.Home, region = hangzhou, hangzhou
		}
		if !slices.ContainsFunc(w.setup.Targets, func(t Target) bool { return t.Account == s.Account && t.Region == region }) {
			w.addTarget(s.Account, region, options...)
		}
	}
	w.setup.Sources = append(w.setup.Sources, s)
}

// addRegions adds a source of account main for these regions.
func (w *world) addRegions(regions ...string) { w.addSource(Source{Account: "main", Regions: regions}) }

// advanceDiscovery returns once the next listing has been sent, whatever its jitter.
func advanceDiscovery() { advance(every + every/5) }

func TestDiscoveryFindsWhatMatches(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addSource(Source{
			Account: "main", Regions: []string{hangzhou, shanghai},
			Filter: tair.Filter{Tags: map[string]string{"env": "prod", "ssl": ""}, ResourceGroup: "rg-1"},
			Labels: map[string]string{"env": "production", "team": "none"}, TagLabels: map[string]string{"team": "Team"},
		})
		w.setup.LabelNames = []string{"env", "team"}
		matching := func(more ...string) func(*tairtest.Instance) {
			return func(i *tairtest.Instance) {
				i.ResourceGroupID, i.Name = "rg-1", "name of "+i.ID
				i.Tags = map[string]string{"env": "prod", "ssl": "yes"}
				for n := 0; n < len(more); n += 2 {
					i.Tags[more[n]] = more[n+1]
				}
			}
		}
		w.createInstance("main", hangzhou, "r-1", matching("Team", "payments"))
		w.createInstance("main", hangzhou, "r-2", matching())
		w.createInstance("main", shanghai, "r-3", matching("Team", ""))
		w.createInstance("main", hangzhou, "r-dev", matching("env", "dev"))
		w.createInstance("main", hangzhou, "r-group", matching(), func(i *tairtest.Instance) { i.ResourceGroupID = "rg-2" })
		w.createInstance("main", hangzhou, "r-creating", matching(), func(i *tairtest.Instance) { i.Status = "Creating" })
		w.createInstance("main", hangzhou, "r-unavailable", matching(), func(i *tairtest.Instance) { i.Status = "Unavailable" })
		w.createInstance("main", beijing, "r-elsewhere", matching())
		w.createInstance("other", hangzhou, "r-foreign", matching())
		w.apply()
		p := w.scrape(soon)
		wantEqual(t, "watched", p.infos("account", "region", "name", "env", "team"),
			"r-1 account=main region=cn-hangzhou name=name of r-1 env=production team=payments",
			"r-2 account=main region=cn-hangzhou name=name of r-2 env=production team=none",
			"r-3 account=main region=cn-shanghai name=name of r-3 env=production team=",
			"r-unavailable account=main region=cn-hangzhou name=name of r-unavailable env=production team=none",
		)
		for _, id := range []string{"r-1", "r-2", "r-3"} {
			p.wantState(id, valid(id, 0, 0))
		}
		for region, n := range map[string]float64{hangzhou: 3, shanghai: 1} {
			at := []string{"account", "main", "region", region}
			p.want(1, "discovery_last_refresh_successful", at...)
			p.want(float64(w.began.Unix()), "discovery_last_success_timestamp_seconds", at...)
			p.want(1, "api_requests_total", append(at, "action", "DescribeInstances", "code", "OK")...)
			p.want(n, "instances", at...)
		}
	})
}

func TestDiscoveryFollowsTheCloud(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addRegions(hangzhou)
		for _, id := range makeIDs("r", 120) { // three pages
			w.createInstance("main", hangzhou, id)
		}
		w.apply()
		if n := len(w.scrape(soon).infos()); n != 120 {
			t.Errorf("%d instances, want 120", n)
		}
		w.wantLog(`level=info caller=listing.go:[0-9]+ .* instances=120 came=120 left=0`)

		w.api.RemoveInstance("r-0007")
		w.createInstance("main", hangzhou, "r-new")
		w.scrape(soon).wantState("r-0007", "success=0 error=not_found,InvalidInstanceId.NotFound")
		advanceDiscovery()
		p := w.scrape(soon)
		p.wantState("r-0007", "")
		p.wantSuccess("r-new")
		p.want(120, "instances", "account", "main", "region", hangzhou)
		w.wantLog(`.* reason=not_found .*`, `.* instances=120 came=1 left=1`)
		advanceDiscovery()
		w.scrape(soon)
		w.wantLog() // nothing has changed
	})
}

func TestScrapeWaitsForTheFirstListing(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addTarget("main", shanghai)
		w.addInstances("main", shanghai, "r-listed")
		w.addRegions(hangzhou, beijing)
		w.createInstance("main", hangzhou, "r-found")
		w.createInstance("main", beijing, "r-late")
		w.api.SetFault("DescribeInstances/"+hangzhou, tairtest.Fault{Delay: 3 * time.Second})
		w.api.SetFault("DescribeInstances/"+beijing, tairtest.Fault{Hang: true})
		w.api.SetFault("r-found", failWith(500, "InternalError", 1))
		w.apply()
		status := func(h http.Handler, path string) int { return w.do(w.t.Context(), h, path).Code }
		probe := w.exporter.ProbeHandler(ScrapeTimeout{Default: time.Second})
		if w.exporter.Ready() == nil || status(w.exporter.SDHandler(), "/sd") != http.StatusServiceUnavailable {
			t.Error("ready before the first listing")
		}
		if code := status(probe, "/probe?target=r-found"); code != http.StatusServiceUnavailable { // waits for a second
			t.Errorf("a probe of an instance that may still be found: HTTP %d", code)
		}
		p := w.scrape(3 * time.Second)
		w.wantElapsed(4 * time.Second) // the deadline
		p.wantState("r-listed", valid("r-listed", time.Second, 4*time.Second))
		p.wantState("r-found", "success=0 error=server,InternalError") // requested once: it failed in this scrape

		p = w.scrape(soon)
		w.wantElapsed(5 * time.Second) // the attempt to list cn-beijing has timed out
		p.wantSuccess("r-found")
		p.want(0, "discovery_last_refresh_successful", "account", "main", "region", beijing)
		p.wantAbsent("exporter_discovery_last_success_timestamp_seconds", "account", "main", "region", beijing)
		if w.exporter.Ready() != nil || status(w.exporter.SDHandler(), "/sd") != http.StatusOK {
			t.Error("not ready although every listing was tried")
		}
		if code := status(probe, "/probe?target=r-late"); code != http.StatusNotFound {
			t.Errorf("a probe of an instance that is not found: HTTP %d", code)
		}
		w.api.ClearFaults()
	})
}

// An inventory with more instances changes nothing for the calls that are in flight.
func TestNewInventoryKeepsCallsInFlight(t *testing.T) {
	inSlowBubble(t, 2*time.Second, func(w *world) {
		w.addRegions(hangzhou)
		w.createInstance("main", hangzhou, "r-1")
		w.apply()
		w.scrape(soon)
		w.createInstance("main", hangzhou, "r-2")
		w.api.SetFault("r-1", tairtest.Fault{Delay: 4*time.Second + 900*time.Millisecond})
		w.advanceToListing()
		before := len(w.requests(tair.ActionDescribeInstanceSSL))
		first := w.scrapeAfter(0, soon)
		advance(2500 * time.Millisecond) // the inventory has r-2 now
		w.scrape(soon).wantSuccess("r-2")
		first()
		var requested []string
		for _, r := range w.requests(tair.ActionDescribeInstanceSSL)[before:] {
			requested = append(requested, r.InstanceID)
		}
		wantEqual(t, "requested", requested, "r-1", "r-2")
	})
}

// advanceToListing returns within a second after the next listing is sent.
func (w *world) advanceToListing() {
	for n := len(w.requests(tair.ActionDescribeInstances)); len(w.requests(tair.ActionDescribeInstances)) == n; {
		advance(time.Second)
	}
}

// The listings of a region go one after the other. When the first one times out, the others count as tried.
func TestSourcesOfARegionThatHangsCountAsTriedTogether(t *testing.T) {
	inBubble(t, func(w *world) {
		for i := range 10 {
			w.addSource(Source{Account: "main", Regions: []string{hangzhou}, Filter: tair.Filter{ResourceGroup: fmt.Sprint("rg-", i)}})
		}
		w.addRegions(shanghai)
		w.createInstance("main", shanghai, "r-1")
		w.api.SetFault("DescribeInstances/"+hangzhou, tairtest.Fault{Hang: true})
		w.apply()
		p := w.scrape(soon)
		w.wantElapsed(5 * time.Second) // one attempt
		p.wantSuccess("r-1")
		p.want(0, "discovery_last_refresh_successful", "account", "main", "region", hangzhou)
		w.api.ClearFaults()
	})
}

func TestSourcesOfOneRegionShareOneGauge(t *testing.T) {
	inBubble(t, func(w *world) {
		for _, env := range []string{"prod", "dev"} {
			tags := map[string]string{"env": env}
			w.addSource(Source{Account: "main", Regions: []string{hangzhou}, Filter: tair.Filter{Tags: tags}})
			w.createInstance("main", hangzhou, "r-"+env, tagged(tags))
		}
		w.apply()
		w.scrape(soon).want(1, "discovery_last_refresh_successful", "account", "main", "region", hangzhou)
		w.api.SetFault("DescribeInstances", failWith(500, "InternalError", 3))
		failed, succeeded := 0, 0
		for range 90 {
			advance(every / 60)
			p := w.scrape(soon)
			wantEqual(t, "watched", p.infos(), "r-dev", "r-prod")
			_, explained := p.value("exporter_discovery_error_info", "account", "main", "region", hangzhou, "reason", "server")
			switch ok, _ := p.value("exporter_discovery_last_refresh_successful", "account", "main", "region", hangzhou); {
			case ok == 1 && !explained:
				succeeded++
			case ok == 0 && explained:
				failed++
			default:
				t.Errorf("successful is %v, error_info is present: %t", ok, explained)
			}
		}
		if failed == 0 || succeeded == 0 {
			t.Errorf("%d pages with the failure of one, %d without", failed, succeeded)
		}
	})
}
