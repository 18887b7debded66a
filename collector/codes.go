package collector

import (
	"sync"

	"tair_ssl_exporter/collector/tair"
)

const (
	maxCodes  = 50      // of one account, region and operation
	otherCode = "other" // of all further ones
)

// codeLimit bounds the values of the label code: the API could name new codes without end.
type codeLimit struct {
	mu    sync.Mutex
	known map[accountRegion]map[string]map[string]struct{} // the codes of the API, by operation
}

func newCodeLimit() *codeLimit {
	return &codeLimit{known: make(map[accountRegion]map[string]map[string]struct{})}
}

// label returns the code to count a request under. "OK" and the reasons are few, and always count under their own name.
func (l *codeLimit) label(at accountRegion, a tair.Attempt) string {
	if a.Reason == "" || a.Code == string(a.Reason) {
		return a.Code
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known[at] == nil {
		l.known[at] = make(map[string]map[string]struct{})
	}
	codes := l.known[at][a.Action]
	if codes == nil {
		codes = make(map[string]struct{})
		l.known[at][a.Action] = codes
	}
	if _, known := codes[a.Code]; !known && len(codes) >= maxCodes {
		return otherCode
	}
	codes[a.Code] = struct{}{}
	return a.Code
}

// forget drops what is known of an account and region that left.
func (l *codeLimit) forget(at accountRegion) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.known, at)
}
