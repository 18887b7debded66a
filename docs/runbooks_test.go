package docs_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

// Both languages have the same sections: one with every part for each alert.
func TestRunbooksAreThoseOfTheAlerts(t *testing.T) {
	commands := make(map[string][]string)
	for path, parts := range map[string][]string{
		"docs/runbooks.md":       {"Meaning.", "Look first.", "Do.", "Ends."},
		"docs/runbooks.zh-CN.md": {"含义。", "先看。", "处理。", "结束。"},
	} {
		text := apptest.Read(t, path)
		anchors := make(map[string]bool)
		var names []string
		for _, section := range strings.Split(text, "\n## ")[1:] {
			title, body, _ := strings.Cut(section, "\n")
			anchors[strings.ReplaceAll(strings.ToLower(title), " ", "-")] = true
			if !strings.HasPrefix(title, "TairSSL") {
				continue
			}
			names = append(names, title)
			for _, part := range parts {
				if strings.Count(body, "**"+part+"**") != 1 {
					t.Errorf("%s, %s: want one **%s**", path, title, part)
				}
			}
		}
		slices.Sort(names)
		if want := apptest.AlertNames(t); !slices.Equal(names, want) {
			t.Errorf("%s has the sections\n%q\nalerts:\n%q", path, names, want)
		}
		for _, m := range regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(text, -1) {
			if !anchors[m[1]] {
				t.Errorf("%s: a link to #%s, which is not there", path, m[1])
			}
		}
		apptest.CheckMetricNames(t, path, strings.NewReplacer("tair_ssl_exporter --", "", "tair_ssl_blackbox.rules.yml", "").Replace(text))
		commands[path] = regexp.MustCompile("(?m)^ {4,}.*$|`[^`]+`").FindAllString(text, -1)
		slices.Sort(commands[path])
	}
	if en, zh := commands["docs/runbooks.md"], commands["docs/runbooks.zh-CN.md"]; !slices.Equal(slices.Compact(en), slices.Compact(zh)) {
		for _, c := range en {
			if !slices.Contains(zh, c) {
				t.Errorf("only in English: %s", c)
			}
		}
		for _, c := range zh {
			if !slices.Contains(en, c) {
				t.Errorf("only in Chinese: %s", c)
			}
		}
	}
}
