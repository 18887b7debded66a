package collector

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
)

func TestScrapeEndsAtItsDeadline(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addTarget("main", shanghai, concurrency(2))
		w.addInstances("main", shanghai, "r-hangs-1", "r-hangs-2", "r-hangs-3")
		w.applyMain("r-1 r-2 r-3")
		w.api.SetFault("DescribeInstanceSSL/"+shanghai, tairtest.Fault{Hang: true})
		p := w.scrape(2 * time.Second)
		w.wantElapsed(2 * time.Second)
		p.wantState("r-1", valid("r-1", 0, 2*time.Second))
		for _, id := range []string{"r-hangs-1", "r-hangs-2", "r-hangs-3"} {
			p.wantState(id, pending)
		}
		p.want(1, "scrape_deferred_instances") // two were sent
		p.want(2, "scrape_duration_seconds")
	})
}

func TestScrapeEndsWhenItsClientDisconnects(t *testing.T) {
	inBubble(t, func(w *world) {
		w.applyMain("r-1")
		w.api.SetFault("", tairtest.Fault{Hang: true})
		ctx, cancel := context.WithCancel(w.t.Context())
		time.AfterFunc(time.Second, cancel)
		w.get(ctx, w.metrics(soon))
		w.wantElapsed(time.Second)
	})
}

func TestScrapeInFlightEndsOnTheOldSetup(t *testing.T) {
	inSlowBubble(t, 2*time.Second, func(w *world) {
		w.setup.LabelNames = []string{"team"}
		w.applyMain("r-1 r-2", concurrency(1))
		before := w.scrapeAfter(0, soon)
		advance(time.Second)
		w.setup.Instances = w.setup.Instances[:1]
		w.setup.LabelNames = []string{"env"}
		w.setup.Instances[0].Labels = map[string]string{"team": "payments", "env": "prod"}
		w.apply()
		after := w.scrapeAfter(0, soon)
		before().wantSuccess("r-1", "r-2")
		p := after()
		p.wantSuccess("r-1")
		p.wantState("r-2", "")
		wantEqual(t, "watched", p.infos("env", "team"), "r-1 env=prod team=")
		p.want(1, "instances", "account", "main", "region", hangzhou)
	})
}

// A value that no metric can hold costs its own metrics alone.
func TestOneBadInstanceHidesNoOther(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addInstances("main", hangzhou, "r-1")
		w.setup.Instances[0].Name = "\xff"
		w.applyMain("r-2")
		w.scrape(soon).wantSuccess("r-2")
		w.wantLog(`level=error caller=http.go:[0-9]+ msg="cannot serve some metrics" err=.*the label name is not UTF-8.*`)
	})
}

func TestOverlappingScrapesShareTheCalls(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		w.applyMain("r-1 r-2 r-3")
		pages := make([]func() page, 3)
		for i := range pages {
			pages[i] = w.scrapeAfter(time.Duration(i)*400*time.Millisecond, soon)
		}
		for _, wait := range pages {
			wait().wantPrefix("success=1 last=1s", "r-1", "r-2", "r-3")
		}
		w.wantElapsed(time.Second)
		w.wantOnceEach("r-1 r-2 r-3")
	})
}

// An answer that comes after a scrape reads the clock, and before it requests the instance, serves it.
func TestAnswerAtTheBeginningCounts(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		held := make(chan struct{})
		w.exporter.now = func() time.Time { // holds the second scrape after it has read the clock
			now := time.Now()
			if now.Sub(w.began) == 500*time.Millisecond {
				<-held
			}
			return now
		}
		w.applyMain("r-1")
		first, second := w.scrapeAfter(0, soon), w.scrapeAfter(500*time.Millisecond, soon)
		advance(2 * time.Second)
		close(held)
		first()
		second().wantState("r-1", valid("r-1", time.Second, 2*time.Second))
		w.wantRequestedIDs("r-1")
	})
}

// What a scrape requests is still sent for another one when the first ends.
func TestScrapeThatEndsTakesNothingFromAnother(t *testing.T) {
	inSlowBubble(t, time.Second, func(w *world) {
		w.applyMain("r-1 r-2 r-3", concurrency(1))
		short, long := w.scrapeAfter(0, 1500*time.Millisecond), w.scrapeAfter(200*time.Millisecond, soon)
		short().want(1, "scrape_deferred_instances")
		long().want(0, "scrape_deferred_instances")
		w.wantOnceEach("r-1 r-2 r-3")
	})
}

// Two Prometheus servers share the calls, at the same time and half a scrape apart.
func TestTwoServersShareTheCalls(t *testing.T) {
	for _, offset := range []time.Duration{0, 975 * time.Millisecond} {
		t.Run(offset.String(), func(t *testing.T) {
			inSlowBubble(t, 50*time.Millisecond, func(w *world) {
				ids := makeIDs("r", 40)
				w.applyMain(strings.Join(ids, " "), defaultLimits) // 40 calls at 20 a second take 2 s
				for n := range 6 {
					w.api.ResetRequests()
					began := time.Now()
					other := make(chan time.Duration)
					go func() {
						advance(offset)
						other <- w.scrapeWithoutPage(soon)
					}()
					took := w.scrapeWithoutPage(soon)
					if took2 := <-other; max(took, took2) > 2500*time.Millisecond {
						t.Errorf("the scrapes took %v and %v", took, took2)
					}

					// An answer from before the second scrape began is too old for it.
					times, want := make(map[string]int), make(map[string]int)
					for _, r := range w.api.Requests() {
						times[r.InstanceID]++
						if r.At.Sub(began)+50*time.Millisecond < offset {
							want[r.InstanceID] = 2
						}
					}
					for _, id := range ids {
						if want := max(1, want[id]); times[id] != want {
							t.Errorf("round %d: %s was requested %d times, want %d", n, id, times[id], want)
						}
					}
					advance(15*time.Second - time.Since(began))
				}
			})
		})
	}
}

// A region whose calls hang, and an account whose key is refused, cost the others nothing: the last request for the
// instances of each other group is sent at the same time as without the failure.
func TestFailureOfOneDelaysNoOther(t *testing.T) {
	const (
		groups    = 8
		instances = 25
		failing   = 5
		timeout   = 9500 * time.Millisecond
		margin    = 3 * time.Millisecond // between two runs in which the same happens
	)
	group := func(n int) string { return fmt.Sprintf("group-%d", n) }
	for _, tt := range []struct {
		name string
		at   func(n int) accountRegion
		fail func(w *world)
		took time.Duration // by the scrape, at most
	}{
		{"dead region", func(n int) accountRegion { return accountRegion{"main", group(n)} },
			func(w *world) { w.api.SetFault("DescribeInstanceSSL/"+group(failing), tairtest.Fault{Hang: true}) }, timeout},
		{"refused account", func(n int) accountRegion { return accountRegion{group(n), hangzhou} },
			func(w *world) { w.revoke(group(failing)) }, 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			run := func(fail func(w *world), atMost time.Duration) (last [groups]time.Duration) {
				inSlowBubble(t, 50*time.Millisecond, func(w *world) {
					for n := range groups {
						at := tt.at(n)
						w.addTarget(at.account, at.region, defaultLimits)
						w.addInstances(at.account, at.region, makeIDs(group(n), instances)...)
					}
					w.apply()
					fail(w)
					if took := w.scrapeWithoutPage(timeout); took > atMost {
						t.Errorf("the scrape took %v", took)
					}
					sent := len(w.api.Requests())
					advance(6 * time.Second) // until the last request has timed out
					requests := w.api.Requests()
					if more := len(requests) - sent; more != 0 {
						t.Errorf("%d requests after the scrape", more)
					}
					byID := make(map[string][]tairtest.Request)
					for _, r := range requests {
						byID[r.InstanceID] = append(byID[r.InstanceID], r)
					}
					for n := range groups {
						for _, id := range makeIDs(group(n), instances) {
							switch r := byID[id]; {
							case n == failing:
							case len(r) != 1 || r[0].Code != tairtest.CodeOK:
								t.Errorf("%s: %v, want one request and its answer", id, r)
							default:
								last[n] = max(last[n], r[0].At.Sub(w.began))
							}
						}
					}
				})
				return last
			}
			without, with := run(func(*world) {}, 2*time.Second), run(tt.fail, tt.took)
			for n := range groups {
				if (with[n] - without[n]).Abs() > margin {
					t.Errorf("%s: done after %v, without the failure after %v", group(n), with[n], without[n])
				}
			}
		})
	}
}

// Scrapes with too little and with enough time, changes of the setup and every kind of failure run at the same time. Every
// page is consistent, nothing stays behind, and a scrape in the end knows everything.
func TestEverythingAtOnce(t *testing.T) {
	inSlowBubble(t, 20*time.Millisecond, func(w *world) {
		w.setup.LabelNames = []string{"team"}
		for _, account := range []string{"main", "other"} {
			for _, region := range []string{hangzhou, shanghai} {
				w.addTarget(account, region, concurrency(4), qps(400), attempts(2))
				w.addInstances(account, region, makeIDs("r-"+account+"-"+region, 5)...)
			}
		}
		w.apply()
		var all sync.WaitGroup
		for n := range 6 {
			all.Go(func() {
				for i := range 12 {
					advance(time.Duration(n*7+i%5) * time.Millisecond)
					w.scrape(time.Duration(5+40*(i%4)) * time.Millisecond)
				}
			})
		}
		all.Go(func() {
			setup := w.setup
			for i := range 16 {
				advance(25 * time.Millisecond)
				setup.Instances = w.setup.Instances[i%7:]
				if err := w.exporter.Apply(setup); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			faults := []tairtest.Fault{{Reset: true}, {Cut: true}, failWith(500, "InternalError"), failWith(400, "Throttling.User"),
				failWith(400, "InvalidSecurityToken.Expired"), {Delay: 200 * time.Millisecond}, {Body: []byte("{}")}, {}}
			for i := range 16 {
				advance(20 * time.Millisecond)
				w.api.SetFault("", faults[i%len(faults)])
			}
		})
		all.Wait()
		w.api.ClearFaults()
		advance(time.Minute)
		w.apply()
		p := w.scrape(time.Minute)
		for _, i := range w.setup.Instances {
			p.wantSuccess(i.ID)
		}
		p.want(0, "scrape_deferred_instances")
		if most := w.api.MaxInFlight(); most > 4*4 {
			t.Errorf("%d requests at a time, want at most 4 for each account and region", most)
		}
	})
}
