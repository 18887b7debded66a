//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tair_ssl_exporter/internal/apptest"
)

// TestE2EScrapeLayouts runs the demo behind each scrape configuration with the shipped rules, at shorter intervals: every
// instance is read, each alert of the demo fires once, the dashboards have answers, and without exporters
// TairSSLExporterDown is the only new alert.
func TestE2EScrapeLayouts(t *testing.T) {
	t.Parallel() // it mostly waits
	oneOfShards := func(n, of int) []string {
		return []string{fmt.Sprintf("--shard=%d", n), fmt.Sprintf("--total-shards=%d", of)}
	}
	for name, layout := range map[string]struct {
		file      string
		exporters [][]string // their flags
		addresses []string   // their addresses in the file
		adapt     func(t *testing.T, text string) string
		want      map[string]float64
	}{
		"pair": {
			file:      "ha-pair.yml",
			exporters: [][]string{nil, nil},
			addresses: []string{"tair-ssl-exporter-a:10219", "tair-ssl-exporter-b:10219"},
			want: map[string]float64{
				`sum(up{job="tair_ssl"})`:                               2,
				`count(tair_ssl_scrape_success)`:                        26,
				`count(max by (instance_id) (tair_ssl_scrape_success))`: 13,
				`count(max by (instance_id) (tair_ssl_enabled) * on (instance_id) group_left (name) tair_ssl:instance_info:latest)
				 / count(max by (instance_id) (tair_ssl_enabled))`: 1,
			},
		},
		"shards": {
			file:      "shards.yml",
			exporters: [][]string{oneOfShards(0, 3), oneOfShards(1, 3), oneOfShards(2, 3)},
			addresses: []string{"tair-ssl-exporter-0:10219", "tair-ssl-exporter-1:10219", "tair-ssl-exporter-2:10219"},
			want: map[string]float64{
				`sum(up{job="tair_ssl"})`:                              3,
				`count(tair_ssl_scrape_success)`:                       13,
				`max(count by (instance_id) (tair_ssl_instance_info))`: 1,
			},
		},
		"probe": {
			file:      "probe.yml",
			exporters: [][]string{nil},
			addresses: []string{"localhost:10219"},
			want: map[string]float64{
				`sum(up{job="tair_ssl"})`:                               1,
				`count(up{job="tair_ssl_probe"} == 1)`:                  13,
				`count(tair_ssl_scrape_success{job="tair_ssl_probe"})`:  13,
				`count(tair_ssl_scrape_success)`:                        13,
				`count(tair_ssl_exporter_total_shards{job="tair_ssl"})`: 1,
				`count({job="tair_ssl_probe", __name__!~"up|scrape_.+|tair_ssl[_:].+"} or {job="tair_ssl_probe", __name__=~"tair_ssl_exporter_.+"}) or vector(0)`: 0,
				// The target of a probe is its instance.
				`count(label_replace(tair_ssl_scrape_success, "target", "$1", "instance", "(.+)") == on (instance_id, target)
				 label_replace(tair_ssl_scrape_success, "target", "$1", "instance_id", "(.+)"))`: 13,
			},
		},
		"probe of shards": {
			file:      "probe.yml",
			exporters: [][]string{oneOfShards(0, 2), oneOfShards(1, 2)},
			addresses: []string{"localhost:10219", "localhost:10220"},
			adapt:     everyShard,
			want: map[string]float64{
				`sum(up{job="tair_ssl"})`:                              2,
				`count(up{job="tair_ssl_probe"} == 1)`:                 13,
				`count(tair_ssl_scrape_success{job="tair_ssl_probe"})`: 13,
				`max(count by (instance_id) (tair_ssl_instance_info))`: 1,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := apptest.Read(t, "deploy/prometheus/"+layout.file)
			if layout.adapt != nil {
				text = layout.adapt(t, text)
			}
			var exporters []*os.Process
			for i, flags := range layout.exporters {
				process, address := startExporter(t, append(flags, "--demo")...)
				apptest.Contains(t, text, layout.addresses[i])
				text = strings.ReplaceAll(text, layout.addresses[i], address)
				exporters = append(exporters, process)
			}
			// The shipped configuration, with the layout in the place of its scrape_configs.
			configuration, _, _ := strings.Cut(apptest.Read(t, "deploy/prometheus/prometheus.yml"), "\nscrape_configs:\n")
			prom := startPrometheus(t, strings.ReplaceAll(configuration, "[localhost:9093]", "[]")+
				"\nscrape_config_files: ["+apptest.File(t, layout.file, quickScrapes(text))+"]\n")
			prom.loadRules(t)

			fire := func(alerts []string) {
				t.Helper()
				var got []string
				defer func() {
					if !slices.Equal(got, alerts) {
						t.Errorf("alerts that fire: %q, want %q", got, alerts)
					}
				}()
				within(t, 90*time.Second, func() bool {
					got = firing(t, prom)
					return slices.Equal(got, alerts)
				})
			}
			fire(demoAlerts())
			for promql, want := range layout.want {
				if got, known := prom.query(t, promql)[""]; !known || got != want {
					t.Errorf("%s is %v, want %v", promql, prom.query(t, promql), want)
				}
			}
			askDashboards(t, prom)

			for _, e := range exporters {
				if err := e.Signal(syscall.SIGTERM); err != nil {
					t.Error(err)
				}
			}
			fire(slices.Sorted(slices.Values(append(demoAlerts(), "TairSSLExporterDown critical /"))))
		})
	}
}

// everyShard adds a second shard to probe.yml as its comments describe.
func everyShard(t *testing.T, text string) string {
	t.Helper()
	for _, entry := range []*regexp.Regexp{
		regexp.MustCompile(`( +- localhost:10219) # with shards, every shard\n`),
		regexp.MustCompile(`( +- url: http://localhost:10219/sd) # with shards, one such entry for every shard\n`),
	} {
		found := entry.FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("no %s in\n%s", entry, text)
		}
		text = strings.Replace(text, found[0], found[1]+"\n"+strings.Replace(found[1], "10219", "10220", 1)+"\n", 1)
	}
	return text
}

// firing returns the alerts that fire in the form of demoAlerts. One that fires twice is there twice. TairSSLScrapeDeferred
// is left out: scrapes of a second have no time for the region that is throttled.
func firing(t *testing.T, prom *prometheus) []string {
	t.Helper()
	const alerts = `label_replace(
		label_join(ALERTS{alertstate="firing", alertname!="TairSSLScrapeDeferred"}, "of", "/", "account", "region"),
		"of", "$1", "instance_id", "(.+)")`
	found := prom.query(t, `label_join(count by (alertname, severity, of) (`+alerts+`), "instance_id", " ", "alertname", "severity", "of")`)
	var names []string
	for name, n := range found {
		for range int(n) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
