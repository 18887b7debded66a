package words

import (
	"strings"
	"testing"
)

func TestNearestWordIsFound(t *testing.T) {
	words := []string{"refresh_interval", "keep_last", "api", "accounts"}
	for key, want := range map[string]string{
		"refreshInterval":       "refresh_interval",
		"refresh-interval":      "refresh_interval",
		"acounts":               "accounts",
		"Accounts":              "accounts",
		"apis":                  "api",
		"colour":                "",
		"":                      "",
		strings.Repeat("x", 99): "",
	} {
		if got := Nearest(key, words); got != want {
			t.Errorf("%q: got %q, want %q", key, got, want)
		}
	}
}
