package config

import (
	"regexp"
	"slices"
)

// What newcomers to YAML write, and what to write instead.
const (
	noTab       = "the line is indented by a tab, allowed: spaces"
	noWideColon = "the key ends with a full-width colon, allowed: ':' and a space"
	noVariable  = "is a variable like ${NAME}, which is not replaced in this file: write the value, or the path of a file with it under the key that ends with _file"
)

var (
	tabForm       = regexp.MustCompile(`^ *\t`)
	wideColonForm = regexp.MustCompile(`^\s*(- +)?[A-Za-z_]+：`)
	variableForm  = regexp.MustCompile(`^[^#]*[:-] +["']?\$\{[A-Za-z0-9_]+\}["']?\s*(#.*)?$`)
)

// explain adds to the problems of a file what its lines show, in the order of the lines.
func explain(found Errors, file string, lines []string) Errors {
	has := make(map[int]bool) // lines with a problem
	for n := range found {
		if line, message := explanation(found[n], lines); message != "" {
			found[n].Line, found[n].Message = line, message
		}
		has[found[n].Line] = true
	}
	for n, line := range lines {
		if variableForm.MatchString(line) && !has[n+1] {
			found = append(found, Error{File: file, Line: n + 1, Message: "the value " + noVariable})
		}
	}
	slices.SortStableFunc(found, func(a, b Error) int { return a.Line - b.Line })
	return found
}

// explanation returns what is wrong with the line of a problem, or "". Of a problem without a key the library may report a
// line beside the right one, which is returned.
func explanation(problem Error, lines []string) (line int, message string) {
	near := []int{problem.Line}
	if problem.Key == "" {
		near = append(near, problem.Line-1, problem.Line+1)
	}
	for _, n := range near {
		switch {
		case n < 1 || n > len(lines):
		case tabForm.MatchString(lines[n-1]):
			return n, noTab
		case wideColonForm.MatchString(lines[n-1]):
			return n, noWideColon
		case variableForm.MatchString(lines[n-1]):
			return n, noVariable
		}
	}
	return 0, ""
}
