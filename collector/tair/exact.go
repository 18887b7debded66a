package tair

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
)

// unmarshal is json.Unmarshal with exact names: encoding/json also takes a key that differs in case, so that "sslenabled"
// would overwrite "SSLEnabled". It changes such keys in the body, whose owner is the caller.
func unmarshal(body []byte, v any) error {
	maskVariants(body, fieldNames(nil, reflect.TypeOf(v)))
	return json.Unmarshal(body, v) // its callers replace or wrap the error
}

// fieldNames adds the names of the JSON fields of a type, and of those in it.
func fieldNames(names []string, t reflect.Type) []string {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return fieldNames(names, t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			names = fieldNames(append(names, f.Tag.Get("json")), f.Type)
		}
	}
	return names
}

// maskVariants replaces the first byte of every key that is one of the names but for its case. A text without an end is no
// JSON, and left alone.
func maskVariants(body []byte, names []string) {
	for at := 0; ; {
		start := bytes.IndexByte(body[at:], '"')
		if start < 0 {
			return
		}
		start += at + 1
		end := start
		for end < len(body) && body[end] != '"' {
			if body[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(body) {
			return
		}
		at = end + 1
		text, rest := body[start:end], bytes.TrimLeft(body[at:], " \t\r\n")
		if len(rest) == 0 || rest[0] != ':' || len(text) == 0 {
			continue // a value
		}
		if isVariant(text, names) {
			text[0] = '_'
		}
	}
}

// isVariant reports whether encoding/json would take a key for one of the names although it is none.
func isVariant(key []byte, names []string) bool {
	if bytes.IndexByte(key, '\\') >= 0 {
		var plain string
		if json.Unmarshal(slices.Concat([]byte{'"'}, key, []byte{'"'}), &plain) != nil {
			return false
		}
		key = []byte(plain)
	}
	for _, name := range names {
		if string(key) == name {
			return false
		}
	}
	return slices.ContainsFunc(names, func(name string) bool { return bytes.EqualFold(key, []byte(name)) })
}
