package collector

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/tairtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares what is gathered with a file. Only the named metrics count; without names all of them.
func golden(t *testing.T, file string, g prometheus.Gatherer, names ...string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		var buf bytes.Buffer
		for _, f := range families {
			if len(names) > 0 && !slices.Contains(names, f.GetName()) {
				continue
			}
			if _, err := expfmt.MetricFamilyToText(&buf, f); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	gathered := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return families, nil })
	if err := testutil.GatherAndCompare(gathered, bytes.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}

// instances gives the metrics of the watched instances by way of a registry that takes nothing amiss.
func instances(ctx context.Context, e *Exporter) prometheus.Gatherer {
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		r := prometheus.NewPedanticRegistry()
		c := e.collector(ctx, e.current.load(), nil, e.metrics.scraped)
		if err := r.Register(c); err != nil {
			return nil, err
		}
		return r.Gather()
	})
}

// everyState is a fleet with an instance in each state, on the first of May 2026.
func everyState(w *world) {
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	w.exporter.now = func() time.Time { return start.Add(time.Since(w.began)) }

	w.setup.LabelNames = []string{"env", "team"}
	w.reach("main", hangzhou)
	w.reach("main", shanghai)
	w.reach("main", "cn-beijing")
	w.reach("other", hangzhou)
	add := func(i Instance, cloud tairtest.Instance, faults ...tairtest.Fault) {
		cloud.ID, cloud.Account, cloud.Region = i.ID, i.Account, i.Region
		if cloud.SSLEnabled != "" {
			w.api.SetInstance(cloud)
		}
		w.api.SetFault(i.ID, faults...)
		w.setup.Instances = append(w.setup.Instances, i)
	}
	main := func(id, name string) Instance { return Instance{ID: id, Account: "main", Region: hangzhou, Name: name} }
	valid := tairtest.Instance{SSLEnabled: "Enable", ExpiresAt: start.Add(90 * day), CommonName: "r-valid.redis.rds.aliyuncs.com",
		DownloadURL: "https://user:pass@certs.example/ca.zip?Signature=secret#part"}

	add(Instance{ID: "r-valid", Account: "main", Region: hangzhou, Name: "会话缓存 \"一\"",
		Labels: map[string]string{"team": "payments", "env": "prod"}}, valid)
	add(main("r-valid-bare", ""), tairtest.Instance{SSLEnabled: "Enable", ExpiresAt: start.Add(time.Hour), DownloadURL: "javascript:alert(1)"})
	add(main("r-expired", "expired"), tairtest.Instance{SSLEnabled: "Enable", ExpiresAt: start.Add(-3 * day), CommonName: "r-expired.redis.rds.aliyuncs.com"})
	add(main("r-disabled", "disabled"), tairtest.Instance{SSLEnabled: "Disable", ExpiresAt: start.Add(-400 * day)})
	add(main("r-unsupported", "unsupported"), valid, fails(400, "InvalidRedisVersionPattern"))
	add(main("r-deleted", "deleted"), tairtest.Instance{})
	add(main("r-forbidden", "forbidden"), valid, fails(403, "Forbidden.RAM"))
	add(main("r-server", "server"), valid, fails(503, "ServiceUnavailable"))
	add(main("r-network", "network"), valid, tairtest.Fault{Reset: true})
	add(main("r-nonsense", "nonsense"), valid, tairtest.Fault{Body: []byte("<html>")})
	add(Instance{ID: "r-throttled", Account: "main", Region: shanghai, Labels: map[string]string{"env": "test"}}, valid, fails(400, "Throttling.User"))
	add(Instance{ID: "r-pending", Account: "main", Region: "cn-beijing"}, valid, tairtest.Fault{Hang: true})
	add(Instance{ID: "r-unauthorized", Account: "other", Region: hangzhou}, valid)
	w.revoke("other")
	w.apply()
}

func TestEveryState(t *testing.T) {
	inBubble(t, func(w *world) {
		everyState(w)
		g := instances(w.t.Context(), w.exporter)
		golden(t, "every_state.prom", g)
		for _, id := range []string{"r-valid", "r-valid-bare", "r-expired", "r-disabled"} {
			w.api.SetFault(id, fails(500, "InternalError"))
		}
		golden(t, "outage.prom", g)
	})
}

func TestMetricsOfTheExporter(t *testing.T) {
	inBubble(t, func(w *world) {
		everyState(w)
		w.scrape(time.Second)
		golden(t, "exporter.prom", w.exporter.metrics.registry, "tair_ssl_exporter_api_requests_total",
			"tair_ssl_exporter_api_throttles_total", "tair_ssl_exporter_api_rate_limit_qps", "tair_ssl_exporter_instances",
			"tair_ssl_exporter_scrape_duration_seconds", "tair_ssl_exporter_scrape_deferred_instances",
			"tair_ssl_exporter_config_last_reload_successful", "tair_ssl_exporter_config_last_reload_success_timestamp_seconds",
			"tair_ssl_exporter_credentials_refresh_failures_total")
	})
}

// The names, types and help texts keep to the conventions; those of the Go runtime are not ours.
func TestMetricsAreNamedWell(t *testing.T) {
	inBubble(t, func(w *world) {
		everyState(w)
		for _, g := range []prometheus.Gatherer{instances(w.t.Context(), w.exporter), w.exporter.metrics.registry} {
			families, err := g.Gather()
			if err != nil {
				t.Fatal(err)
			}
			var ours []string
			for _, f := range families {
				if strings.HasPrefix(f.GetName(), namespace+"_") {
					ours = append(ours, f.GetName())
				}
			}
			problems, err := testutil.GatherAndLint(g, ours...)
			if err != nil || len(ours) < 9 {
				t.Errorf("%d metrics: %v", len(ours), err)
			}
			for _, p := range problems {
				t.Errorf("%s: %s", p.Metric, p.Text)
			}
		}
	})
}

// The exporter's own registry stays within what a pedantic one takes, before and after a configuration.
func TestExporterIsPedantic(t *testing.T) {
	w := onLoopback(t, Options{})
	r := prometheus.NewPedanticRegistry()
	m := w.exporter.metrics
	r.MustRegister(m.requests, m.duration, m.throttles, m.waited, m.credentialsFailures, m.scrapeDuration, m.scrapeDeferred,
		m.reloadSuccessful, m.reloadTime, newInventoryCollector(w.exporter.current.load, w.exporter.health, w.exporter.renewalHealth))
	for range 2 {
		if _, err := r.Gather(); err != nil {
			t.Error(err)
		}
		w.setup.Targets, w.setup.Instances = nil, nil
		w.reach("main", hangzhou, func(c *tair.ClientConfig) { c.QPS = 20 })
		w.watch("main", hangzhou, "r-1")
		w.apply()
		w.scrape(soon)
	}
}
