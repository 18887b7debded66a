package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Error is one problem of a configuration.
type Error struct {
	File    string // the file, or the flag that is wrong
	Line    int    // 0 when the problem has no line
	Key     string // full path of the key, such as accounts[0].instances[2].region; may be empty
	Message string // what is wrong and what is allowed
}

// Error returns the problem as one line, "FILE:LINE: KEY: MESSAGE", without the parts that are not known.
func (e Error) Error() string {
	text := e.File
	if e.Line > 0 {
		text += ":" + strconv.Itoa(e.Line)
	}
	if e.Key != "" {
		text += ": " + e.Key
	}
	return text + ": " + e.Message
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

// place is where a key or a list item is in the file.
type place struct {
	line  int
	shown string // its path as errors show it
}

// problems collects the problems of one file, by the path of the key.
type problems struct {
	file   string
	places map[string]place
	found  map[string]bool // the paths with a problem
	errs   Errors
}

// has reports whether the file has the key, with a value.
func (p *problems) has(path string) bool { _, ok := p.places[path]; return ok }

// add reports a problem of the key at path, unless that key or one that it is in has a problem already, from which this
// one follows.
func (p *problems) add(path, format string, args ...any) {
	wrong := p.found[""]
	for at := path; at != ""; at = parent(at) {
		wrong = wrong || p.found[at]
	}
	if wrong {
		return
	}
	p.found[path] = true
	shown := path
	if p.has(path) {
		shown = p.places[path].shown
	}
	p.addAt(p.line(path), shown, format, args...)
}

// line returns the line of a key, or of the one that it is in when the file does not have it.
func (p *problems) line(path string) int {
	for path != "" && !p.has(path) {
		path = parent(path)
	}
	return max(p.places[path].line, 1)
}

// addAt reports a problem on a line.
func (p *problems) addAt(line int, key, format string, args ...any) {
	p.errs = append(p.errs, Error{File: p.file, Line: line, Key: key, Message: fmt.Sprintf(format, args...)})
}

// sorted returns the problems in the order of the file.
func (p *problems) sorted() Errors {
	slices.SortFunc(p.errs, func(a, b Error) int {
		return cmp.Or(a.Line-b.Line, strings.Compare(a.Key, b.Key), strings.Compare(a.Message, b.Message))
	})
	return p.errs
}

// join returns the path of a key below path.
func join(path, key string) string { return strings.TrimPrefix(path+"."+key, ".") }

// parent returns the path of the mapping or the list that path is in.
func parent(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }

// quote shows a text of the file on one line and not too long.
func quote(s string) string { return fmt.Sprintf("%.64q", s) }
