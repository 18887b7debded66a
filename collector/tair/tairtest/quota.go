package tairtest

import "time"

// quotaKey is what the cloud counts calls by.
type quotaKey struct {
	account, region, action string
}

// quota counts calls in a sliding window. It is guarded by API.mu.
type quota struct {
	limit     int
	window    time.Duration
	calls     map[quotaKey][]time.Time // accepted calls within the window, oldest first
	throttled APIError
}

// accept counts a call, or returns the error of one above the quota.
func (q *quota) accept(key quotaKey, now time.Time) *APIError {
	if q.limit <= 0 {
		return nil
	}
	calls := q.calls[key]
	for len(calls) > 0 && now.Sub(calls[0]) >= q.window {
		calls = calls[1:]
	}
	if len(calls) >= q.limit {
		q.calls[key] = calls
		refused := q.throttled
		return &refused
	}
	q.calls[key] = append(calls, now)
	return nil
}

// nonceMemory remembers used nonces. It is guarded by API.mu.
type nonceMemory struct {
	seen  map[string]struct{}
	order []usedNonce // oldest first
}

type usedNonce struct {
	nonce string
	at    time.Time
}

// use remembers a nonce and tells whether it is new. One is forgotten when a replay of its request would be refused for its
// date alone: a date may lie clockSkew ahead, and is then refused after twice as long.
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
