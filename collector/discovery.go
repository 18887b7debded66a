package collector

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"tair_ssl_exporter/collector/tair"
)

const (
	firstListRetry = 10 * time.Second // after a listing that failed; doubled for each further failure
	listJitter     = 0.1              // of the time between two listings, on either side
)

// discovery lists the instances and regions that the sources of a setup name, each at once and then again and again. It
// publishes what it knows whenever that changes.
type discovery struct {
	setup   *Setup
	onShard func(id string) bool
	auth    map[string]*authState // by account
	logger  log.Logger
	now     func() time.Time
	publish func(*discovered) // never called by two at a time

	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	running sync.WaitGroup
	changed chan struct{} // holds one element while something is to be published

	mu      sync.Mutex // never held over a call, a log line or publish
	targets map[accountRegion]Target
	regions map[string]*regionList // by account
	lists   map[listKey]*instanceList
	tried   bool // every source has been tried once
}

// newDiscovery returns the discovery of a valid setup. It does nothing before start.
func newDiscovery(setup *Setup, auth map[string]*authState, logger log.Logger, now func() time.Time) *discovery {
	d := &discovery{
		setup: setup, onShard: setup.Shard.holder(), auth: auth, logger: logger, now: now,
		changed: make(chan struct{}, 1),
		targets: make(map[accountRegion]Target),
		regions: make(map[string]*regionList),
		lists:   make(map[listKey]*instanceList),
	}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	for _, t := range setup.Targets {
		d.targets[t.at()] = t
	}
	for _, s := range setup.Sources {
		if s.everywhere() && d.regions[s.Account] == nil {
			d.regions[s.Account] = &regionList{
				at: accountRegion{s.Account, AllRegions}, home: accountRegion{s.Account, s.Home},
			}
		}
	}
	d.fitLists()
	return d
}

// inherit takes over what a discovery that is closed has learned. It is called before start.
func (d *discovery) inherit(before *discovery) {
	for account, list := range d.regions {
		if old := before.regions[account]; old != nil {
			list.attemptState = old.attemptState
			found, targets, _ := d.callable(account, old.found) // what is wrong is reported by the next attempt
			d.takeRegions(list, found, targets)
		}
	}
	for key, list := range d.lists {
		if old := before.lists[key]; old != nil {
			list.found, list.attemptState = old.found, old.attemptState
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

// repeat tries at once and then at each discovery interval, sooner after a failure, until ctx ends.
func (d *discovery) repeat(ctx context.Context, try func(ctx context.Context) (ok bool)) {
	for failures := 0; ; {
		if try(ctx) {
			failures = 0
		} else {
			failures++
		}
		if !rest(ctx, untilNext(d.setup.DiscoveryInterval, failures)) {
			return
		}
	}
}

// untilNext is the time to the next attempt: about the interval, or, with full jitter on its upper half, a doubling time
// after that many failures in a row.
func untilNext(interval time.Duration, failures int) time.Duration {
	if failures == 0 {
		spread := time.Duration(listJitter * float64(interval))
		return interval - spread + rand.N(2*spread+1) //nolint:gosec // jitter is no secret
	}
	wait := min(interval, firstListRetry<<min(failures-1, 20))
	return wait/2 + rand.N(wait/2+1) //nolint:gosec // jitter is no secret
}

// rest returns after d; false: ctx has ended.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// listInstances makes one attempt to list instances.
func (d *discovery) listInstances(ctx context.Context, list *instanceList) (ok bool) {
	at := list.key.accountRegion
	target, known := d.target(at) // the endpoint may be another than the last time
	if !known {
		return false // the region has left meanwhile, and ctx with it
	}
	found, err := target.Client.DescribeInstances(ctx, list.filter)
	if ctx.Err() != nil {
		return false
	}
	failure := asError(err)
	found = slices.DeleteFunc(found, func(i tair.ListedInstance) bool { return !i.Watchable() || !d.onShard(i.ID) })
	before, came, left := d.noteInstances(list, found, failure)
	d.report(at, at.region, before, failure)
	if came+left > 0 {
		_ = level.Info(d.logger).Log("msg", "the list of instances has changed", "account", at.account, "region", at.region,
			"instances", len(found), "came", came, "left", left)
	}
	return failure == nil
}

func (d *discovery) target(at accountRegion) (Target, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, ok := d.targets[at]
	return t, ok
}

// noteInstances keeps what an attempt has found, and returns the failure of the attempt before and the changes.
func (d *discovery) noteInstances(list *instanceList, found []tair.ListedInstance, failure *tair.Error) (before *tair.Error, came, left int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	changed := !list.tried
	before = list.note(failure, d.now())
	if failure == nil {
		changed = changed || !slices.EqualFunc(list.found, found, sameMetadata)
		came, left = compare(list.found, found)
		list.found = found
	} else if failure.Reason == tair.ReasonTimeout || failure.Reason == tair.ReasonNetwork {
		d.countAsTried(list.key.accountRegion)
	}
	if changed {
		d.publishSoon()
	}
	return before, came, left
}

// countAsTried counts every list of a region that does not answer as tried: they go one after the other, and readiness
// does not wait for each of them to find out the same. d.mu is held.
func (d *discovery) countAsTried(at accountRegion) {
	for key, list := range d.lists {
		if key.accountRegion == at {
			list.tried = true
		}
	}
}

// listRegions makes one attempt to list the regions of an account, and begins to list the instances of new ones.
func (d *discovery) listRegions(ctx context.Context, list *regionList) (ok bool) {
	home, _ := d.target(list.home)
	found, err := home.Client.DescribeRegions(ctx)
	if ctx.Err() != nil {
		return false
	}
	if err == nil && len(found) == 0 { // the cloud always has regions; believing it would drop every instance
		err = &tair.Error{Reason: tair.ReasonInvalidResponse, Detail: "the list of regions is empty"}
	}
	var targets []Target
	failure := asError(err)
	if err == nil {
		found, targets, failure = d.callable(list.at.account, found)
	}
	before := d.noteRegions(list, found, targets, err == nil, failure)
	d.report(list.at, list.home.region, before, failure)
	return failure == nil
}

// callable returns the regions that can be called, and their APIs at the endpoints that came with them: these are surer
// than those of the table. The failure is of a region that cannot be called.
func (d *discovery) callable(account string, found []tair.Region) (regions []tair.Region, targets []Target, failure *tair.Error) {
	for _, r := range found {
		t, err := d.setup.ClientFor(account, r)
		if err != nil {
			failure = &tair.Error{Reason: tair.ReasonInvalidResponse, Detail: err.Error()}
			continue
		}
		regions, targets = append(regions, r), append(targets, t)
	}
	return regions, targets, failure
}

// noteRegions keeps how an attempt ended and, when it listed, what it found. It returns the failure of the attempt before.
func (d *discovery) noteRegions(list *regionList, found []tair.Region, targets []Target, listed bool, failure *tair.Error) (before *tair.Error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	changed := !list.tried
	before = list.note(failure, d.now())
	if listed {
		changed = changed || !slices.Equal(list.found, found)
		d.takeRegions(list, found, targets)
		d.startLists()
	}
	if changed {
		d.publishSoon()
	}
	return before
}

// takeRegions makes the regions the ones of a list. d.mu is held, or d not started.
func (d *discovery) takeRegions(list *regionList, found []tair.Region, targets []Target) {
	list.found = found
	for _, t := range targets {
		d.targets[t.at()] = t
	}
	d.fitLists()
}

// report logs a change for the better or the worse. A failure of the credentials is logged once for the account, whoever
// meets it: a listing or a scrape.
func (d *discovery) report(at accountRegion, calledRegion string, before, failure *tair.Error) {
	d.auth[at.account].learn(calledRegion, failure)
	what, action, instead := "instances", tair.ActionDescribeInstances, ""
	if at.region == AllRegions {
		what, action, instead = "regions", tair.ActionDescribeRegions, `, or name the regions instead of "*"`
	}
	where := []any{"account", at.account, "region", at.region}
	switch {
	case failure == nil && before != nil && !concernsCredentials(before):
		_ = level.Info(d.logger).Log(append([]any{"msg", "the " + what + " can be listed again", "was", before.Reason}, where...)...)
	case failure != nil && !concernsCredentials(failure) && !failure.Same(before):
		pairs := append([]any{"msg", "cannot list the " + what}, append(where, failureDetails(failure)...)...)
		if failure.Reason == tair.ReasonForbidden {
			pairs = append(pairs, "hint", "allow kvstore:"+action+" to the identity"+instead)
		}
		_ = level.Warn(d.logger).Log(pairs...)
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
		found: make([][]foundInstances, len(d.setup.Sources)), complete: d.isComplete(),
	}
	for key := range d.lists {
		s.listed[key.accountRegion] = struct{}{}
	}
	for _, r := range d.regions {
		s.homes[r.home] = struct{}{}
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
