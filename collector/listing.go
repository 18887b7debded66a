package collector

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/go-kit/log/level"

	"tair_ssl_exporter/collector/tair"
)

const (
	firstListRetry = 10 * time.Second // after a listing that failed; doubled for each further failure
	listJitter     = 0.1              // of the time between two listings, on either side

	// maxListing is how many lists of instances of an account are read at a time. The cloud has some thirty regions.
	maxListing = 32
)

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
	slots := d.listing[at.account]
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return false
	}
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
	failure := asError(err)
	var targets []Target
	if failure == nil {
		var refused map[string]*tair.Error
		found, targets, refused = d.callable(list.at.account, found, list.found)
		d.reportRefused(list.at.account, d.noteRefused(list, refused))
	}
	before := d.noteRegions(list, found, targets, failure)
	d.report(list.at, list.home.region, before, failure)
	return failure == nil
}

// callable returns the regions that can be called, and their APIs at the endpoints that came with them: these are surer
// than those of the table. A region whose endpoint is refused stays at its endpoint of before, if it has one.
func (d *discovery) callable(account string, found, before []tair.Region) (regions []tair.Region, targets []Target, refused map[string]*tair.Error) {
	refused = make(map[string]*tair.Error)
	for _, r := range found {
		t, err := d.clientFor(account, r)
		if err != nil {
			refused[r.ID] = &tair.Error{Reason: tair.ReasonInvalidResponse, Detail: err.Error()}
			known := slices.IndexFunc(before, func(b tair.Region) bool { return b.ID == r.ID })
			if known < 0 {
				continue
			}
			r = before[known]
			if t, err = d.clientFor(account, r); err != nil {
				continue
			}
		}
		regions, targets = append(regions, r), append(targets, t)
	}
	return regions, targets, refused
}

// noteRefused keeps the regions whose endpoints are refused. It returns those that were not refused before.
func (d *discovery) noteRefused(list *regionList, refused map[string]*tair.Error) (fresh map[string]*tair.Error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fresh = make(map[string]*tair.Error)
	next := make(map[string]attemptState, len(refused))
	for id, failure := range refused {
		state, known := list.refused[id]
		if !known {
			fresh[id] = failure
			if slices.ContainsFunc(list.found, func(r tair.Region) bool { return r.ID == id }) {
				state.succeededAt = list.succeededAt
			}
		}
		state.tried, state.failure = true, failure
		next[id] = state
	}
	list.refused = next
	return fresh
}

func (d *discovery) reportRefused(account string, refused map[string]*tair.Error) {
	for id, failure := range refused {
		_ = level.Warn(d.logger).Log(append([]any{"msg", "a region is not called at the endpoint that the API names", "account", account,
			"region", id}, failureDetails(failure)...)...)
	}
}

// noteRegions keeps how an attempt ended and, after a success, what it found. It returns the failure of the attempt before.
func (d *discovery) noteRegions(list *regionList, found []tair.Region, targets []Target, failure *tair.Error) (before *tair.Error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	changed := !list.tried
	before = list.note(failure, d.now())
	if failure == nil {
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
