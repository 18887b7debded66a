package collector

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/tairtest"
)

// findEverywhere adds a source for every region. A region is reached at the endpoint that the API gives; one without a
// port cannot be reached.
func (w *world) findEverywhere(account string) {
	w.find(Source{Account: account, Regions: []string{AllRegions}})
	reached := make(map[string]Target)
	w.setup.ClientFor = func(account string, r tair.Region) (Target, error) {
		if !strings.Contains(r.Endpoint, ":") {
			return Target{}, fmt.Errorf("region %s: no port", r.ID)
		}
		key := account + r.ID + r.Endpoint
		if _, ok := reached[key]; !ok {
			n := len(w.setup.Targets)
			w.reach(account, r.ID, func(c *tair.ClientConfig) { c.Endpoint = "http://" + r.Endpoint })
			reached[key] = w.setup.Targets[n]
			w.setup.Targets = w.setup.Targets[:n]
		}
		return reached[key], nil
	}
}

func TestDiscoveryInAllRegions(t *testing.T) {
	inBubble(t, func(w *world) {
		w.findEverywhere("main")
		w.exists("main", hangzhou, "r-1")
		w.exists("main", shanghai, "r-2")
		w.exists("main", "cn-beijing", "r-3")
		region := func(id string) tairtest.Region { return tairtest.Region{ID: id, Endpoint: id + ".example:80"} }
		w.api.SetRegions(region(shanghai), region(hangzhou), region(shanghai)) // one repeats
		w.apply()
		p := w.scrape(soon)
		wantEqual(t, "watched", p.infos("region"), []string{"r-1 region=cn-hangzhou", "r-2 region=cn-shanghai"})
		p.want(t, 1, "discovery_last_refresh_successful", "account", "main", "region", "*")
		p.want(t, float64(w.began.Unix()), "discovery_last_success_timestamp_seconds", "account", "main", "region", "*")
		p.want(t, 1, "discovery_last_refresh_successful", "account", "main", "region", shanghai)
		p.want(t, 1, "api_requests_total", "account", "main", "region", hangzhou, "action", "DescribeRegions", "code", "OK")
		p.want(t, 1, "instances", "account", "main", "region", shanghai)

		w.api.SetRegions(region(hangzhou), region("cn-beijing"))
		pass(every + every/5)
		p = w.scrape(soon)
		wantEqual(t, "watched", p.infos("region"), []string{"r-1 region=cn-hangzhou", "r-3 region=cn-beijing"})
		for name := range p.families {
			for _, m := range p.families[name].GetMetric() {
				if label(m, "region") == shanghai {
					t.Errorf("%s of a region that left is still there", name)
				}
			}
		}
		w.api.ResetRequests()
		pass(3 * every)
		for _, r := range w.api.Requests() {
			if r.Region == shanghai {
				t.Error("a region that left is still asked")
			}
		}
	})
}

func TestAllRegionsFail(t *testing.T) {
	for _, tt := range []struct {
		name, reason, code, logged string
		fault                      tairtest.Fault
	}{
		{"no permission", "forbidden", "Forbidden.RAM", `allow kvstore:DescribeRegions to the identity, or name the regions instead of \"*\"`, fails(403, "Forbidden.RAM")},
		{"an empty list", "invalid_response", "", "the list of regions is empty", tairtest.Fault{Body: []byte(`{"RegionIds": {"KVStoreRegion": []}}`)}},
		{"a region that cannot be reached", "invalid_response", "", "cn-hangzhou: no port", tairtest.Fault{Body: []byte(
			`{"RegionIds": {"KVStoreRegion": [{"RegionId": "cn-hangzhou", "RegionEndpoint": "a:80"}, {"RegionId": "x-cn-hangzhou", "RegionEndpoint": "b"}]}}`)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.findEverywhere("main")
				w.exists("main", hangzhou, "r-1")
				w.api.SetFault("DescribeRegions", tt.fault)
				w.reach("other", hangzhou)
				w.watch("other", hangzhou, "r-other")
				w.apply()
				p := w.scrape(soon)
				if w.exporter.Ready() != nil {
					t.Error("one broken account makes the exporter not ready")
				}
				if s := p.state("r-other"); !strings.HasPrefix(s, "success=1") {
					t.Errorf("another account: %s", s)
				}
				p.want(t, 0, "discovery_last_refresh_successful", "account", "main", "region", "*")
				p.want(t, 1, "discovery_error_info", "account", "main", "region", "*", "reason", tt.reason, "code", tt.code)
				pass(every)
				w.scrape(soon)
				told := slices.DeleteFunc(w.log.take(), func(line string) bool { return strings.Contains(line, "has changed") })
				wantLogged(t, told, tt.logged) // once

				w.api.ClearFaults()
				w.api.SetRegions(tairtest.Region{ID: hangzhou, Endpoint: "a:80"})
				pass(every)
				p = w.scrape(soon)
				if s := p.state("r-1"); !strings.HasPrefix(s, "success=1") {
					t.Errorf("after it has gone: %s", s)
				}
				p.want(t, 1, "discovery_last_refresh_successful", "account", "main", "region", "*")

				w.api.SetFault("DescribeRegions", tt.fault) // now there is something to keep
				pass(every + every/5)
				p = w.scrape(soon)
				p.want(t, 0, "discovery_last_refresh_successful", "account", "main", "region", "*")
				if s := p.state("r-1"); !strings.HasPrefix(s, "success=1") {
					t.Errorf("it did not stay: %s", s)
				}
			})
		})
	}
}

func TestARegionThatMovesIsAskedAtItsNewEndpoint(t *testing.T) {
	inBubble(t, func(w *world) {
		w.findEverywhere("main")
		w.setup.RefreshInterval = time.Hour
		w.exists("main", shanghai, "r-1")
		w.api.SetRegions(tairtest.Region{ID: shanghai, Endpoint: "old.example:80"})
		w.apply()
		w.scrape(soon)
		w.api.SetRegions(tairtest.Region{ID: shanghai, Endpoint: "new.example:80"})
		pass(every + every/5)
		p := w.scrape(soon)
		w.wantState(p, "r-1", "success=1 last=0s supported=1 enabled=1 expiry=2400h0m0s in=2399h54m0s"+cert) // what is known stays known
		at := accountRegion{"main", shanghai}
		if url := w.exporter.current.load().schedulers[at].client.URL(); url != "http://new.example:80" {
			t.Errorf("asked at %s", url)
		}
	})
}

// One dead region of 20 is tried; the others are watched meanwhile and afterwards as if it were not there.
func TestADeadRegionHidesNoOther(t *testing.T) {
	inBubble(t, func(w *world) {
		w.findEverywhere("main")
		var regions []tairtest.Region
		for i := range 20 {
			id := fmt.Sprintf("cn-region-%02d", i)
			regions = append(regions, tairtest.Region{ID: id, Endpoint: id + ".example:80"})
			w.exists("main", id, "r-"+id)
		}
		w.api.SetRegions(regions...)
		w.api.SetFault("DescribeInstances/cn-region-07", tairtest.Fault{Hang: true})
		w.apply()
		p := w.scrape(2 * time.Second)
		if n := len(p.infos()); n != 19 {
			t.Errorf("%d instances are watched, want those of 19 regions", n)
		}
		for _, info := range p.infos() {
			w.wantState(p, info, "success=1 last=0s supported=1 enabled=1 expiry=2400h0m0s in=2399h59m58s cert="+info+".redis.rds.aliyuncs.com")
		}
		pass(10 * time.Second)
		began := time.Now()
		w.scrape(soon)
		if took := time.Since(began); took != 0 {
			t.Errorf("a scrape takes %s", took)
		}
	})
}

func TestRefusedCredentialsOfDiscoveryAreLoggedOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		w.find(Source{Account: "main", Regions: []string{hangzhou, shanghai}})
		w.exists("main", hangzhou, "r-1")
		w.revoke("main")
		w.apply()
		p := w.scrape(soon)
		for _, region := range []string{hangzhou, shanghai} {
			p.want(t, 1, "discovery_error_info", "account", "main", "region", region, "reason", "unauthorized", "code", "InvalidAccessKeyId.NotFound")
		}
		pass(every)
		wantLogged(t, w.log.take(), "the account cannot be read")
		w.grant("main")
		pass(every)
		p = w.scrape(soon)
		if s := p.state("r-1"); !strings.HasPrefix(s, "success=1") {
			t.Errorf("after the key is good: %s", s)
		}
		told := slices.DeleteFunc(w.log.take(), func(line string) bool { return strings.Contains(line, "has changed") })
		wantLogged(t, told, "the account can be read again")
	})
}

// Each time that a region leaves, its listing ends.
func TestARegionThatComesBackIsListedOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		w.findEverywhere("main")
		w.exists("main", hangzhou, "r-1")
		w.exists("main", shanghai, "r-2")
		region := func(id string) tairtest.Region { return tairtest.Region{ID: id, Endpoint: id + ".example:80"} }
		w.api.SetRegions(tairtest.Region{ID: hangzhou, Endpoint: "a.example:80"})
		w.apply()
		for range 4 {
			w.api.SetRegions(region(hangzhou), region(shanghai))
			pass(every + every/5)
			w.api.SetRegions(region(hangzhou))
			pass(every + every/5)
		}
		w.api.SetRegions(region(hangzhou), region(shanghai))
		pass(every + every/5)
		w.api.ResetRequests()
		pass(10 * every)
		n := 0
		for _, r := range w.requests("DescribeInstances") {
			if r.Region == shanghai {
				n++
			}
		}
		if n < 9 || n > 12 {
			t.Errorf("listed %d times in ten intervals", n)
		}
	})
}

// The listings of a place go one after the other: what the first finds out by waiting, the others need not.
func TestManyEntriesOfARegionThatHangsCountAsTriedAtOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		for i := range 10 {
			w.find(Source{Account: "main", Regions: []string{hangzhou}, Filter: tair.Filter{ResourceGroup: fmt.Sprint("rg-", i)}})
		}
		w.find(Source{Account: "main", Regions: []string{shanghai}})
		w.exists("main", shanghai, "r-1")
		w.api.SetFault("DescribeInstances/"+hangzhou, tairtest.Fault{Hang: true})
		w.apply()
		p := w.scrape(soon)
		if took := time.Since(w.began); took != 5*time.Second { // an attempt
			t.Errorf("tried after %s", took)
		}
		if s := p.state("r-1"); !strings.HasPrefix(s, "success=1") {
			t.Error(s)
		}
		p.want(t, 0, "discovery_last_refresh_successful", "account", "main", "region", hangzhou)
		w.api.ClearFaults()
	})
}

// Only a known key hears that it may not list: the refusal is over, and the next one is news.
func TestAForbiddenListingEndsTheRefusalOfTheAccount(t *testing.T) {
	inBubble(t, func(w *world) {
		w.find(Source{Account: "main", Regions: []string{hangzhou}})
		w.revoke("main")
		w.apply()
		w.scrape(soon)
		wantLogged(t, w.log.take(), "the account cannot be read")
		w.grant("main")
		w.api.SetFault("DescribeInstances", fails(403, "Forbidden.RAM"))
		pass(every)
		wantLogged(t, w.log.take(), "the account can be read again", "cannot list the instances")
		w.revoke("main")
		pass(every + every/5)
		wantLogged(t, w.log.take(), "the account cannot be read")
	})
}
