package config

import (
	"bytes"
	"errors"
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

// parseYAML returns the root of the only document in data, or nil when there is none. It reports what is wrong, and
// another document beside the root.
func parseYAML(data []byte, found *problems) (root *yaml.Node) {
	if at := notAllowed.FindIndex(data); at != nil { // the library does not name the line of these
		r, _ := utf8.DecodeRune(data[at[0]:])
		found.addAt(lineAt(data, at[0]), "", "the character U+%04X is not allowed, save the file as UTF-8 text without it", r)
		return nil
	}
	defer func() {
		if recover() != nil { // the text of the panic may quote the file
			root = nil
			found.addAt(1, "", "is not valid YAML")
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	err := decoder.Decode(&first)
	if errors.Is(err, io.EOF) || err == nil && isNull(first.Content[0]) {
		found.addAt(1, "", "the file is empty, it needs at least: accounts")
		return nil
	}
	if err == nil {
		err = decoder.Decode(&second)
	}
	switch {
	case err == nil:
		found.addAt(second.Line, "", "a second YAML document begins here, allowed: one document")
	case !errors.Is(err, io.EOF):
		line, message := syntaxError(err, data)
		found.addAt(line, "", "%s", message)
		return nil
	}
	return first.Content[0]
}

// syntaxError returns an error of the library with the right line and what to do, and without the text of the file.
func syntaxError(err error, data []byte) (line int, message string) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := errorLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	if m := unknownAnchor.FindStringSubmatch(text); m != nil { // the name may be a secret that begins with '*'
		line = lineAt(data, max(0, bytes.Index(data, []byte("*"+m[1]))))
		return line, "an alias refers to an anchor that is not defined above, put quotes around a text that begins with '*'"
	}
	if countedFromZero.MatchString(text) {
		line++
	}
	line = min(max(line, 1), lineAt(data, len(bytes.TrimRight(data, "\n"))))
	return line, "is not valid YAML: " + text + ", check the indentation, and put quotes around text with special characters"
}

// lineAt returns the line of a byte of data.
func lineAt(data []byte, offset int) int { return 1 + bytes.Count(data[:offset], []byte("\n")) }
