package config

import "strings"

// didYouMean asks for the word that key is most likely a misspelling of, or is "". A camelCase spelling, "-" and "_" make
// no difference.
func didYouMean(key string, words []string) string {
	strip := strings.NewReplacer("-", "", "_", "").Replace
	key = strip(strings.ToLower(key))
	for edits := 0; edits < min(len(key), 6); edits++ {
		for _, word := range words {
			if edits <= (len(word)+3)/5 && within(key, strip(word), edits) {
				return "did you mean " + word + "? "
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

// DidYouMean asks for the word that a name is most likely a misspelling of, as "did you mean WORD? ", or is "".
func DidYouMean(name string, words []string) string { return didYouMean(name, words) }
