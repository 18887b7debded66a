package docs_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

func TestRunbooksAreThoseOfTheAlerts(t *testing.T) {
	text := apptest.Read(t, "docs/runbooks.md")
	anchors := make(map[string]bool)
	var names []string
	for _, section := range strings.Split(text, "\n## ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		anchors[strings.ReplaceAll(strings.ToLower(title), " ", "-")] = true
		if !strings.HasPrefix(title, "TairSSL") {
			continue
		}
		names = append(names, title)
		for _, part := range []string{"Meaning", "Impact", "Confirm", "Do", "Silence"} {
			if strings.Count(body, "**"+part+".** ") != 1 && strings.Count(body, "**"+part+".**\n") != 1 {
				t.Errorf("%s: want one **%s.**", title, part)
			}
		}
	}
	slices.Sort(names)
	if want := apptest.AlertNames(t); !slices.Equal(names, want) {
		t.Errorf("sections:\n%q\nalerts:\n%q", names, want)
	}
	for _, m := range regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(text, -1) {
		if !anchors[m[1]] {
			t.Errorf("a link to #%s, which is not there", m[1])
		}
	}
	apptest.CheckMetricNames(t, "docs/runbooks.md", strings.NewReplacer("tair_ssl_exporter --", "", "tair_ssl_blackbox.rules.yml", "").Replace(text))
}
