package collector

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"tair_ssl_exporter/collector/tair/tairtest"
)

func TestSDTellsWhatIsKnownOfTheInstancesOfThisShard(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", shanghai)
		w.reach("main", hangzhou)
		w.watch("main", shanghai, "r-listed")
		w.watch("main", hangzhou, "r-both")
		w.setup.Instances[1].Name, w.setup.Instances[1].Labels = "mine", map[string]string{"team": "search"}
		w.find(Source{Account: "main", Regions: []string{hangzhou}, TagLabels: map[string]string{"team": "Team"}})
		w.setup.LabelNames = []string{"team"}
		w.exists("main", hangzhou, "r-found", func(i *tairtest.Instance) {
			i.Name, i.ConnectionDomain, i.Port = "订单", "found.redis.rds.aliyuncs.com", 6380
			i.Tags = map[string]string{"Team": "payments", "cost-center": "1", "cost.center": "2", "empty": ""}
		})
		w.apply()
		w.scrape(soon)
		rec := w.sd()
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

func (w *world) sd() *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.exporter.SDHandler().ServeHTTP(rec, httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "/sd", http.NoBody))
	return rec
}

func TestSDIsNeverNull(t *testing.T) {
	w := onLoopback(t, Options{})
	if rec := w.sd(); rec.Code != http.StatusServiceUnavailable {
		t.Errorf("without a configuration: HTTP %d", rec.Code)
	}
	w.apply()
	if rec := w.sd(); rec.Code != http.StatusOK || strings.TrimSpace(rec.Body.String()) != "[]" {
		t.Errorf("HTTP %d: %s", rec.Code, rec.Body)
	}
}
