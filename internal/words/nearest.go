// Package words has what the texts for people share.
package words

import "strings"

// Nearest returns the word that name is most likely a misspelling of, or "". A camelCase spelling, "-" and "_" make no
// difference.
func Nearest(name string, words []string) string {
	strip := strings.NewReplacer("-", "", "_", "").Replace
	name = strip(strings.ToLower(name))
	for edits := 0; edits < min(len(name), 6); edits++ {
		for _, word := range words {
			if edits <= (len(word)+3)/5 && within(name, strip(word), edits) {
				return word
			}
		}
	}
	return ""
}

// within reports whether a turns into b with so many bytes added, removed or changed at most.
func within(a, b string, edits int) bool {
	switch {
	case edits < 0:
		return false
	case a == "" || b == "":
		return len(a)+len(b) <= edits
	case a[0] == b[0]:
		return within(a[1:], b[1:], edits)
	}
	return within(a[1:], b, edits-1) || within(a, b[1:], edits-1) || within(a[1:], b[1:], edits-1)
}
