package tairtest

import (
	"encoding/json"
	"net/http"
	"regexp"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
)

func TestDemoShowsEveryStateAsDescribed(t *testing.T) {
	// What the first and the second call for an instance in a state are answered with.
	answers := map[string][2]string{
		DemoValid: {"OK", "OK"}, DemoExpiring: {"OK", "OK"}, DemoCritical: {"OK", "OK"}, DemoExpired: {"OK", "OK"}, DemoDisabled: {"OK", "OK"},
		DemoUnsupported: {"IncorrectEngineVersion", "IncorrectEngineVersion"},
		DemoDeleted:     {"InvalidInstanceId.NotFound", "InvalidInstanceId.NotFound"},
		DemoForbidden:   {"Forbidden.RAM", "Forbidden.RAM"},
		DemoThrottled:   {"OK", "Throttling.User"},
	}
	const day = 24 * time.Hour
	lifetimes := map[string][2]time.Duration{
		DemoValid: {30 * day, 365 * day}, DemoExpiring: {7 * day, 30 * day}, DemoCritical: {0, 7 * day}, DemoExpired: {-30 * day, 0},
	}
	synctest.Test(t, func(t *testing.T) {
		demo := NewDemo(nil)
		l := NewPipeListener()
		server := Serve(demo.API, l)
		defer server.Close()
		transport := &http.Transport{DialContext: l.DialContext}
		defer transport.CloseIdleConnections()
		f := &fixture{t: t, api: demo.API, server: server, client: &http.Client{Transport: transport}}

		shown := map[string]bool{}
		for _, account := range demo.Accounts {
			for _, i := range account.Instances {
				shown[i.State] = true
				for n, want := range answers[i.State] {
					r := f.send(dated(newRequest(account.Key, "DescribeInstanceSSL", "InstanceId", i.ID, "RegionId", i.Region)))
					if code := r.code(t); code != want {
						t.Errorf("%s %s, call %d: %s, want %q", i.State, i.ID, n+1, code, want)
						continue
					}
					var body struct {
						SSLEnabled     string
						SSLExpiredTime time.Time
					}
					if err := json.Unmarshal(r.body, &body); err != nil {
						t.Fatal(err)
					}
					if i.State == DemoDisabled && body.SSLEnabled != "Disable" {
						t.Errorf("%s: SSLEnabled is %q", i.ID, body.SSLEnabled)
					}
					if within, dated := lifetimes[i.State]; dated {
						left := time.Until(body.SSLExpiredTime)
						if body.SSLEnabled != "Enable" || left <= within[0] || left > within[1] {
							t.Errorf("%s %s: %s, %v left", i.State, i.ID, body.SSLEnabled, left)
						}
					}
				}
			}
		}
		if len(shown) != len(answers) {
			t.Errorf("%d states are shown, want %d: %v", len(shown), len(answers), shown)
		}
	})
}

func TestDemoIsADozenRealLookingInstances(t *testing.T) {
	demo := NewDemo(time.Now)
	looksReal := regexp.MustCompile(`^r-[a-z0-9]{16}$`)
	ids, regions, labels, neighbours := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string][]string{}
	chinese := false
	for _, account := range demo.Accounts {
		if account.Key.AccessKeyID == "" || account.Key.AccessKeySecret == "" || account.Key.Account != account.Name {
			t.Errorf("account %s has no usable key", account.Name)
		}
		for _, i := range account.Instances {
			if !looksReal.MatchString(i.ID) || ids[i.ID] {
				t.Errorf("ID %s is repeated or does not look real", i.ID)
			}
			ids[i.ID], regions[i.Region] = true, true
			place := account.Name + "/" + i.Region
			neighbours[place] = append(neighbours[place], i.State)
			for name := range i.Labels {
				labels[name] = true
			}
			for _, letter := range i.Name {
				chinese = chinese || unicode.Is(unicode.Han, letter)
			}
		}
	}
	if len(demo.Accounts) != 2 || len(regions) != 2 || len(ids) != 12 || !labels["team"] || !labels["env"] || !chinese {
		t.Errorf("%d accounts, regions %v, %d instances, labels %v, Chinese name %v", len(demo.Accounts), regions, len(ids), labels, chinese)
	}
	for place, states := range neighbours {
		for _, state := range states {
			if state == DemoThrottled && len(states) > 1 {
				t.Errorf("the throttled instance slows down others in %s", place)
			}
		}
	}
}

func TestDemoKeysDiffer(t *testing.T) {
	a, b := NewDemo(nil), NewDemo(nil)
	seen := map[string]bool{}
	for _, account := range append(a.Accounts, b.Accounts...) {
		if seen[account.Key.AccessKeyID] || seen[account.Key.AccessKeySecret] {
			t.Error("a key is used twice")
		}
		seen[account.Key.AccessKeyID], seen[account.Key.AccessKeySecret] = true, true
	}
}
