package collector

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

const (
	// timeoutHeader is how Prometheus passes the time that a scrape has, in seconds.
	timeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"
	// maxScrapeTime bounds what the header may ask for.
	maxScrapeTime = 10 * time.Minute

	// How many requests are served at a time. A pair of Prometheus servers needs two scrapes, and a response of 1,000
	// instances takes a few megabytes until its client has read it; /probe needs one for each instance, and little each.
	maxScrapes = 8
	maxProbes  = 512
	maxLists   = 8 // of /sd
)

// ScrapeTimeout is how much time a scrape has.
type ScrapeTimeout struct {
	Default time.Duration // when the request has no header
	Offset  time.Duration // kept back from either, so that the answer arrives in time
}

// Of returns the time for the scrape that r asks for. An offset that would leave nothing takes half.
func (t ScrapeTimeout) Of(r *http.Request) time.Duration {
	timeout := t.Default
	if s, err := strconv.ParseFloat(r.Header.Get(timeoutHeader), 64); err == nil && s > 0 {
		timeout = time.Duration(min(s, maxScrapeTime.Seconds()) * float64(time.Second))
	}
	return t.Within(timeout)
}

// Within returns the time that is left of a timeout for calling the API.
func (t ScrapeTimeout) Within(timeout time.Duration) time.Duration {
	return max(timeout-t.Offset, timeout/2)
}

// MetricsHandler serves every watched instance and, behind them, the exporter itself: a response counts its own calls.
func (e *Exporter) MetricsHandler(t ScrapeTimeout) http.Handler {
	return e.bounded("scrapes", e.scrapes, func(w http.ResponseWriter, r *http.Request) {
		inv := e.current.load()
		if inv == nil {
			http.Error(w, errNotConfigured.Error(), http.StatusServiceUnavailable)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), t.Of(r))
		defer cancel()
		e.scrape(w, r, e.collector(ctx, inv, nil, e.metrics.scraped), e.metrics.registry)
	})
}

// ProbeHandler serves the one watched instance that the parameter target names, and nothing else. Any other ID is not
// found, so that nobody spends the quota on instances of their choice.
func (e *Exporter) ProbeHandler(t ScrapeTimeout) http.Handler {
	return e.bounded("probes", e.probes, func(w http.ResponseWriter, r *http.Request) {
		target := r.URL.Query().Get("target")
		if target == "" {
			http.Error(w, "the parameter target is missing: the ID of a watched instance", http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), t.Of(r))
		defer cancel()
		inv := e.inventoryWith(ctx, target)
		if inv != nil && inv.byID[target] != nil {
			e.scrape(w, r, e.collector(ctx, inv, inv.byID[target], func(scrapeStats) {}))
			return
		}
		if err := inv.ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		http.Error(w, "the target is not an instance that is watched here", http.StatusNotFound)
	})
}

// inventoryWith waits under ctx for an inventory that has the instance, or that is complete.
func (e *Exporter) inventoryWith(ctx context.Context, id string) *inventory {
	for {
		inv := e.current.load()
		if inv == nil || inv.byID[id] != nil || inv.complete {
			return inv
		}
		select {
		case <-e.current.replaced(inv):
		case <-ctx.Done():
			return inv
		}
	}
}

func (e *Exporter) collector(ctx context.Context, inv *inventory, probed *instance, observe func(scrapeStats)) *instanceCollector {
	return &instanceCollector{ctx: ctx, inventory: inv, current: &e.current, probed: probed, now: e.now, observe: observe}
}

// bounded serves as many requests at a time as slots has room for, and refuses others.
func (e *Exporter) bounded(what string, slots chan struct{}, serve http.HandlerFunc) http.Handler {
	var warned atomic.Bool
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			serve(w, r)
		default:
			if warned.CompareAndSwap(false, true) {
				go func() { // the log may block
					_ = level.Warn(e.logger).Log("msg", "too many requests at a time; further ones are refused with status 503",
						"what", what, "allowed", cap(slots))
				}()
			}
			http.Error(w, fmt.Sprintf("too many %s at a time: at most %d are served", what, cap(slots)), http.StatusServiceUnavailable)
		}
	})
}

// scrape serves what c collects, and then what others gather.
func (e *Exporter) scrape(w http.ResponseWriter, r *http.Request, c *instanceCollector, others ...prometheus.Gatherer) {
	instances := prometheus.NewRegistry()
	if err := instances.Register(c); err != nil {
		_ = level.Error(e.logger).Log("msg", "cannot serve the metrics", "err", err)
		http.Error(w, fmt.Sprintf("registering the instances: %v", err), http.StatusInternalServerError)
		return
	}
	e.serve(inTurn(append([]prometheus.Gatherer{instances}, others...))).ServeHTTP(w, r)
}

// inTurn gathers from one after the other, none of which has a metric of another. [prometheus.Gatherers] would check every
// sample once more.
type inTurn []prometheus.Gatherer

// Gather is for prometheus.Gatherer.
func (g inTurn) Gather() (all []*dto.MetricFamily, err error) {
	for _, one := range g {
		families, failed := one.Gather()
		all, err = append(all, families...), errors.Join(err, failed)
	}
	slices.SortFunc(all, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	return all, err
}

// SelfHandler serves the exporter itself and makes no call.
func (e *Exporter) SelfHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { e.serve(e.metrics.registry).ServeHTTP(w, r) })
}

// serve serves one response in the format that the client asks for. One bad metric does not hide the others.
func (e *Exporter) serve(g prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{
		ErrorHandling:     promhttp.ContinueOnError,
		ErrorLog:          &errorLog{logger: e.logger},
		EnableOpenMetrics: true,
	})
}

// errorLog logs the first message of promhttp about a response. Others follow from it.
type errorLog struct {
	logger log.Logger
	logged atomic.Bool
}

// Println is for promhttp.Logger. The log may block, the response must not.
func (l *errorLog) Println(v ...any) {
	if l.logged.CompareAndSwap(false, true) {
		text := strings.TrimSpace(fmt.Sprintln(v...))
		go func() { _ = level.Error(l.logger).Log("msg", "cannot serve some metrics", "err", text) }()
	}
}
