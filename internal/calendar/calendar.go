// Package calendar serves the expiry of each certificate and each scheduled renewal as a calendar to subscribe to (RFC 5545).
// It reads memory alone.
package calendar

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/internal/advice"
)

// refresh is how often a program should ask for the calendar.
const refresh = "PT1H"

// Handler returns the handler of the calendar of what overview returns. The parameter label, such as team:payments, keeps
// the instances with that value of a custom label. It may be there several times: of one label any of the values, and each
// of several labels. Anything else, and a label that no instance can have, has status 400.
//
// Each expiry is an all-day event on its day in UTC, and each scheduled renewal an event at its time. The UID of an event is
// made of the instance ID and of what happens, without the date, so that an event moves when its date does. SEQUENCE rises
// with the date, and DTSTAMP is when the calendar was made.
//
// While an instance has never been asked the status is 503: programs keep the events that they have, and would remove those
// that are missing after a restart of the exporter.
func Handler(overview func() collector.Overview) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known := overview()
		labels, err := parseLabels(r.URL.Query()["label"], known.LabelNames)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := ready(&known); err != nil {
			w.Header().Set("Retry-After", "60")
			http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		var out bytes.Buffer
		if err := build(&known, labels).SerializeTo(&out, ics.WithNewLineWindows); err != nil {
			http.Error(w, "making the calendar: "+err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(out.Bytes())
	})
}

// ready returns why the calendar would lack events.
func ready(o *collector.Overview) error {
	if !o.Complete {
		return fmt.Errorf("discovery has not ended yet")
	}
	pending, known := 0, 0
	for _, i := range o.Instances {
		if i.Pending {
			pending++
		}
		if i.Known {
			known++
		}
	}
	switch {
	case pending > 0:
		return fmt.Errorf("%d of %d instances have not been read yet; the exporter reads them when it is scraped", pending, len(o.Instances))
	case known == 0 && len(o.Instances) > 0:
		return fmt.Errorf("no instance could be read; the status page says why")
	}
	return nil
}

// build returns the calendar of the instances with the labels.
func build(o *collector.Overview, labels filter) *ics.Calendar {
	c := ics.NewCalendar()
	c.SetProductId("-//tair_ssl_exporter//status//EN")
	c.SetMethod(ics.MethodPublish)
	c.SetName("TLS certificates of Tair instances")
	c.SetRefreshInterval(refresh)
	c.SetXPublishedTTL(refresh)
	for n := range o.Instances {
		i := &o.Instances[n]
		if !labels.take(i.Labels) {
			continue
		}
		if i.SSL.Enabled {
			c.AddVEvent(expiry(i, o))
		}
		if i.Renewal != nil {
			c.AddVEvent(renewal(i, o))
		}
	}
	if len(c.Components) == 0 { // a calendar has to have at least one component
		utc := c.AddTimezone("UTC").AddStandard()
		utc.AddProperty(ics.ComponentPropertyDtStart, "19700101T000000")
		utc.AddProperty("TZOFFSETFROM", "+0000")
		utc.AddProperty("TZOFFSETTO", "+0000")
	}
	return c
}

// expiry returns the event of the day on which a certificate expires.
func expiry(i *collector.InstanceStatus, o *collector.Overview) *ics.VEvent {
	day := i.SSL.ExpiresAt.UTC().Truncate(24 * time.Hour)
	e := event(i, o, "expiry", day)
	e.SetAllDayStartAt(day)
	e.SetAllDayEndAt(day.AddDate(0, 0, 1))
	e.SetTimeTransparency(ics.TransparencyTransparent) // nobody is busy all day
	e.SetSummary("TLS certificate expires: " + title(i))
	lines := []string{where(i), "Expires: " + utc(i.SSL.ExpiresAt)}
	switch r := i.Renewal; {
	case r == nil:
		lines = append(lines, "Renew the certificate before, in a booked window: that restarts the instance.")
	case r.SwitchTime.After(i.SSL.ExpiresAt):
		lines = append(lines, "Move the scheduled renewal before the expiry: it is at "+utc(r.SwitchTime)+".")
	default:
		lines = append(lines, "A renewal is scheduled: "+utc(r.SwitchTime)+".")
	}
	if i.Failure != nil {
		lines = append(lines, fmt.Sprintf("The latest call failed (%s); this was read at %s. %s", i.Failure.Reason, utc(i.AnsweredAt), advice.For(*i)))
	}
	e.SetDescription(strings.Join(lines, "\n"))
	return e
}

// renewal returns the event of the scheduled update of a certificate. How long it takes is not known.
func renewal(i *collector.InstanceStatus, o *collector.Overview) *ics.VEvent {
	e := event(i, o, "renewal", i.Renewal.SwitchTime)
	e.SetStartAt(i.Renewal.SwitchTime)
	e.SetSummary("TLS certificate renewal: " + title(i))
	lines := []string{where(i), "The cloud renews the certificate. Connections break for a moment."}
	if !i.Renewal.Deadline.IsZero() {
		lines = append(lines, "It can be moved until "+utc(i.Renewal.Deadline)+", in the console.")
	}
	e.SetDescription(strings.Join(lines, "\n"))
	return e
}

// event returns what the events of an instance have in common.
func event(i *collector.InstanceStatus, o *collector.Overview, kind string, date time.Time) *ics.VEvent {
	e := ics.NewEvent(i.ID + "." + kind + "@tair-ssl-exporter")
	e.SetDtStampTime(o.At)
	e.SetSequence(int(max(date.Unix()/3600, 0)))
	for _, name := range o.LabelNames {
		if value := i.Labels[name]; value != "" {
			e.AddCategory(clean(name + ":" + value))
		}
	}
	return e
}

func title(i *collector.InstanceStatus) string {
	if i.Name == "" || i.Name == i.ID {
		return i.ID
	}
	return clean(i.Name) + " (" + i.ID + ")"
}

func where(i *collector.InstanceStatus) string {
	return fmt.Sprintf("Instance: %s, account %s, region %s", title(i), i.Account, i.Region)
}

func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// clean returns a text without what a calendar cannot hold.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '\u007f' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
