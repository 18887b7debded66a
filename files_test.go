package main

import (
	"os"
	"regexp"
	"testing"
	"time"
)

// shipped gives a file that comes with the exporter.
func shipped(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// matches gives the first group of every match, at least one.
func matches(t *testing.T, what, expression, text string) []string {
	t.Helper()
	var found []string
	for _, m := range regexp.MustCompile(expression).FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	if len(found) == 0 {
		t.Fatalf("%s: nothing like %s", what, expression)
	}
	return found
}

// newestRelease is the one at the top of the changelog.
func newestRelease(t *testing.T) string {
	t.Helper()
	return matches(t, "CHANGELOG.md", `(?m)^## \[(\d[^]]*)\]`, shipped(t, "CHANGELOG.md"))[0]
}

const (
	program       = "tair_ssl_exporter"
	defaultConfig = "tair-ssl-exporter.yml"
	shutdownTime  = 30 * time.Second
)
