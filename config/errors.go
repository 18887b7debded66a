package config

import (
	"fmt"
	"slices"
	"strings"
)

// Error is one problem of a configuration.
type Error struct {
	File    string // the file, or the flag that was wrong
	Line    int    // 0 when the problem has no line
	Key     string // full path of the key, such as accounts[0].instances[2].region; may be empty
	Message string // what is wrong and what is allowed
}

// Error returns the problem as one line, "FILE:LINE: KEY: MESSAGE", without
// the parts that are not known.
func (e Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": ")
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString(e.Message)
	return b.String()
}

// Errors is every problem of a configuration, sorted by line.
type Errors []Error

// Error returns one line per problem.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, problem := range e {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// sort brings the problems into the order of the file.
func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b Error) int { return a.Line - b.Line })
}
