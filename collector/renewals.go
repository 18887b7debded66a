package collector

import (
	"context"
	"slices"
	"time"

	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"tair_ssl_exporter/collector/tair"
)

// renewalGrace is how long after its time a scheduled update is still shown, if the API still lists it.
const renewalGrace = 24 * time.Hour

// listRenewals makes one attempt to list the scheduled certificate updates of an account.
func (d *discovery) listRenewals(ctx context.Context, account string, list *renewalList) (ok bool) {
	home, _ := d.target(list.home)
	found, err := home.Client.DescribeRenewals(ctx)
	if ctx.Err() != nil {
		return false
	}
	failure := asError(err)
	before, unreadable := d.noteRenewals(list, found, failure)
	d.auth[account].learn(list.home.region, failure)
	switch {
	case failure == nil && before != nil && !concernsCredentials(before):
		_ = level.Info(d.logger).Log("msg", "the scheduled renewals can be listed again", "account", account, "was", before.Reason)
	case failure != nil && !concernsCredentials(failure) && !failure.Same(before):
		pairs := append([]any{"msg", "cannot list the scheduled renewals", "account", account}, failureDetails(failure)...)
		if failure.Reason == tair.ReasonForbidden {
			pairs = append(pairs, "hint", "allow kvstore:"+tair.ActionDescribeActiveOperationTasks+" on * to the identity, or set renewals: false")
		}
		_ = level.Warn(d.logger).Log(pairs...)
	}
	for _, r := range unreadable {
		_ = level.Warn(d.logger).Log("msg", "a scheduled renewal has no readable dates and is left out", "account", account,
			"instance_id", r.InstanceID, "event_id", r.EventID)
	}
	return failure == nil
}

// noteRenewals keeps what an attempt has found. It returns the failure of the attempt before, and the events without
// readable dates that the log does not know yet.
func (d *discovery) noteRenewals(list *renewalList, found []tair.Renewal, failure *tair.Error) (before *tair.Error, unreadable []tair.Renewal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !list.tried {
		d.publishSoon()
	}
	before = list.note(failure, d.now())
	if failure != nil {
		return before, nil
	}
	found = slices.DeleteFunc(found, func(r tair.Renewal) bool {
		if !r.Readable() && !list.reported[r.EventID] {
			list.reported[r.EventID] = true
			unreadable = append(unreadable, r)
		}
		return !r.Readable()
	})
	if !slices.Equal(list.found, found) {
		list.found = found
		d.publishSoon()
	}
	return before, unreadable
}

// scheduledRenewal is a scheduled update of an instance and its metrics.
type scheduledRenewal struct {
	tair.Renewal
	metrics []prometheus.Metric
}

// byInstance returns the scheduled updates of each instance, the earliest first.
func byInstance(renewals []tair.Renewal) map[string][]tair.Renewal {
	all := make(map[string][]tair.Renewal, len(renewals))
	for _, r := range renewals {
		all[r.InstanceID] = append(all[r.InstanceID], r)
	}
	for _, of := range all {
		slices.SortFunc(of, func(a, b tair.Renewal) int { return a.SwitchTime.Compare(b.SwitchTime) })
	}
	return all
}

// renewal returns the scheduled update of the instance that comes first and is not over; nil: none.
func (i *instance) renewal(now time.Time) *scheduledRenewal {
	for n, r := range i.renewals {
		if now.Sub(r.SwitchTime) <= renewalGrace {
			return &i.renewals[n]
		}
	}
	return nil
}

// collectRenewal sends the metrics of the scheduled update.
func (i *instance) collectRenewal(ch chan<- prometheus.Metric, now time.Time) {
	if r := i.renewal(now); r != nil {
		for _, m := range r.metrics {
			ch <- m
		}
	}
}
