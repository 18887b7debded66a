package deploy_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

// copyRepository copies the files of the repository into a directory of the test's.
func copyRepository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case slices.Contains([]string{".git", "bin", "build", "dist"}, path):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(dir, path), 0o700)
		case entry.Type() == fs.ModeSymlink:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(target, filepath.Join(dir, path))
		}
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, path), text, info.Mode())
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestRename gives a copy of the repository another address, twice, and builds it.
func TestRename(t *testing.T) {
	t.Setenv("GOPROXY", "off") // nothing new is needed
	dir := copyRepository(t)
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	const host = "git.example.org"
	run("bash", ".ci/rename", "First", host)
	run("bash", ".ci/rename", "Acme")
	run("go", "build", "-o", filepath.Join(t.TempDir(), "program"), ".")
	if got := run("go", "list", "-m"); got != "github.com/Acme/tair_ssl_exporter\n" {
		t.Errorf("the module is %s", got)
	}
	for file, want := range map[string][]string{
		"bench/go.mod":           {"module github.com/Acme/tair_ssl_exporter/bench\n", "replace github.com/Acme/tair_ssl_exporter => ../\n"},
		"dashboards/lint/go.mod": {"module github.com/Acme/tair_ssl_exporter/dashboards/lint\n", "\tgithub.com/Acme/tair_ssl_exporter v0.0.0\n"},
		"README.md":              {"git clone https://github.com/Acme/tair_ssl_exporter.git "},
		".golangci.yml":          {"pkg: github.com/Acme/tair_ssl_exporter/internal/apptest,", "local-prefixes: [github.com/Acme/tair_ssl_exporter]"},
		"deploy/helm/tair-ssl-exporter/Chart.yaml": {
			"home: https://github.com/Acme/tair_ssl_exporter\n", "icon: https://github.com/Acme/tair_ssl_exporter/raw/main/docs/images/icon.svg\n",
		},
		"deploy/helm/tair-ssl-exporter/values.yaml":         {"  repository: ghcr.io/acme/tair_ssl_exporter\n"},
		"deploy/kubernetes/deployment.yaml":                 {`image: "ghcr.io/acme/tair_ssl_exporter:` + apptest.NewestRelease(t) + `"`},
		"deploy/prometheus/rules/tair_ssl.rules.yml":        {"runbook_url: https://github.com/Acme/tair_ssl_exporter/blob/main/docs/runbooks.md#tairssldisabled\n"},
		"deploy/kubernetes/monitoring/prometheus-rule.yaml": {"runbook_url: https://github.com/Acme/tair_ssl_exporter/blob/main/docs/runbooks.md#tairssldisabled\n"},
	} {
		apptest.Contains(t, apptest.Read(t, filepath.Join(dir, file)), want...)
	}
	old := apptest.Matches(t, "deploy/prometheus/rules/tair_ssl.rules.yml", `runbook_url: (\S+)#`)[0]
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			text := apptest.Read(t, path)
			if strings.Contains(text, host+"/First") || strings.Contains(text, old) {
				t.Errorf("%s has an old address", path)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
