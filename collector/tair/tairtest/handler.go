package tairtest

import (
	"cmp"
	"io"
	"net/http"
	"time"
)

// maxRequestBody protects the memory from a faulty client. Valid requests have no body.
const maxRequestBody = 1 << 20

// ServeHTTP answers one request. It checks the signature, the quota and the parameters, applies the fault and the
// latency, then performs the operation.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	entry := a.begin(r)
	defer a.end(entry)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
	if err != nil {
		a.abort(entry, CodeAborted)
	}
	c, apiErr := a.authenticate(r, body)
	if apiErr == nil {
		apiErr = a.checkQuota(entry, c)
	}
	if apiErr == nil {
		apiErr = checkParameters(r, c, body)
	}
	if apiErr != nil {
		a.delay(entry, r, a.latency)
		a.send(w, entry, renderError(r, *apiErr))
		return
	}

	fault := a.nextFault(c)
	a.delay(entry, r, a.latency+fault.Delay)
	switch {
	case fault.Error != nil:
		a.send(w, entry, renderError(r, *fault.Error))
		return
	case fault.Hang:
		select {
		case <-r.Context().Done():
		case <-a.closed:
		}
		a.abort(entry, CodeAborted)
	case fault.Reset:
		a.abort(entry, CodeReset)
	case fault.Cut:
		a.sendHalf(w, entry, a.perform(r, c))
	}
	if override, ok := fault.response(); ok {
		a.send(w, entry, override)
		return
	}
	a.send(w, entry, a.perform(r, c))
}

// begin logs a request as it arrives, so that the log also shows requests that hang.
func (a *API) begin(r *http.Request) *Request {
	query := r.URL.Query()
	entry := Request{
		At:         a.now(),
		Action:     r.Header.Get("x-acs-action"),
		InstanceID: query.Get("InstanceId"),
		Nonce:      r.Header.Get("x-acs-signature-nonce"),
	}
	if auth, err := parseAuthorization(r.Header.Get("Authorization")); err == nil {
		entry.AccessKeyID = auth.accessKeyID
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	entry.Region = a.regionOf(cmp.Or(query.Get("RegionId"), query.Get("Region")), entry.InstanceID)
	return a.log.begin(entry)
}

// end counts a request as done. A request that is still pending has panicked.
func (a *API) end(entry *Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.log.inFlight--
	if entry.Code == CodePending {
		entry.Code = CodeAborted
	}
}

// checkQuota counts an authenticated request against the quota.
func (a *API) checkQuota(entry *Request, c call) *APIError {
	a.mu.Lock()
	defer a.mu.Unlock()
	entry.Account = c.account
	return a.quota.count(quotaKey{c.account, c.region, c.action}, a.now())
}

// delay waits for d. It aborts the request when the client disconnects or the server closes first.
func (a *API) delay(entry *Request, r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		a.abort(entry, CodeAborted)
	case <-a.closed:
		a.abort(entry, CodeAborted)
	}
}

// record logs the result of a request. Callers record before they send, so that a client that has its response also
// finds it in the log.
func (a *API) record(entry *Request, status int, code string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	entry.Status, entry.Code = status, code
}

func (a *API) send(w http.ResponseWriter, entry *Request, resp response) {
	a.record(entry, resp.status, resp.code)
	a.writeHeader(w, resp)
	_, _ = w.Write(resp.body) // fails when the client has disconnected
}

// sendHalf sends the headers and half of the body, then closes the connection. It does not return.
func (a *API) sendHalf(w http.ResponseWriter, entry *Request, resp response) {
	a.record(entry, resp.status, CodeCut)
	a.writeHeader(w, resp)
	_, _ = w.Write(resp.body[:len(resp.body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// abort ends a request by closing its connection. It does not return.
func (a *API) abort(entry *Request, code string) {
	a.record(entry, 0, code)
	panic(http.ErrAbortHandler)
}
