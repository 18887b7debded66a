//go:build soak && linux

package faults

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tair_ssl_exporter/internal/apptest"
)

// TestSoak breaks and heals accounts at random for SOAK (5m) while two servers scrape, the configuration is reloaded and
// people look. In the end everything is known, and what the program held is free again. SEED repeats a run.
func TestSoak(t *testing.T) {
	length, seed := 5*time.Minute, uint64(time.Now().UnixNano())
	if s := os.Getenv("SOAK"); s != "" {
		length, _ = time.ParseDuration(s)
	}
	if s := os.Getenv("SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("SEED=%d SOAK=%s", seed, length)
	chance := rand.New(rand.NewPCG(seed, 0))

	var sites []*site
	for _, f := range faults() {
		if f.host != resolvedHost { // a process of its own has the resolver of the machine
			sites = append(sites, newSite(t, len(sites), f, spread{"5", 5, func(_ string, n int64) bool { return n%10 < 7 }}))
		}
	}
	config := func(keepDays int) string {
		text := fmt.Sprintf("keep_last: %dd\napi: {timeout: 3s, attempts: 2, concurrency: 20, qps: 1000}\naccounts:\n", keepDays)
		for _, s := range sites {
			text += s.config()
		}
		return text
	}
	path := apptest.File(t, "c.yml", config(30))
	p := startProcess(t, io.Discard, "", "--config.file="+path, "--log.level=debug")
	wantWhole := func(when string) {
		t.Helper()
		got := scrape(t, p.url)
		for _, s := range sites {
			s.checkWhole(t, when, got)
		}
	}
	for range 2 {
		_ = scrape(t, p.url)
		time.Sleep(pause)
	}
	wantWhole("at the beginning")
	before := p.held(t)

	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var scrapes atomic.Int64
	var servers sync.WaitGroup
	for range 2 {
		servers.Go(func() {
			for ctx.Err() == nil {
				got := scrape(t, p.url)
				scrapes.Add(1)
				for _, s := range sites { // the answer of before is kept, or there is a newer one
					for _, id := range s.ids {
						if e := got[id].expires; e != float64(expiresAt.Unix()) && (s.expires.IsZero() || e != float64(s.expires.Unix())) {
							t.Errorf("%s: %s expires at %v", s.fault.name, id, e)
						}
					}
				}
				sleep(ctx, 2*time.Second)
			}
		})
	}
	broken := make(map[*site]bool)
	broke, reloads := 0, 0
	for ctx.Err() == nil {
		switch s := sites[chance.IntN(len(sites))]; {
		case broken[s]:
			s.heal()
			s.end, broken[s] = nil, false
		case chance.IntN(3) > 0:
			s.fail(t)
			broken[s] = true
			broke++
		case chance.IntN(2) == 0:
			apptest.Write(t, path, config(20+chance.IntN(10)))
			if status := p.reload(t); status != http.StatusOK {
				t.Errorf("reload: status %d", status)
			}
			reloads++
		default:
			for _, route := range []string{"/", "/calendar.ics", "/sd", "/config", "/metrics/self", "/probe?target=" + s.ids[0]} {
				if status, _ := apptest.Ask(t, http.DefaultClient, http.MethodGet, p.url+route); status >= http.StatusBadRequest {
					t.Errorf("%s: status %d", route, status)
				}
			}
		}
		sleep(ctx, time.Duration(chance.IntN(500))*time.Millisecond)
	}
	servers.Wait()
	for s, isBroken := range broken {
		if isBroken {
			s.heal()
		}
	}
	for range 2 {
		time.Sleep(pause)
		_ = scrape(t, p.url)
	}
	time.Sleep(pause)
	wantWhole("in the end")
	var after resources
	apptest.Within(t, time.Minute, time.Second, func() bool {
		after = p.held(t)
		return after.goroutines <= before.goroutines+10 && after.files <= before.files+10 && after.heap <= before.heap+16<<20
	})
	t.Logf("%d instances in %d accounts, %d scrapes, %d faults, %d reloads", 5*len(sites), len(sites), scrapes.Load(), broke, reloads)
	t.Logf("before: %d goroutines, %d files, %d MiB heap; after: %d goroutines, %d files, %d MiB heap",
		before.goroutines, before.files, before.heap>>20, after.goroutines, after.files, after.heap>>20)
	p.wantExit0(t)
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// held returns what the process says that it holds.
func (p *process) held(t *testing.T) resources {
	t.Helper()
	_, text := apptest.Ask(t, http.DefaultClient, http.MethodGet, p.url+"/metrics/self")
	value := func(name string) float64 {
		m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("no %s in:\n%s", name, text)
		}
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	return resources{int(value("go_goroutines")), int(value("process_open_fds")), uint64(value("go_memstats_heap_inuse_bytes"))}
}
