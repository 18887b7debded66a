package tairtest

import "time"

// quotaKey is what the cloud counts calls by.
type quotaKey struct {
	account, region, action string
}

// quota counts calls in a sliding window. API.mu guards it.
type quota struct {
	limit    int // 0: no quota
	window   time.Duration
	calls    map[quotaKey][]time.Time // accepted calls in the window, oldest first
	exceeded APIError
}

// count counts a call. It returns the error of a call above the quota, which does not count.
func (q *quota) count(key quotaKey, now time.Time) *APIError {
	if q.limit <= 0 {
		return nil
	}
	calls := q.calls[key]
	for len(calls) > 0 && now.Sub(calls[0]) >= q.window {
		calls = calls[1:]
	}
	if len(calls) >= q.limit {
		q.calls[key] = calls
		refused := q.exceeded
		return &refused
	}
	q.calls[key] = append(calls, now)
	return nil
}
