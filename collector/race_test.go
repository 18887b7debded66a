package collector

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/tairtest"
)

// Scrapes with little and with enough time, changes of the fleet and everything that can go wrong, all at once: no page
// breaks the rules of every page, nothing is left behind, and a quiet scrape in the end knows everything.
func TestEverythingAtOnce(t *testing.T) {
	inSlowBubble(t, 20*time.Millisecond, func(w *world) {
		w.setup.LabelNames = []string{"team"}
		for _, account := range []string{"main", "other"} {
			for _, region := range []string{hangzhou, shanghai} {
				w.reach(account, region, func(c *tair.ClientConfig) { c.Concurrency, c.QPS, c.Attempts = 4, 400, 2 })
				for i := range 10 {
					w.watch(account, region, fmt.Sprintf("r-%s-%s-%d", account, region, i))
				}
			}
		}
		w.apply()
		var all sync.WaitGroup
		for n := range 6 {
			all.Go(func() {
				for i := range 20 {
					pass(time.Duration(n*7+i%5) * time.Millisecond)
					w.scrape(time.Duration(5+40*(i%4)) * time.Millisecond)
				}
			})
		}
		all.Go(func() {
			setup := w.setup
			for i := range 16 {
				pass(25 * time.Millisecond)
				setup.Instances = w.setup.Instances[i%7:]
				if err := w.exporter.Apply(setup); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			faults := []tairtest.Fault{{Reset: true}, {Cut: true}, fails(500, "InternalError"), fails(400, "Throttling.User"),
				fails(400, "InvalidSecurityToken.Expired"), {Delay: 200 * time.Millisecond}, {Body: []byte("{}")}, {}}
			for i := range 16 {
				pass(20 * time.Millisecond)
				w.api.SetFault("", faults[i%len(faults)])
			}
		})
		all.Wait()
		w.api.ClearFaults()
		pass(time.Minute)
		w.apply()
		p := w.scrape(time.Minute)
		for _, i := range w.setup.Instances {
			if s := p.state(i.ID); !strings.HasPrefix(s, "success=1 ") {
				t.Errorf("%s: %s", i.ID, s)
			}
		}
		p.want(t, 0, "scrape_deferred_instances")
		if most := w.api.MaxInFlight(); most > 2*2*4*3 {
			t.Errorf("%d requests at once", most)
		}
	})
}

// The same with real connections and the real clock.
func TestScrapesAndReloadsOverLoopback(t *testing.T) {
	w := onLoopback(t, Options{})
	w.reach("main", hangzhou, func(c *tair.ClientConfig) { c.Concurrency = 4 })
	for i := range 20 {
		w.watch("main", hangzhou, fmt.Sprintf("r-%d", i))
	}
	w.apply()
	w.api.SetFault("r-7", fails(500, "InternalError"))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 15 {
				p := w.scrape(soon)
				for id, want := range map[string]string{"r-7": "success=0 error=server,InternalError", "r-8": "success=1 "} {
					if s := p.state(id); !strings.HasPrefix(s, want) {
						t.Errorf("%s: %s", id, s)
					}
				}
			}
		})
	}
	setup := w.setup
	for i := range 20 {
		setup.Instances = w.setup.Instances[i%7:]
		if err := w.exporter.Apply(setup); err != nil {
			t.Error(err)
		}
	}
	all.Wait()
	if n := w.api.MaxInFlight(); n > 4 {
		t.Errorf("%d requests in flight, want at most 4", n)
	}
}
