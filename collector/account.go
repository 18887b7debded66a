package collector

import (
	"maps"
	"slices"
	"sync"

	"tair_ssl_exporter/collector/tair"
)

// account is what the queues of one account share: when its credentials fail, nobody else needs to ask.
type account struct {
	mu       sync.Mutex
	queues   map[string]*queue  // by region
	refusals map[string]refusal // by region: the latest call there failed for the whole account
}

// refusal is why a call failed for the whole account.
type refusal struct {
	*tair.Error
	partial bool // the account has answered in another region since
}

func newAccount() *account {
	return &account{queues: make(map[string]*queue), refusals: make(map[string]refusal)}
}

// newQueue gives a queue for a region of the account, in the place of the one that it may have had.
func (a *account) newQueue(t Target, e *Exporter) *queue {
	q := &queue{
		place: place{t.Account, t.Region}, client: t.Client, concurrency: t.Concurrency, qps: t.QPS, account: a,
		journal: e.journal, now: e.now, turn: make(chan struct{}, 1), asking: make(map[*entry]struct{}),
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queues[t.Region] = q
	return q
}

// dropQueue ends what a region has to do with the account.
func (a *account) dropQueue(region string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.queues, region)
	delete(a.refusals, region)
}

// inherit takes over what stood of a region in before, the same account in the plan that this one replaces, so that the
// journal goes on.
func (a *account) inherit(before *account, region string) {
	before.mu.Lock()
	standing, ok := before.refusals[region]
	before.mu.Unlock()
	if ok {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.refusals[region] = standing
	}
}

// refused spreads what failed with the credentials of one call to everything that waits in the account. It is logged
// once, whichever regions meet it.
func (a *account) refused(at *queue, failure *tair.Error) {
	if a.stands(at.place.region, failure) {
		at.journal.accountFailed(at.place, failure)
	}
	a.mu.Lock()
	queues := slices.Collect(maps.Values(a.queues))
	a.mu.Unlock()
	for _, q := range queues {
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

// learned takes note of what the end of a call tells of the account's credentials; nil: there was an answer. Only a known
// key hears that an instance does not exist or that it may not ask.
func (a *account) learned(at *queue, failure *tair.Error) {
	if failure == nil || failure.Reason == tair.ReasonNotFound || failure.Reason == tair.ReasonForbidden {
		a.recovered(at)
	}
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
