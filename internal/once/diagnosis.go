package once

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/internal/words"
)

// scrapesADay is one scrape a minute.
const scrapesADay = 24 * 60

// writeDiagnosis writes what a pass shows of an installation: the credentials, the permissions, where instances are, and what
// they cost.
func (r *Report) writeDiagnosis(b *strings.Builder, columns int) {
	const indent = "               "
	write := func(title string, lines []string) {
		for n, line := range lines {
			text := wrap(line, indent, columns)
			if n == 0 {
				text = fmt.Sprintf("%-*s", len(indent), title) + strings.TrimPrefix(text, indent)
			}
			b.WriteString(text)
		}
	}
	var found []string
	for _, c := range r.Credentials {
		found = append(found, c.String())
	}
	write("Credentials", found)
	write("RAM actions", r.actions())
	write("Regions", r.regions())
	write("API calls", []string{CallsADay(len(r.Instances), r.RefreshInterval, r.pages(), r.DiscoveryInterval)})
}

// String returns the credentials as one line.
func (c Credentials) String() string {
	text := "account " + c.Account + ": type " + c.Type
	if c.From != "" {
		text += ", " + c.From
	}
	switch {
	case c.Missing:
		text += ", no key found"
	case c.KeyEnd != "":
		text += ", key ID ..." + c.KeyEnd
	}
	return text
}

// tally counts where an action worked and where it was refused.
type tally struct {
	action          string
	needed          bool
	worked, refused []string
}

func (t *tally) add(where string, worked, refused bool) {
	t.needed = true
	switch {
	case refused:
		t.refused = append(t.refused, where)
	case worked:
		t.worked = append(t.worked, where)
	}
}

// line returns the tally as one line. What it counts are instances, which are not all named, or else a few places.
func (t *tally) line(instances bool) string {
	some := func(all []string) string {
		if instances && len(all) > 1 {
			return words.Count(len(all), "instance") + " (one is " + all[0] + ")"
		}
		const shown = 3
		if len(all) > shown {
			return strings.Join(all[:shown], ", ") + " and " + words.Thousands(len(all)-shown) + " more"
		}
		return strings.Join(all, ", ")
	}
	var parts []string
	if len(t.worked) > 0 {
		parts = append(parts, "works for "+some(t.worked))
	}
	if len(t.refused) > 0 {
		parts = append(parts, "is refused for "+some(t.refused))
	}
	if parts == nil {
		parts = []string{"is not known: no call got that far"}
	}
	return "kvstore:" + t.action + " " + strings.Join(parts, ", ")
}

// actions returns a line for each RAM action that is needed.
func (r *Report) actions() (lines []string) {
	forbidden := func(all []*tair.Error) bool {
		return slices.ContainsFunc(all, func(e *tair.Error) bool { return e.Reason == tair.ReasonForbidden })
	}
	ssl := &tally{action: tair.ActionDescribeInstanceSSL, needed: true}
	for n := range r.Instances {
		i := &r.Instances[n]
		ssl.add(i.ID, isRead(i), i.Failure != nil && i.Failure.Reason == tair.ReasonForbidden)
	}
	instances, regions := &tally{action: tair.ActionDescribeInstances}, &tally{action: tair.ActionDescribeRegions}
	events := &tally{action: tair.ActionDescribeActiveOperationTasks}
	for _, at := range r.Regions {
		if at.Listing == nil {
			continue
		}
		t, where := instances, at.Account+" "+at.Region
		if at.Region == collector.AllRegions {
			t, where = regions, at.Account
		}
		t.add(where, !at.Listing.SucceededAt.IsZero(), forbidden(at.Listing.Failures))
	}
	for _, at := range r.Renewals {
		events.add(at.Account, !at.SucceededAt.IsZero(), forbidden(at.Failures))
	}
	for _, t := range []*tally{ssl, instances, regions, events} {
		if t.needed {
			lines = append(lines, t.line(t == ssl))
		}
	}
	return lines
}

// regions returns a line for each account: how many instances each of its regions has.
func (r *Report) regions() (lines []string) {
	account := ""
	for _, at := range r.Regions {
		if at.Region == collector.AllRegions || at.Instances == 0 {
			continue
		}
		part := fmt.Sprintf("%s %s", at.Region, words.Thousands(at.Instances))
		if at.Account == account {
			lines[len(lines)-1] += ", " + part
			continue
		}
		account = at.Account
		lines = append(lines, "account "+account+": "+part)
	}
	if lines == nil {
		return []string{"no instance in any region"}
	}
	return lines
}

// pages returns about how many pages of lists are read at each discovery interval.
func (r *Report) pages() int {
	const page = 50 // instances
	n := len(r.Renewals)
	for _, at := range r.Regions {
		if at.Listing != nil {
			n += max(1, (at.Instances+page-1)/page)
		}
	}
	return n
}

// CallsADay returns what instances and the pages of lists cost at one scrape a minute, as a text.
func CallsADay(instances int, refresh time.Duration, pages int, discovery time.Duration) string {
	each := func(refresh time.Duration) int {
		return instances * scrapesADay / max(1, int((refresh+time.Minute-1)/time.Minute))
	}
	text := words.Count(each(refresh), "call") + " a day at one scrape a minute"
	if refresh > 0 {
		text += " and refresh_interval: " + shortDuration(refresh)
	} else if instances > 0 {
		text += "; with refresh_interval: 1h " + words.Thousands(each(time.Hour))
	}
	if pages > 0 && discovery > 0 {
		text += "; about " + words.Thousands(pages*int(24*time.Hour/discovery)) + " more to list"
	}
	return text
}
