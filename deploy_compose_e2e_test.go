//go:build e2e

package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/internal/apptest"
)

// TestE2EComposeHealthChecks runs Prometheus and Alertmanager with the flags and files that compose.yaml gives them. Their
// health checks, run as written but for the port, must tell a server that serves from one that does not.
func TestE2EComposeHealthChecks(t *testing.T) {
	services := composeFile(t).Services
	// The checks call promtool and amtool by name, as in the containers.
	t.Setenv("PATH", filepath.Dir(tool(t, "PROMTOOL"))+":"+os.Getenv("PATH"))
	for _, c := range []struct{ name, program, port, data string }{
		{"prometheus", tool(t, "PROMETHEUS"), "9090", "/prometheus"},
		{"alertmanager", tool(t, "ALERTMANAGER"), "9093", "/alertmanager"},
	} {
		t.Run(c.name, func(t *testing.T) {
			service := services[c.name]
			root, address := t.TempDir(), freeAddress(t)
			replace := []string{"=" + c.data, "=" + filepath.Join(root, "data")}
			for in, here := range service.binds(t) {
				place := filepath.Join(root, in)
				if err := os.MkdirAll(filepath.Dir(place), 0o700); err != nil {
					t.Fatal(err)
				}
				absolute, err := filepath.Abs(here)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(absolute, place); err != nil {
					t.Fatal(err)
				}
				replace = append(replace, "="+in, "="+place)
			}
			flags := []string{"--web.listen-address=" + address, "--log.level=error"}
			for _, flag := range service.Command {
				flags = append(flags, strings.NewReplacer(replace...).Replace(flag))
			}
			check := slices.Clone(service.Healthcheck.Test[1:])
			for i := range check {
				check[i] = strings.ReplaceAll(check[i], "localhost:"+c.port, address)
			}
			if slices.Equal(check, service.Healthcheck.Test[1:]) {
				t.Fatalf("%q does not ask port %s", check, c.port)
			}
			healthy := func() bool { return exec.CommandContext(t.Context(), check[0], check[1:]...).Run() == nil }

			if healthy() {
				t.Errorf("%q is content before there is a server", check)
			}
			background(t, c.program, flags...)
			within(t, time.Minute, healthy)
			if c.name == "prometheus" {
				if _, body := apptest.Ask(t, http.DefaultClient, http.MethodGet, "http://"+address+"/api/v1/rules"); !strings.Contains(body, "TairSSLCertificateExpired") {
					t.Errorf("the rules are not loaded: %s", body)
				}
			}
		})
	}
}
