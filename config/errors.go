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
	if p.isWrong(path) {
		return
	}
	p.found[path] = true
	at := p.place(path)
	p.addAt(at.line, at.shown, format, args...)
}

// isWrong reports whether a key, or one that it is in, has a problem.
func (p *problems) isWrong(path string) bool {
	return p.found[path] || path != "" && p.isWrong(parent(path))
}

// place returns where a key is. A key that the file does not have is on the line of the one that it would be in.
func (p *problems) place(path string) place {
	if at, ok := p.places[path]; ok || path == "" {
		return at
	}
	return place{p.place(parent(path)).line, path}
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
