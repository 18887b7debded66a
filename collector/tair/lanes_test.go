package tair

import (
	"sync"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
)

func TestASlowListingDelaysNoOtherCall(t *testing.T) {
	inBubble(t, ClientConfig{Concurrency: 1}, func(t *testing.T, r *rig) {
		r.api.SetFault(ActionDescribeInstances, tairtest.Fault{Delay: 4 * time.Second})
		go func() { _, _ = r.list(Filter{}) }()
		pass(time.Second)
		began := time.Now()
		r.wantSSL()
		if took := time.Since(began); took != 0 {
			t.Errorf("the call took %s beside a listing that hangs", took)
		}
		pass(time.Minute) // the listing ends
	})
}

func TestListingsCountForTheRate(t *testing.T) {
	inBubble(t, ClientConfig{QPS: 2}, func(t *testing.T, r *rig) {
		began := time.Now()
		var listings sync.WaitGroup
		for range 5 {
			listings.Go(func() { _, _ = r.list(Filter{}) })
		}
		r.burst(5)
		listings.Wait()
		if took := time.Since(began); took < 4500*time.Millisecond {
			t.Errorf("10 calls of both kinds took %s at 2 a second", took)
		}
	})
}

// Each connection of an account and region costs memory, so one that a listing has left idle serves other calls.
func TestListingsShareTheConnections(t *testing.T) {
	inBubble(t, ClientConfig{}, func(t *testing.T, r *rig) {
		_, _ = r.list(Filter{})
		r.wantSSL()
		if n := r.server.Connections(); n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
	})
}
