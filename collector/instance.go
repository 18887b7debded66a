package collector

import (
	"context"
	"sync"
	"time"

	"tair_ssl_exporter/collector/tair"
)

// reasonPending is the reason of an instance that no call has told anything of yet.
const reasonPending tair.Reason = "pending"

// Instance is an instance that the configuration lists, and what describes it.
type Instance struct {
	ID      string
	Account string
	Region  string
	Name    string            // may be ""
	Labels  map[string]string // custom labels
}

// place is an account and region: what has limits of its own.
type place struct{ account, region string }

// Client is what the exporter needs of a [tair.Client].
type Client interface {
	// DescribeInstanceSSL asks for the SSL state of an instance; see [tair.Client.DescribeInstanceSSL].
	DescribeInstanceSSL(ctx context.Context, id string, sent func()) (tair.SSL, error)
	// DescribeInstances lists the instances of the client's region; see [tair.Client.DescribeInstances].
	DescribeInstances(ctx context.Context, f tair.Filter) ([]tair.ListedInstance, error)
	// DescribeRegions lists the regions; see [tair.Client.DescribeRegions].
	DescribeRegions(ctx context.Context) ([]tair.Region, error)
	// QPS is the rate limit in force, in requests a second.
	QPS() float64
}

// record is the memory of one instance. It outlives the configuration that watches it.
type record struct {
	mu          sync.Mutex
	known       bool // answer and answeredAt are set
	answer      tair.SSL
	answeredAt  time.Time
	failure     *tair.Error // why the latest call failed; nil after a success, and before the first call
	settled     bool        // a call has ended, in whatever way
	attemptedAt time.Time   // when the latest call that was sent began; zero before
}

// state is a copy of a record to read from.
type state struct {
	known      bool
	answer     tair.SSL
	answeredAt time.Time
	failure    *tair.Error
	settled    bool
}

// success reports whether the latest call told the SSL state.
func (s state) success() bool { return s.settled && s.failure == nil }

// snapshot is what may be served at now: after a failure an answer is kept for less than keepLast.
func (r *record) snapshot(now time.Time, keepLast time.Duration) state {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := state{known: r.known, answer: r.answer, answeredAt: r.answeredAt, failure: r.failure, settled: r.settled}
	if s.failure != nil && s.known && now.Sub(s.answeredAt) >= keepLast {
		s.known = false
	}
	return s
}

// due reports whether the instance is to be asked at now, and when it was last asked.
func (r *record) due(now time.Time, refresh time.Duration) (due bool, attemptedAt time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fresh := r.known && r.failure == nil && now.Sub(r.answeredAt) < refresh
	return !fresh, r.attemptedAt
}

// succeeded keeps an answer got at now, and gives the failure that it ends.
func (r *record) succeeded(answer tair.SSL, began, now time.Time) (ended *tair.Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ended = r.failure
	r.known, r.answer, r.answeredAt = true, answer, now
	r.failure, r.settled, r.attemptedAt = nil, true, began
	return ended
}

// failed keeps why a call gave no answer, and reports whether that is news. began is zero when nothing was sent.
func (r *record) failed(failure *tair.Error, began time.Time) (news bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	news = r.failure == nil || r.failure.Reason != failure.Reason || r.failure.Code != failure.Code
	r.failure, r.settled = failure, true
	if !began.IsZero() {
		r.attemptedAt = began
	}
	if failure.Reason == tair.ReasonNotFound { // a deleted instance has no certificate that could expire
		r.known, r.answer, r.answeredAt = false, tair.SSL{}, time.Time{}
	}
	return news
}
