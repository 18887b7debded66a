package collector

import (
	"context"

	"tair_ssl_exporter/collector/tair"
)

// fleet is what a plan watches at one moment. It never changes: when the plan or what discovery knows does, another one
// takes its place, and a scrape ends on the plan it began on.
type fleet struct {
	plan      *plan // of it, a scrape reads only what never changes
	watched   []*watched
	byID      map[string]*watched
	queues    map[place]*queue
	instances map[place]int
	actions   map[place][]string // the operations that are called
	complete  bool               // every source has been tried once
	replaced  chan struct{}      // closed when another fleet is in force
}

// watched is an instance of a fleet and what describes it.
type watched struct {
	*entry
	infoLabels []string          // the values of the info metric behind the instance ID: account, region, name, custom
	endpoint   string            // host:port; "" when discovery has not told
	tags       map[string]string // nil when discovery has not told
}

// fleet makes the fleet of this moment. An instance of the fleet before keeps its place in the queue of its region, or
// at least what is known of it when the account and region are the same. Exporter.changing is held.
func (p *plan) fleet(before *fleet) *fleet {
	f := &fleet{
		plan:      p,
		byID:      make(map[string]*watched),
		queues:    make(map[place]*queue, len(p.queues)),
		instances: make(map[place]int, len(p.queues)),
		actions:   make(map[place][]string),
		complete:  p.hasBeenTried(),
		replaced:  make(chan struct{}),
	}
	if before == nil {
		before = &fleet{}
	}
	for at, q := range p.queues {
		f.queues[at] = q
		f.instances[at] = 0
		f.actions[at] = append(f.actions[at], tair.ActionDescribeInstanceSSL)
		if p.lists(at) {
			f.actions[at] = append(f.actions[at], tair.ActionDescribeInstances)
		}
	}
	for _, r := range p.regions {
		f.actions[r.home.place] = append(f.actions[r.home.place], tair.ActionDescribeRegions)
	}
	f.addListed(before)
	for n := range p.setup.Sources {
		f.addFound(n, before)
	}
	return f
}

// ready gives why there is no fleet that can be relied on to be all; nil when there is.
func (f *fleet) ready() error {
	switch {
	case f == nil:
		return errNotConfigured
	case !f.complete:
		return errNotTried
	}
	return nil
}

// await waits until another fleet has taken the place of this one; false: ctx has ended before.
func (f *fleet) await(ctx context.Context) bool {
	select {
	case <-f.replaced:
		return true
	case <-ctx.Done():
		return false
	}
}

// addListed adds the instances of the configuration.
func (f *fleet) addListed(before *fleet) {
	names := f.plan.setup.LabelNames
	for _, i := range f.plan.setup.Instances {
		if !f.plan.onShard(i.ID) {
			continue
		}
		labels := append(make([]string, 0, 3+len(names)), i.Account, i.Region, i.Name)
		for _, name := range names {
			labels = append(labels, i.Labels[name])
		}
		f.add(before, i.ID, place{i.Account, i.Region}, labels)
	}
}

// addFound adds what the n-th source has found, unless it is there already.
func (f *fleet) addFound(n int, before *fleet) {
	source, names := f.plan.setup.Sources[n], f.plan.setup.LabelNames
	twice, example := 0, ""
	for _, region := range f.plan.regionsOf(source) {
		at := place{source.Account, region}
		for _, found := range f.plan.listings[keyOf(at, source.Filter)].found {
			w := f.byID[found.ID]
			if w == nil {
				labels := append(make([]string, 0, 3+len(names)), source.Account, region, found.Name)
				w = f.add(before, found.ID, at, append(labels, source.labels(found, names)...))
			} else {
				twice, example = twice+1, found.ID
			}
			if w.queue.place == at && w.tags == nil { // the listing knows more than the configuration
				w.endpoint, w.tags = found.Endpoint(), found.Tags
			}
		}
	}
	if _, warned := f.plan.warnedTwice[n]; twice > 0 && !warned {
		f.plan.warnedTwice[n] = struct{}{}
		f.plan.exporter.journal.listedTwice(source.Account, twice, example)
	}
}

// add adds one instance.
func (f *fleet) add(before *fleet, id string, at place, infoLabels []string) *watched {
	w := &watched{infoLabels: infoLabels}
	q, old := f.queues[at], before.byID[id]
	switch {
	case old != nil && old.queue == q:
		w.entry = old.entry
	case old != nil && old.queue.place == at:
		w.entry = &entry{id: id, queue: q, record: old.record, index: -1}
	default:
		w.entry = &entry{id: id, queue: q, record: &record{}, index: -1}
	}
	f.watched = append(f.watched, w)
	f.byID[id] = w
	f.instances[at]++
	return w
}
