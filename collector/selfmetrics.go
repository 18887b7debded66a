package collector

import (
	"sync"
	"time"

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

	mu   sync.RWMutex
	left map[accountRegion]struct{} // not watched any more: calls that end late do not count; region "": a whole account
}

// newSelfMetrics returns the metrics, of which some follow from the inventory in force (nil: none yet) and from how
// listing goes.
func newSelfMetrics(inventory func() *inventory, health func() map[accountRegion]listingHealth) *selfMetrics {
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
		requests: counters("api_requests_total",
			"Requests to the API by their outcome: OK, the API's own code, or why there was no answer.",
			"account", "region", "action", "code"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "api_request_duration_seconds",
			Help:    "How long requests to the API took.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
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
		m.reloadSuccessful, m.reloadTime, newInventoryCollector(inventory, health),
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
}

// Attempted is for tair.Observer.
func (o *observer) Attempted(a tair.Attempt) {
	o.metrics.duration.WithLabelValues(a.Action).Observe(a.Took.Seconds())
	o.metrics.count(o.at, func() {
		o.metrics.requests.WithLabelValues(o.at.account, o.at.region, a.Action, a.Code).Inc()
		if a.Reason == tair.ReasonThrottled {
			o.metrics.throttles.WithLabelValues(o.at.account, o.at.region, a.Action).Inc()
		}
	})
}

// Waited is for tair.Observer.
func (o *observer) Waited(d time.Duration) {
	o.metrics.count(o.at, func() {
		o.metrics.waited.WithLabelValues(o.at.account, o.at.region).Add(d.Seconds())
	})
}

// inventoryCollector collects what follows from the inventory in force.
type inventoryCollector struct {
	inventory func() *inventory
	health    func() map[accountRegion]listingHealth

	instances, qps *prometheus.Desc // account, region
	shard, shards  *prometheus.Desc

	listed, listedAt *prometheus.Desc // account, region
	listingError     *prometheus.Desc // account, region, reason, code
}

func newInventoryCollector(inventory func() *inventory, health func() map[accountRegion]listingHealth) *inventoryCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, subsystem, name), help, labels, nil)
	}
	return &inventoryCollector{
		inventory: inventory,
		health:    health,
		instances: desc("instances", "Watched instances.", "account", "region"),
		qps: desc("api_rate_limit_qps",
			"The rate limit in force in requests a second: the configured one, lowered while the API throttles.",
			"account", "region"),
		shard:  desc("shard", "The shard of the instances that this exporter watches, from 0."),
		shards: desc("total_shards", "The number of shards that the instances are spread over."),
		listed: desc("discovery_last_refresh_successful",
			"1 when the latest listing succeeded, for every discovery entry of the account and region, else 0. Region *: the list of regions.",
			"account", "region"),
		listedAt: desc("discovery_last_success_timestamp_seconds",
			"When every discovery entry of the account and region had been listed with success, in Unix time.",
			"account", "region"),
		listingError: desc("discovery_error_info",
			"Why the latest listing failed; always 1, there while tair_ssl_exporter_discovery_last_refresh_successful is 0.",
			"account", "region", "reason", "code"),
	}
}

// Describe is for prometheus.Collector.
func (c *inventoryCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.instances
	ch <- c.qps
	ch <- c.shard
	ch <- c.shards
	ch <- c.listed
	ch <- c.listedAt
	ch <- c.listingError
}

// Collect is for prometheus.Collector.
func (c *inventoryCollector) Collect(ch chan<- prometheus.Metric) {
	inv := c.inventory()
	if inv == nil {
		return
	}
	ch <- constGauge(c.shard, float64(inv.setup.Shard.Index))
	ch <- constGauge(c.shards, float64(max(1, inv.setup.Shard.Total)))
	for at, s := range inv.schedulers {
		ch <- constGauge(c.instances, float64(inv.counts[at]), at.account, at.region)
		ch <- constGauge(c.qps, s.client.QPS(), at.account, at.region)
	}
	for at, h := range c.health() {
		c.collectHealth(ch, at, h)
	}
}

// collectHealth sends how listing goes in one account and region. A success that not every entry has had yet is absent.
func (c *inventoryCollector) collectHealth(ch chan<- prometheus.Metric, at accountRegion, h listingHealth) {
	if h.tried {
		ch <- constGauge(c.listed, boolValue(len(h.failures) == 0), at.account, at.region)
	}
	if !h.succeededAt.IsZero() {
		ch <- constGauge(c.listedAt, unixSeconds(h.succeededAt), at.account, at.region)
	}
	for f := range h.failures {
		ch <- constGauge(c.listingError, 1, at.account, at.region, string(f.reason), f.code)
	}
}
