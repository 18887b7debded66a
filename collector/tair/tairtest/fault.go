package tairtest

import (
	"net/http"
	"time"
)

// Fault is one way to misbehave. After the optional Delay exactly one of Error, Hang, Reset, Cut, Redirect or Body (with
// Status and ContentType) should be set; of several the first in this order acts. With Delay alone the answer is the normal
// one, only late.
type Fault struct {
	// After is how many requests go through untouched before the fault acts.
	After int
	// Times is how many requests the fault acts on; 0 means for good.
	Times int

	// Delay holds the answer back. It ends early when the client goes away or the server closes.
	Delay time.Duration
	// Error is an error answer in the documented form.
	Error *APIError
	// Hang gives no answer until the client goes away or the server closes.
	Hang bool
	// Reset closes the connection without a byte of an answer.
	Reset bool
	// Cut sends the normal answer's headers and half of its body, then closes the connection.
	Cut bool
	// Redirect is a Location to send the client to, with Status or 307.
	Redirect string
	// Body is sent instead of an answer, as it is, with Status or 200 and ContentType or JSON. A Status without a Body
	// is an answer without a body.
	Body []byte
	// ContentType is the Content-Type of Body.
	ContentType string
	// Status is the HTTP status of Body or Redirect.
	Status int
}

// replaces tells whether a foreign answer is sent in place of the normal one, and gives it.
func (f Fault) replaces() (answer, bool) {
	status := f.Status
	switch {
	case f.Redirect != "":
		if status == 0 {
			status = http.StatusTemporaryRedirect // the one that makes clients repeat a POST as a POST
		}
		return answer{status: status, code: CodeRedirect, location: f.Redirect}, true
	case f.Body != nil || f.Status != 0:
		if status == 0 {
			status = http.StatusOK
		}
		kind := f.ContentType
		if kind == "" {
			kind = contentTypeJSON
		}
		return answer{status: status, code: CodeBody, contentType: kind, body: f.Body}, true
	}
	return answer{}, false
}

// faultQueue holds the faults of one target, the acting one first.
type faultQueue []Fault

// next counts a request and returns the fault that acts on it, if any, with the rest of the queue.
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

// takeFault finds the fault for a request; see SetFault for the order of the targets.
func (a *API) takeFault(c call) Fault {
	a.mu.Lock()
	defer a.mu.Unlock()
	targets := [...]string{c.params["InstanceId"], c.action + "/" + c.region, c.action, ""}
	for i, target := range targets {
		if target == "" && i < len(targets)-1 {
			continue // no instance: "" must be asked last, and once
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
