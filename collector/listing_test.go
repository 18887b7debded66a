package collector

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/tairtest"
)

// addAllRegions adds a source for all regions. A region is called at the endpoint that the API returns. An endpoint without
// a port cannot be called.
func (w *world) addAllRegions(account string) {
	w.addSource(Source{Account: account, Regions: []string{AllRegions}})
	targets := make(map[string]Target)
	w.setup.ClientFor = func(account string, r tair.Region) (Target, error) {
		if !strings.Contains(r.Endpoint, ":") {
			return Target{}, fmt.Errorf("region %s: no port", r.ID)
		}
		key := account + r.ID + r.Endpoint
		if _, ok := targets[key]; !ok {
			n := len(w.setup.Targets)
			w.addTarget(account, r.ID, func(c *tair.ClientConfig) { c.Endpoint = "http://" + r.Endpoint })
			targets[key] = w.setup.Targets[n]
			w.setup.Targets = w.setup.Targets[:n]
		}
		return targets[key], nil
	}
}

// setRegions makes DescribeRegions return these regions. Each has an endpoint of its own.
func (w *world) setRegions(ids ...string) {
	regions := make([]tairtest.Region, len(ids))
	for i, id := range ids {
		regions[i] = tairtest.Region{ID: id, Endpoint: id + ".example:80"}
	}
	w.api.SetRegions(regions...)
}

// clientOf returns the client in force for a region of account main.
func (w *world) clientOf(region string) *tair.Client {
	return w.exporter.current.load().schedulers[accountRegion{"main", region}].client
}

func TestDiscoveryInAllRegions(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addAllRegions("main")
		w.createInstance("main", hangzhou, "r-1")
		w.createInstance("main", shanghai, "r-2")
		w.createInstance("main", beijing, "r-3")
		w.setRegions(shanghai, hangzhou, shanghai) // one is there twice
		w.apply()
		p := w.scrape(soon)
		wantEqual(t, "watched", p.infos("region"), "r-1 region=cn-hangzhou", "r-2 region=cn-shanghai")
		p.want(1, "discovery_last_refresh_successful", "account", "main", "region", "*")
		p.want(float64(w.began.Unix()), "discovery_last_success_timestamp_seconds", "account", "main", "region", "*")
		p.want(1, "discovery_last_refresh_successful", "account", "main", "region", shanghai)
		p.want(1, "api_requests_total", "account", "main", "region", hangzhou, "action", "DescribeRegions", "code", "OK")
		p.want(1, "instances", "account", "main", "region", shanghai)

		w.setRegions(hangzhou, beijing)
		advanceDiscovery()
		p = w.scrape(soon)
		wantEqual(t, "watched", p.infos("region"), "r-1 region=cn-hangzhou", "r-3 region=cn-beijing")
		for name := range p.families {
			for _, m := range p.families[name].GetMetric() {
				if label(m, "region") == shanghai {
					t.Errorf("%s of a region that left is still present", name)
				}
			}
		}
		w.api.ResetRequests()
		advance(3 * every)
		for _, r := range w.api.Requests() {
			if r.Region == shanghai {
				t.Error("a region that left is still called")
			}
		}
	})
}

func TestListOfRegionsFails(t *testing.T) {
	for _, tt := range []struct {
		name, reason, code, logged string
		fault                      tairtest.Fault
	}{
		{"no permission", "forbidden", "Forbidden.RAM", `.*allow kvstore:DescribeRegions to the identity, or name the regions instead of \\"\*\\""`,
			failWith(403, "Forbidden.RAM")},
		{"empty list", "invalid_response", "", ".*the list of regions is empty.*", tairtest.Fault{Body: []byte(`{"RegionIds": {"KVStoreRegion": []}}`)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.addAllRegions("main")
				w.createInstance("main", hangzhou, "r-1")
				w.api.SetFault("DescribeRegions", tt.fault)
				w.addTarget("other", hangzhou)
				w.addInstances("other", hangzhou, "r-other")
				w.apply()
				p := w.scrape(soon)
				if w.exporter.Ready() != nil {
					t.Error("one broken account makes the exporter not ready")
				}
				p.wantSuccess("r-other")
				p.want(0, "discovery_last_refresh_successful", "account", "main", "region", "*")
				p.want(1, "discovery_error_info", "account", "main", "region", "*", "reason", tt.reason, "code", tt.code)
				advance(every)
				w.scrape(soon)
				w.wantLogOf("level=(warn|error)", tt.logged) // once

				w.api.ClearFaults()
				w.api.SetRegions(tairtest.Region{ID: hangzhou, Endpoint: "a:80"})
				advance(every)
				p = w.scrape(soon)
				p.wantSuccess("r-1")
				p.want(1, "discovery_last_refresh_successful", "account", "main", "region", "*")

				w.api.SetFault("DescribeRegions", tt.fault) // keeps the list
				advanceDiscovery()
				p = w.scrape(soon)
				p.want(0, "discovery_last_refresh_successful", "account", "main", "region", "*")
				p.wantSuccess("r-1")
			})
		})
	}
}

// A region whose endpoint is refused is a failure of that region alone. It stays where it was called before.
func TestRegionWithARefusedEndpoint(t *testing.T) {
	inBubble(t, func(w *world) {
		regions := func(of string) { // a port makes an endpoint callable
			w.api.SetRegions(tairtest.Region{ID: hangzhou, Endpoint: "a.example:80"}, tairtest.Region{ID: shanghai, Endpoint: of})
		}
		state := func(successful float64) page {
			t.Helper()
			p := w.scrape(soon)
			p.want(1, "discovery_last_refresh_successful", "account", "main", "region", "*")
			p.want(1, "discovery_last_refresh_successful", "account", "main", "region", hangzhou)
			p.want(successful, "discovery_last_refresh_successful", "account", "main", "region", shanghai)
			if successful == 0 {
				p.want(1, "discovery_error_info", "account", "main", "region", shanghai, "reason", "invalid_response", "code", "")
			}
			p.wantSuccess("r-1")
			return p
		}
		w.addAllRegions("main")
		w.createInstance("main", hangzhou, "r-1")
		w.createInstance("main", shanghai, "r-2")
		regions("refused.example")
		w.apply()
		wantEqual(t, "watched", state(0).infos(), "r-1")
		advanceDiscovery()
		state(0)
		w.wantLogOf("level=warn", ".*account=main region=cn-shanghai reason=invalid_response.*cn-shanghai: no port.*") // once

		for of, successful := range map[string]float64{"b.example:80": 1, "refused.example": 0} {
			regions("b.example:80")
			advanceDiscovery()
			regions(of)
			advanceDiscovery()
			state(successful).wantSuccess("r-2")
			if url := w.clientOf(shanghai).URL(); url != "http://b.example:80" {
				t.Errorf("called at %s", url)
			}
		}
	})
}

func TestRegionThatMovesIsCalledAtItsNewEndpoint(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addAllRegions("main")
		w.setup.RefreshInterval = time.Hour
		w.createInstance("main", shanghai, "r-1")
		w.api.SetRegions(tairtest.Region{ID: shanghai, Endpoint: "old.example:80"})
		w.apply()
		w.scrape(soon)
		w.api.SetRegions(tairtest.Region{ID: shanghai, Endpoint: "new.example:80"})
		advanceDiscovery()
		w.scrape(soon).wantState("r-1", valid("r-1", 0, 6*time.Minute)) // the answer is kept
		if url := w.clientOf(shanghai).URL(); url != "http://new.example:80" {
			t.Errorf("called at %s", url)
		}
	})
}

// The other regions are watched while one that hangs is tried for the first time, and afterwards.
func TestRegionThatHangsHidesNoOther(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addAllRegions("main")
		ids := makeIDs("cn-region", 10)
		for _, id := range ids {
			w.createInstance("main", id, "r-"+id)
		}
		w.setRegions(ids...)
		w.api.SetFault("DescribeInstances/"+ids[7], tairtest.Fault{Hang: true})
		w.apply()
		p := w.scrape(2 * time.Second)
		if n := len(p.infos()); n != 9 {
			t.Errorf("%d instances are watched, want those of 9 regions", n)
		}
		for _, id := range p.infos() {
			p.wantState(id, valid(id, 0, 2*time.Second))
		}
		advance(10 * time.Second)
		for n := range 20 { // in some of them it hangs
			w.scrape(soon)
			w.wantElapsed(time.Duration(12+n) * time.Second)
			advance(time.Second)
		}
	})
}

// Many regions are listed by a bounded number of workers, and one after the other when they hang.
func TestListsAtATimeAreBounded(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		w.addAllRegions("main")
		ids := makeIDs("cn-region", 200)
		w.setRegions(ids...)
		w.apply()
		w.scrape(soon) // waits for all lists
		if most, n := w.api.MaxInFlight(), len(w.requests("DescribeInstances")); most != maxListing || n != len(ids) {
			t.Errorf("%d requests, %d at a time, want %d and %d", n, most, len(ids), maxListing)
		}
	})
}

// The listing of a region ends each time that the region leaves.
func TestRegionThatComesBackIsListedOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addAllRegions("main")
		w.createInstance("main", hangzhou, "r-1")
		w.createInstance("main", shanghai, "r-2")
		w.setRegions(hangzhou)
		w.apply()
		for range 4 {
			w.setRegions(hangzhou, shanghai)
			advanceDiscovery()
			w.setRegions(hangzhou)
			advanceDiscovery()
		}
		w.setRegions(hangzhou, shanghai)
		advanceDiscovery()
		w.api.ResetRequests()
		advance(10 * every)
		n := 0
		for _, r := range w.requests(tair.ActionDescribeInstances) {
			if r.Region == shanghai {
				n++
			}
		}
		if n < 9 || n > 12 {
			t.Errorf("listed %d times in ten intervals", n)
		}
	})
}

func TestApplyKeepsTheRegionsThatWereFound(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addAllRegions("main")
		w.createInstance("main", shanghai, "r-1")
		w.setup.RefreshInterval = time.Hour
		w.setRegions(shanghai)
		w.apply()
		w.scrape(soon)
		before := w.clientOf(shanghai)
		w.api.SetFault("", failWith(500, "InternalError"))
		w.apply()
		w.scrape(soon).wantState("r-1", valid("r-1", 0, 0))
		if w.clientOf(shanghai) != before {
			t.Error("the client is another one, which has to find the quota again")
		}
	})
}

func TestFailedListingKeepsTheLatestOneAndIsRetriedSooner(t *testing.T) {
	inBubble(t, func(w *world) {
		at := []string{"account", "main", "region", hangzhou}
		w.addRegions(hangzhou)
		w.createInstance("main", hangzhou, "r-1")
		w.apply()
		w.scrape(soon)
		w.wantLog(".* came=1 left=0")
		w.api.SetFault("DescribeInstances", failWith(403, "Forbidden.RAM"))
		w.api.ResetRequests()
		failing := time.Now()
		advanceDiscovery()

		p := w.scrape(soon)
		p.wantState("r-1", valid("r-1", 6*time.Minute, 6*time.Minute))
		p.want(0, "discovery_last_refresh_successful", at...)
		p.want(float64(w.began.Unix()), "discovery_last_success_timestamp_seconds", at...)
		p.want(1, "discovery_error_info", append(at, "reason", "forbidden", "code", "Forbidden.RAM")...)
		w.wantLog(".*allow kvstore:DescribeInstances to the identity\"")

		advance(30 * time.Minute)
		attempts := w.requests(tair.ActionDescribeInstances)
		if first := attempts[0].At.Sub(failing); first < every*9/10 || first > every*11/10 {
			t.Errorf("the first attempt comes after %s, want the interval with its jitter", first)
		}
		wait := firstListRetry
		for i := range attempts[1:] {
			if gap := attempts[i+1].At.Sub(attempts[i].At); gap < wait/2 || gap > wait {
				t.Errorf("gap %d is %s, want %s to %s", i, gap, wait/2, wait)
			}
			wait = min(2*wait, every)
		}
		if len(attempts) < 7 {
			t.Errorf("only %d attempts", len(attempts))
		}

		w.api.ClearFaults()
		advance(every)
		p = w.scrape(soon)
		p.want(1, "discovery_last_refresh_successful", at...)
		p.wantAbsent("exporter_discovery_error_info")
		w.wantLog(".*the instances can be listed again.*")
	})
}

// A listing that ends after its setup publishes nothing.
func TestListingOfAnOldSetupPublishesNothing(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addRegions(hangzhou)
		w.createInstance("main", hangzhou, "r-1")
		w.apply()
		w.scrape(soon)
		w.api.SetFault("DescribeInstances", tairtest.Fault{Times: 1, Delay: 3 * time.Second})
		w.advanceToListing()
		w.createInstance("main", hangzhou, "r-2")
		w.setup.Sources[0].Filter = tair.Filter{Tags: map[string]string{"env": "none"}}
		w.apply()
		setup := w.exporter.current.load().setup
		advance(4 * time.Second)
		if w.exporter.current.load().setup != setup {
			t.Error("a listing of the old setup put it back in force")
		}
	})
}

func TestWhatLeftTheSetupIsNotListed(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addRegions(hangzhou, shanghai)
		w.apply()
		w.scrape(soon)
		w.setup.Sources[0].Regions = []string{hangzhou}
		w.setup.Targets = w.setup.Targets[:1]
		w.apply()
		w.api.ResetRequests()
		advance(5 * every)
		listed := map[string]int{}
		for _, r := range w.api.Requests() {
			listed[r.Region]++
		}
		if n := listed[hangzhou]; listed[shanghai] != 0 || n < 4 || n > 7 {
			t.Errorf("listed: %v, want one every %s in %s only", listed, every, hangzhou)
		}
		w.exporter.Close()
		w.api.ResetRequests()
		advance(5 * every)
		if n := len(w.api.Requests()); n != 0 {
			t.Errorf("%d requests after Close", n)
		}
	})
}
