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

// of gives the time for the scrape that r asks for. An offset that would leave nothing takes half.
func (d Deadline) of(r *http.Request) time.Duration {
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
		e.scrape(w, r, d, e.everyInstance(f), e.metrics.registry)
	})
}

// everyInstance gives the collector of the whole fleet; its context is still to be set.
func (e *Exporter) everyInstance(f *fleet) *instanceCollector {
	return &instanceCollector{exporter: e, fleet: f, watched: f.watched, scraped: e.metrics.scraped}
}

// ProbeHandler serves the one watched instance that the parameter target names, and nothing else. Any other ID is not
// found, so that nobody spends the quota on instances of their choice.
func (e *Exporter) ProbeHandler(d Deadline) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := e.fleet.Load()
		target := r.URL.Query().Get("target")
		switch {
		case f == nil:
			http.Error(w, errNotConfigured.Error(), http.StatusServiceUnavailable)
		case target == "":
			http.Error(w, "the parameter target is missing: the ID of a watched instance", http.StatusBadRequest)
		case f.byID[target] == nil:
			http.Error(w, "the target is not an instance that is watched here", http.StatusNotFound)
		default:
			c := &instanceCollector{exporter: e, fleet: f, watched: []*entry{f.byID[target]}, scraped: func(time.Duration, int) {}}
			e.scrape(w, r, d, c)
		}
	})
}

// scrape serves what c collects within the scrape's time, and then what others gather.
func (e *Exporter) scrape(w http.ResponseWriter, r *http.Request, d Deadline, c *instanceCollector, others ...prometheus.Gatherer) {
	ctx, cancel := context.WithTimeout(r.Context(), d.of(r))
	defer cancel()
	c.ctx = ctx
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

// Ready reports whether a configuration is in force.
func (e *Exporter) Ready() bool { return e.fleet.Load() != nil }

// errorLog passes promhttp's messages on.
type errorLog struct{ logger log.Logger }

// Println is for promhttp.Logger.
func (l errorLog) Println(v ...any) {
	_ = level.Error(l.logger).Log("msg", "cannot serve some metrics", "err", strings.TrimSpace(fmt.Sprintln(v...)))
}
