package once

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"tair_ssl_exporter/collector"
)

// Terminal is what the output is written to.
type Terminal struct {
	Columns int  // 0: not a terminal, lines may have any length
	Colors  bool // allowed
}

const (
	dateForm   = "2006-01-02"
	minuteForm = "15:04"
	gap        = "  "
	maxName    = 32 // columns of a name where the space is short
)

// WriteTable writes the report for people: a row for each instance, what to do, what was found of the installation, and a
// summary as the last line.
func (r *Report) WriteTable(w io.Writer, t Terminal) error {
	var b strings.Builder
	notes := r.notes()
	if len(r.Instances) > 0 {
		b.WriteString(r.table(notes, t) + "\n\n")
	}
	if len(notes.all) > 0 {
		notes.write(&b, t.Columns)
		b.WriteString("\n")
	}
	r.writeDiagnosis(&b, t.Columns)
	b.WriteString("\n" + wrap(r.summary(), "", t.Columns))
	_, err := io.WriteString(w, b.String())
	return err
}

// row is the cells of an instance.
type row struct {
	name, id, account, region, state, note, expires, days, renewal, renewalTime string

	color string // escape sequence of the state
}

func (r *Report) row(i *collector.InstanceStatus, notes *notes) row {
	cells := row{
		name: printable(i.Name), id: printable(i.ID), account: printable(i.Account), region: printable(i.Region), state: r.state(i),
	}
	cells.color = colorOf(cells.state)
	if n := notes.number[adviceFor(i)]; n > 0 {
		cells.note = fmt.Sprintf("[%d]", n)
	}
	if i.SSL.Enabled {
		cells.expires, cells.days = i.SSL.ExpiresAt.UTC().Format(dateForm), strconv.Itoa(r.daysLeft(i))
	}
	if i.Renewal != nil {
		at := i.Renewal.SwitchTime.UTC()
		cells.renewal, cells.renewalTime = at.Format(dateForm), at.Format(minuteForm)
	}
	return cells
}

// colorOf returns the escape sequence for a state.
func colorOf(state string) string {
	switch state {
	case stateValid:
		return "\x1b[32m" // green
	case stateExpiring:
		return "\x1b[33m" // yellow
	case stateOff, stateUnsupported:
		return ""
	default:
		return "\x1b[31m" // red
	}
}

// table returns the rows in the widest form that fits the terminal: one line for each instance, two, or a few without
// columns.
func (r *Report) table(notes *notes, t Terminal) string {
	rows, renewals := make([]row, len(r.Instances)), false
	for n := range r.Instances {
		rows[n] = r.row(&r.Instances[n], notes)
		renewals = renewals || rows[n].renewal != ""
	}
	for _, layout := range []func([]row, bool, bool) string{wide, stacked} {
		if rendered := layout(rows, renewals, t.Colors); t.Columns == 0 || text.LongestLineLen(rendered) <= t.Columns {
			return rendered
		}
	}
	return blocks(rows, t)
}

// wide has a line for each instance.
func wide(rows []row, renewals, colors bool) string {
	w := newWriter(7, renewals, "NAME", "ID", "ACCOUNT", "REGION", "STATE", "EXPIRES (UTC)", "DAYS", "RENEWAL (UTC)")
	for _, c := range rows {
		w.AppendRow(table.Row{
			c.name, c.id, c.account, c.region, c.stateAnd(" ", colors), c.expires, c.days, strings.TrimSpace(c.renewal + " " + c.renewalTime),
		})
	}
	return w.Render()
}

// stacked has two lines for each instance.
func stacked(rows []row, renewals, colors bool) string {
	w := newWriter(5, renewals, "NAME\nID", "ACCOUNT\nREGION", "STATE", "EXPIRES\n(UTC)", "DAYS", "RENEWAL\n(UTC)")
	for _, c := range rows {
		w.AppendRow(table.Row{
			cut(c.name, maxName) + "\n" + c.id, cut(c.account, maxName) + "\n" + c.region, c.stateAnd("\n", colors), c.expires, c.days,
			c.renewal + "\n" + c.renewalTime,
		})
	}
	return w.Render()
}

// blocks has a paragraph for each instance.
func blocks(rows []row, t Terminal) string {
	var b strings.Builder
	for n, c := range rows {
		if n > 0 {
			b.WriteString("\n")
		}
		state := strings.TrimSpace(c.state + " " + c.note)
		if c.expires != "" {
			state += ", expires " + c.expires + " (" + c.days + " d)"
		}
		if c.renewal != "" {
			state += ", renewal " + c.renewal + " " + c.renewalTime
		}
		b.WriteString(wrap(strings.TrimSpace(c.name+" "+c.id), "", t.Columns) + wrap(c.account+", "+c.region, gap, t.Columns))
		b.WriteString(painted(strings.TrimSuffix(wrap(state, gap, t.Columns), "\n"), c.color, t.Colors) + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// stateAnd returns the state and, after a separator, the number of its note.
func (c row) stateAnd(separator string, colors bool) string {
	return strings.TrimSpace(painted(c.state, c.color, colors) + separator + c.note)
}

func painted(s, color string, colors bool) string {
	if !colors || color == "" {
		return s
	}
	return color + s + "\x1b[0m"
}

// newWriter returns a writer without lines between rows and columns. The column of the days is aligned right, and the one
// of the renewals, which is the last, is shown only if there are any.
func newWriter(days int, renewals bool, header ...string) table.Writer {
	w := table.NewWriter()
	style := table.StyleDefault
	style.Box.PaddingLeft, style.Box.PaddingRight = "", gap
	style.Format.Header = text.FormatDefault
	style.Options = table.Options{}
	w.SetStyle(style)
	w.SuppressTrailingSpaces()
	cells := make(table.Row, len(header))
	for n, title := range header {
		cells[n] = title
	}
	w.AppendHeader(cells)
	w.SetColumnConfigs([]table.ColumnConfig{
		{Number: days, Align: text.AlignRight, AlignHeader: text.AlignRight}, {Number: len(header), Hidden: !renewals},
	})
	return w
}
