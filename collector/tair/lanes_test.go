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
		var listing sync.WaitGroup
		listing.Go(func() { _, _ = r.list(Filter{}) })
		<-time.After(time.Second)
		began := time.Now()
		if _, err := r.ask(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("the call took %s beside a listing that hangs", took)
		}
		listing.Wait()
	})
}

func TestListingsCountForTheRate(t *testing.T) {
	inBubble(t, ClientConfig{QPS: 2}, func(t *testing.T, r *rig) {
		began := time.Now()
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() { _, _ = r.ask() })
			all.Go(func() { _, _ = r.list(Filter{}) })
		}
		all.Wait()
		if took := time.Since(began); took < 4500*time.Millisecond {
			t.Errorf("10 calls of both kinds took %s at 2 a second", took)
		}
	})
}
