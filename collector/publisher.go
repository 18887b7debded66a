package collector

import (
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"tair_ssl_exporter/collector/tair"
)

// publisher puts in force what one setup watches. It is used by one goroutine at a time.
type publisher struct {
	setup   *Setup
	auth    map[string]*authState // by account
	memory  *memory
	current *current
	metrics *selfMetrics
	running *sync.WaitGroup // of the schedulers
	logger  log.Logger
	now     func() time.Time

	warnedSize  map[accountRegion]bool
	warnedTwice map[int]bool // by source
	warnedTag   map[int]bool // by source
}

// publish puts in force the inventory of the setup with what discovery knows.
func (p *publisher) publish(d *discovered) {
	before := p.current.load()
	b := inventoryBuilder{
		renewals: make(map[string]map[string]tair.Renewal),
		inventory: &inventory{
			setup:      p.setup,
			infoDesc:   newInfoDesc(p.setup.LabelNames),
			descs:      p.memory.descs,
			byID:       make(map[string]*instance),
			records:    make(map[*scheduler][]*record),
			schedulers: p.schedulers(d.targets, before),
			counts:     make(map[accountRegion]int),
			actions:    apiActions(d),
			complete:   d.complete,
		},
		memory: p.memory, onShard: p.setup.Shard.holder(), names: newLabelNames(append(infoLabelNames(), p.setup.LabelNames...)...),
	}
	for account, renewals := range d.renewals {
		b.renewals[account] = earliest(renewals)
	}
	b.addListed()
	for n, source := range p.setup.Sources {
		p.warnOdd(n, b.addFound(source, d.found[n]))
	}
	next := b.inventory
	p.metrics.watching(next, before)
	p.current.store(next)
	if next.complete {
		p.memory.forgetAllBut(next)
	}
	for account, auth := range p.auth {
		auth.keepRegions(func(region string) bool { return next.schedulers[accountRegion{account, region}] != nil })
	}
	p.warnSize(next, d.targets)
}

// schedulers returns a scheduler for each target. One whose client stays goes on: it knows what is in flight.
func (p *publisher) schedulers(targets map[accountRegion]Target, before *inventory) map[accountRegion]*scheduler {
	all := make(map[accountRegion]*scheduler, len(targets))
	for at, t := range targets {
		if before != nil {
			if old := before.schedulers[at]; old != nil && old.client == t.Client {
				all[at] = old
				continue
			}
		}
		all[at] = &scheduler{
			at: at, client: t.Client, auth: p.auth[at.account], logger: p.logger, now: p.now, running: p.running,
			tasks: make(map[*record]*task),
		}
	}
	return all
}

// warnOdd warns, once for each source, of instances that another source or the list of instances has as well, and of tags
// whose value is no duration.
func (p *publisher) warnOdd(source int, odd oddities) {
	account := p.setup.Sources[source].Account
	if odd.twice.n > 0 && !p.warnedTwice[source] {
		p.warnedTwice[source] = true
		_ = level.Warn(p.logger).Log("msg", "instances are named more than once; the list, then the first discovery entry counts",
			"account", account, "instances", odd.twice.n, "example", odd.twice.example)
	}
	if odd.windows.n > 0 && !p.warnedTag[source] {
		p.warnedTag[source] = true
		_ = level.Warn(p.logger).Log("msg", "the value of a tag is no duration such as 14d; the window of the discovery entry counts",
			"account", account, "tag", odd.windowTag, "instances", odd.windows.n, "example", odd.windows.example)
	}
}

// warnSize warns, once for each account and region, that a scrape is too short to call the API for every instance there.
func (p *publisher) warnSize(inv *inventory, targets map[accountRegion]Target) {
	for at, n := range inv.counts {
		budget := targets[at].QPS * p.setup.ScrapeTime.Seconds()
		if p.warnedSize[at] || float64(n) <= budget {
			continue
		}
		p.warnedSize[at] = true
		hint := "raise api.qps if the quota allows, or lengthen scrape_timeout"
		if p.setup.RefreshInterval == 0 {
			hint = "set refresh_interval; or " + hint
		}
		_ = level.Warn(p.logger).Log("msg", "a scrape is too short to read every instance; the rest comes with the next scrapes",
			"account", at.account, "region", at.region, "instances", n, "calls_per_scrape", int(budget), "hint", hint)
	}
}
