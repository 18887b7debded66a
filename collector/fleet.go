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

// newFleet makes the fleet of this moment. An instance of the fleet before keeps its place in the queue of its region, or
// at least what is known of it when the account and region are the same. Exporter.changing is held.
func newFleet(p *plan, before *fleet) *fleet {
	known := p.snapshot()
	f := &fleet{
		plan:      p,
		byID:      make(map[string]*watched),
		queues:    known.queues,
		instances: make(map[place]int, len(known.queues)),
		actions:   make(map[place][]string),
		complete:  known.complete,
		replaced:  make(chan struct{}),
	}
	for at := range f.queues {
		f.instances[at] = 0
		f.actions[at] = append(f.actions[at], tair.ActionDescribeInstanceSSL)
	}
	for at := range known.listed {
		f.actions[at] = append(f.actions[at], tair.ActionDescribeInstances)
	}
	for at := range known.homes {
		f.actions[at] = append(f.actions[at], tair.ActionDescribeRegions)
	}
	if before == nil {
		before = &fleet{}
	}
	f.addListed(before)
	for n, all := range known.found {
		f.addFound(n, all, before)
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
func (f *fleet) addFound(n int, all []found, before *fleet) {
	source, names := f.plan.setup.Sources[n], f.plan.setup.LabelNames
	twice, example := 0, ""
	for _, there := range all {
		for _, i := range there.instances {
			w := f.byID[i.ID]
			if w == nil {
				labels := append(make([]string, 0, 3+len(names)), there.at.account, there.at.region, i.Name)
				w = f.add(before, i.ID, there.at, append(labels, source.labels(i, names)...))
			} else {
				twice, example = twice+1, i.ID
			}
			if w.queue.place == there.at && w.tags == nil { // the API knows more than the configuration
				w.endpoint, w.tags = i.Endpoint(), i.Tags
			}
		}
	}
	if _, warned := f.plan.warnedTwice[n]; twice > 0 && !warned {
		f.plan.warnedTwice[n] = struct{}{}
		f.plan.exporter.journal.namedTwice(source.Account, twice, example)
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
