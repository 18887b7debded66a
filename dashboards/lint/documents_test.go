package lint

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// Every example query of the documents parses.
func TestQueriesOfTheDocumentsParse(t *testing.T) {
	paths, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	queries := 0
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?s)```promql\n(.*?)```").FindAllSubmatch(text, -1) {
			for _, query := range regexp.MustCompile(`\n\n`).Split(string(block[1]), -1) {
				queries++
				if _, err := promql().ParseExpr(query); err != nil {
					t.Errorf("%s: %v\n%s", path, err, query)
				}
			}
		}
	}
	if queries < 12 {
		t.Errorf("%d queries", queries)
	}
}
