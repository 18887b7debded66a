package collector

import (
	"fmt"
	"testing"
)

// shardIDs are instance IDs as the cloud makes them.
func shardIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("r-bp1%011x", uint64(i)*0x9E3779B97F4A7C15>>20)
	}
	return ids
}

// shardsOf gives the shard of each ID and fails when one is not on exactly one.
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

func TestOneMoreShardMovesItsShareOnly(t *testing.T) {
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

// TestShardOfAnIDStaysTheSame pins the hash: with another one every instance would change its shard at an update.
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

func TestAShardWatchesItsInstancesOnly(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, shardIDs(40)...)
		w.setup.Shard = Shard{Index: 1, Total: 4}
		w.apply()
		w.scrape(soon)
		holds := w.setup.Shard.holder()
		asked := 0
		for _, r := range w.api.Requests() {
			asked++
			if !holds(r.InstanceID) {
				t.Errorf("%s is on another shard", r.InstanceID)
			}
		}
		if asked == 0 || asked > 20 {
			t.Errorf("%d of 40 instances are asked for by one of 4 shards", asked)
		}
	})
}
