package collector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/go-kit/log/level"

	"tair_ssl_exporter/collector/tair"
)

// plan is a [Setup] at work.
type plan struct {
	setup    Setup
	exporter *Exporter
	descs    instanceDescs
	onShard  func(id string) bool
	targets  map[place]Target // of the setup
	accounts map[string]*account

	ctx      context.Context // ends with the plan
	cancel   context.CancelFunc
	outdated chan struct{} // holds one when what is watched has to be renewed

	mu       sync.Mutex       // never held for long: a scrape may need it
	queues   map[place]*queue // of the targets and of regions that were found
	regions  map[string]*regionList
	listings map[listingKey]*listing
	tried    bool // every source has been tried once

	// Guarded by Exporter.changing.
	warnedSize  map[place]struct{}
	warnedTwice map[int]struct{} // by index of the source
}

// newPlan checks a setup and takes over what before, unless nil, has learned. Nothing runs yet.
func newPlan(setup Setup, e *Exporter, before *plan) (*plan, error) {
	setup.Sources = slices.Clone(setup.Sources) // the caller may go on with its own
	p := &plan{
		setup: setup, exporter: e,
		outdated:    make(chan struct{}, 1),
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
	p.ctx, p.cancel = context.WithCancel(context.Background())
	for at, t := range p.targets {
		p.addQueue(at, t)
	}
	for _, s := range setup.Sources {
		if s.all() && p.regions[s.Account] == nil {
			p.regions[s.Account] = &regionList{at: place{s.Account, AllRegions}, home: p.queues[place{s.Account, s.Home}]}
		}
	}
	if before == nil {
		p.settle()
		return p, nil
	}
	before.mu.Lock()
	defer before.mu.Unlock()
	p.inherit(before)
	return p, nil
}

// start begins to list.
func (p *plan) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begin()
	go p.renewing()
}

// end ends all that the plan has begun. It takes nothing into the plan any more.
func (p *plan) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancel()
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
	if len(p.setup.Sources) > 0 && p.setup.DiscoveryInterval <= 0 {
		return errors.New("discovery: an interval is needed")
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

// addQueue makes the queue of a target.
func (p *plan) addQueue(at place, t Target) {
	p.queues[at] = p.accounts[at.account].newQueue(t, p.exporter)
}

// inherit takes over what the plan before has learned. before.mu is held.
func (p *plan) inherit(before *plan) {
	for name, list := range p.regions {
		if old := before.regions[name]; old != nil {
			list.outcome = old.outcome
			_ = p.reachRegions(list, old.found) // what is wrong is told at the next try
		}
	}
	p.settle()
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

// settle makes the listings what the sources want now, with those that are new not begun yet. p.mu is held.
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
	places := p.listed()
	for at := range p.queues {
		_, fixed := p.targets[at]
		if _, found := places[at]; !fixed && !found {
			p.accounts[at.account].dropQueue(at.region)
			delete(p.queues, at)
		}
	}
}

// listed gives the places in which some source looks. p.mu is held.
func (p *plan) listed() map[place]struct{} {
	places := make(map[place]struct{})
	for key := range p.listings {
		places[key.place] = struct{}{}
	}
	return places
}

// reachRegions makes the regions that were found the ones of the list, at the endpoints that were given: they are surer
// than what the targets were made with. The error is about regions that cannot be reached; the others are taken all the
// same. p.mu is held.
func (p *plan) reachRegions(list *regionList, found []tair.Region) error {
	var failed error
	for _, r := range found {
		at := place{list.at.account, r.ID}
		t, err := p.setup.Reach(at.account, r)
		if err != nil {
			failed = err
			continue
		}
		if q := p.queues[at]; q == nil || q.client != t.Client {
			p.addQueue(at, t)
		}
	}
	list.found = found
	return failed
}

// hasBeenTried reports whether every source has been tried once. What has been true stays true: a region that is new to
// the cloud makes nothing wait. p.mu is held.
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

// snapshot is what a fleet is made from.
type snapshot struct {
	queues   map[place]*queue
	listed   map[place]struct{} // places with listings
	homes    map[place]struct{} // places where regions are asked for
	found    [][]found          // by source
	complete bool               // every source has been tried once
}

// found is what a source has found in one place.
type found struct {
	at        place
	instances []tair.ListedInstance
}

func (p *plan) snapshot() snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := snapshot{
		queues: maps.Clone(p.queues), listed: p.listed(), homes: make(map[place]struct{}),
		found: make([][]found, len(p.setup.Sources)), complete: p.hasBeenTried(),
	}
	for _, r := range p.regions {
		s.homes[r.home.place] = struct{}{}
	}
	for n, source := range p.setup.Sources {
		for _, region := range p.regionsOf(source) {
			at := place{source.Account, region}
			s.found[n] = append(s.found[n], found{at, p.listings[keyOf(at, source.Filter)].found})
		}
	}
	return s
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
