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

	"tair_ssl_exporter/collector/tair/tairtest"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares what g gathers with a file: the named metrics, or all of them without names. It tests that names and help
// texts follow the conventions.
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
	var ours []string // not those of the Go runtime
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), namespace+"_") {
			ours = append(ours, f.GetName())
		}
	}
	problems, err := testutil.GatherAndLint(gathered, ours...)
	if err != nil || len(ours) < 9 || len(problems) > 0 {
		t.Errorf("the names and help texts of %d metrics: %v, %v", len(ours), problems, err)
	}
}

// instances gathers the metrics of the watched instances with a pedantic registry.
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

// applyEveryState applies an instance in each state, on the first of May 2026.
func applyEveryState(w *world) {
	start := may
	w.exporter.now = func() time.Time { return start.Add(time.Since(w.began)) }

	w.setup.LabelNames = []string{"env", "team"}
	w.addTarget("main", hangzhou)
	w.addTarget("main", shanghai)
	w.addTarget("main", beijing)
	w.addTarget("other", hangzhou)
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
	add(main("r-unsupported", "unsupported"), valid, failWith(400, "InvalidRedisVersionPattern"))
	add(main("r-deleted", "deleted"), tairtest.Instance{})
	add(main("r-forbidden", "forbidden"), valid, failWith(403, "Forbidden.RAM"))
	add(main("r-server", "server"), valid, failWith(503, "ServiceUnavailable"))
	add(main("r-network", "network"), valid, tairtest.Fault{Reset: true})
	add(main("r-nonsense", "nonsense"), valid, tairtest.Fault{Body: []byte("<html>")})
	add(Instance{ID: "r-throttled", Account: "main", Region: shanghai, Labels: map[string]string{"env": "test"}}, valid, failWith(400, "Throttling.User"))
	add(Instance{ID: "r-pending", Account: "main", Region: beijing}, valid, tairtest.Fault{Hang: true})
	add(Instance{ID: "r-unauthorized", Account: "other", Region: hangzhou}, valid)
	w.revoke("other")
	w.apply()
}

func TestMetricsOfEveryState(t *testing.T) {
	inBubble(t, func(w *world) {
		applyEveryState(w)
		g := instances(w.t.Context(), w.exporter)
		golden(t, "every_state.prom", g)
		for _, id := range []string{"r-valid", "r-valid-bare", "r-expired", "r-disabled"} {
			w.api.SetFault(id, failWith(500, "InternalError"))
		}
		golden(t, "outage.prom", g)
	})
}

func TestMetricsOfTheExporter(t *testing.T) {
	inBubble(t, func(w *world) {
		m, r := w.exporter.metrics, prometheus.NewPedanticRegistry()
		r.MustRegister(m.requests, m.duration, m.throttles, m.waited, m.credentialsFailures, m.scrapeDuration, m.scrapeDeferred,
			m.reloadSuccessful, m.reloadTime, newInventoryCollector(w.exporter.current.load, w.exporter.health, w.exporter.renewalHealth))
		if _, err := r.Gather(); err != nil {
			t.Errorf("before the first configuration: %v", err)
		}
		applyEveryState(w)
		w.scrape(time.Second)
		golden(t, "exporter.prom", r, "tair_ssl_exporter_api_requests_total",
			"tair_ssl_exporter_api_throttles_total", "tair_ssl_exporter_api_rate_limit_qps", "tair_ssl_exporter_instances",
			"tair_ssl_exporter_scrape_duration_seconds", "tair_ssl_exporter_scrape_deferred_instances",
			"tair_ssl_exporter_config_last_reload_successful", "tair_ssl_exporter_config_last_reload_success_timestamp_seconds",
			"tair_ssl_exporter_credentials_refresh_failures_total")
	})
}
