package app_test

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
	"tair_ssl_exporter/internal/apptest"
)

// 64 servers scrape at the same time while the configuration is reloaded, instances come and go, calls fail and people look.
// Each is answered, or refused because there are too many. The requests in flight and the goroutines are bounded, and all is
// known in the end.
func TestEverythingAtTheSameTime(t *testing.T) {
	api, server := apptest.StartAPI(t)
	const listed, found, concurrency = 20, 30, 4
	instance := func(n int) tairtest.Instance {
		i := tairtest.Instance{ID: fmt.Sprintf("r-%d", n), Region: "cn-hangzhou", SSLEnabled: "Enable", ExpiresAt: time.Now().Add(time.Hour)}
		if n >= listed {
			i.Tags = map[string]string{"env": "prod"}
		}
		return i
	}
	for n := range listed + found {
		api.SetInstance(instance(n))
	}
	config := func(instances int) string {
		text := fmt.Sprintf("discovery_interval: 10s\napi: {qps: 1000, timeout: 300ms, concurrency: %d}\naccounts:\n  - credentials: {type: access_key, access_key_id: %s, access_key_secret: %s}\n"+
			"    endpoint: %s\n    region: cn-hangzhou\n    discovery: [{regions: [cn-hangzhou], tags: {env: prod}}]\n    instances:\n", concurrency, apptest.KeyID, apptest.KeySecret, server.URL)
		for n := range instances {
			text += fmt.Sprintf("      - {id: r-%d, labels: {team: t%d}}\n", n, n)
		}
		return text
	}
	path := apptest.File(t, "c.yml", config(listed))
	r := apptest.Start(t, "--config.file="+path, "--web.enable-lifecycle", "--scrape.timeout=2s", "--log.level=debug")
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()

	end := time.Now().Add(3 * time.Second)
	var all sync.WaitGroup
	var served, refused atomic.Int64
	until := func(do func(n int)) {
		all.Go(func() {
			for n := 0; time.Now().Before(end); n++ {
				do(n)
			}
		})
	}
	for range 64 {
		until(func(int) {
			switch status, body := apptest.Ask(t, client, http.MethodGet, r.URL+"/metrics"); status {
			case http.StatusOK:
				served.Add(1)
			case http.StatusServiceUnavailable:
				refused.Add(1)
				time.Sleep(10 * time.Millisecond) // as nobody scrapes again at once
			default:
				t.Errorf("status %d: %s", status, body)
			}
		})
	}
	for _, route := range []string{"/metrics/self", "/probe?target=r-1", "/probe?target=r-40", "/sd", "/", "/?q=r-1&sort=-name", "/calendar.ics?label=team:t1", "/config", "/-/ready"} {
		until(func(int) {
			if status, body := apptest.Ask(t, client, http.MethodGet, r.URL+route); status >= 500 && status != http.StatusServiceUnavailable {
				t.Errorf("%s: status %d: %s", route, status, body)
			}
		})
	}
	until(func(n int) {
		if err := os.WriteFile(path, []byte(config(listed-n%3)), 0o600); err != nil {
			t.Error(err)
		}
		if status, body := apptest.Ask(t, client, http.MethodPost, r.URL+"/-/reload"); status != http.StatusOK {
			t.Errorf("reload: status %d: %s", status, body)
		}
	})
	until(func(n int) { // what discovery finds
		changing := instance(listed + n%found)
		api.RemoveInstance(changing.ID)
		time.Sleep(5 * time.Millisecond)
		api.SetInstance(changing)
	})
	goroutines := 0
	until(func(int) {
		goroutines = max(goroutines, runtime.NumGoroutine())
		time.Sleep(time.Millisecond)
	})
	faults := []tairtest.Fault{{Reset: true}, {Cut: true}, {Hang: true}, {Delay: 200 * time.Millisecond}, {Body: []byte("{}")}, {}}
	until(func(n int) {
		api.SetFault(fmt.Sprintf("r-%d", n%(listed+found)), faults[n%len(faults)])
		time.Sleep(2 * time.Millisecond)
	})
	all.Wait()
	api.ClearFaults()
	apptest.Write(t, path, config(listed))
	if status, body := r.Post(t, "/-/reload"); status != http.StatusOK {
		t.Fatal(body)
	}
	apptest.WaitUntil(t, func() bool {
		_, body := r.Get(t, "/metrics")
		return countLines(body, "tair_ssl_scrape_success{", " 1") == listed+found
	})
	t.Logf("%d scrapes were served, %d refused; %d goroutines, %d calls in flight", served.Load(), refused.Load(), goroutines, api.MaxInFlight())
	if served.Load() == 0 {
		t.Error("no scrape was served")
	}
	// Twice as many calls: the fake API notices late that one has timed out. Clients, servers and the fake API are here too.
	if n := api.MaxInFlight(); n > 2*concurrency || goroutines > 1000 {
		t.Errorf("%d calls in flight, %d goroutines", n, goroutines)
	}
}

// countLines returns how many lines begin and end so.
func countLines(text, prefix, suffix string) (n int) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, prefix) && strings.HasSuffix(strings.TrimSpace(line), suffix) {
			n++
		}
	}
	return n
}
