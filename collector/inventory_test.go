package collector

import (
	"fmt"
	"strings"
	"testing"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/tairtest"
)

func TestListedWinsThenTheFirstSource(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1")
		w.setup.Instances[0].Name, w.setup.Instances[0].Labels = "listed", map[string]string{"from": "list"}
		for _, from := range []string{"first", "second"} {
			s := Source{Account: "main", Regions: []string{hangzhou}, Labels: map[string]string{"from": from}}
			if from == "first" {
				s.Filter.Tags = map[string]string{"env": "prod"}
			}
			w.find(s)
		}
		w.setup.LabelNames = []string{"from"}
		w.exists("main", hangzhou, "r-1", tagged(map[string]string{"env": "prod"}))
		w.exists("main", hangzhou, "r-2", tagged(map[string]string{"env": "prod"}))
		w.exists("main", hangzhou, "r-3")
		w.apply()
		wantEqual(t, "watched", w.scrape(soon).infos("from", "name"),
			[]string{"r-1 from=list name=listed", "r-2 from=first name=", "r-3 from=second name="})
		warned := func() (n int) {
			for _, line := range w.log.take() {
				if strings.Contains(line, "named more than once") {
					n++
				}
			}
			return n
		}
		if n := warned(); n != 2 {
			t.Errorf("%d warnings, want one for each source", n)
		}
		w.exists("main", hangzhou, "r-4", tagged(map[string]string{"env": "prod"}))
		pass(2 * every)
		if p := w.scrape(soon); len(p.infos()) != 4 {
			t.Errorf("watched: %s", p.infos())
		}
		if n := warned(); n != 0 {
			t.Errorf("warned %d times again", n)
		}
	})
}

func TestEntriesOfOnePlaceShareOneGauge(t *testing.T) {
	inBubble(t, func(w *world) {
		for _, env := range []string{"prod", "dev"} {
			w.find(Source{Account: "main", Regions: []string{hangzhou}, Filter: tair.Filter{Tags: map[string]string{"env": env}}})
			w.exists("main", hangzhou, "r-"+env, tagged(map[string]string{"env": env}))
		}
		w.apply()
		p := w.scrape(soon)
		p.want(t, 1, "discovery_last_refresh_successful", "account", "main", "region", hangzhou)
		w.api.SetFault("DescribeInstances", tairtest.Fault{Times: 3, Error: &tairtest.APIError{Status: 500, Code: "InternalError"}})
		failed, worked := 0, 0
		for range 90 {
			pass(every / 60)
			p := w.scrape(soon)
			if len(p.infos()) != 2 {
				t.Errorf("watched: %s", p.infos())
			}
			_, told := p.value("exporter_discovery_error_info", "account", "main", "region", hangzhou, "reason", "server")
			switch ok, _ := p.value("exporter_discovery_last_refresh_successful", "account", "main", "region", hangzhou); {
			case ok == 1 && !told:
				worked++
			case ok == 0 && told:
				failed++
			default:
				t.Errorf("successful is %v, error_info is there: %t", ok, told)
			}
		}
		if failed == 0 || worked == 0 {
			t.Errorf("%d pages with the failure of one, %d without", failed, worked)
		}
	})
}

func TestEveryShardWatchesItsPartOfWhatIsFound(t *testing.T) {
	seen := make(map[string]int)
	for shard := range 3 {
		inBubble(t, func(w *world) {
			w.find(Source{Account: "main", Regions: []string{hangzhou}})
			for _, id := range several("r", 60) {
				w.exists("main", hangzhou, id)
			}
			w.setup.Shard = Shard{shard, 3}
			w.apply()
			for _, id := range w.scrape(soon).infos() {
				seen[id]++
			}
		})
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s is on %d shards", id, n)
		}
	}
	if len(seen) != 60 {
		t.Errorf("%d instances are on some shard, want 60", len(seen))
	}
}

func TestAFleetThatGrowsTooLargeIsWarnedOfOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou, func(c *tair.ClientConfig) { c.QPS = 2 })
		w.find(Source{Account: "main", Regions: []string{hangzhou}})
		for n := range 6 {
			for i := range 6 {
				w.exists("main", hangzhou, fmt.Sprintf("r-%d-%d", n, i))
			}
			if n == 0 {
				w.apply()
			}
			pass(every + every/5)
		}
		warned := 0
		for _, line := range w.log.take() {
			if strings.Contains(line, "too short") {
				warned++
			}
		}
		if warned != 1 {
			t.Errorf("warned %d times", warned)
		}
	})
}
