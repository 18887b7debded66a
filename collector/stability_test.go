package collector

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"tair_ssl_exporter/collector/tair/tairtest"
)

// TestStableMetrics holds names, types and labels against a committed list, because dashboards, alerts and recorded data of
// users depend on them. After an intended change: go test ./collector -run TestStableMetrics -update.
func TestStableMetrics(t *testing.T) {
	inBubble(t, func(w *world) {
		applyEveryState(w)
		w.addSource(Source{Account: "main", Regions: []string{hangzhou}})
		w.setup.Renewals = []RenewalList{{Account: "main", Home: hangzhou}}
		w.api.SetEvents(tairtest.Event{Account: "main", ID: 1, InsName: "r-valid", Region: hangzhou,
			SwitchTime: may.Add(9 * day).Format(time.RFC3339), Deadline: may.Add(16 * day).Format(time.RFC3339)})
		w.apply()
		w.scrape(time.Second)
		for _, action := range []string{"DescribeInstances", "DescribeActiveOperationTasks"} {
			w.api.SetFault(action, failWith(403, "Forbidden.RAM"))
		}
		advance(time.Hour)
		w.scrape(time.Second)

		shown := inTurn{instances(w.t.Context(), w.exporter), w.exporter.metrics.registry}
		families, err := shown.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var names, lines []string
		for _, f := range families {
			if strings.HasPrefix(f.GetName(), namespace+"_") {
				names = append(names, f.GetName())
				lines = append(lines, f.GetName()+" "+strings.ToLower(f.GetType().String())+" "+labelsOf(w, f.GetMetric()[0]))
			}
		}
		inventory := w.exporter.current.load()
		if described := describedNames(w.exporter.collector(t.Context(), inventory, nil, nil), w.exporter.metrics.registry); !slices.Equal(names, described) {
			t.Errorf("shown %q\ndescribed %q", names, described)
		}

		path := filepath.Join("testdata", "metrics.txt")
		got := strings.Join(lines, "\n") + "\n"
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("names, types and labels are\n%s\nbut %s has\n%s", got, path, want)
		}
	})
}

// labelsOf returns the names of a metric's labels, "-" without any. Custom labels are one, as users choose them.
func labelsOf(w *world, m *dto.Metric) string {
	var names []string
	for _, l := range m.GetLabel() {
		if slices.Contains(w.setup.LabelNames, l.GetName()) {
			continue
		}
		names = append(names, l.GetName())
	}
	if len(names) < len(m.GetLabel()) {
		names = append(names, "<custom>")
	}
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, ",")
}

// describedNames returns the sorted names of the exporter's own metrics that the collectors may collect.
func describedNames(all ...prometheus.Collector) []string {
	name := regexp.MustCompile(`fqName: "(` + namespace + `_\w+)"`)
	var names []string
	for _, c := range all {
		descs := make(chan *prometheus.Desc)
		go func() {
			c.Describe(descs)
			close(descs)
		}()
		for d := range descs {
			if m := name.FindStringSubmatch(d.String()); m != nil {
				names = append(names, m[1])
			}
		}
	}
	slices.Sort(names)
	return names
}
