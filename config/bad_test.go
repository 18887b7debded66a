package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// canary stands for every secret in testdata.
const canary = "CANARY"

// noEnv is an environment without variables.
func noEnv(string) (string, bool) { return "", false }

// parseText parses a file that exists only in the test.
func parseText(text string) (*Config, error) {
	return parse(strings.NewReader(text), "test.yml", noEnv)
}

func TestEveryProblemOfAFileHasItsLineAndKey(t *testing.T) {
	expected, err := os.ReadFile("testdata/bad/expected.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{} // file -> line and key of each problem
	for line := range strings.Lines(string(expected)) {
		name, problems, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		want[name] = problems
	}
	files, err := filepath.Glob("testdata/bad/*.yml")
	if err != nil || len(files) != len(want)+1 {
		t.Fatalf("%d files, %v; want %d", len(files), err, len(want)+1)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yml")
		errs := parseBad(t, file)
		var got []string
		for _, e := range errs {
			got = append(got, strings.TrimSuffix(fmt.Sprintf("%d %s", e.Line, e.Key), " "))
		}
		if got := strings.Join(got, ", "); name != "all_at_once" && got != want[name] {
			t.Errorf("%s: got %s, want %s\n%v", name, got, want[name], errs)
		}
	}
}

func TestManyProblemsHaveTheirExactMessages(t *testing.T) {
	got := strings.ReplaceAll(parseBad(t, "testdata/bad/all_at_once.yml").Error(), "testdata/bad/", "") + "\n"
	want, err := os.ReadFile("testdata/bad/all_at_once.txt")
	if err != nil || got != string(want) {
		t.Errorf("%v, got:\n%swant:\n%s", err, got, want)
	}
}

// parseBad returns the problems of a file, after checking what is true of every problem.
func parseBad(t *testing.T, file string) Errors {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cfg, err := parse(f, file, noEnv)
	if err == nil || cfg != nil {
		t.Fatalf("%s is accepted", file)
	}
	return checkErrors(t, err)
}

func checkErrors(t *testing.T, err error) Errors {
	t.Helper()
	var errs Errors
	if !errors.As(err, &errs) || len(errs) == 0 {
		t.Fatalf("error is %T and not Errors: %v", err, err)
	}
	if lines := strings.Split(err.Error(), "\n"); len(lines) != len(errs) || strings.Contains(err.Error(), canary) {
		t.Errorf("%d problems in %d lines, or a secret:\n%v", len(errs), len(lines), err)
	}
	for i, e := range errs {
		if e.Line < 1 || e.Message == "" || i > 0 && e.Line < errs[i-1].Line {
			t.Errorf("no line, no message or not sorted by line:\n%v", err)
		}
	}
	return errs
}
