package docs_test

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/collector/tair/tairtest"
	"tair_ssl_exporter/internal/apptest"
)

func TestMain(m *testing.M) { apptest.AtRoot(m) }

const readme, readmeChinese = "README.md", "README.zh-CN.md"

// TestMetricsAreThoseThatAreServed compares the tables of docs/metrics.md with the names and labels of what the exporter
// serves.
func TestMetricsAreThoseThatAreServed(t *testing.T) {
	const path = "docs/metrics.md"
	demo := apptest.Start(t, "--demo")
	served := ""
	for !strings.Contains(served, "tair_ssl_renewal_deadline_timestamp_seconds{") { // no scrape waits for the renewals
		_, served = demo.Get(t, "/metrics")
	}
	api, server := apptest.StartAPI(t)
	for _, action := range []string{"DescribeInstances", "DescribeActiveOperationTasks"} {
		api.SetFault(action, tairtest.Fault{Error: &tairtest.APIError{Status: 403, Code: "Forbidden.RAM"}})
	}
	text := strings.Replace(apptest.DiscoveryConfig(server, "cn-hangzhou"), "    discovery:", "    renewals: true\n    discovery:", 1)
	exporter, failing := apptest.Start(t, "--config.file="+apptest.File(t, "c.yml", text)), ""
	for !strings.Contains(failing, "tair_ssl_exporter_renewals_error_info") { // no scrape waits for the renewals
		_, failing = exporter.Get(t, "/metrics")
	}

	want := map[string]string{} // name -> labels
	for _, m := range regexp.MustCompile(`(?m)^(tair_ssl_\w+?)(?:_sum|_bucket|_count)?(?:\{(.*)\})? \S+$`).FindAllStringSubmatch(served+failing, -1) {
		var labels []string
		for _, l := range regexp.MustCompile(`(\w+)="(?:[^"\\]|\\.)*"`).FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains([]string{"le", "env", "team"}, l[1]) { // env and team are custom
				labels = append(labels, l[1])
			}
		}
		slices.Sort(labels)
		want[m[1]] = strings.Join(labels, " ")
	}
	got := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(tair_ssl_\\w+)` \\|([^|]*)\\|").FindAllStringSubmatch(apptest.Read(t, path), -1) {
		labels := regexp.MustCompile(`\w+`).FindAllString(strings.ReplaceAll(row[2], "and custom ones", ""), -1)
		slices.Sort(labels)
		got[row[1]] = strings.Join(labels, " ")
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if labels, listed := got[name]; !listed || labels != want[name] {
			t.Errorf("%s{%s} is served, the table has {%s} (listed: %t)", name, want[name], labels, listed)
		}
		delete(got, name)
	}
	if len(got) > 0 || len(want) < 25 {
		t.Errorf("of %d metrics, %v are not served", len(want), got)
	}
	apptest.CheckMetricNames(t, path, strings.ReplaceAll(apptest.Read(t, path), "_bucket[", "["))
}

// TestConfigurationsOfTheDocumentsAreValid checks every block with a list of accounts.
func TestConfigurationsOfTheDocumentsAreValid(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"access_key_id", "access_key_secret", "token"} {
		apptest.Write(t, filepath.Join(dir, name), "x")
	}
	config, checked := filepath.Join(dir, "tair-ssl-exporter.yml"), 0
	for _, path := range documents(t) {
		for _, m := range regexp.MustCompile("(?s)```ya?ml\n(.*?)```").FindAllStringSubmatch(apptest.Read(t, path), -1) {
			for text := range strings.SplitSeq(m[1], "\n---\n") {
				if regexp.MustCompile(`(?m)^accounts:`).MatchString(text) {
					apptest.Write(t, config, text)
					apptest.CheckConfig(t, "--config.file="+config)
					checked++
				}
			}
		}
	}
	if checked < 6 {
		t.Errorf("%d configurations", checked)
	}
}

// documents returns the documents at the top and in docs.
func documents(t *testing.T) []string {
	t.Helper()
	return slices.Concat(apptest.Glob(t, "*.md"), apptest.Glob(t, "docs/*.md"))
}

// Both READMEs have the same parts: as many headings of each level, and the same blocks and code.
func TestREADMEsAreInStep(t *testing.T) {
	texts := [2]string{apptest.Read(t, readme), apptest.Read(t, readmeChinese)}
	for name, expression := range map[string]string{
		"heading": `(?m)^#+ `, "block": "(?s)```.*?```", "picture": `!\[[^]]*\](\([^)]*\))`, "row": `(?m)^\|`, "link": `\]\((?:docs|deploy)/[^)#]*`,
	} {
		var found [2][]string
		for i, text := range texts {
			for _, m := range regexp.MustCompile(expression).FindAllStringSubmatch(text, -1) {
				part := regexp.MustCompile(`(?m) +#.*$`).ReplaceAllString(m[len(m)-1], "") // comments are translated
				found[i] = append(found[i], strings.Replace(part, "runbooks.zh-CN.md", "runbooks.md", 1))
			}
			if name == "link" {
				slices.Sort(found[i])
			}
		}
		if !slices.Equal(found[0], found[1]) {
			t.Errorf("each %s: %d in English, %d in Chinese:\n%q\n%q", name, len(found[0]), len(found[1]), found[0], found[1])
		}
	}
	if lines := strings.Count(texts[0], "\n"); lines > 200 {
		t.Errorf("%s has %d lines", readme, lines)
	}
}

// TestTroubleshootingQuotesTheProgram looks for each sentence of the tables in the sources.
func TestTroubleshootingQuotesTheProgram(t *testing.T) {
	const path = "docs/troubleshooting.md"
	var sources strings.Builder
	for _, pattern := range []string{"internal/*/*.go", "config/*.go", "collector/*.go", "collector/tair/*.go", "collector/tair/creds/*.go"} {
		for _, file := range apptest.Glob(t, pattern) {
			if !strings.HasSuffix(file, "_test.go") {
				sources.WriteString(apptest.Read(t, file))
			}
		}
	}
	quoted := 0
	for _, table := range strings.Split(apptest.Read(t, path), "\n| it says |")[1:] {
		table, _, _ = strings.Cut(table, "\n\n")
		for _, sentence := range apptest.MatchesIn(t, path, table, "(?m)^\\| `([^`]+)` \\|") {
			quoted++
			if !strings.Contains(sources.String(), sentence) {
				t.Errorf("the program does not say %q", sentence)
			}
		}
	}
	if quoted < 35 {
		t.Errorf("%d sentences", quoted)
	}
}
