package collector

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// scrape is the instances that one scrape waits for.
type scrape struct {
	began     time.Time
	refresh   time.Duration    // an answer younger than this needs no call
	least     time.Duration    // after an attempt younger than this no other call begins
	requested map[*record]bool // by requestOnce
	tasks     map[*scheduler][]*task
	remaining atomic.Int64
	complete  chan struct{} // closed when nothing remains
}

func beginScrape(now time.Time, refresh time.Duration) *scrape {
	s := &scrape{
		began: now, refresh: refresh,
		tasks:    make(map[*scheduler][]*task),
		complete: make(chan struct{}),
	}
	s.remaining.Store(1) // held until everything is requested: see wait
	return s
}

// request requests what is due of the records.
func (s *scrape) request(all map[*scheduler][]*record) {
	for scheduler, records := range all {
		scheduler.request(records, s)
	}
}

// requestOnce is request, for a scrape that comes back with more: what it has requested is left out then.
func (s *scrape) requestOnce(all map[*scheduler][]*record) {
	if s.requested == nil {
		s.requested = make(map[*record]bool)
	}
	for scheduler, records := range all {
		var fresh []*record
		for _, r := range records {
			if !s.requested[r] {
				s.requested[r] = true
				fresh = append(fresh, r)
			}
		}
		scheduler.request(fresh, s)
	}
}

// awaits adds a task that the scrape waits for.
func (s *scrape) awaits(at *scheduler, t *task) {
	s.remaining.Add(1)
	s.tasks[at] = append(s.tasks[at], t)
}

// settled is called once for each task that the scrape waits for and that has its result now.
func (s *scrape) settled() {
	if s.remaining.Add(-1) == 0 {
		close(s.complete)
	}
}

// wait returns when all that was requested is known or ctx ends, whichever is first, with the number of instances that
// were due but for which nothing had been sent by then. Nothing may be requested any more.
func (s *scrape) wait(ctx context.Context) (deferred int) {
	s.settled()
	select {
	case <-s.complete:
		return 0
	case <-ctx.Done():
	}
	for at, tasks := range s.tasks {
		deferred += at.leave(tasks, s)
	}
	return deferred
}

// instanceCollector collects the instances for one scrape. It is made for each scrape, because Collect has no context of
// its own.
type instanceCollector struct {
	ctx       context.Context
	inventory *inventory
	current   *current          // where the inventory after this one comes
	probed    *instance         // the only one to collect; nil: all
	now       func() time.Time  // the clock
	observe   func(scrapeStats) // hears how the scrape went
}

// scrapeStats is how a scrape of the instances went.
type scrapeStats struct {
	took     time.Duration
	deferred int // instances that were due, but had not been sent when the time ran out
}

// Describe is for prometheus.Collector.
func (c *instanceCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.inventory.infoDesc
	for _, d := range c.inventory.descs.all() {
		ch <- d
	}
}

// Collect calls the API for what is due, and sends the metrics of every watched instance.
func (c *instanceCollector) Collect(ch chan<- prometheus.Metric) {
	s := beginScrape(c.now(), c.inventory.setup.RefreshInterval)
	s.least = c.inventory.setup.CallInterval
	instances := []*instance{c.probed}
	if c.probed == nil {
		instances = c.requestAll(s)
	} else {
		s.request(map[*scheduler][]*record{c.probed.scheduler: {c.probed.record}})
	}
	deferred := s.wait(c.ctx)
	now := c.now()
	c.observe(scrapeStats{took: now.Sub(s.began), deferred: deferred})
	for _, i := range instances {
		ch <- i.info
		for _, m := range i.windowed {
			ch <- m
		}
		i.collectRenewal(ch, now)
		i.record.collect(ch, now, c.inventory.setup.KeepLast)
	}
}

// requestAll requests all instances. When some source has not been tried yet, as after the start, it waits for that, so
// that what it finds does not vanish at a restart; what is known already is requested meanwhile.
func (c *instanceCollector) requestAll(s *scrape) []*instance {
	inv := c.inventory
	if inv.complete {
		s.request(inv.records)
		return inv.instances
	}
	for {
		s.requestOnce(inv.records)
		if inv.complete {
			return inv.instances
		}
		select {
		case <-c.current.replaced(inv):
		case <-c.ctx.Done():
			return inv.instances
		}
		next := c.current.load()
		if next.setup != inv.setup { // a scrape ends on the configuration that it began with
			return inv.instances
		}
		inv = next
	}
}
