package lint

import (
	"bufio"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
)

// schema is the metrics that exist, each with its labels in Prometheus.
type schema map[string]set

// newSchema returns the metrics of an exposition, and those that the demo does not have or that Prometheus adds.
func newSchema(t *testing.T, exposition string) schema {
	t.Helper()
	known := make(schema)
	for line := range strings.Lines(exposition + `tair_ssl_exporter_discovery_error_info{account="a",region="b",reason="c",code="d"} 1
up 1
scrape_duration_seconds 1
`) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		series, err := promql().ParseMetric(line[:strings.LastIndexByte(line, ' ')])
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		names := newSet("job", "instance")
		series.Range(func(l labels.Label) { names[l.Name] = true })
		known[series.Get("__name__")] = names.union(known[series.Get("__name__")])
	}
	known["ALERTS"] = newSet("__name__", "alertname", "alertstate", "severity", "instance_id", "account", "region", "name")
	return known
}

// scrapeDemo builds the exporter, starts it with --demo on a free port and returns its metrics.
func scrapeDemo(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "tair_ssl_exporter")
	version := "-X github.com/prometheus/common/version.Version=1 -X github.com/prometheus/common/version.Revision=2"
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-ldflags="+version, "-o", binary, ".")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}

	demo := exec.CommandContext(t.Context(), binary, "--demo", "--web.listen-address=127.0.0.1:0")
	stderr, err := demo.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = demo.Wait() }) // the end of the test's context kills it
	var address []string
	for lines := bufio.NewScanner(stderr); address == nil && lines.Scan(); {
		address = regexp.MustCompile(`Listening on" address=(\S+)`).FindStringSubmatch(lines.Text())
	}
	if address == nil {
		t.Fatal("the demo ended before it listened")
	}
	go func() { _, _ = io.Copy(io.Discard, stderr) }() // a full pipe would block the demo

	var metrics []byte
	for !strings.Contains(string(metrics), "tair_ssl_renewal_deadline") { // no scrape waits for the renewals
		resp, err := http.Get("http://" + address[1] + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		metrics, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("/metrics: %s, %v", resp.Status, err)
		}
	}
	return string(metrics)
}
