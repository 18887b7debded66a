package tairtest

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// maxRequestBody is far more than any request should carry; it only keeps a runaway client from filling the memory.
const maxRequestBody = 1 << 20

// ServeHTTP answers one request. The order is: signature, quota, form, fault, latency, operation.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	entry := a.begin(r)
	defer a.end(entry)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
	if err != nil {
		a.abort(entry, CodeAborted)
	}
	c, apiErr := a.authenticate(r, body)
	if apiErr == nil {
		apiErr = a.admit(entry, c)
	}
	if apiErr == nil {
		apiErr = checkForm(r, c, body)
	}
	if apiErr != nil {
		a.wait(entry, r, a.latency)
		a.send(w, entry, renderError(r, *apiErr))
		return
	}

	fault := a.takeFault(c)
	a.wait(entry, r, a.latency+fault.Delay)
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
	}
	if foreign, ok := fault.replaces(); ok && !fault.Cut {
		a.send(w, entry, foreign)
		return
	}

	normal := a.operate(r, c)
	if fault.Cut {
		a.sendHalf(w, entry, normal)
	}
	a.send(w, entry, normal)
}

// begin logs a request as it arrives, so that one that hangs can be seen hanging.
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
	entry.Region = a.regionOf(query.Get("RegionId"), entry.InstanceID)
	return a.log.begin(entry)
}

// end counts a request out; one that ended without a word, by a panic, was aborted.
func (a *API) end(entry *Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.log.inFlight--
	if entry.Code == CodePending {
		entry.Code = CodeAborted
	}
}

// admit holds an authenticated request to the quota.
func (a *API) admit(entry *Request, c call) *APIError {
	a.mu.Lock()
	defer a.mu.Unlock()
	entry.Account = c.account
	return a.quota.accept(quotaKey{c.account, c.region, c.action}, a.now())
}

// wait holds a request back, and gives it up when its client goes away or the server closes.
func (a *API) wait(entry *Request, r *http.Request, d time.Duration) {
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

// note puts the outcome of a request in the log. It comes before the answer, so that whoever has the answer finds it there.
func (a *API) note(entry *Request, status int, code string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	entry.Status, entry.Code = status, code
}

func (a *API) send(w http.ResponseWriter, entry *Request, ans answer) {
	a.note(entry, ans.status, ans.code)
	a.writeHeader(w, ans)
	_, _ = w.Write(ans.body) // fails when the client has gone away
}

// sendHalf promises the whole answer, sends half of it and closes the connection; it does not return.
func (a *API) sendHalf(w http.ResponseWriter, entry *Request, ans answer) {
	a.note(entry, ans.status, CodeCut)
	a.writeHeader(w, ans)
	_, _ = w.Write(ans.body[:len(ans.body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// abort ends a request by closing its connection; it does not return.
func (a *API) abort(entry *Request, code string) {
	a.note(entry, 0, code)
	panic(http.ErrAbortHandler)
}

// wantsJSON tells whether the client asked for JSON. Without that the older products, this one among them, answer in XML.
func wantsJSON(r *http.Request) bool {
	for _, value := range r.Header.Values("Accept") {
		for item := range strings.SplitSeq(value, ",") {
			kind, _, _ := strings.Cut(item, ";")
			if strings.EqualFold(strings.TrimSpace(kind), "application/json") {
				return true
			}
		}
	}
	return false
}
