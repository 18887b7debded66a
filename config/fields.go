package config

import (
	"math"
	"slices"
	"strings"
)

// field is a key of a mapping and how its value is read.
type field struct {
	key    string
	decode func(value)
}

// present holds the keys of a mapping that have a value.
type present map[string]value

func (p present) has(key string) bool { _, ok := p[key]; return ok }

// fields reads a mapping. Keys that no field names are refused, keys without a
// value are left out, and the others are decoded in the order of the fields,
// whatever the order of the file, so that a field may use those before it.
func (v value) fields(want string, fields []field) (present, bool) {
	entries, ok := v.mapping(want)
	if !ok {
		return nil, false
	}
	allowed := make([]string, len(fields))
	for i, f := range fields {
		allowed[i] = f.key
	}
	given := present{}
	for _, e := range entries {
		switch {
		case !slices.Contains(allowed, e.key):
			v.refuse(e, allowed)
		case !e.empty():
			given[e.key] = e.value
		}
	}
	for _, f := range fields {
		if at, ok := given[f.key]; ok {
			f.decode(at)
		}
	}
	return given, true
}

// refuse reports a key that is not allowed.
func (v value) refuse(e entry, allowed []string) {
	hint := ""
	if near := nearest(e.key, allowed); near != "" && v.shows(e.key) {
		hint = "did you mean " + near + "? "
	}
	v.w.report(e.line, v.child(e.key), "unknown key, "+hint+"allowed: "+sentence(allowed))
}

// nearest returns the word that key is most likely a misspelling of, or "".
func nearest(key string, words []string) string {
	if len(key) > 40 {
		return ""
	}
	key = strings.ReplaceAll(strings.ToLower(key), "-", "_")
	best, distance := "", math.MaxInt
	for _, word := range words {
		// Compared without "_", so that a camelCase spelling is near.
		d := editDistance(strings.ReplaceAll(key, "_", ""), strings.ReplaceAll(word, "_", ""))
		if d < distance && d <= len(word)/4+boolToInt(len(word) < 8) {
			best, distance = word, d
		}
	}
	return best
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// editDistance counts the bytes to add, drop or change to turn a into b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal + boolToInt(a[i] != b[j])
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
