package page

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/internal/words"
)

// maxPlaces is how many accounts and regions the page shows.
const maxPlaces = 100

// health is how the exporter itself is.
type health struct {
	Shard        string
	Reload       moment
	ReloadFailed bool
	Complete     bool // every discovery entry has been tried
	Discovers    bool
	Watches      string
	Places       []place // at most maxPlaces, those with a problem first
	More         int     // further ones
	Renewals     []listing
	Problems     int
}

// place is an account in one of its regions.
type place struct {
	Account, Region string
	Instances       int
	QPS             string // "" where nothing is asked
	Discovery       *listing
	Refusal         *failure
}

// listing is how listing goes.
type listing struct {
	Account  string
	Done     moment // when all of it succeeded last
	Tried    bool
	Failures []*failure
}

func healthOf(o *collector.Overview) (h health) {
	h = health{Shard: "all instances", ReloadFailed: o.Reload.Failed, Complete: o.Complete}
	if o.Shard.Total > 1 {
		h.Shard = fmt.Sprintf("%d of %d, from 0", o.Shard.Index, o.Shard.Total)
	}
	if t := o.Reload.SucceededAt; !t.IsZero() {
		h.Reload = at(t, relative(t, o.At))
	}
	if h.ReloadFailed {
		h.Problems++
	}
	accounts, regions := make(map[string]bool), make(map[string]bool)
	for _, r := range o.Regions {
		p := placeOf(&r, o.At)
		accounts[p.Account] = true
		h.Discovers = h.Discovers || p.Discovery != nil
		if r.Region != collector.AllRegions {
			regions[r.Region] = true
		}
		if p.broken() {
			h.Problems++
		}
		h.Places = append(h.Places, p)
	}
	h.Watches = fmt.Sprintf("%s, %s, %s", words.Count(len(o.Instances), "instance"), words.Count(len(accounts), "account"), words.Count(len(regions), "region"))
	slices.SortStableFunc(h.Places, func(a, b place) int { return lacks(!a.broken(), !b.broken()) })
	if h.More = len(h.Places) - maxPlaces; h.More > 0 {
		h.Places = h.Places[:maxPlaces]
	}
	for _, r := range o.Renewals {
		l := listingOf(tair.ActionDescribeActiveOperationTasks, "", &r.ListingState, o.At)
		l.Account = r.Account
		if len(l.Failures) > 0 {
			h.Problems++
		}
		h.Renewals = append(h.Renewals, *l)
	}
	return h
}

func placeOf(r *collector.RegionStatus, now time.Time) place {
	p := place{
		Account: r.Account, Region: r.Region, Instances: r.Instances,
		Refusal: failureOf(tair.ActionDescribeInstanceSSL, r.Region, r.Refusal),
	}
	if r.QPS > 0 {
		p.QPS = strconv.FormatFloat(r.QPS, 'f', -1, 64)
		if r.QPS != float64(int(r.QPS)) {
			p.QPS = strconv.FormatFloat(r.QPS, 'f', 1, 64)
		}
	}
	action := tair.ActionDescribeInstances
	if r.Region == collector.AllRegions {
		p.Region, action = "list of regions", tair.ActionDescribeRegions
	}
	if r.Listing != nil {
		p.Discovery = listingOf(action, r.Region, r.Listing, now)
	}
	return p
}

// broken reports whether something does not work there.
func (p *place) broken() bool {
	return p.Refusal != nil || p.Discovery != nil && len(p.Discovery.Failures) > 0
}

func listingOf(action, region string, s *collector.ListingState, now time.Time) *listing {
	l := &listing{Tried: s.Tried}
	if !s.SucceededAt.IsZero() {
		l.Done = at(s.SucceededAt, relative(s.SucceededAt, now))
	}
	for _, err := range s.Failures {
		l.Failures = append(l.Failures, failureOf(action, region, err))
	}
	return l
}
