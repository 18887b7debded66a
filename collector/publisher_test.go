package collector

import (
	"fmt"
	"testing"
	"time"
)

const tooShort = `level=warn caller=publisher.go:[0-9]+ msg="a scrape is too short to read every instance; the rest comes with the next scrapes" ` +
	`account=main region=cn-hangzhou instances=%d calls_per_scrape=%d hint="%s"`

func TestScrapeThatIsTooShortIsLoggedOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addTarget("main", shanghai)
		w.addInstances("main", shanghai, "r-5")
		w.setup.ScrapeTime = 2 * time.Second
		w.applyMain("r-1 r-2 r-3 r-4", qps(2))
		w.wantLog() // 4 instances fit into 2 s at 2/s
		w.setup.ScrapeTime = 1999 * time.Millisecond
		w.apply()
		w.scrape(soon)
		w.wantLog(fmt.Sprintf(tooShort, 4, 3, "set refresh_interval; or raise api.qps if the quota allows, or lengthen scrape_timeout"))
	})
}

func TestRegionThatGrowsTooLargeIsLoggedOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setup.RefreshInterval = time.Hour
		w.addTarget("main", hangzhou, qps(2))
		w.addRegions(hangzhou)
		for n := range 6 {
			for i := range 6 {
				w.createInstance("main", hangzhou, fmt.Sprintf("r-%d-%d", n, i))
			}
			if n == 0 {
				w.apply()
			}
			advanceDiscovery()
		}
		w.wantLogOf("too short", fmt.Sprintf(tooShort, 24, 20, "raise api.qps if the quota allows, or lengthen scrape_timeout"))
	})
}

func TestEarlierSourceWins(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addTarget("main", hangzhou)
		w.addInstances("main", hangzhou, "r-1")
		w.setup.Instances[0].Name, w.setup.Instances[0].Labels = "listed", map[string]string{"from": "list"}
		prod := tagged(map[string]string{"env": "prod"})
		for _, from := range []string{"first", "second"} {
			s := Source{Account: "main", Regions: []string{hangzhou}, Labels: map[string]string{"from": from}}
			if from == "first" {
				s.Filter.Tags = map[string]string{"env": "prod"}
			}
			w.addSource(s)
		}
		w.setup.LabelNames = []string{"from"}
		w.createInstance("main", hangzhou, "r-1", prod)
		w.createInstance("main", hangzhou, "r-2", prod)
		w.createInstance("main", hangzhou, "r-3")
		w.apply()
		wantEqual(t, "watched", w.scrape(soon).infos("from", "name"),
			"r-1 from=list name=listed", "r-2 from=first name=", "r-3 from=second name=")
		const twice = "named more than once"
		w.wantLogOf(twice, ".*", ".*") // one for each source
		w.createInstance("main", hangzhou, "r-4", prod)
		advance(2 * every)
		if p := w.scrape(soon); len(p.infos()) != 4 {
			t.Errorf("watched: %s", p.infos())
		}
		w.wantLogOf(twice)
	})
}
