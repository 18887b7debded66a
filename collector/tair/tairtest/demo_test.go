package tairtest

import (
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestDemoShowsEveryState(t *testing.T) {
	states := map[string]struct {
		first, second    string // codes of two calls
		minDays, maxDays int    // until the certificate expires; both 0: SSL is off
	}{
		DemoValid: {"OK", "OK", 30, 365}, DemoExpiring: {"OK", "OK", 7, 30}, DemoCritical: {"OK", "OK", 0, 7}, DemoExpired: {"OK", "OK", -30, 0},
		DemoDisabled: {"OK", "OK", 0, 0}, DemoThrottled: {"OK", "Throttling.User", 30, 365},
		DemoUnsupported: {first: "IncorrectEngineVersion", second: "IncorrectEngineVersion"},
		DemoDeleted:     {first: "InvalidInstanceId.NotFound", second: "InvalidInstanceId.NotFound"},
		DemoForbidden:   {first: "Forbidden.RAM", second: "Forbidden.RAM"},
	}
	synctest.Test(t, func(t *testing.T) { // which saves the time of the latency
		demo := NewDemo(func() time.Time { return testTime })
		f := serveOnPipe(t, demo.API)
		defer f.server.Close()
		defer f.client.CloseIdleConnections()
		shown, keys := map[string]bool{}, map[string]bool{}
		for _, account := range append(demo.Accounts, NewDemo(nil).Accounts...) {
			keys[account.Key.AccessKeyID], keys[account.Key.AccessKeySecret] = true, true
		}
		for _, account := range demo.Accounts {
			for _, i := range account.Instances {
				want := states[i.State]
				shown[i.State] = true
				request := "DescribeInstanceSSL InstanceId=" + i.ID + " RegionId=" + i.Region
				slowed := func(o DemoInstance) bool { return o.Region == i.Region && o.ID != i.ID }
				if i.State == DemoThrottled && slices.ContainsFunc(account.Instances, slowed) {
					t.Errorf("the throttled %s slows down another instance", i.ID)
				}
				r := f.send(newRequest(account.Key, request))
				if first, second := r.code(t), f.send(newRequest(account.Key, request)).code(t); first != want.first || second != want.second {
					t.Errorf("%s %s: %s, then %s", i.State, i.ID, first, second)
				}
				var body struct{ SSLEnabled, SSLExpiredTime string }
				_ = json.Unmarshal(r.body, &body) // code has done so before
				expires, _ := time.Parse(time.RFC3339, body.SSLExpiredTime)
				days := expires.Sub(testTime).Hours() / 24
				if on := want.minDays < want.maxDays; on != (body.SSLEnabled == "Enable") || on && (days <= float64(want.minDays) || days > float64(want.maxDays)) {
					t.Errorf("%s %s: SSL %q, %v days left", i.State, i.ID, body.SSLEnabled, days)
				}
			}
		}
		if len(shown) != len(states) || len(keys) != 8 {
			t.Errorf("states %v, %d different key IDs and secrets of 4 accounts", shown, len(keys))
		}
	})
}
