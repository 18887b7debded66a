package collector

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
)

// update is a scheduled update of the certificate of an instance, so long after the beginning of the world.
func (w *world) update(id int64, instance string, after, deadline time.Duration) tairtest.Event {
	e := tairtest.Event{Account: "main", ID: id, InsName: instance, Region: hangzhou, SwitchTime: w.began.Add(after).UTC().Format(time.RFC3339)}
	if deadline > 0 {
		e.Deadline = w.began.Add(deadline).UTC().Format(time.RFC3339)
	}
	return e
}

// wantRenewal compares the scheduled update that a page reports for an instance, as the times since the beginning; 0: none.
func (w *world) wantRenewal(p page, id string, scheduled, deadline time.Duration) {
	w.t.Helper()
	for name, want := range map[string]time.Duration{"scheduled": scheduled, "deadline": deadline} {
		got, ok := p.value("renewal_"+name+"_timestamp_seconds", "instance_id", id)
		if at := time.Unix(int64(got), 0); ok != (want != 0) || ok && !at.Equal(w.began.Add(want)) {
			w.t.Errorf("%s: renewal_%s at %v (there: %t), want %v after the beginning", id, name, at, ok, want)
		}
	}
}

func TestScheduledRenewals(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addTarget("main", hangzhou)
		w.addInstances("main", hangzhou, "r-1", "r-2", "r-3")
		w.setup.DiscoveryInterval = 10 * time.Minute
		w.setup.Renewals = []RenewalList{{Account: "main", Home: hangzhou}}
		w.api.SetEvents(w.update(1, "r-1", 9*day, 16*day), w.update(2, "r-1", 2*day, 0), w.update(3, "r-2", 3*day, 0),
			w.update(4, "r-unwatched", day, 0), tairtest.Event{Account: "main", ID: 5, InsName: "r-3", SwitchTime: "soon"})
		w.apply()
		advance(time.Second)
		p := w.scrape(soon)
		w.wantRenewal(p, "r-1", 2*day, 0) // the earliest
		w.wantRenewal(p, "r-2", 3*day, 0)
		w.wantRenewal(p, "r-3", 0, 0)
		w.wantRenewal(p, "r-unwatched", 0, 0)
		p.want(1, "renewals_last_refresh_successful", "account", "main")
		p.want(float64(w.began.Unix()), "renewals_last_success_timestamp_seconds", "account", "main")
		if lines := w.log.take(); len(lines) != 1 || !strings.Contains(lines[0], "instance_id=r-3 event_id=5") {
			t.Errorf("logged %q, want the unreadable event once", lines)
		}

		w.api.SetFault("DescribeActiveOperationTasks", failWith(403, "Forbidden.RAM"))
		advance(time.Hour)
		p = w.scrape(soon)
		w.wantRenewal(p, "r-2", 3*day, 0) // kept
		p.want(0, "renewals_last_refresh_successful", "account", "main")
		p.want(1, "renewals_error_info", "account", "main", "reason", "forbidden", "code", "Forbidden.RAM")
		if lines := w.log.take(); len(lines) != 1 || !strings.Contains(lines[0], "allow kvstore:DescribeActiveOperationTasks") {
			t.Errorf("logged %q, want the failure once with a hint", lines)
		}

		w.api.ClearFaults()
		w.api.SetEvents(w.update(1, "r-1", 9*day, 16*day))
		advance(time.Hour)
		w.apply() // a reload keeps what is known
		p = w.scrape(soon)
		w.wantRenewal(p, "r-1", 9*day, 16*day)
		w.wantRenewal(p, "r-2", 0, 0) // done, or canceled

		w.api.SetFault("DescribeActiveOperationTasks", failWith(500, "InternalError"))
		advance(10*day - 3*time.Hour)
		w.wantRenewal(w.scrape(soon), "r-1", 9*day, 16*day)
		advance(2 * time.Hour)
		w.wantRenewal(w.scrape(soon), "r-1", 0, 0) // a day after its time
	})
}

func TestRenewalsDelayNoScrape(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addTarget("main", hangzhou)
		w.addInstances("main", hangzhou, "r-1")
		w.setup.DiscoveryInterval = time.Minute
		w.setup.Renewals = []RenewalList{{Account: "main", Home: hangzhou}}
		w.api.SetFault("DescribeActiveOperationTasks", tairtest.Fault{Hang: true})
		w.apply()
		w.scrape(soon)
		if took := time.Since(w.began); took != 0 || w.exporter.Ready() != nil {
			t.Errorf("a scrape took %v, ready: %v", took, w.exporter.Ready())
		}
	})
}

func TestExpiryWindows(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addTarget("main", hangzhou)
		w.addInstances("main", hangzhou, "r-listed")
		w.setup.Instances[0].Windows = Windows{Warning: 60 * day, Critical: 14 * day}
		for id, tags := range map[string]map[string]string{
			"r-plain": {}, "r-tagged": {"warn": "21d", "page": "3d"}, "r-short": {"warn": "2d"}, "r-odd": {"warn": "soon", "page": "-1d"},
		} {
			i := withSSL("main", hangzhou, id, w.began.Add(100*day))
			i.Tags = tags
			w.api.SetInstance(i)
		}
		w.addSource(Source{Account: "main", Regions: []string{hangzhou}, Windows: Windows{Warning: 30 * day, Critical: 7 * day}, WarningTag: "warn", CriticalTag: "page"})
		w.apply()
		p := w.scrape(soon)
		for id, want := range map[string][]time.Duration{
			"r-listed": {60 * day, 14 * day}, "r-plain": {30 * day, 7 * day}, "r-tagged": {21 * day, 3 * day},
			"r-short": {2 * day, 2 * day}, "r-odd": {30 * day, 7 * day},
		} {
			warning, _ := p.value("expiry_warning_seconds", "instance_id", id)
			critical, _ := p.value("expiry_critical_seconds", "instance_id", id)
			if got := []time.Duration{time.Duration(warning) * time.Second, time.Duration(critical) * time.Second}; !slices.Equal(got, want) {
				t.Errorf("%s: windows %v, want %v", id, got, want)
			}
		}
		advance(time.Hour)
		warnings := 0
		for _, line := range w.log.take() {
			if strings.Contains(line, "no duration such as 14d") && strings.Contains(line, "example=r-odd") {
				warnings++
			}
		}
		if warnings != 1 {
			t.Errorf("%d warnings of the tag, want one", warnings)
		}
	})
}
