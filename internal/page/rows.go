package page

import (
	"cmp"
	"strings"
	"time"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
)

// state is what the page says about an instance in one word. The order is that of urgency.
type state int

const (
	expired     state = iota
	critical          // within the critical window of the instance
	warning           // within the warning window of the instance
	upcoming          // within upcomingWindow
	valid             // later
	unknown           // never read, or the answer is too old to count
	disabled          // SSL is off
	unsupported       // this kind of instance has no SSL
	states            // their number
)

// upcomingWindow is how long before its expiry a certificate is upcoming.
const upcomingWindow = 90 * 24 * time.Hour

// Key names the state in addresses and styles, and Label on the page.
func (s state) Key() string {
	return [states]string{"expired", "critical", "warning", "upcoming", "valid", "unknown", "off", "unsupported"}[s]
}

// Label is the word on the page.
func (s state) Label() string {
	return [states]string{"Expired", "Critical", "Warning", "Upcoming", "Valid", "Not known", "SSL off", "Unsupported"}[s]
}

// stateOf returns the state of an instance at now.
func stateOf(i *collector.InstanceStatus, now time.Time) state {
	switch left := i.SSL.ExpiresAt.Sub(now); {
	case !i.Known:
		return unknown
	case !i.SSL.Supported:
		return unsupported
	case !i.SSL.Enabled:
		return disabled
	case left <= 0:
		return expired
	case left <= i.Windows.Critical:
		return critical
	case left <= i.Windows.Warning:
		return warning
	case left <= upcomingWindow:
		return upcoming
	default:
		return valid
	}
}

// row is an instance as the table shows it.
type row struct {
	Title, ID       string // the title is the name, or the ID without one; then ID is ""
	Account, Region string
	Labels          []string // name:value
	State           state
	Pending         bool // never asked yet
	Code            string
	Expiry, Renewal moment
	Late            bool     // the renewal comes after the expiry
	CommonName      []string // in parts, between which a line may break
	DownloadURL     string   // http(s), or ""
	Answered        moment
	Failure         *failure
}

// failure says why something could not be read, and what to do.
type failure struct {
	Reason string
	Code   string // "" where the advice names it
	Advice string
}

func rowOf(i *collector.InstanceStatus, labelNames []string, now time.Time) row {
	r := row{
		Title: i.Name, ID: i.ID, Account: i.Account, Region: i.Region,
		State: stateOf(i, now), Pending: i.Pending, Code: i.SSL.UnsupportedCode,
	}
	if host, domain, ok := strings.Cut(i.SSL.CommonName, "."); ok {
		r.CommonName = []string{host, "." + domain}
	} else if host != "" {
		r.CommonName = []string{host}
	}
	if r.Title == "" || r.Title == r.ID {
		r.Title, r.ID = i.ID, ""
	}
	for _, name := range labelNames {
		if value := i.Labels[name]; value != "" {
			r.Labels = append(r.Labels, name+":"+value)
		}
	}
	if strings.HasPrefix(i.SSL.DownloadURL, "https://") || strings.HasPrefix(i.SSL.DownloadURL, "http://") {
		r.DownloadURL = i.SSL.DownloadURL
	}
	if i.Known {
		r.Answered = at(i.AnsweredAt, relative(i.AnsweredAt, now))
	}
	if i.SSL.Enabled {
		words := relative(i.SSL.ExpiresAt, now)
		if r.State == expired {
			words = "expired " + words
		}
		r.Expiry = at(i.SSL.ExpiresAt, words)
	}
	if i.Renewal != nil {
		r.Renewal = at(i.Renewal.SwitchTime, relative(i.Renewal.SwitchTime, now))
		r.Late = i.SSL.Enabled && i.Renewal.SwitchTime.After(i.SSL.ExpiresAt)
	}
	if !i.Pending {
		r.Failure = failureOf(tair.ActionDescribeInstanceSSL, i.Region, i.Failure)
	}
	return r
}

// text is what the filter searches: what the row shows, in lower case.
func (r *row) text() string {
	parts := append([]string{
		r.Title, r.ID, r.Account, r.Region, r.State.Label(), r.Code, strings.Join(r.CommonName, ""), r.Expiry.Words, r.Expiry.UTC, r.Renewal.Words,
		r.Renewal.UTC, r.Answered.Words,
	}, r.Labels...)
	if r.Failure != nil {
		parts = append(parts, "last call failed", r.Failure.Reason, r.Failure.Code, r.Failure.Advice)
	}
	return strings.ToLower(strings.Join(parts, "\n"))
}

// columns returns how the columns that can be sorted compare two rows. What a row does not have comes last in any order.
func columns() map[string]func(a, b *row) (order int, last int) {
	text := func(of func(r *row) string) func(a, b *row) (int, int) {
		return func(a, b *row) (int, int) {
			x, y := strings.ToLower(of(a)), strings.ToLower(of(b))
			return cmp.Compare(x, y), lacks(x == "", y == "")
		}
	}
	when := func(of func(r *row) *moment) func(a, b *row) (int, int) {
		return func(a, b *row) (int, int) {
			x, y := of(a), of(b)
			return cmp.Compare(x.Unix, y.Unix), lacks(!x.Known(), !y.Known())
		}
	}
	return map[string]func(a, b *row) (int, int){
		"name":    text(func(r *row) string { return r.Title }),
		"account": text(func(r *row) string { return r.Account }),
		"region":  text(func(r *row) string { return r.Region }),
		"labels":  text(func(r *row) string { return strings.Join(r.Labels, " ") }),
		"state":   func(a, b *row) (int, int) { return cmp.Compare(a.State, b.State), 0 },
		"expiry":  when(func(r *row) *moment { return &r.Expiry }),
		"renewal": when(func(r *row) *moment { return &r.Renewal }),
		"age":     when(func(r *row) *moment { return &r.Answered }),
	}
}

// lacks orders a row that lacks a value after one that has it.
func lacks(a, b bool) int {
	switch {
	case a && !b:
		return 1
	case b && !a:
		return -1
	default:
		return 0
	}
}
