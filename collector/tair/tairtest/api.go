package tairtest

import (
	"sync"
	"sync/atomic"
	"time"
)

// Version is the API version that every request must name in x-acs-version.
const Version = "2015-01-01"

// Options are the fixed settings of an API.
type Options struct {
	// Now is the clock for dates, nonces, quotas and the request log. Nil means time.Now.
	Now func() time.Time
	// ClockOffset is how far the API's own clock is ahead of Now at the start; see SetClockOffset.
	ClockOffset time.Duration
	// Keys are the access keys known from the start; see API.SetKey.
	Keys []Key
	// Latency is how long each answer is held back.
	Latency time.Duration
	// KeepRequests is how many of the latest requests the log keeps, so that a fake which runs for days does not grow.
	// 0 keeps all.
	KeepRequests int
}

// Key is an access key of one main account.
type Key struct {
	// Account is the main account. Quotas and the visibility of instances hang on it.
	Account string
	// AccessKeyID names the key in the Credential part of Authorization.
	AccessKeyID string
	// AccessKeySecret signs the requests.
	AccessKeySecret string
	// SecurityToken makes the key a temporary one: requests must then carry it in x-acs-security-token. A key without
	// it refuses requests that carry one.
	SecurityToken string
}

// API is the fake. It is an http.Handler and safe for concurrent use; everything may be changed while it serves.
type API struct {
	now       func() time.Time
	offset    atomic.Int64 // nanoseconds that the API's clock is ahead of now
	latency   time.Duration
	closed    chan struct{}
	closeOnce sync.Once

	mu        sync.Mutex
	keys      map[string]Key
	instances map[string]Instance
	byRegion  map[string][]Instance // the same in the order of IDs; nil after a change: see inRegion
	regions   []Region
	faults    map[string]faultQueue
	nonces    nonceMemory
	quota     quota
	log       requestLog
}

// New returns an API without instances, faults or quota.
func New(opts Options) *API {
	a := &API{
		now:       opts.Now,
		latency:   opts.Latency,
		closed:    make(chan struct{}),
		keys:      make(map[string]Key),
		instances: make(map[string]Instance),
		faults:    make(map[string]faultQueue),
		nonces:    nonceMemory{seen: make(map[string]struct{})},
		quota:     quota{throttled: APIError{Status: 400, Code: "Throttling.User", Message: "Request was denied due to user flow control."}},
		log:       requestLog{keep: opts.KeepRequests},
	}
	if a.now == nil {
		a.now = time.Now
	}
	a.offset.Store(int64(opts.ClockOffset))
	for _, k := range opts.Keys {
		a.keys[k.AccessKeyID] = k
	}
	return a
}

// SetClockOffset sets how far the API's own clock is ahead of Options.Now; a negative offset sets it behind. The API holds
// x-acs-date against that clock and sends its time in the header Date. Quotas and the request log stay on Options.Now.
func (a *API) SetClockOffset(d time.Duration) { a.offset.Store(int64(d)) }

// clock returns the time of the API's own clock.
func (a *API) clock() time.Time { return a.now().Add(time.Duration(a.offset.Load())) }

// SetKey adds an access key, or replaces the one with the same AccessKeyID (a new secret or a new token).
func (a *API) SetKey(k Key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys[k.AccessKeyID] = k
}

// RevokeKey removes an access key: requests signed with it get 404 InvalidAccessKeyId.NotFound.
func (a *API) RevokeKey(accessKeyID string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.keys, accessKeyID)
}

// SetInstance adds an instance, or replaces the one with the same ID.
func (a *API) SetInstance(i Instance) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.instances[i.ID] = i.clone()
	a.byRegion = nil
}

// RemoveInstance removes an instance: its ID gets 404 InvalidInstanceId.NotFound like any unknown one.
func (a *API) RemoveInstance(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.instances, id)
	a.byRegion = nil
}

// SetRegions fixes the answer of DescribeRegions, in this order and with any repetition. Without it the regions of the
// known instances are listed, each with the host of the request itself as its endpoint.
func (a *API) SetRegions(regions ...Region) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.regions = append([]Region(nil), regions...)
}

// SetFault replaces the queue of faults of a target. The first fault of the queue acts until its Times are used up, then
// the next one. A target is, in the order in which they are asked: an instance ID; an operation in one region, as
// "DescribeInstances/cn-hangzhou"; an operation, as "DescribeRegions"; or "" for every request. The first queue that has
// something to do with a request decides and the ones after it are not counted down.
//
// Faults come after the signature, the quota and the names of operation and parameters, so they never cover a mistake of
// the client.
func (a *API) SetFault(target string, faults ...Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults[target] = append(faultQueue(nil), faults...)
}

// ClearFaults removes the faults of every target. Requests that already hang stay so.
func (a *API) ClearFaults() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.faults)
}

// Limit sets the quota: n calls in any stretch of time as long as window (a sliding window), counted for each region,
// operation and main account on its own, as the cloud does. What exceeds it is answered with the error of
// SetThrottleError and does not itself count. n of 0 lifts the quota. Counting starts anew with every call of Limit.
func (a *API) Limit(n int, window time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.quota.limit, a.quota.window = n, window
	a.quota.calls = make(map[quotaKey][]time.Time)
}

// SetThrottleError sets what calls above the quota are answered with. The default is 400 Throttling.User.
func (a *API) SetThrottleError(e APIError) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.quota.throttled = e
}

// Close ends every request that hangs or is held back, and every later one that would be, by closing its connection. It
// is only needed where the API is served by something else than a Server, whose own Close does the same for its requests.
func (a *API) Close() {
	a.closeOnce.Do(func() { close(a.closed) })
}
