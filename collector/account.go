package collector

import (
	"sync"

	"tair_ssl_exporter/collector/tair"
)

// account is what the queues of one account share: when its credentials fail, nobody else needs to ask.
type account struct {
	queues []*queue

	mu       sync.Mutex
	refusals map[string]*tair.Error // by region: why the latest call there failed for the whole account
}

// newQueue gives a queue for a region of the account. before, unless nil, is the same account in the fleet that this one
// replaces: what stood there still stands, so that the journal goes on.
func (a *account) newQueue(t Target, e *Exporter, before *account) *queue {
	q := &queue{
		place: place{t.Account, t.Region}, asker: t.Asker, concurrency: t.Concurrency, account: a,
		journal: e.journal, now: e.now, turn: make(chan struct{}, 1), asking: make(map[*entry]struct{}),
	}
	a.queues = append(a.queues, q)
	if before != nil {
		before.mu.Lock()
		defer before.mu.Unlock()
		if refusal := before.refusals[t.Region]; refusal != nil {
			a.refusals[t.Region] = refusal
		}
	}
	return q
}

// refused spreads what failed with the credentials of one call to everything that waits in the account. It is logged
// once, whichever regions meet it.
func (a *account) refused(at *queue, refusal *tair.Error) {
	if a.stands(at.place.region, refusal) {
		at.journal.accountFailed(at.place, refusal)
	}
	for _, q := range a.queues {
		q.drop(refusal)
	}
}

// stands notes a refusal in a region, and reports whether it is news to the account.
func (a *account) stands(region string, refusal *tair.Error) (news bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	news = true
	for _, known := range a.refusals {
		news = news && (known.Reason != refusal.Reason || known.Code != refusal.Code)
	}
	a.refusals[region] = refusal
	return news
}

// recovered notes that the account's credentials were good for a call. That ends the refusal of its region only: another
// region may go on refusing them.
func (a *account) recovered(at *queue) {
	a.mu.Lock()
	ended := a.refusals[at.place.region]
	delete(a.refusals, at.place.region)
	over := len(a.refusals) == 0
	a.mu.Unlock()
	if ended != nil && over {
		at.journal.accountRecovered(at.place, ended)
	}
}
