package collector

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/creds"
)

// Options are what an [Exporter] is made with.
type Options struct {
	Logger log.Logger
	Now    func() time.Time // nil: time.Now
}

// Exporter serves the metrics of the watched instances and of itself. It is safe for concurrent use.
type Exporter struct {
	logger  log.Logger
	now     func() time.Time
	metrics *selfMetrics
	memory  *memory
	current current
	running sync.WaitGroup // calls that the schedulers have under way
	ready   atomic.Bool    // an inventory has been complete

	scrapes, probes chan struct{} // hold one element for each request that is served

	applying  sync.Mutex // one Apply or Close at a time
	discovery atomic.Pointer[discovery]
	auth      map[string]*authState // by account
}

// New returns an exporter that watches nothing yet: see [Exporter.Apply].
func New(o Options) *Exporter {
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &Exporter{
		logger: o.Logger, now: o.Now, memory: newMemory(), auth: make(map[string]*authState),
		scrapes: make(chan struct{}, maxScrapes), probes: make(chan struct{}, maxProbes),
	}
	e.metrics = newSelfMetrics(e.current.load, e.health)
	return e
}

// Apply puts a setup in force for all scrapes that begin from now on, and begins to list the instances of its sources.
// What is known of an instance stays known when its ID, account and region stay the same, and what a source has found
// stays when its account, region and filter do. The error names what does not fit together in the setup; nothing changes
// then.
func (e *Exporter) Apply(setup Setup) error {
	if err := setup.validate(); err != nil {
		return err
	}
	e.applying.Lock()
	defer e.applying.Unlock()
	auth := make(map[string]*authState)
	for _, t := range setup.Targets {
		if auth[t.Account] = e.auth[t.Account]; auth[t.Account] == nil {
			auth[t.Account] = newAuthState(t.Account, e.logger)
		}
	}
	next := newDiscovery(&setup, auth, e.logger, e.now)
	if before := e.discovery.Load(); before != nil {
		before.Close() // from here on nothing publishes but this Apply
		next.inherit(before)
	}
	e.auth = auth
	e.discovery.Store(next)
	e.metrics.loaded(e.now())
	p := &publisher{Exporter: e, setup: &setup, auth: auth}
	p.publish(next.snapshot())
	next.start(p.publish)
	return nil
}

// Close ends discovery, and waits for the calls that are under way. What is known is still served.
func (e *Exporter) Close() {
	e.applying.Lock()
	defer e.applying.Unlock()
	if d := e.discovery.Load(); d != nil {
		d.Close()
	}
	e.running.Wait()
}

// health returns how listing goes; nil before the first Apply.
func (e *Exporter) health() map[accountRegion]listingHealth {
	if d := e.discovery.Load(); d != nil {
		return d.health()
	}
	return nil
}

// publisher puts in force what one setup watches. It is used by one goroutine at a time.
type publisher struct {
	*Exporter
	setup *Setup
	auth  map[string]*authState

	warnedSize  map[accountRegion]bool
	warnedTwice map[int]bool // by source
}

// publish puts in force the inventory of the setup with what discovery knows.
func (p *publisher) publish(d *discovered) {
	before := p.current.load()
	b := inventoryBuilder{
		inventory: &inventory{
			setup:      p.setup,
			infoDesc:   newInfoDesc(p.setup.LabelNames),
			descs:      p.memory.descs,
			byID:       make(map[string]*instance),
			records:    make(map[*scheduler][]*record),
			schedulers: p.schedulers(d.targets, before),
			counts:     make(map[accountRegion]int),
			actions:    apiActions(d),
			complete:   d.complete,
		},
		memory: p.memory, onShard: p.setup.Shard.holder(), names: newLabelNames(append(infoLabelNames(), p.setup.LabelNames...)...),
	}
	b.addListed()
	for n, source := range p.setup.Sources {
		twice, example := b.addFound(source, d.found[n])
		p.warnTwice(n, twice, example)
	}
	next := b.inventory
	p.metrics.watching(next, before)
	p.current.store(next)
	if next.complete {
		p.ready.Store(true)
		p.memory.forgetAllBut(next)
	}
	for account, auth := range p.auth {
		auth.keepRegions(func(region string) bool { return next.schedulers[accountRegion{account, region}] != nil })
	}
	p.warnSize(next, d.targets)
}

// schedulers returns a scheduler for each target. One whose client stays goes on: it knows what is in flight.
func (p *publisher) schedulers(targets map[accountRegion]Target, before *inventory) map[accountRegion]*scheduler {
	all := make(map[accountRegion]*scheduler, len(targets))
	for at, t := range targets {
		if before != nil {
			if old := before.schedulers[at]; old != nil && old.client == t.Client {
				all[at] = old
				continue
			}
		}
		all[at] = &scheduler{
			at: at, client: t.Client, auth: p.auth[at.account], logger: p.logger, now: p.now, running: &p.running,
			tasks: make(map[*record]*task),
		}
	}
	return all
}

// warnTwice warns, once for each source, of instances that another source or the list of instances has as well.
func (p *publisher) warnTwice(source, instances int, example string) {
	if instances == 0 || p.warnedTwice[source] {
		return
	}
	if p.warnedTwice == nil {
		p.warnedTwice = make(map[int]bool)
	}
	p.warnedTwice[source] = true
	_ = level.Warn(p.logger).Log("msg", "instances are named more than once; the list, then the first discovery entry counts",
		"account", p.setup.Sources[source].Account, "instances", instances, "example", example)
}

// warnSize warns, once for each account and region, that a scrape is too short to call the API for every instance there.
func (p *publisher) warnSize(inv *inventory, targets map[accountRegion]Target) {
	for at, n := range inv.counts {
		budget := targets[at].QPS * p.setup.ScrapeTime.Seconds()
		if p.warnedSize[at] || float64(n) <= budget {
			continue
		}
		if p.warnedSize == nil {
			p.warnedSize = make(map[accountRegion]bool)
		}
		p.warnedSize[at] = true
		hint := "raise api.qps if the quota allows, or lengthen scrape_timeout"
		if p.setup.RefreshInterval == 0 {
			hint = "set refresh_interval; or " + hint
		}
		_ = level.Warn(p.logger).Log("msg", "a scrape is too short to read every instance; the rest comes with the next scrapes",
			"account", at.account, "region", at.region, "instances", n, "calls_per_scrape", int(budget), "hint", hint)
	}
}

// Observer returns what the client of an account and region reports to.
func (e *Exporter) Observer(account, region string) tair.Observer {
	return &observer{metrics: e.metrics, at: accountRegion{account, region}}
}

// CredentialsFailed counts a failed refresh of an account's credentials. While the old credentials still work that harms
// nothing; when it does, the failure of the account is logged.
func (e *Exporter) CredentialsFailed(account string, err *creds.Error) {
	_ = level.Debug(e.logger).Log("msg", "cannot refresh the credentials", "account", account, "err", err)
	e.metrics.credentialsFailed(account)
}

// ReloadFailed notes that the configuration could not be loaded; the one in force stays.
func (e *Exporter) ReloadFailed() { e.metrics.reloadSuccessful.Set(0) }

// Ready returns nil once a configuration is in force and each of its discovery entries has been tried once, whatever came
// of it: one account that is broken does not make the exporter useless. It stays so: a new entry does not take an
// exporter out of service that goes on serving all the others.
func (e *Exporter) Ready() error {
	if e.ready.Load() {
		return nil
	}
	return e.current.load().ready()
}

// Why the exporter is not ready.
var (
	errNotConfigured = errors.New("no configuration is loaded yet")
	errNotTried      = errors.New("not every discovery entry has been tried yet")
)

// ready returns why the inventory cannot be taken as complete; nil when it can.
func (inv *inventory) ready() error {
	switch {
	case inv == nil:
		return errNotConfigured
	case !inv.complete:
		return errNotTried
	}
	return nil
}
