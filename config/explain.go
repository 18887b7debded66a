package config

import "regexp"

// mistake is a line that newcomers to YAML write, and what to write instead.
type mistake struct {
	form    *regexp.Regexp
	message string
}

var (
	tab       = mistake{regexp.MustCompile(`^ *\t`), "the line is indented by a tab, allowed: spaces"}
	wideColon = mistake{regexp.MustCompile(`^\s*(- +)?[A-Za-z_]+：`), "the key ends with a full-width colon, allowed: ':' and a space"}
	variable  = mistake{regexp.MustCompile(`^[^#]*[:-] +["']?\$\{[A-Za-z0-9_]+\}["']?\s*(#.*)?$`), "is a variable like ${NAME}, which is not replaced " +
		"in this file: write the value, or the path of a file with it under the key that ends with _file"}
)

// explain adds to the problems of a file what its lines show.
func (p *problems) explain(lines []string) {
	has := make(map[int]bool) // lines with a problem
	for n := range p.errs {
		p.errs[n].explain(lines)
		has[p.errs[n].Line] = true
	}
	for n, line := range lines {
		if variable.form.MatchString(line) && !has[n+1] {
			p.addAt(n+1, "", "the value %s", variable.message)
		}
	}
}

// explain replaces the message by the mistake of the line, if it has one. Of a problem without a key the library may report
// a line beside the right one, which is corrected.
func (e *Error) explain(lines []string) {
	near := []int{e.Line}
	if e.Key == "" {
		near = append(near, e.Line-1, e.Line+1)
	}
	for _, n := range near {
		for _, m := range []mistake{tab, wideColon, variable} {
			if n >= 1 && n <= len(lines) && m.form.MatchString(lines[n-1]) {
				e.Line, e.Message = n, m.message
				return
			}
		}
	}
}
