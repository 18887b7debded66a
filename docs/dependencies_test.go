package docs_test

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

// Each direct dependency is in docs/dependencies.md, once, with a reason and a licence, and nothing else is.
func TestEveryDependencyIsExplained(t *testing.T) {
	explained := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| .{10,} \\| (?:MIT|Apache-2.0|BSD-3-Clause|MIT and Apache-2.0) \\|$")
	text := apptest.Read(t, "docs/dependencies.md")
	parts := strings.Split(text, "## Other modules")
	if len(parts) != 2 {
		t.Fatal("there are not two tables")
	}
	product := required(t, "go.mod")
	others := make(map[string]bool)
	for _, pattern := range []string{"*/go.mod", "*/*/go.mod"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			maps.Copy(others, required(t, path))
		}
	}
	maps.DeleteFunc(others, func(module string, _ bool) bool { return product[module] })
	for i, want := range []map[string]bool{product, others} {
		var got []string
		for _, m := range explained.FindAllStringSubmatch(parts[i], -1) {
			got = append(got, m[1])
		}
		slices.Sort(got)
		if want := slices.Sorted(maps.Keys(want)); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

// required returns the modules that a go.mod requires directly, without our own.
func required(t *testing.T, path string) map[string]bool {
	t.Helper()
	found := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^(?:require)?\s+(\S+/\S+) v\S+$`).FindAllStringSubmatch(apptest.Read(t, path), -1) {
		found[m[1]] = true
	}
	if len(found) == 0 && path == "go.mod" {
		t.Fatal("nothing is required")
	}
	return found
}
