package docs_test

import (
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"tair_ssl_exporter/internal/apptest"
)

const scaling = "docs/scaling.md"

// scalingYAML returns the YAML documents of docs/scaling.md that have a key at their top, and fails when one document has
// none of the keys that are tested.
func scalingYAML(t *testing.T, key string) []string {
	t.Helper()
	var found []string
	for _, block := range apptest.Blocks(t, scaling, apptest.Read(t, scaling), "yaml") {
		for text := range strings.SplitSeq(block, "\n---\n") {
			var document map[string]yaml.Node
			apptest.Decode(t, scaling, text, true, &document)
			if _, has := document[key]; has {
				found = append(found, text)
			}
			tested := 0
			for _, k := range []string{"accounts", "kind", "scrape_configs"} {
				if _, has := document[k]; has {
					tested++
				}
			}
			if tested != 1 {
				t.Errorf("neither a configuration, a manifest nor one of Prometheus:\n%s", text)
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no YAML with %q", scaling, key)
	}
	return found
}

// The test of the chart compares the manifests with the chart.
func TestScalingPrometheusFindsThePods(t *testing.T) {
	var prometheus struct {
		ScrapeConfigs []struct {
			RelabelConfigs []struct{ Regex, Action string } `yaml:"relabel_configs"`
		} `yaml:"scrape_configs"`
	}
	apptest.Decode(t, scaling, scalingYAML(t, "scrape_configs")[0], false, &prometheus)
	var set struct {
		Spec struct {
			Template struct {
				Metadata struct{ Labels map[string]string }
				Spec     struct {
					Containers []struct{ Ports []struct{ Name string } }
				}
			}
		}
	}
	apptest.Decode(t, scaling, scalingYAML(t, "kind")[1], false, &set)
	pod, keep := set.Spec.Template, prometheus.ScrapeConfigs[0].RelabelConfigs[0]
	if want := pod.Metadata.Labels["app"] + ";" + pod.Spec.Containers[0].Ports[0].Name; keep.Regex != want || keep.Action != "keep" {
		t.Errorf("%s %s, want to keep %s", keep.Action, keep.Regex, want)
	}
}

// TestScalingTablesAreRight computes the tables of calls from the figures for one instance and one page, which the tests of
// the collector measure.
func TestScalingTablesAreRight(t *testing.T) {
	perDay := func(scrapes int) func(n int) int { return func(n int) int { return n * scrapes } }
	pages := func(n int) int { return (n + 49) / 50 }
	lists := func(times int) func(n int) int { return func(n int) int { return pages(n) * times } }
	for _, table := range []struct {
		header  string
		columns []func(n int) int
	}{
		{"| instances | `0s`, one server |", []func(int) int{perDay(1440), perDay(2880), perDay(96), perDay(24), perDay(8)}},
		{"| instances | pages |", []func(int) int{pages, lists(288), lists(96), lists(24)}},
	} {
		_, rest, found := strings.Cut(apptest.Read(t, scaling), "\n"+table.header)
		if !found {
			t.Errorf("no table %s", table.header)
			continue
		}
		text, _, _ := strings.Cut(rest, "\n\n")
		rows := strings.Split(text, "\n")[2:]
		if len(rows) != 7 {
			t.Errorf("%s: %d rows, want 7", table.header, len(rows))
		}
		for _, row := range rows {
			var cells []int
			for cell := range strings.SplitSeq(strings.Trim(row, "| "), "|") {
				n, err := strconv.Atoi(strings.ReplaceAll(strings.TrimSpace(cell), ",", ""))
				if err != nil {
					t.Fatal(err)
				}
				cells = append(cells, n)
			}
			if len(cells) != 1+len(table.columns) {
				t.Fatalf("%d cells in %s", len(cells), row)
			}
			for i, column := range table.columns {
				if want := column(cells[0]); cells[i+1] != want {
					t.Errorf("%s: column %d is %d, want %d", row, i+1, cells[i+1], want)
				}
			}
		}
	}
}
