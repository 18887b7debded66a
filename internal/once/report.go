// Package once writes what one pass over the fleet has found, for people and for scripts.
package once

import (
	"fmt"
	"strings"
	"time"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/internal/words"
)

// Report is what is known after a pass, and how to judge it.
type Report struct {
	collector.Overview

	Warn              time.Duration // how long before its expiry a certificate counts as expiring
	RefreshInterval   time.Duration // as configured; 0: every scrape asks
	DiscoveryInterval time.Duration // as configured
	Credentials       []Credentials // in the order of the accounts
	Simulated         bool          // nothing of it is real
}

// Credentials describes the credentials of an account without a secret.
type Credentials struct {
	Account string
	Type    string // such as access_key
	From    string // where they come from; may be ""
	KeyEnd  string // the last characters of the access key ID; "": it is not shown
	Missing bool   // none could be obtained
}

// The exit codes of --once.
const (
	codeFine     = 0 // everything was read, and no certificate expires within the warning time
	codeFailed   = 1 // something could not be read
	codeExpiring = 3 // everything was read, and a certificate expires within the warning time or has expired
)

// The states of an instance that is read. That of any other is its reason.
const (
	stateValid       = "valid"
	stateExpiring    = "expiring"
	stateExpired     = "expired"
	stateOff         = "ssl_off"
	stateUnsupported = "unsupported"
)

// state returns the state of an instance, or the reason why it is not read.
func (r *Report) state(i *collector.InstanceStatus) string {
	switch {
	case i.Pending:
		return string(collector.ReasonPending)
	case i.Failure != nil:
		return string(i.Failure.Reason)
	case !i.SSL.Supported:
		return stateUnsupported
	case !i.SSL.Enabled:
		return stateOff
	case !i.SSL.ExpiresAt.After(r.At):
		return stateExpired
	case i.SSL.ExpiresAt.Sub(r.At) <= r.Warn:
		return stateExpiring
	default:
		return stateValid
	}
}

// daysLeft returns the whole days until a certificate expires, without a part of a day; negative once it has expired.
func (r *Report) daysLeft(i *collector.InstanceStatus) int {
	const day = 24 * 60 * 60 * 1000 // milliseconds: a Duration ends after 292 years
	return int((i.SSL.ExpiresAt.UnixMilli() - r.At.UnixMilli()) / day)
}

// isRead reports whether the latest call for an instance succeeded.
func isRead(i *collector.InstanceStatus) bool { return !i.Pending && i.Failure == nil }

// Code returns the exit code: 0, 1 or 3. Something that is not read wins over a certificate that expires.
func (r *Report) Code() int {
	code := codeFine
	if !r.Complete || len(r.failedListings()) > 0 {
		return codeFailed
	}
	for n := range r.Instances {
		if !isRead(&r.Instances[n]) {
			return codeFailed
		}
		switch r.state(&r.Instances[n]) {
		case stateExpired, stateExpiring:
			code = codeExpiring
		}
	}
	return code
}

// summary returns one line: how many instances there are in each state.
func (r *Report) summary() string {
	counts, unread := make(map[string]int), 0
	for n := range r.Instances {
		if isRead(&r.Instances[n]) {
			counts[r.state(&r.Instances[n])]++
		} else {
			unread++
		}
	}
	var parts []string
	add := func(n int, text string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", words.Thousands(n), text))
		}
	}
	add(counts[stateExpired], "expired")
	add(counts[stateExpiring], "expiring within "+shortDuration(r.Warn))
	add(counts[stateValid], "valid")
	add(counts[stateOff], "with SSL off")
	add(counts[stateUnsupported], "without SSL support")
	add(unread, "not read")
	text := words.Count(len(r.Instances), "instance")
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	if failed := len(r.failedListings()); failed > 0 {
		text += "; " + words.Count(failed, "list") + " not read"
	}
	if r.Simulated {
		text = "SIMULATED: " + text
	}
	return text + "."
}
