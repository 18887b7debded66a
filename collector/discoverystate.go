package collector

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tair_ssl_exporter/collector/tair"
)

// attemptState is how the latest attempt to list something went.
type attemptState struct {
	tried       bool
	failure     *tair.Error // nil after a success, and before the first attempt
	succeededAt time.Time   // zero: never
}

// note keeps how an attempt at now ended, and returns the failure of the attempt before.
func (a *attemptState) note(failure *tair.Error, now time.Time) (before *tair.Error) {
	before = a.failure
	a.tried, a.failure = true, failure
	if failure == nil {
		a.succeededAt = now
	}
	return before
}

// regionList is the regions of an account, which discovery lists again and again.
type regionList struct {
	at   accountRegion // the account, and AllRegions
	home accountRegion // whose API is called
	attemptState
	found   []tair.Region           // those that can be called, at the latest success
	refused map[string]attemptState // by region ID: those whose endpoints are refused, at the latest success
}

// renewalList is the scheduled certificate updates of an account, which discovery lists again and again.
type renewalList struct {
	home accountRegion // whose API is called
	attemptState
	found    []tair.Renewal // at the latest success; never changed in place
	reported map[int64]bool // the event IDs of unreadable ones that the log knows
}

// instanceList is the instances of a region that match a filter, which discovery lists again and again.
type instanceList struct {
	key    listKey
	filter tair.Filter
	attemptState
	found []tair.ListedInstance // the watchable ones of this shard, at the latest success; never changed in place
	stop  func()                // nil: not started
}

// listKey is what makes one instanceList unlike another.
type listKey struct {
	accountRegion
	filter string
}

func newListKey(at accountRegion, f tair.Filter) listKey {
	var b strings.Builder
	fmt.Fprintf(&b, "%q", f.ResourceGroup)
	for _, tag := range slices.Sorted(maps.Keys(f.Tags)) {
		fmt.Fprintf(&b, " %q=%q", tag, f.Tags[tag])
	}
	return listKey{at, b.String()}
}

// sameMetadata reports whether two listings of an instance differ in nothing that is shown.
func sameMetadata(a, b tair.ListedInstance) bool {
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

// discovered is what discovery knows at one moment. It never changes.
type discovered struct {
	targets       map[accountRegion]Target   // of the setup and of regions that were found
	listed        map[accountRegion]struct{} // where instances are listed
	homes         map[accountRegion]struct{} // where regions are listed
	events        map[accountRegion]struct{} // where scheduled certificate updates are listed
	renewals      map[string][]tair.Renewal  // scheduled certificate updates, by account
	found         [][]foundInstances         // by source
	complete      bool                       // every source has been tried once
	renewalsTried bool                       // so has every list of scheduled certificate updates
	unlisted      map[string]bool            // accounts of which some list has never succeeded
}

// foundInstances is what a source has found in one region.
type foundInstances struct {
	at        accountRegion
	instances []tair.ListedInstance
}

// listingHealth is how the listings of one account and region go, all together.
type listingHealth struct {
	tried       bool                    // every one has been tried, or one has failed
	succeededAt time.Time               // the oldest success of them; zero: not all have one
	failures    map[reasonCode]struct{} // of the latest attempts
}

// reasonCode is what tells failures apart.
type reasonCode struct {
	reason tair.Reason
	code   string
}

// summarize returns the health of listings that share an account and region.
func summarize(all []attemptState) listingHealth {
	h := listingHealth{tried: true, succeededAt: all[0].succeededAt, failures: make(map[reasonCode]struct{})}
	for _, a := range all {
		h.tried = h.tried && a.tried
		if a.succeededAt.Before(h.succeededAt) {
			h.succeededAt = a.succeededAt // the zero time is before all
		}
		if a.failure != nil {
			h.failures[reasonCode{a.failure.Reason, a.failure.Code}] = struct{}{}
		}
	}
	h.tried = h.tried || len(h.failures) > 0
	return h
}
