package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/tairtest"
)

// measureMemory compares /metrics, served from memory, with a collector that emits as many prepared metrics through promhttp.
func measureMemory(ctx context.Context) (all []result, err error) {
	for _, size := range []struct{ instances, rounds int }{{1_000, 15}, {10_000, 15}, {100_000, 5}} {
		results, err := measurePages(ctx, size.instances, size.rounds)
		if err != nil {
			return nil, err
		}
		all = append(all, results...)
	}
	return all, nil
}

// pages are what one side took for each page.
type pages struct {
	handler   http.Handler
	cpu, wall []time.Duration
}

func measurePages(ctx context.Context, instances, rounds int) (all []result, err error) {
	ids := benchIDs(instances)
	fake, err := tairtest.Start(newAPI(0, ids...))
	if err != nil {
		return nil, err
	}
	defer fake.Close()
	handler, end, err := exporterFromMemory(fake.URL, ids)
	if err != nil {
		return nil, err
	}
	defer end()
	if err := fetch(ctx, handler, ""); err != nil { // asks the API
		return nil, err
	}
	other, samples, err := preparedFrom(handler)
	if err != nil {
		return nil, err
	}
	fmt.Printf("/metrics from memory: %d instances, %d samples, %d rounds\n", instances, samples, rounds)
	for _, encoding := range []string{"gzip", "plain"} {
		sides := []*pages{{handler: handler}, {handler: other}}
		for range rounds { // in turn, so that whatever else the machine does concerns both
			for _, side := range sides {
				runtime.GC() // each side pays for its own garbage
				cpu, began := cpuTime(), time.Now()
				if err := fetch(ctx, side.handler, encoding); err != nil {
					return nil, err
				}
				side.cpu, side.wall = append(side.cpu, cpuTime()-cpu), append(side.wall, time.Since(began))
			}
		}
		compare := func(what string, ours, others []time.Duration, bound float64) {
			a, b := median(ours), median(others)
			all = append(all, result{
				fmt.Sprintf("/metrics of %d instances from memory, %s: %s, against prepared metrics", instances, encoding, what),
				a.Round(time.Millisecond / 10).String(), b.Round(time.Millisecond / 10).String(), float64(a) / float64(b), bound,
			})
		}
		bound := 0.0
		if instances == 10_000 && encoding == "gzip" { // as Prometheus asks for it
			bound = 1.10
		}
		compare("CPU time", sides[0].cpu, sides[1].cpu, bound)
		compare("time", sides[0].wall, sides[1].wall, 0)
	}
	return all, nil
}

// exporterFromMemory returns the handler of /metrics of an exporter that keeps answers for an hour.
func exporterFromMemory(endpoint string, ids []string) (http.Handler, func(), error) {
	exporter := collector.New(collector.Options{Logger: log.NewNopLogger()})
	client, err := tair.NewClient(tair.ClientConfig{
		Region: region, Endpoint: endpoint, Credentials: static{AccessKeyID: keyID, AccessKeySecret: keySecret},
		Timeout: 5 * time.Second, Attempts: 3, Concurrency: 50, QPS: 1e6, UserAgent: "tair_ssl_exporter/bench",
		Observer: exporter.Observer(account, region),
	})
	if err != nil {
		return nil, nil, err
	}
	setup := collector.Setup{
		RefreshInterval: time.Hour, KeepLast: time.Hour, ScrapeTime: 5 * time.Minute,
		Targets: []collector.Target{{Account: account, Region: region, Client: client, QPS: 1e6}},
	}
	for _, id := range ids {
		setup.Instances = append(setup.Instances, collector.Instance{ID: id, Account: account, Region: region, Name: "name of " + id})
	}
	if err := exporter.Apply(setup); err != nil {
		return nil, nil, err
	}
	return exporter.MetricsHandler(collector.ScrapeTimeout{Default: 5 * time.Minute}), func() {
		exporter.Close()
		client.Close()
	}, nil
}

// prepared emits metrics that are made once.
type prepared struct {
	descs   []*prometheus.Desc
	metrics []prometheus.Metric
}

func (p prepared) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range p.descs {
		ch <- d
	}
}

func (p prepared) Collect(ch chan<- prometheus.Metric) {
	for _, m := range p.metrics {
		ch <- m
	}
}

// preparedFrom returns a handler that serves what another one serves, from metrics that are made once, and their number.
func preparedFrom(handler http.Handler) (http.Handler, int, error) {
	families, err := parseFamilies(handler)
	if err != nil {
		return nil, 0, err
	}
	var all prepared
	makers := make(map[string][]func() prometheus.Metric) // by instance, as a collector makes its metrics
	for _, family := range families {
		var desc *prometheus.Desc
		for _, m := range family.GetMetric() {
			if m.GetGauge() == nil {
				continue
			}
			var names, values []string
			id := ""
			for _, label := range m.GetLabel() {
				names, values = append(names, label.GetName()), append(values, strings.Clone(label.GetValue()))
				if label.GetName() == "instance_id" {
					id = label.GetValue()
				}
			}
			if desc == nil {
				desc = prometheus.NewDesc(family.GetName(), family.GetHelp(), names, nil)
				all.descs = append(all.descs, desc)
			}
			makers[id] = append(makers[id], func() prometheus.Metric {
				return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, m.GetGauge().GetValue(), values...)
			})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(makers)) {
		for _, maker := range makers[id] {
			all.metrics = append(all.metrics, maker())
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		registry := prometheus.NewRegistry() // for each request, as an exporter that needs the request's context does
		registry.MustRegister(all)
		promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(w, r)
	}), len(all.metrics), nil
}

func parseFamilies(handler http.Handler) (map[string]*dto.MetricFamily, error) {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/metrics", http.NoBody))
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(w.Body)
}

func fetch(ctx context.Context, handler http.Handler, encoding string) error {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", http.NoBody)
	r.Header.Set("Accept-Encoding", encoding)
	w := &discard{header: http.Header{}}
	handler.ServeHTTP(w, r)
	if w.status != 0 && w.status != http.StatusOK {
		return fmt.Errorf("HTTP %d", w.status)
	}
	if w.bytes == 0 {
		return errors.New("an empty page")
	}
	return nil
}

// discard counts the bytes of a response.
type discard struct {
	header        http.Header
	status, bytes int
}

func (d *discard) Header() http.Header    { return d.header }
func (d *discard) WriteHeader(status int) { d.status = status }
func (d *discard) Write(p []byte) (int, error) {
	d.bytes += len(p)
	return io.Discard.Write(p)
}

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
