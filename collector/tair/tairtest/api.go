package tairtest

import (
	"sync"
	"sync/atomic"
	"time"
)

// Version is the API version that every request must send in x-acs-version.
const Version = "2015-01-01"

// Options are the settings of a new API. The zero Options are valid.
type Options struct {
	// Now is the time for dates, nonces, quotas and the request log. Nil means time.Now.
	Now func() time.Time
	// ClockOffset is how far the API's clock is ahead of Now at the start; see SetClockOffset.
	ClockOffset time.Duration
	// Keys are the access keys at the start; see SetKey.
	Keys []Key
	// Latency is the delay before each response.
	Latency time.Duration
	// KeepRequests is the number of latest requests that the log keeps; 0 keeps all. A fake that runs for days needs a
	// limit.
	KeepRequests int
}

// Key is an access key of one main account.
type Key struct {
	// Account is the main account. It has its own quota and sees its own instances.
	Account string
	// AccessKeyID is the Credential part of the Authorization header.
	AccessKeyID string
	// AccessKeySecret signs the requests.
	AccessKeySecret string
	// SecurityToken makes the key a temporary one: every request must carry it in x-acs-security-token. Without it,
	// requests that carry a token are refused.
	SecurityToken string
}

// API is the fake, an http.Handler. It is safe for concurrent use, and all its settings may change while it serves.
type API struct {
	now       func() time.Time
	offset    atomic.Int64 // of the API's clock from now, in nanoseconds
	latency   time.Duration
	closed    chan struct{}
	closeOnce sync.Once

	mu        sync.Mutex
	keys      map[string]Key
	instances map[string]Instance
	byRegion  map[string][]Instance // instances, sorted by ID; nil after a change: see inRegion
	regions   []Region
	events    []Event
	faults    map[string]faultQueue
	nonces    nonceMemory
	quota     quota
	log       requestLog
}

// New returns an API without instances, events, faults or quota.
func New(opts Options) *API {
	a := &API{
		now:       opts.Now,
		latency:   opts.Latency,
		closed:    make(chan struct{}),
		keys:      make(map[string]Key),
		instances: make(map[string]Instance),
		faults:    make(map[string]faultQueue),
		nonces:    nonceMemory{seen: make(map[string]struct{})},
		quota:     quota{exceeded: APIError{Status: 400, Code: "Throttling.User", Message: "Request was denied due to user flow control."}},
		log:       requestLog{keep: opts.KeepRequests},
	}
	if a.now == nil {
		a.now = time.Now
	}
	a.SetClockOffset(opts.ClockOffset)
	for _, k := range opts.Keys {
		a.keys[k.AccessKeyID] = k
	}
	return a
}

// SetClockOffset sets how far the API's clock is ahead of Options.Now; a negative offset sets it behind. The header Date
// of every response shows that clock. A request whose x-acs-date is more than 15 minutes from it, in either direction,
// gets 400 InvalidTimeStamp.Expired. Quotas, nonces and the request log use Options.Now.
func (a *API) SetClockOffset(d time.Duration) { a.offset.Store(int64(d)) }

// clock returns the time of the API's clock.
func (a *API) clock() time.Time { return a.now().Add(time.Duration(a.offset.Load())) }

// SetKey adds an access key, or replaces the key with the same AccessKeyID.
func (a *API) SetKey(k Key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys[k.AccessKeyID] = k
}

// RevokeKey removes an access key. Requests signed with it get 404 InvalidAccessKeyId.NotFound.
func (a *API) RevokeKey(accessKeyID string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.keys, accessKeyID)
}

// SetInstance adds an instance, or replaces the instance with the same ID.
func (a *API) SetInstance(i Instance) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.instances[i.ID] = i.clone()
	a.byRegion = nil
}

// RemoveInstance removes an instance. Requests for its ID then get 404 InvalidInstanceId.NotFound.
func (a *API) RemoveInstance(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.instances, id)
	a.byRegion = nil
}

// SetRegions sets what DescribeRegions returns, in this order and with any repetition. Until then it returns the regions
// of the instances, each with the host of the request as its endpoint.
func (a *API) SetRegions(regions ...Region) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.regions = append([]Region(nil), regions...)
}

// SetFault replaces the faults of a target. The first fault acts until its Times are used up, then the next one. A target
// is one of
//
//   - an instance ID
//   - an operation in one region, "DescribeInstances/cn-hangzhou" or "DescribeActiveOperationTasks/all"
//   - an operation, "DescribeRegions"
//   - "", every request
//
// The targets of a request are tried in this order until a fault acts. The faults after it do not count the request.
//
// A request meets faults only after its signature, its quota, its operation and the names of its parameters are checked,
// so a fault never hides a mistake of the client.
func (a *API) SetFault(target string, faults ...Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults[target] = append(faultQueue(nil), faults...)
}

// ClearFaults removes all faults. Requests that hang already keep hanging.
func (a *API) ClearFaults() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.faults)
}

// Limit sets the quota: at most n calls in any window (a sliding window), for each region, operation and main account, as
// in the cloud. Calls above it get the error of SetThrottleError and do not count. n of 0 removes the quota. Every call of
// Limit restarts the counting.
func (a *API) Limit(n int, window time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.quota.limit, a.quota.window = n, window
	a.quota.calls = make(map[quotaKey][]time.Time)
}

// SetThrottleError sets the error of calls above the quota. The default is 400 Throttling.User.
func (a *API) SetThrottleError(e APIError) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.quota.exceeded = e
}

// Close ends every request that hangs or is delayed, now and later, by closing its connection. An API behind a Server
// does not need it, because Server.Close ends the Server's requests.
func (a *API) Close() {
	a.closeOnce.Do(func() { close(a.closed) })
}
