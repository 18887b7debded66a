package collector

import "context"

// Pass asks for every watched instance once, and waits for what discovery and the lists of scheduled renewals find first. It
// returns when all is known or ctx ends, with the number of instances for which nothing had been sent by then. Before the
// first Apply there is none.
func (e *Exporter) Pass(ctx context.Context) (deferred int) {
	inv := e.current.load()
	if inv == nil {
		return 0
	}
	c := e.collector(ctx, inv, nil, e.metrics.scraped)
	s := beginScrape(e.now(), inv.setup.RefreshInterval)
	c.requestAll(s)
	deferred = s.wait(ctx)
	for inv = e.current.load(); !inv.renewalsTried; inv = e.current.load() {
		select {
		case <-e.current.replaced(inv):
		case <-ctx.Done():
			return deferred
		}
	}
	return deferred
}

// Progress is how far a first pass is.
type Progress struct {
	Complete         bool // all instances are found
	Asked, Instances int  // of those found so far, and how many these are
}

// Progress returns how far a first pass is, from memory. Before the first Apply it is zero.
func (e *Exporter) Progress() Progress {
	inv := e.current.load()
	if inv == nil {
		return Progress{}
	}
	p := Progress{Complete: inv.complete, Instances: len(inv.instances)}
	for _, i := range inv.instances {
		if i.record.hasResult() {
			p.Asked++
		}
	}
	return p
}

// TryCredentials obtains the credentials of every account once, so that an account without any is logged, and shown by
// [Exporter.Overview], before something is asked with them. It sends nothing to the API and does not wait; ctx ends the
// attempts.
func (e *Exporter) TryCredentials(ctx context.Context) {
	inv := e.current.load()
	if inv == nil {
		return
	}
	tried := make(map[string]bool)
	for at, s := range inv.schedulers {
		if tried[at.account] {
			continue
		}
		tried[at.account] = true
		e.running.Go(func() {
			permit, err := s.client.Admit(ctx)
			switch {
			case err == nil:
				permit.Release()
			case ctx.Err() == nil:
				s.auth.learn(at.region, asError(err))
			}
		})
	}
}
