//go:build e2e

package compose_test

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

// TestE2EHealthChecks runs Prometheus and Alertmanager with the flags and files of compose.yaml. Their health checks, run
// as written but for the port, must fail before the server runs and succeed then.
func TestE2EHealthChecks(t *testing.T) {
	// The checks call promtool and amtool by name, as in the containers.
	t.Setenv("PATH", filepath.Dir(apptest.Tool(t, "PROMTOOL"))+":"+filepath.Dir(apptest.Tool(t, "AMTOOL"))+":"+os.Getenv("PATH"))
	for _, c := range []struct{ name, program, port, data string }{
		{"prometheus", apptest.Tool(t, "PROMETHEUS"), "9090", "/prometheus"},
		{"alertmanager", apptest.Tool(t, "ALERTMANAGER"), "9093", "/alertmanager"},
	} {
		t.Run(c.name, func(t *testing.T) {
			service := compose(t).Services[c.name]
			root, address := t.TempDir(), apptest.FreeAddress(t)
			replace := []string{"=" + c.data, "=" + filepath.Join(root, "data")}
			for inside, file := range mounts(t, service.Volumes) {
				apptest.Command(t, "mkdir", "-p", filepath.Dir(root+inside))
				apptest.Command(t, "cp", "-r", file, root+inside)
				replace = append(replace, "="+inside, "="+root+inside)
			}
			flags := []string{"--web.listen-address=" + address, "--log.level=error"}
			for _, flag := range service.Command {
				flags = append(flags, strings.NewReplacer(replace...).Replace(flag))
			}
			check := slices.Clone(service.Healthcheck.Test[1:])
			for i := range check {
				check[i] = strings.ReplaceAll(check[i], "localhost:"+c.port, address)
			}
			healthy := func() bool { return exec.CommandContext(t.Context(), check[0], check[1:]...).Run() == nil }

			if healthy() {
				t.Errorf("%q succeeds without a server", check)
			}
			apptest.Background(t, c.program, flags...)
			apptest.Within(t, time.Minute, 200*time.Millisecond, healthy)
			if !healthy() { // which takes a moment too: Alertmanager listens before it handles SIGTERM
				t.Errorf("%q fails after it has succeeded", check)
			}
			if c.name == "prometheus" {
				_, body := apptest.Ask(t, http.DefaultClient, http.MethodGet, "http://"+address+"/api/v1/rules")
				apptest.Contains(t, body, "TairSSLCertificateExpired")
			}
		})
	}
}
