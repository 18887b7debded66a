package docs_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

// TestREADMECommands checks the flags of the program and the targets of make. The tests of the chart run those of helm.
func TestREADMECommands(t *testing.T) {
	targets := apptest.Matches(t, "Makefile", `(?m)^([a-z0-9-]+):.*##`)
	config := checkREADMEConfig(t, "yaml", "(accounts: 1, instances: 2, discovery entries: 0)")
	runs := 0
	for _, words := range apptest.ShellCommands(t, readme) {
		text := strings.Join(words, " ")
		if flags, is := strings.CutPrefix(strings.Replace(text, "go run .", "tair_ssl_exporter", 1)+" ", "tair_ssl_exporter "); is {
			runs++
			if !strings.Contains(flags, "--demo") && !strings.Contains(flags, "--instance=") {
				flags += " --config.file=" + config
			}
			apptest.CheckConfig(t, strings.Fields(strings.Replace(flags, "--config.check", "", 1))...)
		}
		if words[0] == "make" && !slices.Contains(targets, words[1]) {
			t.Errorf("%s: no such target", text)
		}
	}
	if runs < 3 {
		t.Errorf("the program is run %d times", runs)
	}
}

func TestFilesNamedInDocumentsExist(t *testing.T) {
	for _, path := range slices.Concat([]string{readme, "deploy/compose/compose.yaml", "deploy/compose/compose.real.yaml",
		"deploy/helm/tair-ssl-exporter/README.md"}, apptest.Glob(t, "docs/*.md")) {
		for _, name := range regexp.MustCompile(`\bdeploy/[\w./-]*\w`).FindAllString(apptest.Read(t, path), -1) {
			if _, err := os.Stat(name); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}
