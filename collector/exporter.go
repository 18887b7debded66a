package collector

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"tair_ssl_exporter/collector/tair"
)

// Options are what an [Exporter] is made with.
type Options struct {
	Logger log.Logger
	Now    func() time.Time // nil: time.Now
}

// Exporter serves the metrics of a fleet of instances and of itself. It is safe for concurrent use.
type Exporter struct {
	logger  log.Logger
	journal *journal
	now     func() time.Time
	metrics *exporterMetrics

	applying sync.Mutex // one change of the fleet at a time
	fleet    atomic.Pointer[fleet]
}

// New gives an exporter that watches nothing yet: see [Exporter.Apply].
func New(o Options) *Exporter {
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &Exporter{logger: o.Logger, journal: &journal{logger: o.Logger}, now: o.Now}
	e.metrics = newExporterMetrics(e)
	return e
}

// Setup is what to watch, and how.
type Setup struct {
	RefreshInterval time.Duration // an answer younger than this is served from memory; 0: every scrape asks
	KeepLast        time.Duration // how long a known answer is served while calls fail
	ScrapeTime      time.Duration // the time a scrape has by default; for a warning when the fleet is too large for it
	Shard           Shard         // the part of the instances to watch; the zero value is all
	Targets         []Target
	Instances       []Instance
	LabelNames      []string // of the custom labels: the union over all instances
}

// Target is the API of one account and region, with the limits that count there.
type Target struct {
	Account, Region string
	Asker           Asker
	Concurrency     int     // requests in flight
	QPS             float64 // requests a second, as configured
}

// fleet is a [Setup] at work. It never changes: a new setup makes a new fleet, and a scrape ends on the one it began on.
type fleet struct {
	refreshInterval time.Duration
	keepLast        time.Duration
	descs           instanceDescs
	watched         []*entry
	byID            map[string]*entry
	shard           Shard
	queues          map[place]*queue
	accounts        map[string]*account
	instances       map[place]int
}

// Apply makes setup the one in force for all scrapes that begin from now on. What is known of an instance stays known
// when its ID, account and region stay the same. The error tells what does not fit together in the setup; nothing
// changes then.
func (e *Exporter) Apply(setup Setup) error {
	e.applying.Lock()
	defer e.applying.Unlock()
	next, err := e.newFleet(setup)
	if err != nil {
		return err
	}
	e.metrics.configured(e.now(), next, e.fleet.Swap(next))
	e.warnOfSize(setup, next)
	return nil
}

func (e *Exporter) newFleet(setup Setup) (*fleet, error) {
	f := &fleet{
		refreshInterval: setup.RefreshInterval,
		keepLast:        setup.KeepLast,
		descs:           newInstanceDescs(setup.LabelNames),
		queues:          make(map[place]*queue),
		accounts:        make(map[string]*account),
		instances:       make(map[place]int),
		byID:            make(map[string]*entry),
		shard:           setup.Shard,
	}
	before := e.fleet.Load()
	if before == nil {
		before = &fleet{}
	}
	for _, t := range setup.Targets {
		if t.Asker == nil || t.Concurrency < 1 {
			return nil, fmt.Errorf("account %s, region %s: a client and a concurrency are needed", t.Account, t.Region)
		}
		if f.accounts[t.Account] == nil {
			f.accounts[t.Account] = &account{refusals: make(map[string]refusal)}
		}
		at := place{t.Account, t.Region}
		f.queues[at] = f.accounts[t.Account].newQueue(t, e, before.accounts[t.Account])
		f.instances[at] = 0
	}

	onShard := setup.Shard.holder()
	for _, i := range setup.Instances {
		if !onShard(i.ID) {
			continue
		}
		at := place{i.Account, i.Region}
		q := f.queues[at]
		if q == nil {
			return nil, fmt.Errorf("instance %s: no client for account %s, region %s", i.ID, i.Account, i.Region)
		}
		if f.byID[i.ID] != nil {
			return nil, fmt.Errorf("instance %s is watched twice", i.ID)
		}
		f.instances[at]++
		watched := &entry{
			instance: i, queue: q, index: -1, infoLabels: infoLabels(i, setup.LabelNames),
			record: before.recordOf(i),
		}
		f.watched = append(f.watched, watched)
		f.byID[i.ID] = watched
	}
	return f, nil
}

// recordOf gives the memory of an instance: the one of this fleet, when the account and region are the same as well.
func (f *fleet) recordOf(i Instance) *record {
	if w := f.byID[i.ID]; w != nil && w.instance.Account == i.Account && w.instance.Region == i.Region {
		return w.record
	}
	return &record{}
}

// infoLabels gives the values of the info metric's labels behind the instance ID.
func infoLabels(i Instance, custom []string) []string {
	values := append(make([]string, 0, 3+len(custom)), i.Account, i.Region, i.Name)
	for _, name := range custom {
		values = append(values, i.Labels[name])
	}
	return values
}

// warnOfSize says when a scrape is too short to ask for every instance of some account and region.
func (e *Exporter) warnOfSize(setup Setup, f *fleet) {
	for _, t := range setup.Targets {
		at := place{t.Account, t.Region}
		n, budget := f.instances[at], t.QPS*setup.ScrapeTime.Seconds()
		if float64(n) <= budget {
			continue
		}
		_ = level.Warn(e.logger).Log("msg", "a scrape is too short to ask for every instance; the rest comes with the next scrapes",
			"account", at.account, "region", at.region, "instances", n, "calls_per_scrape", int(budget),
			"hint", "raise api.qps if the quota allows, lengthen scrape_timeout, or set refresh_interval")
	}
}

// Observer gives what the client of an account and region reports to.
func (e *Exporter) Observer(account, region string) tair.Observer {
	return &observer{metrics: e.metrics, at: place{account, region}}
}

// CredentialsFailed counts a failed refresh of an account's credentials. While the old credentials are still good that
// harms nothing; when it does, the failure of the account is logged.
func (e *Exporter) CredentialsFailed(account string, err *tair.CredentialsError) {
	_ = level.Debug(e.logger).Log("msg", "cannot refresh the credentials", "account", account, "err", err)
	e.metrics.count(place{account: account}, func() { e.metrics.credentialsFailures.WithLabelValues(account).Inc() })
}

// errNotConfigured is the answer before the first Apply.
var errNotConfigured = errors.New("no configuration is loaded yet")

// registry gives the registry of one scrape: every watched instance.
func (e *Exporter) registry(c *instanceCollector) (prometheus.Gatherer, error) {
	r := prometheus.NewRegistry()
	if err := r.Register(c); err != nil {
		return nil, fmt.Errorf("registering the instances: %w", err)
	}
	return r, nil
}
