package collector

import (
	"fmt"
	"strconv"

	"github.com/cespare/xxhash/v2"
	"github.com/dgryski/go-rendezvous"
)

// Shard is the part of the instances that one of several exporters with the same configuration watches.
type Shard struct {
	Index int // from 0
	Total int // at least 1
}

// maxShards is far beyond what any fleet needs.
const maxShards = 1000

// Validate returns what is wrong with the shard.
func (s Shard) Validate() error {
	switch {
	case s.Total > maxShards:
		return fmt.Errorf("there are %d shards: at most %d are allowed", s.Total, maxShards)
	case s.Total < 1:
		return fmt.Errorf("there are %d shards: at least 1 is needed", s.Total)
	case s.Index < 0 || s.Index >= s.Total:
		return fmt.Errorf("shard %d does not exist: with %d shards they are 0 to %d", s.Index, s.Total, s.Total-1)
	}
	return nil
}

// holder returns a function that reports whether an instance ID is on the shard. Each ID is on exactly one, by rendezvous hashing
// (highest random weight, Thaler and Ravishankar 1996): one more shard moves no ID but to the new one.
func (s Shard) holder() func(id string) bool {
	if s.Total <= 1 {
		return func(string) bool { return true }
	}
	names := make([]string, s.Total)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	shards := rendezvous.New(names, xxhash.Sum64String)
	return func(id string) bool { return shards.Lookup(id) == names[s.Index] }
}
