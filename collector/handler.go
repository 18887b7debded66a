package collector

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// timeoutHeader is how Prometheus tells a target the time it has, in seconds.
const timeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"

// maxScrapeTime bounds what the header may ask for.
const maxScrapeTime = 10 * time.Minute

// Deadline is how much time a scrape has.
type Deadline struct {
	Timeout time.Duration // when the request does not tell
	Offset  time.Duration // kept back from either, so that the answer arrives in time
}

// Of returns the time for the scrape that r asks for. An offset that would leave nothing takes half.
func (d Deadline) Of(r *http.Request) time.Duration {
	timeout := d.Timeout
	if s, err := strconv.ParseFloat(r.Header.Get(timeoutHeader), 64); err == nil && s > 0 {
		timeout = time.Duration(min(s, maxScrapeTime.Seconds()) * float64(time.Second))
	}
	return d.Within(timeout)
}

// Within gives the time that is left of a timeout for asking.
func (d Deadline) Within(timeout time.Duration) time.Duration {
	return max(timeout-d.Offset, timeout/2)
}

// MetricsHandler serves every watched instance and, behind them, the exporter itself: a response counts its own calls.
func (e *Exporter) MetricsHandler(d Deadline) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := e.fleet.Load()
		if f == nil {
			http.Error(w, errNotConfigured.Error(), http.StatusServiceUnavailable)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), d.Of(r))
		defer cancel()
		e.scrape(w, r, &instanceCollector{ctx: ctx, exporter: e, fleet: f, scraped: e.metrics.scraped}, e.metrics.registry)
	})
}

// ProbeHandler serves the one watched instance that the parameter target names, and nothing else. Any other ID is not
// found, so that nobody spends the quota on instances of their choice.
func (e *Exporter) ProbeHandler(d Deadline) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target := r.URL.Query().Get("target")
		if target == "" {
			http.Error(w, "the parameter target is missing: the ID of a watched instance", http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), d.Of(r))
		defer cancel()
		f := e.fleet.Load()
		for f != nil && f.byID[target] == nil && !f.complete && f.await(ctx) {
			f = e.fleet.Load()
		}
		if f != nil && f.byID[target] != nil {
			e.scrape(w, r, &instanceCollector{ctx: ctx, exporter: e, fleet: f, probed: f.byID[target], scraped: func(time.Duration, int) {}})
			return
		}
		if err := f.ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		http.Error(w, "the target is not an instance that is watched here", http.StatusNotFound)
	})
}

// scrape serves what c collects, and then what others gather.
func (e *Exporter) scrape(w http.ResponseWriter, r *http.Request, c *instanceCollector, others ...prometheus.Gatherer) {
	instances, err := e.registry(c)
	if err != nil {
		_ = level.Error(e.logger).Log("msg", "cannot serve the metrics", "err", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	e.serve(append(prometheus.Gatherers{instances}, others...)).ServeHTTP(w, r)
}

// SelfHandler serves the exporter itself and makes no call.
func (e *Exporter) SelfHandler() http.Handler {
	return e.serve(e.metrics.registry)
}

// serve gives the metrics in the format that the client asks for. One bad metric does not hide the others.
func (e *Exporter) serve(g prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{
		ErrorHandling:     promhttp.ContinueOnError,
		ErrorLog:          errorLog{e.logger},
		EnableOpenMetrics: true,
	})
}

// ReloadFailed notes that the configuration could not be loaded; the one in force stays.
func (e *Exporter) ReloadFailed() { e.metrics.reloadSuccessful.Set(0) }

// Ready gives nil once a configuration is in force and each of its discovery entries has been tried once, whatever came
// of it: one account that is broken does not make the exporter useless. It stays so: a new entry does not take an
// exporter out of service that goes on serving all the others.
func (e *Exporter) Ready() error {
	if e.ready.Load() {
		return nil
	}
	return e.fleet.Load().ready()
}

// errorLog passes promhttp's messages on.
type errorLog struct{ logger log.Logger }

// Println is for promhttp.Logger.
func (l errorLog) Println(v ...any) {
	_ = level.Error(l.logger).Log("msg", "cannot serve some metrics", "err", strings.TrimSpace(fmt.Sprintln(v...)))
}
