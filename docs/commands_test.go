package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

// TestCommandsOfTheDocuments checks the flags of the program and the targets of make. The tests of the chart run those of helm.
func TestCommandsOfTheDocuments(t *testing.T) {
	targets := apptest.Matches(t, "Makefile", `(?m)^([a-z0-9-]+):.*##`)
	later := regexp.MustCompile(` --(once|config\.(check|example)|config\.file=\S+)\S*`) // each has tests of its own
	runs := 0
	for _, path := range documents(t) {
		for _, words := range shellCommands(t, path) {
			text := strings.TrimPrefix(strings.Replace(strings.Join(words, " "), "go run .", "tair_ssl_exporter", 1), "./")
			if flags, is := strings.CutPrefix(text+" ", "tair_ssl_exporter "); is {
				runs++
				flags = later.ReplaceAllString(" "+flags, "")
				if !strings.Contains(flags, "--demo") && !strings.Contains(flags, "--instance=") {
					flags += " --instance=cn-hangzhou/r-a"
				}
				apptest.CheckConfig(t, strings.Fields(flags)...)
			}
			if words[0] == "make" && !slices.Contains(targets, words[1]) && path != "docs/releasing.md" {
				t.Errorf("%s: %s: no such target", path, text)
			}
		}
	}
	if runs < 8 {
		t.Errorf("the program is run %d times", runs)
	}
}

// shellCommands returns the commands of a document, which may have none.
func shellCommands(t *testing.T, path string) [][]string {
	t.Helper()
	if !strings.Contains(apptest.Read(t, path), "```sh\n") {
		return nil
	}
	return apptest.ShellCommands(t, path)
}

// TestEveryFlagIsDocumented compares the table of docs/configuration.md with --help.
func TestEveryFlagIsDocumented(t *testing.T) {
	_, help, _ := apptest.Run(t, "--help")
	listed := apptest.Matches(t, "docs/configuration.md", "(?m)^\\| `--([a-z.-]+)` \\|")
	for _, flag := range apptest.MatchesIn(t, "--help", help, `(?m)^ {2,6}(?:-h, )?--(?:\[no-\])?([a-z.-]+)`) {
		if !slices.Contains(listed, flag) {
			t.Errorf("--%s is not in the table", flag)
		}
	}
}

// Links lead to files that are there, and to their headings. A picture may come later.
func TestLinksOfTheDocumentsLeadSomewhere(t *testing.T) {
	notInAnchors := regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
	anchors := func(path string) (all []string) {
		for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(apptest.Read(t, path), -1) {
			title := regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`).ReplaceAllString(m[1], "$1")
			all = append(all, strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(title), ""), " ", "-"))
		}
		return all
	}
	for _, path := range append(documents(t), apptest.Glob(t, "deploy/*/README.md")...) {
		for _, m := range regexp.MustCompile(`[^!]\[[^]]*\]\(([^)#]*)#?([^)]*)\)`).FindAllStringSubmatch(apptest.Read(t, path), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file := path
			if m[1] != "" {
				file = filepath.Join(filepath.Dir(path), m[1])
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: %v", path, err)
			} else if m[2] != "" && !slices.Contains(anchors(file), m[2]) {
				t.Errorf("%s: %s has no heading #%s", path, file, m[2])
			}
		}
	}
}

func TestFilesNamedInDocumentsExist(t *testing.T) {
	for _, path := range append(documents(t), "deploy/compose/compose.yaml", "deploy/compose/compose.real.yaml", "deploy/helm/tair-ssl-exporter/README.md") {
		for _, name := range regexp.MustCompile(`\bdeploy/[\w./-]*\w`).FindAllString(apptest.Read(t, path), -1) {
			if _, err := os.Stat(name); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}
