package collector

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"tair_ssl_exporter/collector/tair"
)

const (
	firstRetry = 10 * time.Second // after a listing that failed; doubled for each further failure
	jitter     = 0.1              // of the time between two listings, on either side
)

// begin starts what has not begun yet. p.mu is held.
func (p *plan) begin() {
	for _, r := range p.regions {
		if !r.begun {
			r.begun = true
			go p.repeat(p.ctx, func(ctx context.Context) bool { return p.tryRegions(ctx, r) })
		}
	}
	for _, l := range p.listings {
		if l.end == nil {
			var ctx context.Context
			ctx, l.end = context.WithCancel(p.ctx)
			go p.repeat(ctx, func(ctx context.Context) bool { return p.tryListing(ctx, l) })
		}
	}
}

// repeat tries at once and then at each discovery interval, sooner after a failure, until ctx ends.
func (p *plan) repeat(ctx context.Context, try func(ctx context.Context) (ok bool)) {
	for failures := 0; ; {
		if try(ctx) {
			failures = 0
		} else {
			failures++
		}
		if !rest(ctx, untilNext(p.setup.DiscoveryInterval, failures)) {
			return
		}
	}
}

// untilNext is the time to the next try: about the interval, or, with full jitter on its upper half, a doubling time
// after that many failures in a row.
func untilNext(interval time.Duration, failures int) time.Duration {
	if failures == 0 {
		spread := time.Duration(jitter * float64(interval))
		return interval - spread + rand.N(2*spread+1) //nolint:gosec // jitter is no secret
	}
	wait := min(interval, firstRetry<<min(failures-1, 20))
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

// tryListing lists once and takes what it found into the plan.
func (p *plan) tryListing(ctx context.Context, l *listing) (ok bool) {
	p.mu.Lock()
	q := p.queues[l.key.place] // the endpoint may be another than the last time
	p.mu.Unlock()
	if q == nil {
		return false // the region has left meanwhile, and ctx with it
	}
	found, err := q.client.DescribeInstances(ctx, l.filter)
	failure := asError(err)

	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	first := !l.tried
	before := l.note(failure, p.exporter.now())
	p.report(q, l.key.place, before, failure)
	if failure != nil {
		if failure.Reason == tair.ReasonTimeout || failure.Reason == tair.ReasonNetwork {
			p.giveUpOn(l.key.place)
		}
		if first {
			p.renewSoon()
		}
		return false
	}
	found = slices.DeleteFunc(found, func(i tair.ListedInstance) bool { return !i.Watchable() || !p.onShard(i.ID) })
	if came, left := compare(l.found, found); came+left > 0 {
		p.exporter.journal.listChanged(l.key.place, len(found), came, left)
	}
	changed := !slices.EqualFunc(l.found, found, saysTheSame)
	l.found = found
	if first || changed {
		p.renewSoon()
	}
	return true
}

// giveUpOn counts every listing of a place that does not answer as tried: they go one after the other, and readiness
// should not wait for each of them to find out the same. p.mu is held.
func (p *plan) giveUpOn(at place) {
	for key, l := range p.listings {
		if key.place == at {
			l.tried = true
		}
	}
}

// tryRegions lists the regions once and begins to list the instances of new ones.
func (p *plan) tryRegions(ctx context.Context, r *regionList) (ok bool) {
	found, err := r.home.client.DescribeRegions(ctx)
	if err == nil && len(found) == 0 { // the cloud always has regions; believing it would drop every instance
		err = &tair.Error{Reason: tair.ReasonInvalidResponse, Detail: "the list of regions is empty"}
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	first := !r.tried
	changed := false
	if err == nil {
		changed = !slices.Equal(r.found, found)
		if err = p.reachRegions(r, found); err != nil {
			err = &tair.Error{Reason: tair.ReasonInvalidResponse, Detail: err.Error()}
		}
		p.settle()
		p.begin()
	}
	failure := asError(err)
	before := r.note(failure, p.exporter.now())
	p.report(r.home, r.at, before, failure)
	if first || changed {
		p.renewSoon()
	}
	return failure == nil
}

// report logs a change for the better or the worse. A failure of the credentials is logged once for the account, whoever
// meets it: a listing or a scrape.
func (p *plan) report(q *queue, at place, before, failure *tair.Error) {
	q.account.learned(q, failure)
	switch {
	case failure == nil:
		p.exporter.journal.listingSucceeded(at, before)
	case failure.AccountWide():
		if q.account.stands(q.place.region, failure) {
			p.exporter.journal.accountFailed(q.place, failure)
		}
	case before == nil || before.Reason != failure.Reason || before.Code != failure.Code:
		p.exporter.journal.listingFailed(at, failure)
	}
}

// renewSoon has what the plan watches renewed. It does not wait for that.
func (p *plan) renewSoon() {
	select {
	case p.outdated <- struct{}{}:
	default: // it will be anyway
	}
}

// renewing renews what the plan watches whenever that is outdated, until the plan ends. After each time it rests for as
// long as that took: with hundreds of regions that answer one by one, what comes meanwhile goes into one.
func (p *plan) renewing() {
	for {
		select {
		case <-p.outdated:
		case <-p.ctx.Done():
			return
		}
		began := time.Now()
		p.exporter.changing.Lock()
		if p.ctx.Err() == nil {
			p.exporter.renew(p)
		}
		p.exporter.changing.Unlock()
		if !rest(p.ctx, time.Since(began)) {
			return
		}
	}
}

// asError gives what is wrong as the API's client tells it.
func asError(err error) *tair.Error {
	var failure *tair.Error
	if err != nil && !errors.As(err, &failure) {
		failure = &tair.Error{Reason: tair.ReasonOther, Detail: err.Error()}
	}
	return failure
}
