//go:build e2e

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tair_ssl_exporter/internal/apptest"
)

// TestE2EScrapeLayouts runs the demo behind each scrape configuration under a real Prometheus with the shipped rules, at
// shorter intervals: every instance answers, the alerts are those of the demo and each is there once, the dashboards have
// answers, and when every exporter is gone TairSSLExporterDown is the only one that is new.
func TestE2EScrapeLayouts(t *testing.T) {
	t.Parallel() // it mostly waits
	binary := filepath.Join(t.TempDir(), "tair_ssl_exporter")
	command(t, "go", "build", "-o", binary, ".")

	oneOfShards := func(n, of int) []string {
		return []string{fmt.Sprintf("--shard=%d", n), fmt.Sprintf("--total-shards=%d", of)}
	}
	for name, layout := range map[string]struct {
		file      string
		exporters [][]string // the flags of each
		addresses []string   // what stands for each in the file
		adapt     func(t *testing.T, text string) string
		want      map[string]float64
	}{
		"pair": {
			file:      "ha-pair.yml",
			exporters: [][]string{nil, nil},
			addresses: []string{"tair-ssl-exporter-a:10219", "tair-ssl-exporter-b:10219"},
			want: map[string]float64{
				`sum(up{job="tair_ssl"})`:                               2,
				`count(tair_ssl_scrape_success)`:                        24,
				`count(max by (instance_id) (tair_ssl_scrape_success))`: 12,
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
				`count(tair_ssl_scrape_success)`:                       12,
				`max(count by (instance_id) (tair_ssl_instance_info))`: 1,
				`tair_ssl:all_shards_answer:bool`:                      1,
			},
		},
		"probe": {
			file:      "probe.yml",
			exporters: [][]string{nil},
			addresses: []string{"localhost:10219"},
			want: map[string]float64{
				`sum(up{job="tair_ssl"})`:                               1,
				`count(up{job="tair_ssl_probe"} == 1)`:                  12,
				`count(tair_ssl_scrape_success{job="tair_ssl_probe"})`:  12,
				`count(tair_ssl_scrape_success)`:                        12,
				`count(tair_ssl_exporter_total_shards{job="tair_ssl"})`: 1,
				`count({job="tair_ssl_probe", __name__!~"up|scrape_.+|tair_ssl[_:].+"} or {job="tair_ssl_probe", __name__=~"tair_ssl_exporter_.+"}) or vector(0)`: 0,
				// Every target is named by the instance it is for.
				`count(label_replace(tair_ssl_scrape_success, "target", "$1", "instance", "(.+)") == on (instance_id, target)
				 label_replace(tair_ssl_scrape_success, "target", "$1", "instance_id", "(.+)"))`: 12,
			},
		},
		"probe of shards": {
			file:      "probe.yml",
			exporters: [][]string{oneOfShards(0, 2), oneOfShards(1, 2)},
			addresses: []string{"localhost:10219", "localhost:10220"},
			adapt:     everyShard,
			want: map[string]float64{
				`sum(up{job="tair_ssl"})`:                              2,
				`count(up{job="tair_ssl_probe"} == 1)`:                 12,
				`count(tair_ssl_scrape_success{job="tair_ssl_probe"})`: 12,
				`max(count by (instance_id) (tair_ssl_instance_info))`: 1,
				`tair_ssl:all_shards_answer:bool`:                      1,
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
				address := freeAddress(t)
				apptest.Contains(t, text, layout.addresses[i])
				text = strings.ReplaceAll(text, layout.addresses[i], address)
				exporters = append(exporters, background(t, binary, append(flags, "--demo", "--web.listen-address="+address)...))
			}
			text = regexp.MustCompile(`(?m)^(\s+(?:scrape_interval|scrape_timeout|refresh_interval):) \S+`).ReplaceAllString(text, "$1 1s")
			prom := prometheusWithLayout(t, apptest.File(t, layout.file, text))

			fire := func(alerts []string) {
				t.Helper()
				within(t, 90*time.Second, func() bool { return slices.Equal(firing(t, prom), alerts) })
			}
			fire(demoAlerts())
			for promql, want := range layout.want {
				if got, known := instantQuery(t, prom, promql)[""]; !known || got != want {
					t.Errorf("%s is %v, want %v", promql, instantQuery(t, prom, promql), want)
				}
			}
			within(t, 30*time.Second, func() bool { return len(instantQuery(t, prom, `count_over_time(tair_ssl:enabled:latest[1h]) > 2`)) > 0 })
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

// everyShard adds a second shard to probe.yml as its remarks tell.
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

// prometheusWithLayout starts Prometheus with the shipped configuration, a file in the place of its scrape_configs, and,
// once there is something to judge, the shipped rules without their patience. It gives the address.
func prometheusWithLayout(t *testing.T, layout string) string {
	t.Helper()
	dir, prom := t.TempDir(), freeAddress(t)
	text, scrapeConfigs, found := strings.Cut(apptest.Read(t, "deploy/prometheus/prometheus.yml"), "\nscrape_configs:\n")
	if !found || !strings.HasPrefix(scrapeConfigs, "  - job_name: ") {
		t.Fatal("prometheus.yml does not end with scrape_configs")
	}
	text = strings.ReplaceAll(text, "[localhost:9093]", "[]") + "\nscrape_config_files: [" + layout + "]\n"
	text = strings.ReplaceAll(text, " rules/", " "+dir+"/")
	server := background(t, tool(t, "PROMETHEUS"), "--config.file="+apptest.File(t, "prometheus.yml", text),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+prom, "--log.level=warn")
	within(t, time.Minute, func() bool {
		return instantQuery(t, prom, `count(group by (instance_id) (tair_ssl_scrape_success))`)[""] == 12
	})
	rules := quickRules(t, apptest.Read(t, "deploy/prometheus/rules/tair_ssl.rules.yml"))
	if err := os.WriteFile(filepath.Join(dir, "tair_ssl.rules.yml"), []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := server.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	return prom
}

// firing gives the alerts that fire as demoAlerts does. One that is there twice is told apart by what it has besides.
func firing(t *testing.T, prom string) []string {
	t.Helper()
	const alerts = `label_replace(
		label_join(ALERTS{alertstate="firing"}, "of", "/", "account", "region"),
		"of", "$1", "instance_id", "(.+)")`
	found := instantQuery(t, prom, `label_join(count by (alertname, severity, of) (`+alerts+`), "instance_id", " ", "alertname", "severity", "of")`)
	var names []string
	for name, n := range found {
		for range int(n) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
