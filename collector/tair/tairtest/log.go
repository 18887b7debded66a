package tairtest

import "time"

// What Request.Code is when no answer of the API was sent.
const (
	CodeOK       = "OK"       // a success
	CodePending  = ""         // not answered yet
	CodeAborted  = "aborted"  // the client went away or the server closed before the answer, as at the end of Fault.Hang
	CodeReset    = "reset"    // Fault.Reset
	CodeCut      = "cut"      // Fault.Cut
	CodeRedirect = "redirect" // Fault.Redirect
	CodeBody     = "body"     // Fault.Body
)

// Request is one request that reached the API, whether accepted or not.
type Request struct {
	// At is when it arrived, by Options.Now.
	At time.Time
	// Action is x-acs-action.
	Action string
	// InstanceID is the parameter InstanceId.
	InstanceID string
	// Region is the parameter RegionId or, without one, the region of the instance.
	Region string
	// Account is the main account of the key, empty while the signature was not accepted.
	Account string
	// AccessKeyID is the key that the request claims, accepted or not.
	AccessKeyID string
	// Nonce is x-acs-signature-nonce.
	Nonce string
	// Status is the HTTP status sent, 0 when none was.
	Status int
	// Code is the API's own code, or one of the Code constants.
	Code string
}

// requestLog holds the requests in the order of arrival. It is guarded by API.mu.
type requestLog struct {
	keep     int
	entries  []*Request
	inFlight int
	most     int
}

func (l *requestLog) begin(r Request) *Request {
	if l.keep > 0 && len(l.entries) >= l.keep {
		l.entries = l.entries[len(l.entries)-l.keep+1:]
	}
	entry := &r
	l.entries = append(l.entries, entry)
	l.inFlight++
	l.most = max(l.most, l.inFlight)
	return entry
}

// Requests returns the log in the order of arrival. An entry has its Status and Code before the client gets the answer.
func (a *API) Requests() []Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]Request, len(a.log.entries))
	for i, r := range a.log.entries {
		all[i] = *r
	}
	return all
}

// ResetRequests empties the log and starts MaxInFlight anew.
func (a *API) ResetRequests() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.log.entries = nil
	a.log.most = a.log.inFlight
}

// MaxInFlight is the most requests that were being answered at the same time.
func (a *API) MaxInFlight() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.most
}

// InFlight is how many requests are being answered now.
func (a *API) InFlight() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.inFlight
}
