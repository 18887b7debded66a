package collector

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"tair_ssl_exporter/collector/tair"
)

// inventory is what is watched at one moment. It never changes: when the configuration or what discovery knows does,
// another one takes its place.
type inventory struct {
	setup      *Setup
	infoDesc   *prometheus.Desc
	descs      *instanceDescs
	instances  []*instance
	byID       map[string]*instance
	records    map[*scheduler][]*record
	schedulers map[accountRegion]*scheduler
	counts     map[accountRegion]int      // of instances
	actions    map[accountRegion][]string // the API operations that are called
	complete   bool                       // every source has been tried once

	renewalsTried bool // every list of scheduled certificate updates has been tried once
}

// instance is a watched instance and what describes it.
type instance struct {
	record     *record
	scheduler  *scheduler
	infoLabels // the values of the info metric
	info       prometheus.Metric
	windows    Windows
	windowed   []prometheus.Metric // the metrics of the windows

	renewals []scheduledRenewal // the scheduled certificate updates, the earliest first

	endpoint string            // host:port; "" when discovery does not know it
	tags     map[string]string // nil when discovery does not know them
}

// infoLabels are the values of the labels of the info metric.
type infoLabels struct {
	id string
	at accountRegion
	// name may be ""; custom are the values of the custom labels, in the order of Setup.LabelNames.
	name   string
	custom []string
}

// infoMetric returns the info metric of an instance.
func (b *inventoryBuilder) infoMetric(id *dto.LabelPair, l infoLabels) prometheus.Metric {
	pairs := []*dto.LabelPair{
		id, b.names.pair("account", l.at.account), b.names.pair("region", l.at.region), b.names.pair("name", l.name),
	}
	for n, name := range b.setup.LabelNames {
		pairs = append(pairs, b.names.pair(name, l.custom[n]))
	}
	return newPreparedGauge(b.infoDesc, 1, pairs...)
}

// inventoryBuilder makes an inventory. An ID is watched once: the instances that are listed win over those that are
// found, and an earlier source over a later one.
type inventoryBuilder struct {
	*inventory
	memory  *memory
	onShard func(id string) bool
	names   labelNames

	renewals map[string]map[string][]tair.Renewal // by account and instance ID
}

// addListed adds the instances that the configuration lists.
func (b *inventoryBuilder) addListed() {
	for _, i := range b.setup.Instances {
		if !b.onShard(i.ID) {
			continue
		}
		custom := make([]string, len(b.setup.LabelNames))
		for n, name := range b.setup.LabelNames {
			custom[n] = i.Labels[name]
		}
		b.add(infoLabels{id: i.ID, at: i.at(), name: i.Name, custom: custom}, i.Windows)
	}
}

// addFound adds what a source has found, and reports what is odd about it.
func (b *inventoryBuilder) addFound(source Source, found []foundInstances) (odd oddities) {
	for _, there := range found {
		for _, listed := range there.instances {
			i := b.byID[listed.ID]
			if i == nil {
				custom := make([]string, len(b.setup.LabelNames))
				for n, name := range b.setup.LabelNames {
					custom[n] = source.labelValue(name, listed)
				}
				windows, wrong := source.windows(listed)
				if wrong != "" {
					odd.windows.add(listed.ID)
					odd.windowTag = wrong
				}
				i = b.add(infoLabels{id: listed.ID, at: there.at, name: listed.Name, custom: custom}, windows)
			} else {
				odd.twice.add(listed.ID)
			}
			if i.at == there.at && i.tags == nil { // the API knows more than the configuration
				i.endpoint, i.tags = listed.Endpoint(), listed.Tags
			}
		}
	}
	return odd
}

// oddities are what is odd about the instances that a source has found.
type oddities struct {
	twice     counted // another source or the list of instances has them as well
	windows   counted // the value of windowTag is no duration
	windowTag string
}

// counted counts instances and holds the ID of one of them.
type counted struct {
	n       int
	example string
}

func (c *counted) add(id string) { c.n, c.example = c.n+1, id }

func (b *inventoryBuilder) add(labels infoLabels, windows Windows) *instance {
	record := b.memory.record(instanceKey{labels.at, labels.id})
	i := &instance{
		record:     record,
		scheduler:  b.schedulers[labels.at],
		infoLabels: labels,
		info:       b.infoMetric(record.label, labels),
		windows:    windows,
		windowed:   b.descs.windows(record.label, windows),
	}
	for _, r := range b.renewals[labels.at.account][labels.id] {
		i.renewals = append(i.renewals, scheduledRenewal{r, b.descs.renewal(record.label, r)})
	}
	b.instances = append(b.instances, i)
	b.byID[labels.id] = i
	b.records[i.scheduler] = append(b.records[i.scheduler], record)
	b.counts[labels.at]++
	return i
}

// apiActions returns the operations that are called for each account and region.
func apiActions(d *discovered) map[accountRegion][]string {
	actions := make(map[accountRegion][]string)
	for at := range d.targets {
		actions[at] = append(actions[at], tair.ActionDescribeInstanceSSL)
	}
	for at := range d.listed {
		actions[at] = append(actions[at], tair.ActionDescribeInstances)
	}
	for at := range d.homes {
		actions[at] = append(actions[at], tair.ActionDescribeRegions)
	}
	for at := range d.events {
		actions[at] = append(actions[at], tair.ActionDescribeActiveOperationTasks)
	}
	return actions
}

// current holds the inventory in force.
type current struct {
	mu        sync.Mutex
	inventory *inventory
	next      chan struct{} // closed when another inventory takes its place
	complete  bool          // an inventory has been complete
}

// hasBeenComplete reports whether an inventory has been complete.
func (c *current) hasBeenComplete() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.complete
}

// load returns the inventory in force; nil before the first.
func (c *current) load() *inventory {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inventory
}

// replaced returns a channel that is closed once inv is not in force any more.
func (c *current) replaced(inv *inventory) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inventory != inv {
		over := make(chan struct{})
		close(over)
		return over
	}
	return c.next
}

// store puts an inventory in force.
func (c *current) store(inv *inventory) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next != nil {
		close(c.next)
	}
	c.inventory, c.next = inv, make(chan struct{})
	c.complete = c.complete || inv.complete
}
