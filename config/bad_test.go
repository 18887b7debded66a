package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the messages expected of testdata/bad")

// canary stands for every secret in testdata.
const canary = "CANARY"

// noEnv is an environment without variables.
func noEnv(string) (string, bool) { return "", false }

// parseText parses a file that exists only in the test.
func parseText(text string) (*Config, error) {
	return parse(strings.NewReader(text), "test.yml", noEnv)
}

func TestEveryRuleHasItsExactMessage(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yml"), func(t *testing.T) {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			cfg, err := parse(f, file, noEnv)
			if err == nil || cfg != nil {
				t.Fatalf("accepted: %+v", cfg)
			}
			checkErrors(t, err)

			got := strings.ReplaceAll(err.Error(), filepath.Dir(file)+"/", "") + "\n"
			golden := strings.TrimSuffix(file, ".yml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%swant:\n%s", got, want)
			}
		})
	}
}

// checkErrors checks what holds for the error of every bad file.
func checkErrors(t *testing.T, err error) {
	t.Helper()
	var errs Errors
	if !errors.As(err, &errs) || len(errs) == 0 {
		t.Fatalf("error is %T and not Errors: %v", err, err)
	}
	if lines := strings.Split(err.Error(), "\n"); len(lines) != len(errs) {
		t.Errorf("%d problems in %d lines:\n%v", len(errs), len(lines), err)
	}
	for i, e := range errs {
		if e.Line < 1 {
			t.Errorf("no line: %v", e)
		}
		if i > 0 && e.Line < errs[i-1].Line {
			t.Errorf("not sorted by line:\n%v", err)
		}
	}
	if strings.Contains(err.Error(), canary) {
		t.Errorf("a secret is shown:\n%v", err)
	}
}
