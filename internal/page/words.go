package page

import (
	"time"

	"tair_ssl_exporter/internal/words"
)

// moment is a point in time as the page shows it. The zero value is one that is not known.
type moment struct {
	Unix  int64  // orders the rows
	Words string // relative to now, such as "in 12 days"
	ISO   string // for programs
	UTC   string // for people
}

func at(t time.Time, words string) moment {
	t = t.UTC()
	return moment{Unix: t.Unix(), Words: words, ISO: t.Format(time.RFC3339), UTC: t.Format("2006-01-02 15:04 UTC")}
}

// Known reports whether there is such a moment.
func (m moment) Known() bool { return m.Words != "" }

// relative returns t relative to now.
func relative(t, now time.Time) string {
	switch ago := now.UnixMilli() - t.UnixMilli(); { // a Duration ends after 292 years
	case ago < 0:
		return "in " + span(-ago)
	case ago < time.Minute.Milliseconds():
		return "just now"
	default:
		return span(ago) + " ago"
	}
}

// span returns some milliseconds in their largest full unit, rounded down, such as "12 days".
func span(ms int64) string {
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if n := int(ms / unit.size.Milliseconds()); n > 0 {
			return words.Count(n, unit.name)
		}
	}
	return "less than a minute"
}
