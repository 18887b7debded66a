package collector

import (
	"context"
	"fmt"

	"github.com/go-kit/log/level"

	"tair_ssl_exporter/collector/tair"
)

// plan is a [Setup] at work. What discovery adds to it is guarded by Exporter.changing.
type plan struct {
	setup    Setup
	exporter *Exporter
	descs    instanceDescs
	onShard  func(id string) bool
	targets  map[place]Target // of the setup
	accounts map[string]*account

	queues   map[place]*queue // of the targets and of regions that were found
	regions  map[string]*regionList
	listings map[listingKey]*listing
	tried    bool // every source has been tried once

	ctx context.Context // ends with the plan
	end context.CancelFunc

	warnedSize  map[place]struct{}
	warnedTwice map[int]struct{} // by index of the source
}

// newPlan checks a setup and takes over what before, unless nil, has learned. Nothing runs yet.
func newPlan(setup Setup, e *Exporter, before *plan) (*plan, error) {
	p := &plan{
		setup: setup, exporter: e,
		descs:       newInstanceDescs(setup.LabelNames),
		onShard:     setup.Shard.holder(),
		targets:     make(map[place]Target),
		accounts:    make(map[string]*account),
		queues:      make(map[place]*queue),
		regions:     make(map[string]*regionList),
		listings:    make(map[listingKey]*listing),
		warnedSize:  make(map[place]struct{}),
		warnedTwice: make(map[int]struct{}),
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	p.ctx, p.end = context.WithCancel(context.Background())
	for at, t := range p.targets {
		p.queue(at, t)
	}
	for _, s := range setup.Sources {
		if s.all() && p.regions[s.Account] == nil {
			p.regions[s.Account] = &regionList{at: place{s.Account, AllRegions}, home: p.queues[place{s.Account, s.Home}]}
		}
	}
	if before != nil {
		for name, list := range p.regions {
			if old := before.regions[name]; old != nil {
				list.outcome = old.outcome
				_ = p.reachRegions(list, old.found) // what is wrong is told at the next try
			}
		}
	}
	p.settle()
	if before != nil {
		p.inherit(before)
	}
	return p, nil
}

// check tells what does not fit together, and notes the targets and accounts.
func (p *plan) check() error {
	for _, t := range p.setup.Targets {
		if t.Client == nil || t.Concurrency < 1 {
			return fmt.Errorf("account %s, region %s: a client and a concurrency are needed", t.Account, t.Region)
		}
		if p.accounts[t.Account] == nil {
			p.accounts[t.Account] = newAccount()
		}
		p.targets[place{t.Account, t.Region}] = t
	}
	reached := func(account, region string) error {
		if _, ok := p.targets[place{account, region}]; !ok {
			return fmt.Errorf("no client for account %s, region %s", account, region)
		}
		return nil
	}
	ids := make(map[string]struct{}, len(p.setup.Instances))
	for _, i := range p.setup.Instances {
		if err := reached(i.Account, i.Region); err != nil {
			return fmt.Errorf("instance %s: %w", i.ID, err)
		}
		if _, twice := ids[i.ID]; twice {
			return fmt.Errorf("instance %s is watched twice", i.ID)
		}
		ids[i.ID] = struct{}{}
	}
	for _, s := range p.setup.Sources {
		regions := s.Regions
		if s.all() {
			regions = []string{s.Home}
		}
		for _, region := range regions {
			if err := reached(s.Account, region); err != nil {
				return fmt.Errorf("discovery: %w", err)
			}
		}
	}
	return nil
}

// queue makes the queue of a target.
func (p *plan) queue(at place, t Target) {
	p.queues[at] = p.accounts[at.account].newQueue(t, p.exporter)
}

// inherit takes over what the plan before has learned.
func (p *plan) inherit(before *plan) {
	for at := range p.queues {
		if old := before.accounts[at.account]; old != nil {
			p.accounts[at.account].inherit(old, at.region)
		}
	}
	for key, l := range p.listings {
		if old := before.listings[key]; old != nil {
			l.found, l.outcome = old.found, old.outcome
		}
	}
}

// regionsOf gives the regions in which a source looks now.
func (p *plan) regionsOf(s Source) []string {
	if !s.all() {
		return s.Regions
	}
	var ids []string
	for _, r := range p.regions[s.Account].found {
		if p.queues[place{s.Account, r.ID}] != nil {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// settle makes the listings what the sources want now, with those that are new not begun yet.
func (p *plan) settle() {
	wanted := make(map[listingKey]struct{})
	for _, s := range p.setup.Sources {
		for _, region := range p.regionsOf(s) {
			key := keyOf(place{s.Account, region}, s.Filter)
			wanted[key] = struct{}{}
			if p.listings[key] == nil {
				p.listings[key] = &listing{key: key, filter: s.Filter}
			}
		}
	}
	for key, l := range p.listings {
		if _, ok := wanted[key]; !ok {
			l.stop()
			delete(p.listings, key)
		}
	}
	for at := range p.queues {
		if _, fixed := p.targets[at]; !fixed && !p.lists(at) {
			p.accounts[at.account].dropQueue(at.region)
			delete(p.queues, at)
		}
	}
}

// lists reports whether some source looks in a place.
func (p *plan) lists(at place) bool {
	for key := range p.listings {
		if key.place == at {
			return true
		}
	}
	return false
}

// reachRegions makes the regions that were found the ones of the list. The error is about regions that cannot be
// reached; the others are taken all the same.
func (p *plan) reachRegions(list *regionList, found []tair.Region) error {
	var failed error
	for _, r := range found {
		at := place{list.at.account, r.ID}
		if _, fixed := p.targets[at]; fixed {
			continue
		}
		t, err := p.setup.Reach(at.account, r)
		if err != nil {
			failed = err
			continue
		}
		if q := p.queues[at]; q == nil || q.client != t.Client {
			p.queue(at, t)
		}
	}
	list.found = found
	return failed
}

// hasBeenTried reports whether every source has been tried once. What has been true stays true: a region that is new to
// the cloud makes nothing wait.
func (p *plan) hasBeenTried() bool {
	if p.tried {
		return true
	}
	for _, r := range p.regions {
		if !r.tried {
			return false
		}
	}
	for _, l := range p.listings {
		if !l.tried {
			return false
		}
	}
	p.tried = true
	return true
}

// warnOfSize says, once for each account and region, that a scrape is too short to ask for every instance there.
func (p *plan) warnOfSize(f *fleet) {
	for at, n := range f.instances {
		budget := f.queues[at].qps * p.setup.ScrapeTime.Seconds()
		if _, warned := p.warnedSize[at]; warned || float64(n) <= budget {
			continue
		}
		p.warnedSize[at] = struct{}{}
		_ = level.Warn(p.exporter.logger).Log("msg", "a scrape is too short to ask for every instance; the rest comes with the next scrapes",
			"account", at.account, "region", at.region, "instances", n, "calls_per_scrape", int(budget),
			"hint", "raise api.qps if the quota allows, lengthen scrape_timeout, or set refresh_interval")
	}
}
