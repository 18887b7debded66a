package main

import (
	"os"
	"testing"
)

// shipped gives a file that comes with the exporter.
func shipped(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
