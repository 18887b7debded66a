package apptest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// AtRoot runs the tests of a package in the root of the repository, so that they name its files from there. It is for
// TestMain.
func AtRoot(m *testing.M) {
	for range 5 { // no package is deeper
		if _, err := os.Stat("go.mod"); err == nil {
			os.Exit(m.Run())
		}
		if err := os.Chdir(".."); err != nil {
			break
		}
	}
	fmt.Fprintln(os.Stderr, "there is no go.mod above the tests")
	os.Exit(1)
}

// File writes a file into a directory of the test's and returns its path.
func File(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	Write(t, path, text)
	return path
}

// Write writes a file, and the directories above it.
func Write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Read returns the text of a file.
func Read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Glob returns the files that match a pattern, at least one.
func Glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %q, %v", pattern, found, err)
	}
	return found
}

// DecodeFile reads a YAML file into v. Strict refuses keys that v does not have.
func DecodeFile(t *testing.T, path string, strict bool, v any) {
	t.Helper()
	Decode(t, path, Read(t, path), strict, v)
}

// Decode reads the YAML text of a file into v. Strict refuses keys that v does not have.
func Decode(t *testing.T, path, text string, strict bool, v any) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(strict)
	if err := d.Decode(v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// Matches returns the first group of every match in a file, at least one.
func Matches(t *testing.T, path, expression string) []string {
	t.Helper()
	return MatchesIn(t, path, Read(t, path), expression)
}

// MatchesIn returns the first group of every match in the text of a file, at least one.
func MatchesIn(t *testing.T, path, text, expression string) []string {
	t.Helper()
	var found []string
	for _, m := range regexp.MustCompile(expression).FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	if len(found) == 0 {
		t.Fatalf("%s: nothing matches %s", path, expression)
	}
	return found
}

// Blocks returns the fenced blocks of a language in the Markdown text of a file, at least one.
func Blocks(t *testing.T, path, text, language string) []string {
	t.Helper()
	return MatchesIn(t, path, text, "(?s)```"+language+"\n(.*?)```")
}

// NewestRelease returns the version at the top of the changelog.
func NewestRelease(t *testing.T) string {
	t.Helper()
	return Matches(t, "CHANGELOG.md", `(?m)^## \[(\d[^]]*)\]`)[0]
}

// ShellCommands returns the words of each command in the shell blocks of a Markdown file.
func ShellCommands(t *testing.T, path string) [][]string {
	t.Helper()
	var all [][]string
	for _, block := range Blocks(t, path, Read(t, path), "sh") {
		for line := range strings.SplitSeq(strings.ReplaceAll(block, "\\\n", " "), "\n") {
			line, _, _ = strings.Cut(line, " #")
			if words := strings.Fields(line); len(words) > 0 {
				all = append(all, words)
			}
		}
	}
	return all
}
