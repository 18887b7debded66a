package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/collector/tair/tairtest"
	"tair_ssl_exporter/internal/app"
	"tair_ssl_exporter/internal/apptest"
)

func readme(t *testing.T) string {
	t.Helper()
	return apptest.Read(t, "README.md")
}

// block gives the only fenced block of a language.
func block(t *testing.T, text, language string) string {
	t.Helper()
	found := regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(text, -1)
	if len(found) != 1 {
		t.Fatalf("%d blocks of %s in the README, want 1", len(found), language)
	}
	return found[0][1]
}

func TestREADMEListsExactlyTheMetricsThatAreServed(t *testing.T) {
	r := apptest.Start(t, "--demo")
	_, body := r.Get(t, "/metrics")
	status, self := r.Get(t, "/metrics/self")
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	api, server := apptest.StartAPI(t)
	api.SetFault("DescribeInstances", tairtest.Fault{Error: &tairtest.APIError{Status: 403, Code: "Forbidden.RAM"}})
	_, failing := apptest.Start(t, "--config.file="+apptest.File(t, "c.yml", apptest.DiscoveryConfig(server, "cn-hangzhou"))).Get(t, "/metrics")
	names := func(re, text string) []string {
		var found []string
		for _, m := range regexp.MustCompile(re).FindAllStringSubmatch(text, -1) {
			found = append(found, m[1])
		}
		slices.Sort(found)
		return slices.Compact(found)
	}
	served := names(`(?m)^# TYPE (tair_ssl_\S+)`, body+self+failing)
	var rows []string // the first cell of each row
	for _, m := range regexp.MustCompile("(?m)^\\| (`tair_ssl_[^|]*)\\|").FindAllStringSubmatch(readme(t), -1) {
		rows = append(rows, m[1])
	}
	listed := names("`(tair_ssl_[a-z_]+)`", strings.Join(rows, "\n"))
	if !slices.Equal(served, listed) {
		t.Errorf("served %q\nlisted %q", served, listed)
	}
}

func TestREADMEConfigurationIsValid(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"access_key_id", "access_key_secret"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.ReplaceAll(block(t, readme(t), "yaml"), "/run/secrets/tair/", dir+"/")
	var out strings.Builder
	code := app.Run(t.Context(), []string{"--config.check", "--config.file=" + apptest.File(t, "c.yml", text)}, &out, &out)
	if want := "OK: the configuration is valid (accounts: 1, instances: 2, discovery entries: 0)\n"; code != 0 || out.String() != want {
		t.Errorf("exit %d, %q; want %q", code, out.String(), want)
	}
}

func TestREADMEDiscoveryIsValid(t *testing.T) {
	var out strings.Builder
	code := app.Run(t.Context(), []string{"--config.check", "--config.file=" + apptest.File(t, "c.yml", block(t, readme(t), "yml"))}, &out, &out)
	if want := "OK: the configuration is valid (accounts: 1, instances: 0, discovery entries: 1)\n"; code != 0 || out.String() != want {
		t.Errorf("exit %d, %q; want %q", code, out.String(), want)
	}
}
