package collector

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"tair_ssl_exporter/collector/tair"
)

// Overview is what is known at one moment. It shows people what the metrics show Prometheus.
type Overview struct {
	At         time.Time
	Complete   bool             // every discovery entry has been tried once
	LabelNames []string         // of the custom labels, in the order of the configuration
	Instances  []InstanceStatus // the soonest expiry first, then those without an expiry; in the order of their IDs where that is equal
	Regions    []RegionStatus   // in the order of account and region
	Renewals   []RenewalsStatus // the accounts whose scheduled updates are listed, in the order of their names
	Shard      Shard
	Reload     ReloadStatus
}

// ReloadStatus is how loading the configuration goes.
type ReloadStatus struct {
	Failed      bool      // the latest attempt; the configuration before it is in force
	SucceededAt time.Time // when the configuration in force was loaded; zero: none is
}

// InstanceStatus is what is known of a watched instance.
type InstanceStatus struct {
	ID, Account, Region string
	Name                string            // may be ""
	Labels              map[string]string // custom labels that have a value
	Windows             Windows

	Known      bool      // an answer is served: SSL and AnsweredAt are set
	SSL        tair.SSL  // the latest answer
	AnsweredAt time.Time // when it was received

	Pending bool        // never asked yet
	Failure *tair.Error // why the latest call failed; nil: it did not, or there was none

	Renewal *tair.Renewal // the scheduled certificate update that comes next; nil: none is known
}

// RegionStatus is what is known of an account in one of its regions.
type RegionStatus struct {
	Account, Region string        // the region is AllRegions for the listing of the regions
	Instances       int           // that are watched
	QPS             float64       // requests a second that the rate limit allows now; 0 for AllRegions
	Listing         *ListingState // of the discovery there; nil: no discovery
	Refusal         *tair.Error   // why the credentials do not work there; nil: they do, or it is not known
}

// RenewalsStatus is how the listing of the scheduled certificate updates of an account goes.
type RenewalsStatus struct {
	Account string
	ListingState
}

// ListingState is how listing goes.
type ListingState struct {
	Tried       bool
	SucceededAt time.Time     // of the oldest of the lists there; zero: not all have succeeded yet
	Failures    []*tair.Error // of the latest attempts; they have a reason and a code
}

// Overview returns what is known now, from memory. Before the first Apply it is empty.
func (e *Exporter) Overview() Overview {
	o := Overview{At: e.now(), Reload: e.metrics.reloadStatus()}
	inv := e.current.load()
	if inv == nil {
		return o
	}
	o.Complete, o.LabelNames, o.Shard = inv.complete, slices.Clone(inv.setup.LabelNames), inv.setup.Shard
	for _, i := range inv.instances {
		o.Instances = append(o.Instances, i.status(inv.setup, o.At))
	}
	slices.SortFunc(o.Instances, bySoonestExpiry)
	o.Regions = e.regionStatuses(inv)
	health := e.renewalHealth()
	for _, account := range slices.Sorted(maps.Keys(health)) {
		o.Renewals = append(o.Renewals, RenewalsStatus{account, health[account].state()})
	}
	return o
}

func (e *Exporter) regionStatuses(inv *inventory) (all []RegionStatus) {
	health := e.health()
	for at, s := range inv.schedulers {
		all = append(all, RegionStatus{
			Account: at.account, Region: at.region, Instances: inv.counts[at], QPS: s.client.QPS(), Refusal: s.auth.failure(at.region),
		})
	}
	for at := range health {
		if inv.schedulers[at] == nil {
			all = append(all, RegionStatus{Account: at.account, Region: at.region})
		}
	}
	for n := range all {
		if h, ok := health[accountRegion{all[n].Account, all[n].Region}]; ok {
			state := h.state()
			all[n].Listing = &state
		}
	}
	slices.SortFunc(all, func(a, b RegionStatus) int {
		return cmp.Or(strings.Compare(a.Account, b.Account), strings.Compare(a.Region, b.Region))
	})
	return all
}

func (h listingHealth) state() ListingState {
	s := ListingState{Tried: h.tried, SucceededAt: h.succeededAt}
	for f := range h.failures {
		s.Failures = append(s.Failures, &tair.Error{Reason: f.reason, Code: f.code})
	}
	slices.SortFunc(s.Failures, func(a, b *tair.Error) int {
		return cmp.Or(cmp.Compare(a.Reason, b.Reason), strings.Compare(a.Code, b.Code))
	})
	return s
}

// status returns what is known of the instance at now.
func (i *instance) status(setup *Setup, now time.Time) InstanceStatus {
	s := InstanceStatus{
		ID: i.id, Account: i.at.account, Region: i.at.region, Name: i.name, Labels: make(map[string]string),
		Windows: i.windows,
	}
	if r := i.renewal(now); r != nil {
		s.Renewal = &r.Renewal
	}
	for n, name := range setup.LabelNames {
		if i.custom[n] != "" {
			s.Labels[name] = i.custom[n]
		}
	}
	i.record.addTo(&s, now, setup.KeepLast)
	return s
}

// bySoonestExpiry compares instances by their expiry; those without one come last.
func bySoonestExpiry(a, b InstanceStatus) int {
	expires := func(s InstanceStatus) int64 {
		if !s.SSL.Enabled {
			return 1<<63 - 1
		}
		return s.SSL.ExpiresAt.Unix()
	}
	return cmp.Or(cmp.Compare(expires(a), expires(b)), strings.Compare(a.ID, b.ID))
}
