package app_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
	"tair_ssl_exporter/internal/apptest"
)

// 64 servers scrape at the same time while the configuration is reloaded, instances come and go, calls fail and people look.
// Each is answered, or refused because there are too many, and all is known in the end.
func TestEverythingAtTheSameTime(t *testing.T) {
	api, server := apptest.StartAPI(t)
	const listed, found = 20, 30
	for n := range listed + found {
		i := tairtest.Instance{ID: fmt.Sprintf("r-%d", n), Region: "cn-hangzhou", SSLEnabled: "Enable", ExpiresAt: time.Now().Add(time.Hour)}
		if n >= listed {
			i.Tags = map[string]string{"env": "prod"}
		}
		api.SetInstance(i)
	}
	config := func(instances int) string {
		text := fmt.Sprintf("discovery_interval: 10s\napi: {qps: 1000, timeout: 1s}\naccounts:\n  - credentials: {type: access_key, access_key_id: %s, access_key_secret: %s}\n"+
			"    endpoint: %s\n    region: cn-hangzhou\n    discovery: [{regions: [cn-hangzhou], tags: {env: prod}}]\n    instances:\n", apptest.KeyID, apptest.KeySecret, server.URL)
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
	t.Logf("%d scrapes were served, %d refused", served.Load(), refused.Load())
	if served.Load() == 0 {
		t.Error("no scrape was served")
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
