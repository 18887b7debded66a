package collector

import (
	"encoding/json"
	"reflect"
	"testing"

	"tair_ssl_exporter/collector/tair/tairtest"
)

func TestSDListsTheInstancesWithWhatIsKnown(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addTarget("main", shanghai)
		w.addInstances("main", shanghai, "r-listed")
		w.addInstances("main", hangzhou, "r-both")
		w.setup.Instances[1].Name, w.setup.Instances[1].Labels = "mine", map[string]string{"team": "search"}
		w.addSource(Source{Account: "main", Regions: []string{hangzhou}, TagLabels: map[string]string{"team": "Team"}})
		w.setup.LabelNames = []string{"team"}
		w.createInstance("main", hangzhou, "r-found", func(i *tairtest.Instance) {
			i.Name, i.ConnectionDomain, i.Port = "订单", "found.redis.rds.aliyuncs.com", 6380
			i.Tags = map[string]string{"Team": "payments", "cost-center": "1", "cost.center": "2", "empty": ""}
		})
		w.apply()
		w.scrape(soon)
		rec := w.do(t.Context(), w.exporter.SDHandler(), "/sd")
		if kind := rec.Header().Get("Content-Type"); kind != "application/json" {
			t.Errorf("Content-Type %s", kind)
		}
		var got []targetGroup
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		group := func(id string, labels ...string) targetGroup {
			g := targetGroup{Targets: []string{id}, Labels: map[string]string{
				"__meta_tair_instance_id": id, "__meta_tair_account": "main", "__meta_tair_region": hangzhou,
			}}
			for n := 0; n < len(labels); n += 2 {
				g.Labels["__meta_tair_"+labels[n]] = labels[n+1]
			}
			return g
		}
		want := []targetGroup{
			group("r-listed", "region", shanghai),
			group("r-both", "name", "mine", "label_team", "search", "endpoint", "r-both.redis.rds.aliyuncs.com:6379"),
			group("r-found", "name", "订单", "label_team", "payments", "endpoint", "found.redis.rds.aliyuncs.com:6380",
				"tag_Team", "payments", "tag_cost_center", "1"),
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	})
}
