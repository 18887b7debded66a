package config

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// text returns the text of a scalar as it stands in the file: 42 and true are
// text where text is wanted.
func (v value) text() (string, bool) {
	if !v.is(yaml.ScalarNode, "text") {
		return "", false
	}
	if isNull(v.node) {
		v.failf("an empty value is not allowed, allowed: text")
		return "", false
	}
	if !utf8.ValidString(v.node.Value) {
		v.failf("is not valid UTF-8, allowed: UTF-8 text")
		return "", false
	}
	return v.node.Value, true
}

// textInto reads a text that is not empty.
func textInto(dst *string) func(value) {
	return func(v value) {
		s, ok := v.text()
		if ok && s == "" {
			v.failf("is empty, give a text or leave the key out")
			return
		}
		*dst = s
	}
}

// textMatching reads a text that passes check, which returns what is wrong with it.
func textMatching(dst *string, check func(string) string) func(value) {
	return func(v value) {
		s, ok := v.text()
		if !ok {
			return
		}
		if wrong := check(s); wrong != "" {
			v.failf("%s", wrong)
			return
		}
		*dst = s
	}
}

// noLimit is the upper limit of a duration that has none.
const noLimit = model.Duration(math.MaxInt64)

// duration reads a duration between low and high; high may be noLimit.
func duration(dst *model.Duration, low, high model.Duration) func(value) {
	allowed := fmt.Sprintf("%s to %s", low, high)
	if high == noLimit {
		allowed = fmt.Sprintf("%s or more", low)
	}
	return func(v value) {
		if !v.is(yaml.ScalarNode, "a duration such as 30s, 5m or 12h") {
			return
		}
		d, err := model.ParseDuration(v.node.Value)
		switch {
		case err != nil:
			v.failf("%s is not a duration, allowed: %s, as numbers with units such as 30s, 5m or 1h30m", v.quoted(), allowed)
		case d < low || d > high:
			v.failf("%s is out of range, allowed: %s", d, allowed)
		default:
			*dst = d
		}
	}
}

// durationOrZero is duration, with 0 allowed beside the range.
func durationOrZero(dst *model.Duration, low, high model.Duration) func(value) {
	return func(v value) {
		if d, err := model.ParseDuration(v.node.Value); err == nil && d == 0 && v.node.Kind == yaml.ScalarNode {
			*dst = 0
			return
		}
		duration(dst, low, high)(v)
	}
}

// integer reads a whole number between low and high.
func integer(dst *int, low, high int) func(value) {
	return func(v value) {
		allowed := fmt.Sprintf("a whole number from %d to %d", low, high)
		if !v.is(yaml.ScalarNode, allowed) {
			return
		}
		// The canonical form only: 010 would be 8 to some readers.
		n, err := strconv.Atoi(v.node.Value)
		if v.node.ShortTag() != "!!int" || err != nil || strconv.Itoa(n) != v.node.Value || n < low || n > high {
			v.notNumber(allowed)
			return
		}
		*dst = n
	}
}

// positive reads a number above 0, at most high.
func positive(dst *float64, high float64) func(value) {
	return func(v value) {
		allowed := fmt.Sprintf("a number above 0, at most %g", high)
		if !v.is(yaml.ScalarNode, allowed) {
			return
		}
		tag := v.node.ShortTag()
		f, err := strconv.ParseFloat(v.node.Value, 64)
		// Written so that NaN is refused.
		if (tag != "!!int" && tag != "!!float") || err != nil || !(f > 0 && f <= high) {
			v.notNumber(allowed)
			return
		}
		*dst = f
	}
}

// notNumber refuses a scalar where a number is wanted: a number is shown, and
// "3" in quotes is called what it is.
func (v value) notNumber(allowed string) {
	what := v.describe()
	if what == "a number" {
		what = v.node.Value
	}
	v.failf("%s is not allowed, allowed: %s", what, allowed)
}

// boolean reads true or false.
func boolean(dst *bool) func(value) {
	return func(v value) {
		if !v.is(yaml.ScalarNode, "true or false") {
			return
		}
		b, err := strconv.ParseBool(v.node.Value)
		if v.node.ShortTag() != "!!bool" || err != nil {
			v.failf("%s is not allowed, allowed: true or false", v.describe())
			return
		}
		*dst = b
	}
}

// texts reads a mapping of texts, a key without a value being an empty text.
// The check returns what is wrong with a key and its value, or "".
func texts(dst *map[string]string, check func(key, text string) string) func(value) {
	return func(v value) {
		entries, ok := v.mapping("a mapping of names to texts")
		if !ok {
			return
		}
		read := make(map[string]string, len(entries))
		for _, e := range entries {
			text := ""
			if !e.empty() {
				if text, ok = e.value.text(); !ok {
					continue
				}
			}
			if wrong := check(e.key, text); wrong != "" {
				v.w.report(e.line, v.child(e.key), wrong)
				continue
			}
			read[e.key] = text
		}
		if len(read) > 0 {
			*dst = read
		}
	}
}
