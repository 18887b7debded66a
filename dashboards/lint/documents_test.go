package lint

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

func TestQueriesOfTheDocumentsParse(t *testing.T) {
	paths, _ := filepath.Glob("../../docs/*.md") // the only error is a bad pattern
	queries := 0
	for _, path := range paths {
		for _, block := range regexp.MustCompile("(?s)```promql\n(.*?)```").FindAllStringSubmatch(apptest.Read(t, path), -1) {
			for query := range strings.SplitSeq(block[1], "\n\n") {
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
