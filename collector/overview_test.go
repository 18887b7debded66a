package collector

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/collector/tair/tairtest"
)

func TestOverviewShowsWhatIsKnown(t *testing.T) {
	inBubble(t, func(w *world) {
		if o := w.exporter.Overview(); len(o.Instances)+len(o.Regions) != 0 || o.Complete {
			t.Errorf("before the first setup: %+v", o)
		}
		w.setup.LabelNames = []string{"env", "team"}
		w.setup.DiscoveryInterval = time.Hour
		w.setup.Renewals = []RenewalList{{Account: "main", Home: hangzhou}}
		w.api.SetEvents(w.update(1, "r-near", 2*day, 0))
		w.applyMain("r-far r-gone r-near r-off r-old r-pending")
		w.setup.Instances[2].Name, w.setup.Instances[2].Labels = "carts", map[string]string{"team": "payments"}
		w.setup.Instances[2].Windows = Windows{Warning: 30 * day, Critical: 7 * day}
		w.apply()
		w.api.SetInstance(withSSL("main", hangzhou, "r-far", w.began.Add(90*day)))
		w.api.SetInstance(withSSL("main", hangzhou, "r-near", w.began.Add(5*day)))
		w.api.SetInstance(tairtest.Instance{ID: "r-off", Account: "main", Region: hangzhou, SSLEnabled: "Disable"})
		w.api.SetInstance(withSSL("main", hangzhou, "r-pending", w.began.Add(day)))
		w.api.RemoveInstance("r-gone")
		w.api.SetFault("r-old", failWith(400, "InvalidRedisVersionPattern"))
		w.api.SetFault("r-pending", tairtest.Fault{Hang: true})
		w.settle()
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		if deferred := w.exporter.Pass(ctx); deferred != 0 {
			t.Errorf("%d instances were not sent", deferred)
		}
		if got := w.exporter.Progress(); got != (Progress{Complete: true, Asked: 5, Instances: 6}) {
			t.Errorf("progress: %+v", got)
		}
		var got strings.Builder
		o := w.exporter.Overview()
		for _, i := range o.Instances {
			_, _ = fmt.Fprintf(&got, "%s %s %v known=%t enabled=%t %s", i.ID, i.Name, i.Labels, i.Known, i.SSL.Enabled, i.SSL.UnsupportedCode)
			if i.Failure != nil {
				_, _ = fmt.Fprintf(&got, " %s", i.Failure.Reason)
			}
			if i.Renewal != nil {
				_, _ = fmt.Fprintf(&got, " renewal in %v", i.Renewal.SwitchTime.Sub(w.began))
			}
			_, _ = fmt.Fprintf(&got, " pending=%t\n", i.Pending)
		}
		want := strings.TrimLeft(`
r-near carts map[team:payments] known=true enabled=true  renewal in 48h0m0s pending=false
r-far  map[] known=true enabled=true  pending=false
r-gone  map[] known=false enabled=false  not_found pending=false
r-off  map[] known=true enabled=false  pending=false
r-old  map[] known=true enabled=false InvalidRedisVersionPattern pending=false
r-pending  map[] known=false enabled=false  pending=true
`, "\n")
		if got.String() != want {
			t.Errorf("got\n%s\nwant\n%s", got.String(), want)
		}
		if len(o.Regions) != 1 || o.Regions[0] != (RegionStatus{Account: "main", Region: hangzhou, Instances: 6, QPS: 1e6}) || !o.Complete {
			t.Errorf("regions: %+v, complete: %t", o.Regions, o.Complete)
		}
		if len(o.Renewals) != 1 || !o.Renewals[0].SucceededAt.Equal(w.began) || len(o.Renewals[0].Failures) != 0 {
			t.Errorf("renewals: %+v", o.Renewals)
		}
		if want := (ReloadStatus{SucceededAt: w.began}); o.Reload != want {
			t.Errorf("reload: %+v, want %+v", o.Reload, want)
		}
		w.exporter.ReloadFailed()
		if got, want := w.exporter.Overview().Reload, (ReloadStatus{Failed: true, SucceededAt: w.began}); got != want {
			t.Errorf("after a failed reload: %+v, want %+v", got, want)
		}
	})
}

// A pass at the start waits for what has never been listed.
func TestPassWaitsForTheFirstLists(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		w.setup.DiscoveryInterval = time.Hour
		w.setup.Renewals = []RenewalList{{Account: "main", Home: hangzhou}}
		w.api.SetInstance(withSSL("main", hangzhou, "r-1", w.began.Add(5*day)))
		w.api.SetEvents(w.update(1, "r-1", 2*day, 0))
		w.api.SetFault(tair.ActionDescribeActiveOperationTasks, tairtest.Fault{Delay: 2 * time.Second})
		w.applyMain("r-1")
		w.exporter.Pass(w.t.Context())
		if o := w.exporter.Overview(); o.Instances[0].Renewal == nil {
			t.Errorf("the scheduled renewal is not known: %+v", o.Instances[0])
		}
	})
}

// An account without credentials is known before anything is asked.
func TestCredentialsAreTriedOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		w.applyTwoAccounts()
		w.account("main").failWith(func(context.Context) error { return &creds.Error{Type: creds.TypeDefault, Class: "chain"} })
		w.exporter.TryCredentials(w.t.Context())
		w.wantLog(accountFails + "reason=credentials detail=.*ALIBABA_CLOUD_ACCESS_KEY_ID.*none has a key.*")
		for _, r := range w.exporter.Overview().Regions {
			if failed := r.Refusal != nil && r.Refusal.Credentials.Class == "chain"; failed != (r.Account == "main") {
				t.Errorf("%+v", r)
			}
		}
		w.scrape(soon) // logs nothing more
		w.wantLog()
	})
}
