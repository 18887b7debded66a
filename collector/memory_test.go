package collector

import (
	"testing"
	"time"
)

func TestOutageLongerThanKeepLast(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1")
		w.setup.KeepLast = time.Hour
		w.apply()
		w.wantState(w.scrape(soon), "r-1", knownAt0m)

		w.api.SetFault("r-1", fails(500, "InternalError"))
		pass(time.Hour - time.Second)
		w.wantState(w.scrape(soon), "r-1", "success=0 error=server,InternalError last=0s supported=1 enabled=1"+
			" expiry=2400h0m0s in=2399h0m1s"+cert)
		pass(time.Second)
		w.wantState(w.scrape(soon), "r-1", "success=0 error=server,InternalError")

		w.api.ClearFaults()
		w.wantState(w.scrape(soon), "r-1", "success=1 last=1h0m0s supported=1 enabled=1 expiry=2400h0m0s in=2399h0m0s"+cert)
	})
}

func TestKeepLastOfZeroKeepsNothing(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1")
		w.setup.KeepLast = 0
		w.apply()
		w.wantState(w.scrape(soon), "r-1", knownAt0m)
		w.api.SetFault("r-1", fails(500, "InternalError"))
		w.wantState(w.scrape(soon), "r-1", "success=0 error=server,InternalError") // at the same instant
		w.api.ClearFaults()
		w.wantState(w.scrape(soon), "r-1", knownAt0m)
	})
}

// An answer is served from memory only while it is young, and a kept one is not renewed by being served.
func TestRefreshIntervalServesFromMemory(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1", "r-2")
		w.setup.RefreshInterval = 10 * time.Minute
		w.apply()
		w.api.SetFault("r-2", fails(500, "InternalError"))
		w.scrape(soon)

		w.api.ResetRequests()
		pass(4 * time.Minute)
		p := w.scrape(soon)
		w.wantState(p, "r-1", "success=1 last=0s supported=1 enabled=1 expiry=2400h0m0s in=2399h56m0s"+cert)
		w.wantState(p, "r-2", "success=0 error=server,InternalError")
		if got := w.asked(); got != "r-2" {
			t.Errorf("asked for %q, want only the one that failed", got)
		}

		w.api.ClearFaults()
		w.scrape(soon)
		w.api.ResetRequests()
		pass(6*time.Minute - time.Second)
		w.wantState(w.scrape(soon), "r-1", "success=1 last=0s supported=1 enabled=1 expiry=2400h0m0s in=2399h50m1s"+cert)
		if got := w.asked(); got != "" {
			t.Errorf("asked for %q, want none", got)
		}
		pass(time.Second)
		w.wantState(w.scrape(soon), "r-1", "success=1 last=10m0s supported=1 enabled=1 expiry=2400h0m0s in=2399h50m0s"+cert)
		if got := w.asked(); got != "r-1" {
			t.Errorf("asked for %q, want r-1", got)
		}
	})
}

func TestExpiresInGoesBelowZeroFromMemory(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1")
		w.setup.RefreshInterval = time.Hour
		w.apply()
		w.api.SetInstance(enabled("main", hangzhou, "r-1", w.began.Add(time.Minute)))
		w.wantState(w.scrape(soon), "r-1", "success=1 last=0s supported=1 enabled=1 expiry=1m0s in=1m0s"+cert)
		pass(90 * time.Second)
		w.wantState(w.scrape(soon), "r-1", "success=1 last=0s supported=1 enabled=1 expiry=1m0s in=-30s"+cert)
		if n := len(w.api.Requests()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

// A failure is asked for again however young the answer before it is.
func TestFailureIsNotServedFromMemory(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1")
		w.apply()
		w.scrape(soon)
		w.api.SetFault("r-1", fails(500, "InternalError"))
		w.scrape(soon)
		w.setup.RefreshInterval = time.Hour
		w.apply()
		w.api.ClearFaults()
		w.wantState(w.scrape(soon), "r-1", knownAt0m)
	})
}
