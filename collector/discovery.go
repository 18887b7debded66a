package collector

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/go-kit/log"

	"tair_ssl_exporter/collector/tair"
)

// discovery lists the instances and regions that the sources of a setup name, each at once and then again and again. It
// publishes what it knows whenever that changes.
type discovery struct {
	setup     *Setup
	clientFor func(account string, r tair.Region) (Target, error)
	onShard   func(id string) bool
	auth      map[string]*authState // by account
	logger    log.Logger
	now       func() time.Time
	publish   func(*discovered) // never called by two at a time

	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	running sync.WaitGroup
	changed chan struct{}            // holds one element while something is to be published
	listing map[string]chan struct{} // by account: holds one element for each list of instances that is being read

	mu      sync.Mutex // never held over a call, a log line or publish
	targets map[accountRegion]Target
	regions map[string]*regionList // by account
	lists   map[listKey]*instanceList
	events  map[string]*renewalList // by account
	tried   bool                    // every source has been tried once
}

// newDiscovery returns the discovery of a valid setup. It does nothing before start.
func newDiscovery(setup *Setup, clientFor func(string, tair.Region) (Target, error), auth map[string]*authState, logger log.Logger, now func() time.Time) *discovery {
	d := &discovery{
		setup: setup, clientFor: clientFor, onShard: setup.Shard.holder(), auth: auth, logger: logger, now: now,
		changed: make(chan struct{}, 1),
		targets: make(map[accountRegion]Target),
		regions: make(map[string]*regionList),
		lists:   make(map[listKey]*instanceList),
		events:  make(map[string]*renewalList),
		listing: make(map[string]chan struct{}),
	}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	for _, t := range setup.Targets {
		d.targets[t.at()] = t
	}
	for _, s := range setup.Sources {
		d.listing[s.Account] = make(chan struct{}, maxListing)
		if s.everywhere() && d.regions[s.Account] == nil {
			d.regions[s.Account] = &regionList{
				at: accountRegion{s.Account, AllRegions}, home: accountRegion{s.Account, s.Home},
			}
		}
	}
	for _, r := range setup.Renewals {
		d.events[r.Account] = &renewalList{home: accountRegion{r.Account, r.Home}, reported: make(map[int64]bool)}
	}
	d.fitLists()
	return d
}

// inherit takes over what a discovery that is closed has learned. It is called before start.
func (d *discovery) inherit(before *discovery) {
	for account, list := range d.regions {
		if old := before.regions[account]; old != nil {
			list.attemptState, list.refused = old.attemptState, old.refused
			found, targets, _ := d.callable(account, old.found, nil) // what is wrong is reported by the next attempt
			d.takeRegions(list, found, targets)
		}
	}
	for key, list := range d.lists {
		if old := before.lists[key]; old != nil {
			list.found, list.attemptState = old.found, old.attemptState
		}
	}
	for account, list := range d.events {
		if old := before.events[account]; old != nil {
			list.found, list.attemptState, list.reported = old.found, old.attemptState, old.reported
		}
	}
}

// start begins to list, and from then on publishes what changes.
func (d *discovery) start(publish func(*discovered)) {
	d.publish = publish
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.regions {
		d.running.Go(func() { d.repeat(d.ctx, func(ctx context.Context) bool { return d.listRegions(ctx, r) }) })
	}
	for account, r := range d.events {
		d.running.Go(func() { d.repeat(d.ctx, func(ctx context.Context) bool { return d.listRenewals(ctx, account, r) }) })
	}
	d.startLists()
	d.running.Go(d.publishChanges)
}

// Close ends everything that runs and waits for it. Nothing is published afterwards.
func (d *discovery) Close() {
	d.cancel()
	d.running.Wait()
}

// startLists starts the lists that are new. d.mu is held.
func (d *discovery) startLists() {
	for _, list := range d.lists {
		if list.stop == nil {
			ctx, stop := context.WithCancel(d.ctx)
			list.stop = stop
			d.running.Go(func() { d.repeat(ctx, func(ctx context.Context) bool { return d.listInstances(ctx, list) }) })
		}
	}
}

// regionsOf returns the regions in which a source looks now.
func (d *discovery) regionsOf(s Source) []string {
	if !s.everywhere() {
		return s.Regions
	}
	var ids []string
	for _, r := range d.regions[s.Account].found {
		ids = append(ids, r.ID)
	}
	return ids
}

// fitLists makes the lists the ones that the sources want now; new ones are not started. d.mu is held, or d not started.
func (d *discovery) fitLists() {
	wanted := make(map[listKey]struct{})
	regions := make(map[accountRegion]struct{})
	for _, s := range d.setup.Sources {
		for _, region := range d.regionsOf(s) {
			key := newListKey(accountRegion{s.Account, region}, s.Filter)
			wanted[key], regions[key.accountRegion] = struct{}{}, struct{}{}
			if d.lists[key] == nil {
				d.lists[key] = &instanceList{key: key, filter: s.Filter}
			}
		}
	}
	for key, list := range d.lists {
		if _, ok := wanted[key]; !ok {
			if list.stop != nil {
				list.stop()
			}
			delete(d.lists, key)
		}
	}
	for _, t := range d.setup.Targets {
		regions[t.at()] = struct{}{}
	}
	maps.DeleteFunc(d.targets, func(at accountRegion, _ Target) bool {
		_, used := regions[at]
		return !used
	})
}

// isComplete reports whether every source has been tried once. What has been true stays true: a region that is new to the
// cloud makes nothing wait. d.mu is held.
func (d *discovery) isComplete() bool {
	if d.tried {
		return true
	}
	for _, r := range d.regions {
		if !r.tried {
			return false
		}
	}
	for _, list := range d.lists {
		if !list.tried {
			return false
		}
	}
	d.tried = true
	return true
}

// snapshot returns what discovery knows now.
func (d *discovery) snapshot() *discovered {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := &discovered{
		targets: maps.Clone(d.targets), listed: make(map[accountRegion]struct{}), homes: make(map[accountRegion]struct{}),
		events: make(map[accountRegion]struct{}), renewals: make(map[string][]tair.Renewal),
		found: make([][]foundInstances, len(d.setup.Sources)), complete: d.isComplete(),
		unlisted: make(map[string]bool), renewalsTried: true,
	}
	for account, list := range d.events {
		s.renewalsTried = s.renewalsTried && list.tried
		s.events[list.home] = struct{}{}
		s.renewals[account] = list.found
	}
	for key, list := range d.lists {
		s.listed[key.accountRegion] = struct{}{}
		s.unlisted[key.account] = s.unlisted[key.account] || list.succeededAt.IsZero()
	}
	for _, r := range d.regions {
		s.homes[r.home] = struct{}{}
		s.unlisted[r.at.account] = s.unlisted[r.at.account] || r.succeededAt.IsZero()
	}
	for n, source := range d.setup.Sources {
		for _, region := range d.regionsOf(source) {
			at := accountRegion{source.Account, region}
			s.found[n] = append(s.found[n], foundInstances{at, d.lists[newListKey(at, source.Filter)].found})
		}
	}
	return s
}

// health returns how listing goes, for each account and region and, at AllRegions, for the lists of regions.
func (d *discovery) health() map[accountRegion]listingHealth {
	attempts := make(map[accountRegion][]attemptState)
	d.mu.Lock()
	for _, r := range d.regions {
		attempts[r.at] = append(attempts[r.at], r.attemptState)
		for id, state := range r.refused {
			at := accountRegion{r.at.account, id}
			attempts[at] = append(attempts[at], state)
		}
	}
	for key, list := range d.lists {
		attempts[key.accountRegion] = append(attempts[key.accountRegion], list.attemptState)
	}
	d.mu.Unlock()
	health := make(map[accountRegion]listingHealth, len(attempts))
	for at, all := range attempts {
		health[at] = summarize(all)
	}
	return health
}

// renewalHealth returns how the listing of scheduled certificate updates goes, by account.
func (d *discovery) renewalHealth() map[string]listingHealth {
	d.mu.Lock()
	defer d.mu.Unlock()
	health := make(map[string]listingHealth, len(d.events))
	for account, list := range d.events {
		health[account] = summarize([]attemptState{list.attemptState})
	}
	return health
}

// publishSoon has what is known published. It does not wait for that.
func (d *discovery) publishSoon() {
	select {
	case d.changed <- struct{}{}:
	default: // it will be anyway
	}
}

// publishChanges publishes whenever something has changed. After each time it rests for as long as that took: with
// hundreds of regions that answer one by one, what comes meanwhile goes into one.
func (d *discovery) publishChanges() {
	for {
		select {
		case <-d.changed:
		case <-d.ctx.Done():
			return
		}
		began := time.Now()
		d.publish(d.snapshot())
		if !rest(d.ctx, time.Since(began)) {
			return
		}
	}
}
