package tairtest

import "time"

// The values of Request.Code that are not error codes of the API.
const (
	CodeOK       = "OK"       // success
	CodePending  = ""         // no response yet
	CodeAborted  = "aborted"  // the client disconnected or the server closed before the response
	CodeReset    = "reset"    // Fault.Reset
	CodeCut      = "cut"      // Fault.Cut
	CodeRedirect = "redirect" // Fault.Redirect
	CodeBody     = "body"     // Fault.Body
)

// Request is one request in the log, accepted or refused.
type Request struct {
	// At is the time of arrival, by Options.Now.
	At time.Time
	// Action is x-acs-action.
	Action string
	// InstanceID is the parameter InstanceId.
	InstanceID string
	// Region is the parameter RegionId or Region, else the region of the instance.
	Region string
	// Account is the main account of the key; empty if the signature is invalid.
	Account string
	// AccessKeyID is the key in the Authorization header, even if the signature is invalid.
	AccessKeyID string
	// Nonce is x-acs-signature-nonce.
	Nonce string
	// Status is the HTTP status of the response; 0 if none was sent.
	Status int
	// Code is the API's error code, or one of the Code constants.
	Code string
}

// requestLog holds the requests in the order of arrival. API.mu guards it.
type requestLog struct {
	keep        int // 0: all
	entries     []*Request
	inFlight    int
	maxInFlight int
}

func (l *requestLog) begin(r Request) *Request {
	if l.keep > 0 && len(l.entries) >= l.keep {
		l.entries = l.entries[len(l.entries)-l.keep+1:]
	}
	entry := &r
	l.entries = append(l.entries, entry)
	l.inFlight++
	l.maxInFlight = max(l.maxInFlight, l.inFlight)
	return entry
}

// Requests returns a copy of the log, in the order of arrival. Status and Code are set before the client receives the
// response.
func (a *API) Requests() []Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]Request, len(a.log.entries))
	for i, r := range a.log.entries {
		all[i] = *r
	}
	return all
}

// ResetRequests empties the log and restarts MaxInFlight at the number of requests in flight.
func (a *API) ResetRequests() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.log.entries = nil
	a.log.maxInFlight = a.log.inFlight
}

// MaxInFlight returns the largest number of requests in flight at the same time.
func (a *API) MaxInFlight() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.maxInFlight
}

// InFlight returns the number of requests without a response yet.
func (a *API) InFlight() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.inFlight
}
