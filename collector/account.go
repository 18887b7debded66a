package collector

import (
	"sync"

	"tair_ssl_exporter/collector/tair"
)

// account is what the queues of one account share: when its credentials fail, nobody else needs to ask.
type account struct {
	queues []*queue

	mu       sync.Mutex
	refusals map[string]refusal // by region: the latest call there failed for the whole account
}

// refusal is why a call failed for the whole account.
type refusal struct {
	*tair.Error
	partial bool // the account has answered in another region since
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
		if standing, ok := before.refusals[t.Region]; ok {
			a.refusals[t.Region] = standing
		}
	}
	return q
}

// refused spreads what failed with the credentials of one call to everything that waits in the account. It is logged
// once, whichever regions meet it.
func (a *account) refused(at *queue, failure *tair.Error) {
	if a.stands(at.place.region, failure) {
		at.journal.accountFailed(at.place, failure)
	}
	for _, q := range a.queues {
		q.drop(failure)
	}
}

// stands notes a refusal in a region, and reports whether it is news to the account: neither the region itself knew it,
// nor another one while the account answered nowhere.
func (a *account) stands(region string, failure *tair.Error) (news bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	news = true
	for at, known := range a.refusals {
		if known.Reason == failure.Reason && known.Code == failure.Code && (at == region || !known.partial) {
			news = false
		}
	}
	a.refusals[region] = refusal{Error: failure, partial: a.refusals[region].partial}
	return news
}

// recovered notes that the account's credentials were good for a call. That ends the refusal of its region only: another
// region may go on refusing them.
func (a *account) recovered(at *queue) {
	a.mu.Lock()
	ended, stood := a.refusals[at.place.region]
	delete(a.refusals, at.place.region)
	for region, standing := range a.refusals {
		standing.partial = true
		a.refusals[region] = standing
	}
	over := len(a.refusals) == 0
	a.mu.Unlock()
	if stood && over {
		at.journal.accountRecovered(at.place, ended.Error)
	}
}
