package collector

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/tairtest"
)

const every = 5 * time.Minute // the discovery interval of the tests

// find adds a source to the setup, with its clients.
func (w *world) find(s Source) {
	w.setup.DiscoveryInterval = every
	for _, region := range s.Regions {
		if region == AllRegions {
			s.Home, region = hangzhou, hangzhou
		}
		if !slices.ContainsFunc(w.setup.Targets, func(t Target) bool { return t.Account == s.Account && t.Region == region }) {
			w.reach(s.Account, region)
		}
	}
	w.setup.Sources = append(w.setup.Sources, s)
}

// exists puts an instance into the cloud that no configuration lists.
func (w *world) exists(account, region, id string, change ...func(*tairtest.Instance)) {
	i := enabled(account, region, id, w.began.Add(100*day))
	for _, c := range change {
		c(&i)
	}
	w.api.SetInstance(i)
}

// requests gives the requests of an operation so far.
func (w *world) requests(action string) (found []tairtest.Request) {
	for _, r := range w.api.Requests() {
		if r.Action == action {
			found = append(found, r)
		}
	}
	return found
}

// ids gives the watched instances of a page with their labels, as "id label=value ...".
func (p page) infos(labels ...string) (infos []string) {
	for _, m := range p.families["tair_ssl_instance_info"].GetMetric() {
		info := label(m, "instance_id")
		for _, name := range labels {
			info += " " + name + "=" + label(m, name)
		}
		infos = append(infos, info)
	}
	slices.Sort(infos)
	return infos
}

func wantEqual(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s\n got: %s\nwant: %s", what, strings.Join(got, "\n      "), strings.Join(want, "\n      "))
	}
}

func tagged(tags map[string]string) func(*tairtest.Instance) {
	return func(i *tairtest.Instance) { i.Tags = tags }
}

func TestDiscoveryFindsWhatMatches(t *testing.T) {
	inBubble(t, func(w *world) {
		w.find(Source{
			Account: "main", Regions: []string{hangzhou, shanghai},
			Filter: tair.Filter{Tags: map[string]string{"env": "prod", "ssl": ""}, ResourceGroup: "rg-1"},
			Labels: map[string]string{"env": "production", "team": "nobody"}, TagLabels: map[string]string{"team": "Team"},
		})
		w.setup.LabelNames = []string{"env", "team"}
		match := func(more ...string) func(*tairtest.Instance) {
			return func(i *tairtest.Instance) {
				i.ResourceGroupID, i.Name = "rg-1", "name of "+i.ID
				i.Tags = map[string]string{"env": "prod", "ssl": "yes"}
				for n := 0; n < len(more); n += 2 {
					i.Tags[more[n]] = more[n+1]
				}
			}
		}
		w.exists("main", hangzhou, "r-1", match("Team", "payments"))
		w.exists("main", hangzhou, "r-2", match())
		w.exists("main", shanghai, "r-3", match("Team", ""))
		w.exists("main", hangzhou, "r-dev", match("env", "dev"))
		w.exists("main", hangzhou, "r-group", match(), func(i *tairtest.Instance) { i.ResourceGroupID = "rg-2" })
		w.exists("main", "cn-beijing", "r-elsewhere", match())
		w.exists("other", hangzhou, "r-foreign", match())
		w.apply()
		p := w.scrape(soon)
		wantEqual(t, "watched", p.infos("account", "region", "name", "env", "team"), []string{
			"r-1 account=main region=cn-hangzhou name=name of r-1 env=production team=payments",
			"r-2 account=main region=cn-hangzhou name=name of r-2 env=production team=nobody",
			"r-3 account=main region=cn-shanghai name=name of r-3 env=production team=",
		})
		for _, id := range []string{"r-1", "r-2", "r-3"} {
			w.wantState(p, id, strings.Replace(knownAt0m, "r-1", id, 1))
		}
		for _, region := range []string{hangzhou, shanghai} {
			p.want(t, 1, "discovery_last_refresh_successful", "account", "main", "region", region)
			p.want(t, float64(w.began.Unix()), "discovery_last_success_timestamp_seconds", "account", "main", "region", region)
			p.want(t, 1, "api_requests_total", "account", "main", "region", region, "action", "DescribeInstances", "code", "OK")
		}
		p.want(t, 2, "instances", "account", "main", "region", hangzhou)
	})
}

func TestDiscoveryWatchesEveryStateThatMayHaveACertificate(t *testing.T) {
	inBubble(t, func(w *world) {
		w.find(Source{Account: "main", Regions: []string{hangzhou}})
		for _, status := range []string{"Normal", "Creating", "Changing", "Inactive", "Flushing", "Released", "Transforming",
			"Unavailable", "Error", "Migrating", "BackupRecovering", "MinorVersionUpgrading", "NetworkModifying", "SSLModifying",
			"SomethingNew"} {
			w.exists("main", hangzhou, "r-"+status, func(i *tairtest.Instance) { i.Status = status })
		}
		w.apply()
		got := w.scrape(soon).infos()
		if len(got) != 12 {
			t.Errorf("%d of 15 are watched: %s", len(got), got)
		}
		for _, status := range []string{"Creating", "Released", "Error"} {
			if slices.Contains(got, "r-"+status) {
				t.Errorf("%s is watched", status)
			}
		}
	})
}

func TestDiscoveryFollowsTheCloud(t *testing.T) {
	inBubble(t, func(w *world) {
		w.find(Source{Account: "main", Regions: []string{hangzhou}})
		for _, id := range several("r", 120) { // three pages
			w.exists("main", hangzhou, id)
		}
		w.apply()
		if n := len(w.scrape(soon).infos()); n != 120 {
			t.Errorf("%d instances, want 120", n)
		}
		wantLogged(t, w.log.take(), `instances=120 came=120 left=0`)

		w.api.RemoveInstance("r-0007")
		w.exists("main", hangzhou, "r-new", tagged(nil))
		w.wantState(w.scrape(soon), "r-0007", "success=0 error=not_found,InvalidInstanceId.NotFound")
		pass(every + every/5)
		p := w.scrape(soon)
		if s := p.state("r-0007"); s != "" {
			t.Errorf("a deleted instance is still there: %s", s)
		}
		if s := p.state("r-new"); !strings.HasPrefix(s, "success=1") {
			t.Errorf("a new instance: %s", s)
		}
		p.want(t, 120, "instances", "account", "main", "region", hangzhou)
		wantLogged(t, w.log.take(), "reason=not_found", `instances=120 came=1 left=1`)
		pass(every + every/5)
		w.scrape(soon)
		wantLogged(t, w.log.take()) // nothing has changed
	})
}

// wantLogged wants as many lines as texts, each with its text.
func wantLogged(t *testing.T, lines []string, texts ...string) {
	t.Helper()
	if len(lines) != len(texts) {
		t.Errorf("%d lines, want %d: %s", len(lines), len(texts), strings.Join(lines, "\n"))
		return
	}
	for i, text := range texts {
		if !strings.Contains(lines[i], text) {
			t.Errorf("line %d is %s, want %s", i, lines[i], text)
		}
	}
}

func TestAFailedListingKeepsTheLastOneAndComesBackSooner(t *testing.T) {
	inBubble(t, func(w *world) {
		w.find(Source{Account: "main", Regions: []string{hangzhou}})
		w.exists("main", hangzhou, "r-1")
		w.apply()
		w.scrape(soon)
		w.log.take()
		w.api.SetFault("DescribeInstances", fails(403, "Forbidden.RAM"))
		w.api.ResetRequests()
		failing := time.Now()
		pass(every + every/5)

		p := w.scrape(soon)
		w.wantState(p, "r-1", "success=1 last=6m0s supported=1 enabled=1 expiry=2400h0m0s in=2399h54m0s cert=r-1.redis.rds.aliyuncs.com")
		p.want(t, 0, "discovery_last_refresh_successful", "account", "main", "region", hangzhou)
		p.want(t, float64(w.began.Unix()), "discovery_last_success_timestamp_seconds", "account", "main", "region", hangzhou)
		p.want(t, 1, "discovery_error_info", "account", "main", "region", hangzhou, "reason", "forbidden", "code", "Forbidden.RAM")
		wantLogged(t, w.log.take(), "allow kvstore:DescribeInstances")

		pass(30 * time.Minute)
		tries := w.requests("DescribeInstances")
		var gaps []time.Duration
		for i := range tries[1:] {
			gaps = append(gaps, tries[i+1].At.Sub(tries[i].At))
		}
		if first := tries[0].At.Sub(failing); first < every*9/10 || first > every*11/10 {
			t.Errorf("the first try after %s, want the interval with its jitter", first)
		}
		wait := firstListRetry
		for i, gap := range gaps {
			if gap < wait/2 || gap > wait {
				t.Errorf("gap %d is %s, want %s to %s", i, gap, wait/2, wait)
			}
			wait = min(2*wait, every)
		}
		if len(gaps) < 6 {
			t.Errorf("only %d tries", len(tries))
		}

		w.api.ClearFaults()
		pass(every)
		p = w.scrape(soon)
		p.want(t, 1, "discovery_last_refresh_successful", "account", "main", "region", hangzhou)
		if _, there := p.value("exporter_discovery_error_info"); there {
			t.Error("discovery_error_info is still there")
		}
		wantLogged(t, w.log.take(), "the instances can be listed again")
	})
}

func TestAScrapeWaitsForTheFirstTry(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", shanghai)
		w.watch("main", shanghai, "r-listed")
		w.find(Source{Account: "main", Regions: []string{hangzhou, "cn-beijing"}})
		w.exists("main", hangzhou, "r-found")
		w.exists("main", "cn-beijing", "r-late")
		w.api.SetFault("DescribeInstances/cn-hangzhou", tairtest.Fault{Delay: 3 * time.Second})
		w.api.SetFault("DescribeInstances/cn-beijing", tairtest.Fault{Hang: true})
		w.api.SetFault("r-found", tairtest.Fault{Times: 1, Error: &tairtest.APIError{Status: 500, Code: "InternalError"}})
		w.apply()

		status := func(h http.Handler, path string) int {
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, path, http.NoBody))
			return rec.Code
		}
		if w.exporter.Ready() == nil || status(w.exporter.SDHandler(), "/sd") != http.StatusServiceUnavailable {
			t.Error("ready before the first try")
		}
		if code := status(w.exporter.ProbeHandler(ScrapeTimeout{Default: time.Second}), "/probe?target=r-found"); code != http.StatusServiceUnavailable {
			t.Errorf("a probe that may yet be found: HTTP %d", code)
		}
		// one second has passed
		p := w.scrape(3 * time.Second)
		if took := time.Since(w.began); took != 4*time.Second {
			t.Errorf("the scrape ended after %s, want its deadline", took)
		}
		w.wantState(p, "r-listed", "success=1 last=1s supported=1 enabled=1 expiry=2400h0m0s in=2399h59m56s cert=r-listed.redis.rds.aliyuncs.com")
		w.wantState(p, "r-found", "success=0 error=server,InternalError") // asked once: it failed in this scrape

		p = w.scrape(soon)
		if took := time.Since(w.began); took != 5*time.Second { // the time of an attempt
			t.Errorf("the scrape ended after %s, want the end of the first try", took)
		}
		if s := p.state("r-found"); !strings.HasPrefix(s, "success=1") {
			t.Error(s)
		}
		p.want(t, 0, "discovery_last_refresh_successful", "account", "main", "region", "cn-beijing")
		if _, there := p.value("exporter_discovery_last_success_timestamp_seconds", "account", "main", "region", "cn-beijing"); there {
			t.Error("a success that never was has a time")
		}
		if w.exporter.Ready() != nil || status(w.exporter.SDHandler(), "/sd") != http.StatusOK {
			t.Error("not ready although everything was tried")
		}
		if code := status(w.exporter.ProbeHandler(ScrapeTimeout{Default: time.Second}), "/probe?target=r-late"); code != http.StatusNotFound {
			t.Errorf("a probe of what is not found: HTTP %d", code)
		}
		w.api.ClearFaults()
	})
}

func TestASlowListingDelaysNoScrape(t *testing.T) {
	inBubble(t, func(w *world) {
		w.find(Source{Account: "main", Regions: []string{hangzhou}})
		w.exists("main", hangzhou, "r-1")
		w.apply()
		w.scrape(soon)
		w.api.SetFault("DescribeInstances", tairtest.Fault{Hang: true})
		pass(every*11/10 + time.Second) // one hangs now, or has just ended and comes again soon
		for range 20 {
			began := time.Now()
			w.scrape(soon)
			if took := time.Since(began); took != 0 {
				t.Errorf("a scrape took %s", took)
			}
			pass(time.Second)
		}
	})
}

// What a listing brings changes nothing for the calls that are under way.
func TestASwapOfTheListKeepsCallsInFlight(t *testing.T) {
	inSlowBubble(t, 2*time.Second, func(w *world) {
		w.find(Source{Account: "main", Regions: []string{hangzhou}})
		w.exists("main", hangzhou, "r-1")
		w.apply()
		w.scrape(soon)
		w.exists("main", hangzhou, "r-2")
		w.api.SetFault("r-1", tairtest.Fault{Delay: 4*time.Second + 900*time.Millisecond})
		for n := len(w.requests("DescribeInstances")); len(w.requests("DescribeInstances")) == n; {
			pass(time.Second)
		}
		before := len(w.requests("DescribeInstanceSSL"))
		first := make(chan page)
		go func() { first <- w.scrape(soon) }()
		pass(2500 * time.Millisecond) // the list has r-2 now
		p := w.scrape(soon)
		<-first
		if s := p.state("r-2"); !strings.HasPrefix(s, "success=1") {
			t.Errorf("r-2: %s", s)
		}
		var asked []string
		for _, r := range w.requests("DescribeInstanceSSL")[before:] {
			asked = append(asked, r.InstanceID)
		}
		wantEqual(t, "asked", asked, []string{"r-1", "r-2"})
	})
}
