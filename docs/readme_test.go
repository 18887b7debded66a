package docs_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/collector/tair/tairtest"
	"tair_ssl_exporter/internal/apptest"
)

func TestMain(m *testing.M) { apptest.AtRoot(m) }

const readme = "README.md"

func TestREADMEListsExactlyTheMetricsThatAreServed(t *testing.T) {
	demo := apptest.Start(t, "--demo")
	served := ""
	for !strings.Contains(served, "tair_ssl_renewal_deadline_timestamp_seconds{") { // no scrape waits for the renewals
		_, served = demo.Get(t, "/metrics")
	}
	_, self := demo.Get(t, "/metrics/self")
	api, server := apptest.StartAPI(t)
	for _, action := range []string{"DescribeInstances", "DescribeActiveOperationTasks"} {
		api.SetFault(action, tairtest.Fault{Error: &tairtest.APIError{Status: 403, Code: "Forbidden.RAM"}})
	}
	text := strings.Replace(apptest.DiscoveryConfig(server, "cn-hangzhou"), "    discovery:", "    renewals: true\n    discovery:", 1)
	path := apptest.File(t, "c.yml", text)
	exporter, failing := apptest.Start(t, "--config.file="+path), ""
	for !strings.Contains(failing, "tair_ssl_exporter_renewals_error_info") { // no scrape waits for the renewals
		_, failing = exporter.Get(t, "/metrics")
	}

	sorted := func(names []string) []string { slices.Sort(names); return slices.Compact(names) }
	want := sorted(apptest.MatchesIn(t, "/metrics", served+self+failing, `(?m)^# TYPE (tair_ssl_\S+)`))
	rows := strings.Join(apptest.Matches(t, readme, "(?m)^\\| (`tair_ssl_[^|]*)\\|"), "\n") // first cells
	if listed := sorted(apptest.MatchesIn(t, readme, rows, "`(tair_ssl_[a-z_]+)`")); !slices.Equal(want, listed) {
		t.Errorf("served %q\nlisted %q", want, listed)
	}
}

// checkREADMEConfig writes the only configuration of the README in the language, with its secrets, and checks it.
func checkREADMEConfig(t *testing.T, language, want string) (path string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"access_key_id", "access_key_secret"} {
		apptest.Write(t, filepath.Join(dir, name), "x")
	}
	blocks := apptest.Blocks(t, readme, apptest.Read(t, readme), language)
	path = filepath.Join(dir, "tair-ssl-exporter.yml")
	apptest.Write(t, path, strings.ReplaceAll(blocks[0], "/run/secrets/tair/", dir+"/"))
	if got := apptest.CheckConfig(t, "--config.file="+path); len(blocks) != 1 || got != want {
		t.Errorf("%d blocks of %s: %s, want %s", len(blocks), language, got, want)
	}
	return path
}

func TestREADMEConfigurationsAreValid(t *testing.T) {
	checkREADMEConfig(t, "yaml", "(accounts: 1, instances: 2, discovery entries: 0)")
	checkREADMEConfig(t, "yml", "(accounts: 1, instances: 0, discovery entries: 1)")
}
