package tairtest

import "time"

// nonceMemory holds the nonces that were used. API.mu guards it.
type nonceMemory struct {
	seen  map[string]struct{}
	order []usedNonce // oldest first
}

type usedNonce struct {
	nonce string
	at    time.Time
}

// use stores a nonce and reports whether it is new. It forgets nonces whose requests would be refused for their dates: a
// date can be clockSkew ahead, so it expires after twice clockSkew at the latest.
func (m *nonceMemory) use(nonce string, now time.Time) bool {
	for len(m.order) > 0 && now.Sub(m.order[0].at) > 2*clockSkew {
		delete(m.seen, m.order[0].nonce)
		m.order = m.order[1:]
	}
	if _, used := m.seen[nonce]; used {
		return false
	}
	m.seen[nonce] = struct{}{}
	m.order = append(m.order, usedNonce{nonce, now})
	return true
}
