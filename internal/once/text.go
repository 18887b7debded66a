package once

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/prometheus/common/model"
)

// width returns the columns that a text takes in a terminal.
func width(s string) int { return text.StringWidthWithoutEscSequences(s) }

// printable returns a text of the cloud without what could control a terminal or break a line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// cut shortens a text to some columns; 0: it stays.
func cut(s string, columns int) string {
	if columns == 0 || width(s) <= columns {
		return s
	}
	return text.Trim(s, columns-1) + "…"
}

// wrap breaks a text into lines of some columns, each after an indent; 0: it stays one line.
func wrap(s, indent string, columns int) string {
	if columns == 0 {
		return indent + s + "\n"
	}
	var b strings.Builder
	line := ""
	for _, word := range strings.Fields(s) {
		switch {
		case line == "":
			line = word
		case width(indent)+width(line)+1+width(word) <= columns:
			line += " " + word
		default:
			b.WriteString(indent + line + "\n")
			line = word
		}
	}
	b.WriteString(indent + line + "\n")
	return b.String()
}

// shortDuration returns a duration as it is written in the configuration, but with days for weeks.
func shortDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d > 0 && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	return model.Duration(d).String()
}
