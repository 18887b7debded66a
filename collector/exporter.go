package collector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/creds"
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

	changing sync.Mutex // one change of the fleet at a time
	fleet    atomic.Pointer[fleet]
	ready    atomic.Bool // a fleet has been complete
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

// Apply makes setup the one in force for all scrapes that begin from now on, and begins to list the instances of its
// sources. What is known of an instance stays known when its ID, account and region stay the same, and what a source has
// found stays when its account, region and filter do. The error tells what does not fit together in the setup; nothing
// changes then.
func (e *Exporter) Apply(setup Setup) error {
	e.changing.Lock()
	defer e.changing.Unlock()
	before := e.plan()
	next, err := newPlan(setup, e, before)
	if err != nil {
		return err
	}
	if before != nil {
		before.end()
	}
	e.metrics.loaded(e.now())
	next.start()
	e.renew(next)
	return nil
}

// Close ends discovery. Scrapes go on with what is known.
func (e *Exporter) Close() {
	e.changing.Lock()
	defer e.changing.Unlock()
	if p := e.plan(); p != nil {
		p.end()
	}
}

// successor waits for the fleet that takes the place of f. It gives nil when ctx ends first, or when the new fleet
// belongs to another plan.
func (e *Exporter) successor(ctx context.Context, f *fleet) *fleet {
	if !f.await(ctx) {
		return nil
	}
	if next := e.fleet.Load(); next.plan == f.plan {
		return next
	}
	return nil
}

// plan gives the plan in force, nil before the first.
func (e *Exporter) plan() *plan {
	if f := e.fleet.Load(); f != nil {
		return f.plan
	}
	return nil
}

// renew puts in force what the plan watches now. e.changing is held.
func (e *Exporter) renew(p *plan) {
	before := e.fleet.Load()
	next := newFleet(p, before)
	e.metrics.watching(next, before)
	e.fleet.Store(next)
	if next.complete {
		e.ready.Store(true)
	}
	if before != nil {
		close(before.replaced)
	}
	p.warnOfSize(next)
}

// Observer gives what the client of an account and region reports to.
func (e *Exporter) Observer(account, region string) tair.Observer {
	return &observer{metrics: e.metrics, at: place{account, region}}
}

// CredentialsFailed counts a failed refresh of an account's credentials. While the old credentials are still good that
// harms nothing; when it does, the failure of the account is logged.
func (e *Exporter) CredentialsFailed(account string, err *creds.Error) {
	_ = level.Debug(e.logger).Log("msg", "cannot refresh the credentials", "account", account, "err", err)
	e.metrics.count(place{account: account}, func() { e.metrics.credentialsFailures.WithLabelValues(account).Inc() })
}

// Why the exporter is not ready.
var (
	errNotConfigured = errors.New("no configuration is loaded yet")
	errNotTried      = errors.New("not every discovery entry has been tried yet")
)

// registry gives the registry of one scrape: every watched instance.
func (e *Exporter) registry(c *instanceCollector) (prometheus.Gatherer, error) {
	r := prometheus.NewRegistry()
	if err := r.Register(c); err != nil {
		return nil, fmt.Errorf("registering the instances: %w", err)
	}
	return r, nil
}
