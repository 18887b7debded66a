package once

import (
	"cmp"
	"fmt"
	"strings"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/internal/advice"
	"tair_ssl_exporter/internal/words"
)

// note is what to do about some instances and listings that failed for the same reason.
type note struct {
	reason    string
	advice    string
	instances int
	listings  []listing
}

// listing is a listing that failed.
type listing struct {
	what, account, region string
	action                string
	failure               *tair.Error
}

func (l listing) String() string {
	text := "the list of " + l.what + " of " + l.account
	if l.region != collector.AllRegions {
		text += " in " + l.region
	}
	return text
}

// notes numbers the notes of a report from 1.
type notes struct {
	all    []*note
	number map[string]int // by advice
}

func (r *Report) notes() *notes {
	n := &notes{number: make(map[string]int)}
	for i := range r.Instances {
		status := &r.Instances[i]
		if text := adviceFor(status); text != "" {
			n.of(r.state(status), text).instances++
		}
	}
	for _, l := range r.failedListings() {
		found := n.of(string(l.failure.Reason), advice.ForCall(l.action, l.region, l.failure))
		found.listings = append(found.listings, l)
	}
	return n
}

// adviceFor returns the advice for an instance, or why it has no SSL.
func adviceFor(i *collector.InstanceStatus) string {
	if isRead(i) && !i.SSL.Supported {
		return "The API has no SSL for this kind of instance (" + i.SSL.UnsupportedCode + ")."
	}
	return advice.For(*i)
}

// of returns the note with an advice, a new one when there is none.
func (n *notes) of(reason, text string) *note {
	if at, ok := n.number[text]; ok {
		return n.all[at-1]
	}
	n.all = append(n.all, &note{reason: reason, advice: text})
	n.number[text] = len(n.all)
	return n.all[len(n.all)-1]
}

// write writes the notes for a terminal of some columns, 0 for any.
func (n *notes) write(b *strings.Builder, columns int) {
	for at, note := range n.all {
		var who []string
		if note.instances > 0 {
			who = append(who, words.Count(note.instances, "instance"))
		}
		if len(note.listings) > 0 {
			text := note.listings[0].String()
			if more := len(note.listings) - 1; more > 0 {
				text += " and " + words.Count(more, "other list")
			}
			who = append(who, text)
		}
		b.WriteString(wrap(fmt.Sprintf("[%d] %s: %s", at+1, note.reason, strings.Join(who, ", ")), "", columns))
		b.WriteString(wrap(note.advice, "    ", columns))
	}
}

// failedListings returns the listings that failed. A failure of the credentials is the one of the account, which says more.
func (r *Report) failedListings() (failed []listing) {
	refusals := make(map[string]*tair.Error)
	for _, region := range r.Regions {
		refusals[region.Account] = cmp.Or(refusals[region.Account], region.Refusal)
	}
	add := func(l listing, failures []*tair.Error) {
		if len(failures) == 0 {
			return
		}
		l.failure = failures[0]
		if refusal := refusals[l.account]; l.failure.Same(refusal) {
			l.failure = refusal
		}
		failed = append(failed, l)
	}
	for _, region := range r.Regions {
		if region.Listing == nil {
			continue
		}
		l := listing{what: "instances", account: region.Account, region: region.Region, action: tair.ActionDescribeInstances}
		if region.Region == collector.AllRegions {
			l.what, l.action = "regions", tair.ActionDescribeRegions
		}
		add(l, region.Listing.Failures)
	}
	for _, renewals := range r.Renewals {
		add(listing{
			what: "scheduled renewals", account: renewals.Account, region: collector.AllRegions,
			action: tair.ActionDescribeActiveOperationTasks,
		}, renewals.Failures)
	}
	return failed
}
