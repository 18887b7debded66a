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
	// notAllowed matches control characters, and U+FFFD, which bytes that are no UTF-8 count as.
	notAllowed    = regexp.MustCompile(`[^\t\n\r\x{85}\x{20}-\x{7e}\x{a0}-\x{fefe}\x{ff00}-\x{fffc}\x{10000}-\x{10ffff}]`)
	errorLine     = regexp.MustCompile(`^line (\d+): `)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
	// countedFromZero matches the errors that the library reports with lines counted from 0.
	countedFromZero = regexp.MustCompile(`^did not find expected (',' or '[]}]'|'-' indicator|<|key|node content)|^found (duplicate|incompatible|undefined tag)`)
)

// parseYAML returns the root of the only document in data. The root is nil when there is none. Another document is a
// problem beside a root.
func parseYAML(data []byte) (root *yaml.Node, problem *Error) {
	if at := notAllowed.FindIndex(data); at != nil { // the library does not name the line of these
		r, _ := utf8.DecodeRune(data[at[0]:])
		return nil, &Error{Line: lineAt(data, at[0]), Message: fmt.Sprintf("the character U+%04X is not allowed, save the file as UTF-8 text without it", r)}
	}
	defer func() {
		if recover() != nil { // the text of the panic may quote the file
			root, problem = nil, &Error{Line: 1, Message: "is not valid YAML"}
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	err := decoder.Decode(&first)
	if errors.Is(err, io.EOF) || err == nil && isNull(first.Content[0]) {
		return nil, &Error{Line: 1, Message: "the file is empty, it needs at least: accounts"}
	}
	if err == nil {
		err = decoder.Decode(&second)
	}
	switch {
	case err == nil:
		return first.Content[0], &Error{Line: second.Line, Message: "a second YAML document begins here, allowed: one document"}
	case errors.Is(err, io.EOF):
		return first.Content[0], nil
	}
	return nil, syntaxError(err, data)
}

// syntaxError returns an error of the library with the right line and what to do, and without the text of the file.
func syntaxError(err error, data []byte) *Error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if m := errorLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	if m := unknownAnchor.FindStringSubmatch(text); m != nil { // the name may be a secret that begins with '*'
		return &Error{
			Line:    lineAt(data, max(0, bytes.Index(data, []byte("*"+m[1])))),
			Message: "an alias refers to an anchor that is not defined above, put quotes around a text that begins with '*'",
		}
	}
	if countedFromZero.MatchString(text) {
		line++
	}
	return &Error{
		Line:    min(max(line, 1), lineAt(data, len(bytes.TrimRight(data, "\n")))),
		Message: "is not valid YAML: " + text + ", check the indentation, and put quotes around text with special characters",
	}
}

// lineAt returns the line of a byte of data.
func lineAt(data []byte, offset int) int { return 1 + bytes.Count(data[:offset], []byte("\n")) }
