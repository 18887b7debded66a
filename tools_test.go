//go:build e2e || deploy

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// tool gives the program that a variable of the environment names.
func tool(t *testing.T, variable string) string {
	t.Helper()
	name := os.Getenv(variable)
	if name == "" {
		t.Fatalf("%s is not set: these tests are run by make, see the Makefile", variable)
	}
	return name
}

// command runs a program to its end and gives what it printed.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
