//go:build linux

package faults

import (
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"tair_ssl_exporter/internal/apptest"
)

const (
	deadline = 8 * time.Second // of a scrape
	slack    = 3 * time.Second // what a busy machine may add
	pause    = time.Second     // an instance is called once a second at most
)

// shown is what a scrape shows of an instance.
type shown struct {
	success bool
	reason  string
	expires float64
}

// page is a scrape, by instance ID.
type page map[string]shown

// scrape returns what /metrics shows, and fails unless it is served in time.
func scrape(t *testing.T, url string) page {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "8")
	began := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if took := time.Since(began); err != nil || resp.StatusCode != http.StatusOK || took > deadline+slack {
		t.Fatalf("HTTP %d after %s, %v", resp.StatusCode, took, err)
	}
	p := make(page)
	for name, set := range map[string]func(s *shown, value float64, labels map[string]string){
		"tair_ssl_scrape_success":                       func(s *shown, v float64, _ map[string]string) { s.success = v == 1 },
		"tair_ssl_scrape_error_info":                    func(s *shown, _ float64, l map[string]string) { s.reason = l["reason"] },
		"tair_ssl_certificate_expiry_timestamp_seconds": func(s *shown, v float64, _ map[string]string) { s.expires = v },
	} {
		for _, m := range families[name].GetMetric() {
			labels := make(map[string]string)
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			s := p[labels["instance_id"]]
			set(&s, m.GetGauge().GetValue(), labels)
			p[labels["instance_id"]] = s
		}
	}
	return p
}

// run breaks and heals sites that one program watches, and wants everything to be known again two scrapes later.
func run(t *testing.T, sites []*site) {
	t.Helper()
	var config strings.Builder
	config.WriteString("api: {timeout: 3s, attempts: 1, concurrency: 50, qps: 1000}\naccounts:\n")
	for _, s := range sites {
		config.WriteString(s.config())
	}
	r := apptest.Start(t, "--config.file="+apptest.File(t, "c.yml", config.String()), "--log.level=debug")
	var p page
	apptest.WaitUntil(t, func() bool { // an attempt of the beginning may be slow
		p = scrape(t, r.URL)
		return !slices.ContainsFunc(sites, func(s *site) bool {
			return slices.ContainsFunc(s.ids, func(id string) bool { return !p[id].success })
		})
	})
	for _, s := range sites {
		s.checkWhole(t, "at the beginning", p)
	}
	time.Sleep(pause)
	for _, s := range sites {
		s.fail(t)
	}
	p = scrape(t, r.URL)
	for _, s := range sites {
		s.check(t, p)
	}
	for _, s := range sites {
		s.heal()
	}
	for range 2 {
		time.Sleep(pause)
		p = scrape(t, r.URL)
	}
	for _, s := range sites {
		s.checkWhole(t, "two scrapes after", p)
		if strings.Contains(r.Log(), s.key().AccessKeySecret) {
			t.Errorf("%s: the log has a secret", s.fault.name)
		}
	}
	if code := r.Stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// resources are what a process holds.
type resources struct {
	goroutines, files int
	heap              uint64
}

func held(t *testing.T) resources {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return resources{runtime.NumGoroutine(), len(files), m.HeapAlloc}
}

// wantBack runs a test and wants what it held to be free again, and little memory to be taken from the system.
func wantBack(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	before := held(t)
	var sys runtime.MemStats
	runtime.ReadMemStats(&sys)
	t.Run("", test)
	var now resources
	apptest.Within(t, 20*time.Second, 50*time.Millisecond, func() bool {
		now = held(t)
		return now.goroutines <= before.goroutines+2 && now.files <= before.files+2 && now.heap <= before.heap+16<<20
	})
	taken := sys.HeapSys
	runtime.ReadMemStats(&sys)
	if grown := int64(sys.HeapSys) - int64(taken); grown > 128<<20 {
		t.Errorf("the heap has grown by %d MiB", grown>>20)
	}
}

// TestEveryFault runs every fault for an instance alone, and one fault in every spread, all in one program.
func TestEveryFault(t *testing.T) {
	wantBack(t, func(t *testing.T) {
		var sites []*site
		all := faults()
		for _, f := range all {
			sites = append(sites, newSite(t, len(sites), f, spreads()[0]))
		}
		for _, s := range spreads()[1:] {
			sites = append(sites, newSite(t, len(sites), all[2], s))
		}
		run(t, sites)
	})
}
