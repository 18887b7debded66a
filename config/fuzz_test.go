package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzParse checks that no input panics, that every error is a list of single
// lines with a place, and that what is accepted can be shown.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, text := range []string{"&a *a", "? ? a", "<<: <<", "{<<: [[]]}", "\ufeff", "accounts: &a [<<: *a]", "!!map []", "%YAML 1.1\n---\na: b", "a: \"\\xff\\u0000\""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cfg, err := parse(strings.NewReader(text), "testdata/good/fuzz.yml", noEnv)
		if err != nil {
			var errs Errors
			if !errors.As(err, &errs) || len(errs) == 0 || cfg != nil {
				t.Fatalf("got %v, %T", cfg, err)
			}
			for _, e := range errs {
				if strings.ContainsAny(e.Error(), "\n\r") || e.Line < 1 || e.Message == "" {
					t.Errorf("not one line with a place: %q", e.Error())
				}
				if e.Message == "cannot be decoded" {
					t.Error("the library refuses what the walk accepts")
				}
			}
			return
		}
		if len(cfg.Accounts) == 0 {
			t.Error("accepted without accounts")
		}
		if _, err := cfg.Marshal(); err != nil {
			t.Error(err)
		}
	})
}
