package config

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxVisits bounds the work on a file: aliases let a short file stand for an
// endless one.
const maxVisits = 1_000_000

// maxMergeDepth bounds how deep merge keys ("<<") may nest.
const maxMergeDepth = 10

// plainKey matches the keys that are shown in an error. Anything else might be
// a pasted secret, for example "access_key_secret:..." without the space.
var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,39}$`)

// walker goes over the nodes of one file and collects every problem.
type walker struct {
	file      string
	dir       string // of relative paths in the file
	lookupEnv func(string) (string, bool)

	visitsLeft  int
	errs        Errors
	instanceIDs map[string]int // ID -> line of the first
	accounts    map[string]int // name -> line of the first
}

func newWalker(file, dir string, lookupEnv func(string) (string, bool)) *walker {
	return &walker{
		file:        file,
		dir:         dir,
		lookupEnv:   lookupEnv,
		visitsLeft:  maxVisits,
		instanceIDs: map[string]int{},
		accounts:    map[string]int{},
	}
}

// report adds one problem.
func (w *walker) report(line int, key, message string) {
	w.errs = append(w.errs, Error{File: w.file, Line: line, Key: key, Message: message})
}

// exhausted reports whether the file asked for more work than is allowed.
func (w *walker) exhausted() bool { return w.visitsLeft <= 0 }

// problems returns what was reported, in the order of the file. After a stop
// half-way the other problems may be wrong, so there is only that one.
func (w *walker) problems() Errors {
	if w.exhausted() {
		return Errors{{File: w.file, Line: 1, Message: "is too large once its YAML aliases are expanded, use fewer aliases"}}
	}
	w.errs.sort()
	return w.errs
}

// value is one value of the file: where it stands and how to complain about it.
type value struct {
	w    *walker
	node *yaml.Node // never an alias
	path string
	// secretive keeps its text and the names of its unknown keys out of errors.
	secretive bool
}

// value returns the value of a node, following an alias.
func (w *walker) value(node *yaml.Node, path string) value {
	w.visitsLeft--
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return value{w: w, node: node, path: path}
}

// failf reports a problem of the value.
func (v value) failf(format string, args ...any) {
	v.w.report(v.node.Line, v.path, fmt.Sprintf(format, args...))
}

// missing reports a key that the value, a mapping, lacks.
func (v value) missing(key, allowed string) {
	v.w.report(v.node.Line, v.child(key), "is missing, "+allowed)
}

// is reports whether the value is of the kind and refuses it otherwise; want
// says what is allowed. The value itself is never shown: it may be a secret.
func (v value) is(kind yaml.Kind, want string) bool {
	if v.node.Kind != kind {
		v.failf("%s is not allowed, allowed: %s", v.describe(), want)
		return false
	}
	switch v.node.ShortTag() {
	case "!!str", "!!int", "!!float", "!!bool", "!!timestamp", "!!merge", "!!null", "!!map", "!!seq":
		return true
	}
	v.failf("a YAML tag is not allowed, allowed: %s; put quotes around a text that begins with '!'", want)
	return false
}

// describe names the kind of the value.
func (v value) describe() string {
	switch v.node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch v.node.ShortTag() {
	case "!!null":
		return "an empty value"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	}
	return "text"
}

// list calls item for each item and returns how many there are.
func (v value) list(want string, item func(value)) (length int, ok bool) {
	if !v.is(yaml.SequenceNode, want) {
		return 0, false
	}
	for i, node := range v.node.Content {
		if v.w.exhausted() {
			break
		}
		item(v.w.value(node, fmt.Sprintf("%s[%d]", v.path, i)))
	}
	return len(v.node.Content), true
}

// entry is one key of a mapping with its value.
type entry struct {
	key   string
	line  int
	value value
}

// empty reports whether the key has no value, which is the same as leaving it out.
func (e entry) empty() bool { return isNull(e.value.node) }

// mapping returns the entries of the value, merge keys applied, and refuses
// keys that are given twice.
func (v value) mapping(want string) ([]entry, bool) {
	if !v.is(yaml.MappingNode, want) {
		return nil, false
	}
	return v.entries(0), true
}

func (v value) entries(depth int) []entry {
	var own []entry
	var merges []value
	lines := map[string]int{}
	for i := 0; i+1 < len(v.node.Content) && !v.w.exhausted(); i += 2 {
		key := v.w.value(v.node.Content[i], v.path)
		if key.node.Kind == yaml.ScalarNode && key.node.ShortTag() == "!!merge" {
			merges = append(merges, v.w.value(v.node.Content[i+1], v.path+".<<"))
			continue
		}
		if !key.is(yaml.ScalarNode, "text as a key") {
			continue
		}
		name, line := key.node.Value, v.node.Content[i].Line
		path := v.child(name)
		if first, twice := lines[name]; twice {
			v.w.report(line, path, fmt.Sprintf("the key is given twice, first on line %d, allowed: once", first))
			continue
		}
		lines[name] = line
		at := v.w.value(v.node.Content[i+1], path)
		at.secretive = v.secretive
		own = append(own, entry{key: name, line: line, value: at})
	}
	// Own keys win over merged ones, and earlier merges over later ones.
	for _, merge := range merges {
		for _, e := range v.merged(merge, depth+1) {
			if _, known := lines[e.key]; !known {
				lines[e.key] = e.line
				own = append(own, e)
			}
		}
	}
	return own
}

// merged returns the entries that the value of a merge key adds to v.
func (v value) merged(merge value, depth int) []entry {
	if depth > maxMergeDepth {
		merge.failf("merge keys are nested too deep, allowed: %d levels", maxMergeDepth)
		return nil
	}
	from := []value{merge}
	if merge.node.Kind == yaml.SequenceNode {
		from = nil
		for _, node := range merge.node.Content {
			from = append(from, v.w.value(node, merge.path))
		}
	}
	var all []entry
	for _, m := range from {
		if v.w.exhausted() {
			break
		}
		if m.is(yaml.MappingNode, "a mapping, or a list of mappings") {
			// The keys become keys of v, and so does their path.
			m.path, m.secretive = v.path, v.secretive
			all = append(all, m.entries(depth)...)
		}
	}
	return all
}

// child returns the path of a key of the value, or the path of the value
// itself when the key must not be shown.
func (v value) child(key string) string {
	switch {
	case !v.shows(key):
		return v.path
	case v.path == "":
		return key
	}
	return v.path + "." + key
}

// shows reports whether an error may show the key.
func (v value) shows(key string) bool {
	return plainKey.MatchString(key) && (!v.secretive || nearest(key, credentialKeys()) != "")
}

// quoted shows the text of the value, unless it must not be shown.
func (v value) quoted() string {
	if v.secretive {
		return "the text"
	}
	return quote(v.node.Value)
}

// quote shows a text of the file in an error, on one line and not too long.
func quote(s string) string {
	const most = 64
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most]) + "..."
	}
	return fmt.Sprintf("%q", s)
}

// sentence joins what is allowed.
func sentence(words []string) string { return strings.Join(words, ", ") }
