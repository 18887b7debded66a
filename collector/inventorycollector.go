package collector

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// inventoryCollector collects what follows from the inventory in force and from how listing goes.
type inventoryCollector struct {
	inventory func() *inventory
	health    func() map[accountRegion]listingHealth
	renewals  func() map[string]listingHealth // by account

	instances, qps *prometheus.Desc // account, region
	shard, shards  *prometheus.Desc

	discovered, renewed listingDescs
}

// listingDescs are the metrics of listings that share the labels of a place.
type listingDescs struct {
	successful, succeededAt *prometheus.Desc
	errorInfo               *prometheus.Desc // and reason, code
}

func newInventoryCollector(inventory func() *inventory, health func() map[accountRegion]listingHealth, renewals func() map[string]listingHealth) *inventoryCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, subsystem, name), help, labels, nil)
	}
	return &inventoryCollector{
		inventory: inventory, health: health, renewals: renewals,
		instances: desc("instances", "Watched instances.", "account", "region"),
		qps: desc("api_rate_limit_qps",
			"The rate limit in force in requests a second: the configured one, lowered while the API throttles.",
			"account", "region"),
		shard:  desc("shard", "The shard of the instances that this exporter watches, from 0."),
		shards: desc("total_shards", "The number of shards that the instances are spread over."),
		discovered: listingDescs{
			successful: desc("discovery_last_refresh_successful",
				"1 when the latest listing succeeded, for every discovery entry of the account and region, else 0. Region *: the list of regions.",
				"account", "region"),
			succeededAt: desc("discovery_last_success_timestamp_seconds",
				"When every discovery entry of the account and region had been listed with success, in Unix time.",
				"account", "region"),
			errorInfo: desc("discovery_error_info",
				"Why the latest listing failed; always 1, there while tair_ssl_exporter_discovery_last_refresh_successful is 0.",
				"account", "region", "reason", "code"),
		},
		renewed: listingDescs{
			successful: desc("renewals_last_refresh_successful",
				"1 when the latest listing of scheduled certificate updates succeeded, else 0.", "account"),
			succeededAt: desc("renewals_last_success_timestamp_seconds",
				"When the scheduled certificate updates were listed with success, in Unix time.", "account"),
			errorInfo: desc("renewals_error_info",
				"Why the latest listing of scheduled certificate updates failed; always 1, there while tair_ssl_exporter_renewals_last_refresh_successful is 0.",
				"account", "reason", "code"),
		},
	}
}

// Describe is for prometheus.Collector.
func (c *inventoryCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.instances, c.qps, c.shard, c.shards,
		c.discovered.successful, c.discovered.succeededAt, c.discovered.errorInfo,
		c.renewed.successful, c.renewed.succeededAt, c.renewed.errorInfo,
	} {
		ch <- d
	}
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
		c.discovered.collect(ch, h, at.account, at.region)
	}
	for account, h := range c.renewals() {
		c.renewed.collect(ch, h, account)
	}
}

// collect sends how listing goes in one place. A success that not every list there has had yet is absent.
func (d listingDescs) collect(ch chan<- prometheus.Metric, h listingHealth, place ...string) {
	if h.tried {
		ch <- constGauge(d.successful, boolValue(len(h.failures) == 0), place...)
	}
	if !h.succeededAt.IsZero() {
		ch <- constGauge(d.succeededAt, unixSeconds(h.succeededAt), place...)
	}
	for f := range h.failures {
		ch <- constGauge(d.errorInfo, 1, append(slices.Clone(place), string(f.reason), f.code)...)
	}
}
