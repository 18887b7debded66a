package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

var (
	errorLine     = regexp.MustCompile(`^line (\d+): `)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
	// countedFromZero matches the errors that the library reports with lines counted from 0.
	countedFromZero = regexp.MustCompile(`^did not find expected (',' or '[]}]'|'-' indicator|<|key|node content)|^found (duplicate|incompatible|undefined tag)`)
)

// parseYAML returns the root of the only document in data. When data is no
// usable YAML the root is nil and the problem says why; a further document is
// a problem beside a usable root.
func parseYAML(data []byte) (root *yaml.Node, problem *Error) {
	if problem = checkText(data); problem != nil {
		return nil, problem
	}
	defer func() {
		// The library may panic on malformed input, with a text that quotes the file.
		if recover() != nil {
			root, problem = nil, &Error{Line: 1, Message: "is not valid YAML"}
		}
	}()

	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	switch err := decoder.Decode(&first); {
	case errors.Is(err, io.EOF), err == nil && isNull(first.Content[0]):
		return nil, &Error{Line: 1, Message: "the file is empty, it needs at least: accounts"}
	case err != nil:
		return nil, syntaxError(err, data)
	}
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF):
		return first.Content[0], nil
	case err != nil:
		return nil, syntaxError(err, data)
	}
	return first.Content[0], &Error{Line: second.Line, Message: "a second YAML document begins here, allowed: one document"}
}

// checkText refuses the bytes for which the library would not name a line.
func checkText(data []byte) *Error {
	line := 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1:
			return &Error{Line: line, Message: "is not valid UTF-8, save the file as UTF-8 text"}
		case r == '\n':
			line++
		case !isYAMLText(r):
			return &Error{Line: line, Message: fmt.Sprintf("the character U+%04X is not allowed, remove it", r)}
		}
		data = data[size:]
	}
	return nil
}

// isYAMLText reports whether YAML allows the character unescaped.
func isYAMLText(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r', r == 0x85:
		return true
	case r >= 0x7f && r < 0xa0, r == 0xfeff, r == 0xfffe, r == 0xffff:
		return false
	}
	return r >= ' '
}

// syntaxError turns an error of the library into one that names the right
// line, quotes nothing of the file and says what to do.
func syntaxError(err error, data []byte) *Error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if m := errorLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	if m := unknownAnchor.FindStringSubmatch(text); m != nil {
		// The name is not shown: it may be a secret that begins with '*'.
		before, _, _ := bytes.Cut(data, []byte("*"+m[1]))
		return &Error{
			Line:    1 + bytes.Count(before, []byte("\n")),
			Message: "an alias refers to an anchor that is not defined above, put quotes around a text that begins with '*'",
		}
	}
	if countedFromZero.MatchString(text) {
		line++
	}
	lines := 1 + bytes.Count(bytes.TrimRight(data, "\n"), []byte("\n"))
	return &Error{
		Line:    min(max(line, 1), lines),
		Message: "is not valid YAML: " + text + ", check the indentation, and put quotes around text with special characters",
	}
}

// isNull reports whether the node is an explicit or an empty null.
func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}
