package collector

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tair_ssl_exporter/collector/tair"
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

// regionList is the regions of an account, which discovery asks for again and again. It is guarded by plan.mu.
type regionList struct {
	at   place  // the account, and AllRegions
	home *queue // of the region whose API is asked
	outcome
	found []tair.Region
	begun bool
}

// listing is the instances of a place that match a filter, which discovery asks for again and again. It is guarded by
// plan.mu.
type listing struct {
	key    listingKey
	filter tair.Filter
	outcome
	found []tair.ListedInstance // the watchable ones of this shard, at the latest success; never changed in place
	end   context.CancelFunc    // nil: not begun
}

// stop ends the asking, if it has begun.
func (l *listing) stop() {
	if l.end != nil {
		l.end()
	}
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

// saysTheSame reports whether two listings of an instance differ in nothing that is shown.
func saysTheSame(a, b tair.ListedInstance) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Endpoint() == b.Endpoint() && maps.Equal(a.Tags, b.Tags)
}

// compare counts what is in now but not in before, and the other way round.
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

// discoveryState is how discovery goes in one place, over all that is listed there.
type discoveryState struct {
	tried       bool             // everything, or something failed
	succeededAt time.Time        // when the one succeeded whose success is the oldest; zero: not all have
	failures    map[why]struct{} // of the latest tries
}

// why is the reason and code of a failure.
type why struct {
	reason tair.Reason
	code   string
}

// discovered gives how discovery goes, for each place and, at AllRegions, for the lists of regions.
func (p *plan) discovered() map[place]discoveryState {
	outcomes := make(map[place][]outcome)
	p.mu.Lock()
	for _, r := range p.regions {
		outcomes[r.at] = append(outcomes[r.at], r.outcome)
	}
	for key, l := range p.listings {
		outcomes[key.place] = append(outcomes[key.place], l.outcome)
	}
	p.mu.Unlock()
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
