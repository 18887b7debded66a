package collector

import (
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"

	"tair_ssl_exporter/collector/tair"
)

// selfMetrics are the metrics of the exporter itself.
type selfMetrics struct {
	registry *prometheus.Registry

	requests            *prometheus.CounterVec   // account, region, action, code
	duration            *prometheus.HistogramVec // action
	throttles           *prometheus.CounterVec   // account, region, action
	waited              *prometheus.CounterVec   // account, region
	credentialsFailures *prometheus.CounterVec   // account
	scrapeDuration      prometheus.Gauge
	scrapeDeferred      prometheus.Gauge
	reloadSuccessful    prometheus.Gauge
	reloadTime          prometheus.Gauge

	mu     sync.RWMutex
	reload ReloadStatus
	left   map[accountRegion]struct{} // not watched any more: calls that end late do not count; region "": a whole account

	codes *codeLimit
}

// newSelfMetrics returns the metrics, of which some follow from the inventory in force (nil: none yet) and from how
// listing goes.
func newSelfMetrics(inventory func() *inventory, health func() map[accountRegion]listingHealth, renewals func() map[string]listingHealth) *selfMetrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help})
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(
			prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
	}
	m := &selfMetrics{
		registry: prometheus.NewRegistry(),
		left:     make(map[accountRegion]struct{}),
		codes:    newCodeLimit(),
		requests: counters("api_requests_total",
			"Requests to the API by their outcome: OK, the API's own code, or why there was no answer.",
			"account", "region", "action", "code"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "api_request_duration_seconds",
			Help:    "How long requests to the API took.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
			// The native histogram beside them, for a Prometheus that scrapes native histograms.
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"action"}),
		throttles: counters("api_throttles_total",
			"Requests that the API refused because its quota was used up.", "account", "region", "action"),
		waited: counters("api_rate_limit_wait_seconds_total",
			"Time that requests waited for the exporter's own rate limit.", "account", "region"),
		credentialsFailures: counters("credentials_refresh_failures_total",
			"Attempts to obtain credentials that failed.", "account"),
		scrapeDuration: gauge("scrape_duration_seconds", "How long the latest scrape of the instances took."),
		scrapeDeferred: gauge("scrape_deferred_instances",
			"Instances that were due in the latest scrape, but its time ran out before they were asked."),
		reloadSuccessful: gauge("config_last_reload_successful",
			"1 when the latest attempt to load the configuration succeeded, else 0."),
		reloadTime: gauge("config_last_reload_success_timestamp_seconds",
			"When the configuration in force was loaded, in Unix time."),
	}
	m.registry.MustRegister(
		m.requests, m.duration, m.throttles, m.waited, m.credentialsFailures, m.scrapeDuration, m.scrapeDeferred,
		m.reloadSuccessful, m.reloadTime, newInventoryCollector(inventory, health, renewals),
		versioncollector.NewCollector(namespace+"_"+subsystem),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// scraped notes how a scrape of the instances went.
func (m *selfMetrics) scraped(s scrapeStats) {
	m.scrapeDuration.Set(s.took.Seconds())
	m.scrapeDeferred.Set(float64(s.deferred))
}

// loaded notes that a configuration has come into force.
func (m *selfMetrics) loaded(now time.Time) {
	m.reloadSuccessful.Set(1)
	m.reloadTime.Set(unixSeconds(now))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reload = ReloadStatus{SucceededAt: now}
}

// reloadFailed notes that a configuration could not be loaded.
func (m *selfMetrics) reloadFailed() {
	m.reloadSuccessful.Set(0)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reload.Failed = true
}

func (m *selfMetrics) reloadStatus() ReloadStatus {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.reload
}

// watching notes that an inventory comes into force in the place of another (nil: the first): its label sets are there
// from 0 on, and those of accounts and regions that left are gone.
func (m *selfMetrics) watching(inv, before *inventory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if before != nil {
		m.forget(before, inv)
	}
	for at, actions := range inv.actions {
		for _, action := range actions {
			m.requests.WithLabelValues(at.account, at.region, action, "OK")
			m.throttles.WithLabelValues(at.account, at.region, action)
			m.duration.WithLabelValues(action)
		}
		m.waited.WithLabelValues(at.account, at.region)
		m.credentialsFailures.WithLabelValues(at.account)
		delete(m.left, at)
		delete(m.left, accountRegion{account: at.account})
	}
}

// forget drops the label sets of the accounts and regions that were in before and are not in inv. m.mu is held.
func (m *selfMetrics) forget(before, inv *inventory) {
	accounts := make(map[string]bool)
	for at := range inv.schedulers {
		accounts[at.account] = true
	}
	for at := range before.schedulers {
		if inv.schedulers[at] == nil {
			left := prometheus.Labels{"account": at.account, "region": at.region}
			m.requests.DeletePartialMatch(left)
			m.throttles.DeletePartialMatch(left)
			m.waited.DeletePartialMatch(left)
			m.left[at] = struct{}{}
			m.codes.forget(at)
		}
		if !accounts[at.account] {
			m.credentialsFailures.DeleteLabelValues(at.account)
			m.left[accountRegion{account: at.account}] = struct{}{}
		}
	}
}

// credentialsFailed counts a failed refresh of the credentials of an account.
func (m *selfMetrics) credentialsFailed(account string) {
	m.count(accountRegion{account: account}, func() { m.credentialsFailures.WithLabelValues(account).Inc() })
}

// count calls note unless the account and region have left, so that no label set comes back once it is forgotten.
func (m *selfMetrics) count(at accountRegion, note func()) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if _, left := m.left[at]; !left {
		note()
	}
}

// observer counts what the client of one account and region does.
type observer struct {
	metrics *selfMetrics
	at      accountRegion
	calls   log.Logger // of each call; nil: none
}

// Attempted is for tair.Observer.
func (o *observer) Attempted(a tair.Attempt) {
	o.log(a)
	o.metrics.duration.WithLabelValues(a.Action).Observe(a.Took.Seconds())
	o.metrics.count(o.at, func() {
		o.metrics.requests.WithLabelValues(o.at.account, o.at.region, a.Action, o.metrics.codes.label(o.at, a)).Inc()
		if a.Reason == tair.ReasonThrottled {
			o.metrics.throttles.WithLabelValues(o.at.account, o.at.region, a.Action).Inc()
		}
	})
}

// log writes a line about a call. It may block, which is accepted where the level of the log is debug.
func (o *observer) log(a tair.Attempt) {
	if o.calls == nil {
		return
	}
	pairs := []any{"msg", "called the API", "action", a.Action, "account", o.at.account, "region", o.at.region}
	if a.InstanceID != "" {
		pairs = append(pairs, "instance_id", a.InstanceID)
	}
	pairs = append(pairs, "outcome", a.Code, "took", a.Took.Round(time.Millisecond), "request_id", a.RequestID())
	_ = o.calls.Log(pairs...)
}

// Waited is for tair.Observer.
func (o *observer) Waited(d time.Duration) {
	o.metrics.count(o.at, func() {
		o.metrics.waited.WithLabelValues(o.at.account, o.at.region).Add(d.Seconds())
	})
}
