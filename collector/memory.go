package collector

import "sync"

// instanceKey names an instance in the memory: the same ID in another account or region is another instance.
type instanceKey struct {
	accountRegion
	id string
}

// memory is what is known of the instances. It outlives every inventory.
type memory struct {
	descs *instanceDescs

	mu      sync.Mutex
	records map[instanceKey]*record
}

func newMemory() *memory {
	return &memory{descs: newInstanceDescs(), records: make(map[instanceKey]*record)}
}

// record returns what is known of an instance, which may be nothing yet.
func (m *memory) record(key instanceKey) *record {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.records[key]
	if r == nil {
		r = newRecord(key.id, m.descs)
		m.records[key] = r
	}
	return r
}

// forgetAllBut forgets the instances that are not in an inventory, but for those of accounts of which some list has never
// succeeded: what such a list has yet to find must not be lost.
func (m *memory) forgetAllBut(inv *inventory, unlisted map[string]bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, r := range m.records {
		if i := inv.byID[key.id]; (i == nil || i.record != r) && !unlisted[key.account] {
			delete(m.records, key)
		}
	}
}
