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
	watched := regions(d.targets)
	for account, auth := range p.auth {
		auth.watch(watched[account])
	}
	b := inventoryBuilder{
		renewals: make(map[string]map[string][]tair.Renewal),
		inventory: &inventory{
			setup:      p.setup,
			infoDesc:   newInfoDesc(p.setup.LabelNames),
			descs:      p.memory.descs,
			byID:       make(map[string]*instance),
			records:    make(map[*scheduler][]*record),
			schedulers: p.schedulers(d.targets, before),
			counts:     make(map[accountRegion]int),
			actions:    apiActions(d),
			complete:   d.complete, renewalsTried: d.renewalsTried,
		},
		memory: p.memory, onShard: p.setup.Shard.holder(), names: newLabelNames(append(infoLabelNames(), p.setup.LabelNames...)...),
	}
	for account, renewals := range d.renewals {
		b.renewals[account] = byInstance(renewals)
	}
	b.addListed()
	odd := make([]oddities, len(p.setup.Sources))
	for n, source := range p.setup.Sources {
		odd[n] = b.addFound(source, d.found[n])
	}
	next := b.inventory
	p.metrics.watching(next, before)
	p.current.store(next)
	if next.complete {
		p.memory.forgetAllBut(next, d.unlisted)
	}
	p.warn(next, d.targets, odd)
}

// regions returns the regions of the targets, by account.
func regions(targets map[accountRegion]Target) map[string]map[string]bool {
	all := make(map[string]map[string]bool)
	for at := range targets {
		if all[at.account] == nil {
			all[at.account] = make(map[string]bool)
		}
		all[at.account][at.region] = true
	}
	return all
}

// warn logs what is odd or too large, each once. The log may block, publishing must not.
func (p *publisher) warn(inv *inventory, targets map[accountRegion]Target, odd []oddities) {
	var lines [][]any
	for source := range odd {
		lines = append(lines, p.oddLines(source, odd[source])...)
	}
	lines = append(lines, p.sizeLines(inv, targets)...)
	if len(lines) == 0 {
		return
	}
	p.running.Go(func() {
		for _, pairs := range lines {
			_ = level.Warn(p.logger).Log(pairs...)
		}
	})
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
			at: at, client: t.Client, auth: p.auth[at.account], logger: p.logger, now: p.now, running: p.running, began: p.now(),
			tasks: make(map[*record]*task),
		}
	}
	return all
}

// oddLines returns the lines about a source: of instances that another source or the list of instances has as well, and of
// tags whose value is no duration.
func (p *publisher) oddLines(source int, odd oddities) (lines [][]any) {
	account := p.setup.Sources[source].Account
	if odd.twice.n > 0 && !p.warnedTwice[source] {
		p.warnedTwice[source] = true
		lines = append(lines, []any{"msg", "instances are named more than once; the list, then the first discovery entry counts",
			"account", account, "instances", odd.twice.n, "example", odd.twice.example})
	}
	if odd.windows.n > 0 && !p.warnedTag[source] {
		p.warnedTag[source] = true
		lines = append(lines, []any{"msg", "the value of a tag is no duration such as 14d; the window of the discovery entry counts",
			"account", account, "tag", odd.windowTag, "instances", odd.windows.n, "example", odd.windows.example})
	}
	return lines
}

// sizeLines returns a line for each account and region where a scrape is too short to call the API for every instance.
func (p *publisher) sizeLines(inv *inventory, targets map[accountRegion]Target) (lines [][]any) {
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
		lines = append(lines, []any{"msg", "a scrape is too short to read every instance; the rest comes with the next scrapes",
			"account", at.account, "region", at.region, "instances", n, "calls_per_scrape", int(budget), "hint", hint})
	}
	return lines
}
