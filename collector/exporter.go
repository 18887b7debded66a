package collector

import (
	"errors"
	"slices"
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
	Logger   log.Logger
	LogCalls bool             // log each call of the API, at level debug
	Now      func() time.Time // nil: time.Now
}

// Exporter serves the metrics of the watched instances and of itself. It is safe for concurrent use.
type Exporter struct {
	logger  log.Logger
	calls   log.Logger // of each call of the API; nil: none
	now     func() time.Time
	metrics *selfMetrics
	memory  *memory
	current current
	running sync.WaitGroup // calls that the schedulers have under way

	scrapes, probes, lists chan struct{} // hold one element for each request that is served

	applying  sync.Mutex // one Apply or Close at a time
	closed    bool
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
		scrapes: make(chan struct{}, maxScrapes), probes: make(chan struct{}, maxProbes), lists: make(chan struct{}, maxLists),
	}
	if o.LogCalls {
		e.calls = level.Debug(o.Logger)
	}
	e.metrics = newSelfMetrics(e.current.load, e.health, e.renewalHealth)
	return e
}

// Apply puts a setup in force for all scrapes that begin from now on, and begins to list the instances of its sources.
// What is known of an instance stays known when its ID, account and region stay the same, and what a source has found
// stays when its account, region and filter do. The error names what does not fit together in the setup; nothing changes
// then. After Close nothing is applied any more.
func (e *Exporter) Apply(setup Setup) error {
	if err := setup.validate(); err != nil {
		return err
	}
	setup.Sources, setup.Instances = slices.Clone(setup.Sources), slices.Clone(setup.Instances) // the caller keeps its own
	e.applying.Lock()
	defer e.applying.Unlock()
	if e.closed {
		return errClosed
	}
	clientFor := setup.ClientFor
	setup.ClientFor = nil // it leads to what makes an inventory, which holds the setup
	auth := make(map[string]*authState)
	for _, t := range setup.Targets {
		if auth[t.Account] = e.auth[t.Account]; auth[t.Account] == nil {
			auth[t.Account] = newAuthState(t.Account, e.logger)
		}
	}
	next := newDiscovery(&setup, clientFor, auth, e.logger, e.now)
	if before := e.discovery.Load(); before != nil {
		before.Close() // from here on nothing publishes but this Apply
		next.inherit(before)
	}
	e.auth = auth
	e.discovery.Store(next)
	e.metrics.loaded(e.now())
	p := &publisher{
		setup: &setup, auth: auth, memory: e.memory, current: &e.current, metrics: e.metrics, running: &e.running,
		logger: e.logger, now: e.now,
		warnedSize: make(map[accountRegion]bool), warnedTwice: make(map[int]bool), warnedTag: make(map[int]bool),
	}
	p.publish(next.snapshot())
	next.start(p.publish)
	return nil
}

// Close ends discovery, and waits for the calls that are under way. What is known is still served.
func (e *Exporter) Close() {
	e.applying.Lock()
	defer e.applying.Unlock()
	e.closed = true
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

// renewalHealth returns how the listing of scheduled renewals goes; nil before the first Apply.
func (e *Exporter) renewalHealth() map[string]listingHealth {
	if d := e.discovery.Load(); d != nil {
		return d.renewalHealth()
	}
	return nil
}

// Observer returns what the client of an account and region reports to.
func (e *Exporter) Observer(account, region string) tair.Observer {
	return &observer{metrics: e.metrics, at: accountRegion{account, region}, calls: e.calls}
}

// CredentialsFailed counts a failed refresh of an account's credentials. While the old credentials still work that harms
// nothing; when it does, the failure of the account is logged.
func (e *Exporter) CredentialsFailed(account string, err *creds.Error) {
	e.metrics.credentialsFailed(account)
	go func() { // the log may block
		_ = level.Debug(e.logger).Log("msg", "cannot refresh the credentials", "account", account, "err", err)
	}()
}

// ReloadFailed notes that the configuration could not be loaded; the one in force stays.
func (e *Exporter) ReloadFailed() { e.metrics.reloadFailed() }

// Ready returns nil once a configuration is in force and each of its discovery entries has been tried once, whatever came
// of it: one account that is broken does not make the exporter useless. It stays so: a new entry does not take an
// exporter out of service that goes on serving all the others.
func (e *Exporter) Ready() error {
	if e.current.hasBeenComplete() {
		return nil
	}
	return e.current.load().ready()
}

// Why the exporter is not ready, or takes no setup.
var (
	errClosed        = errors.New("the exporter is closed")
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
