package collector

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"tair_ssl_exporter/collector/tair"
)

// firstBackoff is the time from the first lasting failure of an instance to its next call, when answers are served from
// memory. It doubles for each further one, up to the refresh interval.
const firstBackoff = time.Minute

// record is what is known of one instance.
type record struct {
	id    string
	label *dto.LabelPair // the instance ID, shared by all metrics
	descs *instanceDescs

	mu          sync.Mutex
	known       bool // answer and answeredAt are set
	answer      tair.SSL
	answeredAt  time.Time
	settled     bool        // there is a result
	failure     *tair.Error // the latest result; nil: success, or none yet
	attemptedAt time.Time   // when the request of the latest result was sent; zero: never
	lasting     int         // lasting failures in a row
	reported    *tair.Error // the failure that the log knows; nil: none

	// Prepared metrics, made again when what they show changes.
	status   []prometheus.Metric // of the latest result
	answered []prometheus.Metric // of the answer
}

func newRecord(id string, descs *instanceDescs) *record {
	r := &record{id: id, descs: descs, label: descs.names.pair(idLabel, id)}
	r.prepareStatus()
	return r
}

// due reports whether a scrape that began at now needs a call for the instance, and when the latest one was sent. refused:
// the API refuses the credentials that such a call is signed with.
func (r *record) due(now time.Time, refresh time.Duration, refused bool) (due bool, attemptedAt time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !r.settled:
		due = true
	case r.failure == nil:
		due = now.Sub(r.answeredAt) >= refresh
	case r.failure.Reason == tair.ReasonUnauthorized && !refused: // the credentials work again
		due = true
	case r.lasting > 0:
		due = now.Sub(r.attemptedAt) >= min(refresh, firstBackoff<<min(r.lasting-1, 20))
	default:
		due = true
	}
	return due, r.attemptedAt
}

// succeeded keeps the answer to a request that was sent at sentAt, and returns the failure that the log has to take back.
// An answer older than the latest result is ignored.
func (r *record) succeeded(answer tair.SSL, sentAt, now time.Time) (ended *tair.Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if sentAt.Before(r.attemptedAt) {
		return nil
	}
	r.known, r.answer, r.answeredAt = true, answer, now
	r.settled, r.failure, r.attemptedAt, r.lasting = true, nil, sentAt, 0
	ended, r.reported = r.reported, nil
	r.prepareStatus()
	r.answered = r.descs.answered(r.label, answer, now)
	return ended
}

// failed keeps why a request that was sent at sentAt has no answer. A failure older than the latest result is ignored.
func (r *record) failed(failure *tair.Error, sentAt time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if sentAt.Before(r.attemptedAt) {
		return
	}
	r.attemptedAt = sentAt
	if failure.Transient() {
		r.lasting = 0
	} else {
		r.lasting++
	}
	r.fail(failure)
}

// refused keeps a failure of the account for an instance for which nothing was sent.
func (r *record) refused(failure *tair.Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail(failure)
}

// fail is called with r.mu held.
func (r *record) fail(failure *tair.Error) {
	if failure.Reason == tair.ReasonNotFound { // a deleted instance has no certificate that could expire
		r.known, r.answer, r.answeredAt, r.answered = false, tair.SSL{}, time.Time{}, nil
	}
	same := r.settled && r.failure.Same(failure)
	r.settled, r.failure = true, failure
	if !same {
		r.prepareStatus()
	}
}

// hasResult reports whether an attempt or a failure of the account has ended the first request.
func (r *record) hasResult() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.settled
}

// report reports whether the log has to say that the instance fails, and counts on it.
func (r *record) report(failure *tair.Error) (news bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	news = !failure.Same(r.reported)
	r.reported = failure
	return news
}

// prepareStatus is called with r.mu held.
func (r *record) prepareStatus() {
	switch {
	case !r.settled:
		r.status = r.descs.failed(r.label, ReasonPending, "")
	case r.failure != nil:
		r.status = r.descs.failed(r.label, r.failure.Reason, r.failure.Code)
	default:
		r.status = r.descs.succeeded(r.label)
	}
}

// addTo adds what is known of the instance at now. After a failure an answer is served for less than keepLast.
func (r *record) addTo(s *InstanceStatus, now time.Time, keepLast time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Pending, s.Failure = !r.settled, r.failure
	if r.known && r.serves(now, keepLast) {
		s.Known, s.SSL, s.AnsweredAt = true, r.answer, r.answeredAt
	}
}

// serves reports whether the answer is still served at now. r.mu is held.
func (r *record) serves(now time.Time, keepLast time.Duration) bool {
	return r.failure == nil || now.Sub(r.answeredAt) < keepLast
}

// collect sends the metrics of the instance at now. After a failure an answer is served for less than keepLast.
func (r *record) collect(ch chan<- prometheus.Metric, now time.Time, keepLast time.Duration) {
	r.mu.Lock()
	status, answered, answer := r.status, r.answered, r.answer
	if !r.serves(now, keepLast) {
		answered, answer = nil, tair.SSL{}
	}
	r.mu.Unlock()
	for _, m := range status {
		ch <- m
	}
	for _, m := range answered {
		ch <- m
	}
	if answer.Enabled {
		ch <- newPreparedGauge(r.descs.expiresIn, float64(answer.ExpiresAt.UnixMilli()-now.UnixMilli())/1000, r.label)
	}
}
