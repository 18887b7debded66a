package collector

import (
	"fmt"
	"slices"
	"testing"

	"tair_ssl_exporter/collector/tair"
)

// shardIDs returns instance IDs in the form of the cloud.
func shardIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("r-bp1%011x", uint64(i)*0x9E3779B97F4A7C15>>20)
	}
	return ids
}

// shardsOf returns the shard of each ID. It fails when an ID is not on exactly one.
func shardsOf(t *testing.T, ids []string, total int) []int {
	t.Helper()
	of := make([]int, len(ids))
	seen := make([]int, len(ids))
	for s := range total {
		holds := Shard{Index: s, Total: total}.holder()
		for i, id := range ids {
			if holds(id) {
				of[i] = s
				seen[i]++
			}
		}
	}
	for i, n := range seen {
		if n != 1 {
			t.Fatalf("%s is on %d of %d shards", ids[i], n, total)
		}
	}
	return of
}

func TestShardsAreEven(t *testing.T) {
	for _, total := range []int{2, 3, 4} {
		count := make([]int, total)
		for _, s := range shardsOf(t, shardIDs(1000), total) {
			count[s]++
		}
		even := 1000 / float64(total)
		for s, n := range count {
			if float64(n) < 0.85*even || float64(n) > 1.15*even {
				t.Errorf("shard %d of %d has %d instances, want %.0f within 15%%", s, total, n, even)
			}
		}
	}
}

func TestOneMoreShardMovesItsShareAlone(t *testing.T) {
	ids := shardIDs(1000)
	for total := 1; total < 8; total++ {
		before, after := shardsOf(t, ids, total), shardsOf(t, ids, total+1)
		moved := 0
		for i := range ids {
			if before[i] == after[i] {
				continue
			}
			moved++
			if after[i] != total {
				t.Fatalf("%s moves from shard %d to %d, not to the new one", ids[i], before[i], after[i])
			}
		}
		if share := 1000 / float64(total+1); float64(moved) < 0.7*share || float64(moved) > 1.3*share {
			t.Errorf("from %d to %d shards %d instances move, want about %.0f", total, total+1, moved, share)
		}
	}
}

// With another hash every instance would change its shard at an update.
func TestShardOfAnIDStaysTheSame(t *testing.T) {
	got := fmt.Sprint(shardsOf(t, []string{"r-bp1zxszhcgatnx", "r-bp1yyyyyyyyyyy", "r-gs5demo6h3ryl2vf", "r-t4n0123456789"}, 5))
	if want := "[1 1 1 3]"; got != want {
		t.Errorf("shards %s, want %s", got, want)
	}
}

func TestShardOutOfRangeIsRefused(t *testing.T) {
	for s, want := range map[Shard]string{
		{0, 1}: "<nil>", {2, 3}: "<nil>",
		{0, 1001}: "there are 1001 shards: at most 1000 are allowed",
		{0, 0}:    "there are 0 shards: at least 1 is needed",
		{3, 3}:    "shard 3 does not exist: with 3 shards they are 0 to 2",
		{-1, 2}:   "shard -1 does not exist: with 2 shards they are 0 to 1",
	} {
		if got := fmt.Sprint(s.Validate()); got != want {
			t.Errorf("%+v: %s, want %s", s, got, want)
		}
	}
}

// Listed or found, every instance is watched on one shard.
func TestEveryShardWatchesItsPart(t *testing.T) {
	seen := make(map[string]int)
	ids := shardIDs(80)
	for shard := range 3 {
		inBubble(t, func(w *world) {
			w.addRegions(hangzhou)
			w.addInstances("main", hangzhou, ids[:40]...)
			for _, id := range ids[40:] {
				w.createInstance("main", hangzhou, id)
			}
			w.setup.Shard = Shard{shard, 3}
			w.apply()
			watched := w.scrape(soon).infos()
			for _, id := range watched {
				seen[id]++
			}
			for _, r := range w.requests(tair.ActionDescribeInstanceSSL) {
				if !slices.Contains(watched, r.InstanceID) {
					t.Errorf("%s is on another shard", r.InstanceID)
				}
			}
		})
	}
	for _, id := range ids {
		if seen[id] != 1 {
			t.Errorf("%s is on %d shards", id, seen[id])
		}
	}
}
