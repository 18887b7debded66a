package tairtest

import (
	"net/http"
	"time"
)

// Fault is one way to fail. It has a Delay, or one of Error, Hang, Reset, Cut, Redirect and Body (with Status and
// ContentType), or both. If several are set, the first in this order acts. After a Delay alone the normal response follows.
type Fault struct {
	// After is the number of requests that the fault lets pass first.
	After int
	// Times is the number of requests that the fault acts on; 0 means no limit.
	Times int

	// Delay is the time before the response, on top of Options.Latency. It ends early when the client disconnects or
	// the server closes.
	Delay time.Duration
	// Error is sent as an error of the API.
	Error *APIError
	// Hang sends nothing until the client disconnects or the server closes.
	Hang bool
	// Reset closes the connection and sends nothing.
	Reset bool
	// Cut sends the headers and half of the body of the normal response, then closes the connection.
	Cut bool
	// Redirect is sent as the header Location, with Status or 307.
	Redirect string
	// Body replaces the body of the response, with Status or 200, and ContentType or that of JSON. A Status alone sends
	// an empty body.
	Body []byte
	// ContentType is the Content-Type of Body.
	ContentType string
	// Status is the HTTP status of Body or Redirect.
	Status int
}

// response returns the response of a fault with a Redirect, a Body or a Status.
func (f Fault) response() (response, bool) {
	status := f.Status
	switch {
	case f.Redirect != "":
		if status == 0 {
			status = http.StatusTemporaryRedirect // clients repeat a POST as a POST
		}
		return response{status: status, code: CodeRedirect, location: f.Redirect}, true
	case f.Body != nil || f.Status != 0:
		if status == 0 {
			status = http.StatusOK
		}
		kind := f.ContentType
		if kind == "" {
			kind = contentTypeJSON
		}
		return response{status: status, code: CodeBody, contentType: kind, body: f.Body}, true
	}
	return response{}, false
}

// faultQueue holds the faults of one target, the next one first.
type faultQueue []Fault

// next counts a request. It returns the fault that acts on it, if any, and the new queue.
func (q faultQueue) next() (Fault, bool, faultQueue) {
	if len(q) == 0 {
		return Fault{}, false, q
	}
	first := &q[0]
	if first.After > 0 {
		first.After--
		return Fault{}, false, q
	}
	f := *first
	if first.Times > 0 {
		if first.Times--; first.Times == 0 {
			q = q[1:]
		}
	}
	return f, true, q
}

// nextFault returns the fault that acts on a request; see SetFault for the order of the targets.
func (a *API) nextFault(c call) Fault {
	a.mu.Lock()
	defer a.mu.Unlock()
	targets := [...]string{c.params["InstanceId"], c.action + "/" + c.region, c.action, ""}
	for i, target := range targets {
		if target == "" && i < len(targets)-1 {
			continue // the request has no InstanceId; "" is the last target
		}
		f, acts, rest := a.faults[target].next()
		if len(rest) > 0 {
			a.faults[target] = rest
		} else {
			delete(a.faults, target)
		}
		if acts {
			return f
		}
	}
	return Fault{}
}
