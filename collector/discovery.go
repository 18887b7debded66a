package collector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"tair_ssl_exporter/collector/tair"
)

const (
	firstRetry = 10 * time.Second // after a listing that failed; doubled for each further failure
	jitter     = 0.1              // of the time between two listings, on either side
)

// outcome is how the latest try to list something went.
type outcome struct {
	tried       bool
	failure     *tair.Error // nil after a success, and before the first try
	succeededAt time.Time   // zero: never
}

// note keeps how a try at now ended, and gives the failure that it ends or repeats.
func (o *outcome) note(failure *tair.Error, now time.Time) (before *tair.Error) {
	before = o.failure
	o.tried, o.failure = true, failure
	if failure == nil {
		o.succeededAt = now
	}
	return before
}

// listingKey is what makes one listing unlike another: the place and the filter.
type listingKey struct {
	place
	filter string
}

func keyOf(at place, f tair.Filter) listingKey {
	var b strings.Builder
	fmt.Fprintf(&b, "%q", f.ResourceGroup)
	for _, tag := range slices.Sorted(maps.Keys(f.Tags)) {
		fmt.Fprintf(&b, " %q=%q", tag, f.Tags[tag])
	}
	return listingKey{at, b.String()}
}

// listing asks again and again for the instances of a place that match a filter. It is guarded by Exporter.changing.
type listing struct {
	key    listingKey
	filter tair.Filter
	outcome
	found []tair.ListedInstance // the watchable ones of this shard, at the latest success
	end   context.CancelFunc    // nil: not begun
}

func (l *listing) stop() {
	if l.end != nil {
		l.end()
	}
}

// regionList asks again and again for the regions of an account. It is guarded by Exporter.changing.
type regionList struct {
	at   place // the account, and AllRegions
	home *queue
	outcome
	found []tair.Region
	begun bool
}

// begin starts what has not begun yet. Exporter.changing is held.
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
		timer := time.NewTimer(untilNext(p.setup.DiscoveryInterval, failures))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
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

// tryListing lists once and puts what it found in force.
func (p *plan) tryListing(ctx context.Context, l *listing) (ok bool) {
	p.exporter.changing.Lock()
	q := p.queues[l.key.place] // the endpoint may be another than the last time
	p.exporter.changing.Unlock()
	if q == nil {
		return false // the region has left meanwhile, and ctx with it
	}
	found, err := q.client.DescribeInstances(ctx, l.filter)

	p.exporter.changing.Lock()
	defer p.exporter.changing.Unlock()
	if ctx.Err() != nil {
		return false
	}
	failure := asError(err)
	first := !l.tried
	before := l.note(failure, p.exporter.now())
	p.report(q, l.key.place, before, failure)
	changed := false
	if failure == nil {
		found = slices.DeleteFunc(found, func(i tair.ListedInstance) bool { return !i.Watchable() || !p.onShard(i.ID) })
		changed = !slices.EqualFunc(l.found, found, tair.ListedInstance.Equal)
		came, left := compare(l.found, found)
		if came+left > 0 {
			p.exporter.journal.listChanged(l.key.place, len(found), came, left)
		}
		l.found = found
	}
	if first || changed {
		p.exporter.renew(p)
	}
	return failure == nil
}

// compare counts what is in now but not in before, and the other way round. Both are sorted by ID.
func compare(before, now []tair.ListedInstance) (came, left int) {
	known := make(map[string]struct{}, len(before))
	for _, i := range before {
		known[i.ID] = struct{}{}
	}
	for _, i := range now {
		if _, ok := known[i.ID]; !ok {
			came++
		}
	}
	return came, len(before) - (len(now) - came)
}

// tryRegions lists the regions once and begins to list the instances of new ones.
func (p *plan) tryRegions(ctx context.Context, r *regionList) (ok bool) {
	found, err := r.home.client.DescribeRegions(ctx)
	if err == nil && len(found) == 0 { // the cloud always has regions; believing it would drop every instance
		err = &tair.Error{Reason: tair.ReasonInvalidResponse, Detail: "the list of regions is empty"}
	}

	p.exporter.changing.Lock()
	defer p.exporter.changing.Unlock()
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
		p.exporter.renew(p)
	}
	return failure == nil
}

// report logs a change for the better or the worse. A failure of the credentials is logged once for the account, whoever
// meets it: a listing or a scrape.
func (p *plan) report(q *queue, at place, before, failure *tair.Error) {
	switch {
	case failure == nil:
		q.account.recovered(q)
		p.exporter.journal.listed(at, before)
	case failure.AccountWide():
		if q.account.stands(q.place.region, failure) {
			p.exporter.journal.accountFailed(q.place, failure)
		}
	case before == nil || before.Reason != failure.Reason || before.Code != failure.Code:
		p.exporter.journal.listingFailed(at, failure)
	}
}

// discoveryState is how discovery goes in one place, over all that is listed there.
type discoveryState struct {
	tried       bool             // everything, or something failed
	succeededAt time.Time        // when the last of them succeeded that had to; zero: not all have
	failures    map[why]struct{} // of the latest tries
}

// why is the reason and code of a failure.
type why struct {
	reason tair.Reason
	code   string
}

// discovered gives how discovery goes, for each place and, at AllRegions, for the lists of regions.
func (e *Exporter) discovered() map[place]discoveryState {
	e.changing.Lock()
	defer e.changing.Unlock()
	p := e.plan()
	if p == nil {
		return nil
	}
	outcomes := make(map[place][]outcome)
	for _, r := range p.regions {
		outcomes[r.at] = append(outcomes[r.at], r.outcome)
	}
	for key, l := range p.listings {
		outcomes[key.place] = append(outcomes[key.place], l.outcome)
	}
	states := make(map[place]discoveryState, len(outcomes))
	for at, all := range outcomes {
		states[at] = together(all)
	}
	return states
}

// together gives one state for what several listings share.
func together(all []outcome) discoveryState {
	s := discoveryState{tried: true, succeededAt: all[0].succeededAt, failures: make(map[why]struct{})}
	for _, o := range all {
		s.tried = s.tried && o.tried
		if o.succeededAt.Before(s.succeededAt) {
			s.succeededAt = o.succeededAt // the zero time is before all
		}
		if o.failure != nil {
			s.failures[why{o.failure.Reason, o.failure.Code}] = struct{}{}
		}
	}
	s.tried = s.tried || len(s.failures) > 0
	return s
}

// asError gives what is wrong as the API's client tells it.
func asError(err error) *tair.Error {
	var failure *tair.Error
	if err != nil && !errors.As(err, &failure) {
		failure = &tair.Error{Reason: tair.ReasonOther, Detail: err.Error()}
	}
	return failure
}
