package lint

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

const metricName = "__name__" // the label that holds it

// schema is the metrics there are, each with its labels.
type schema map[string]set

func (s schema) add(metric string, names ...string) {
	if s[metric] == nil {
		s[metric] = make(set)
	}
	s[metric].add(names...)
}

// known gives what the demo serves together with what the README lists, as Prometheus stores it.
func known(t *testing.T) schema {
	t.Helper()
	text, err := demoMetrics()
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	all := make(schema)
	addServed(t, all, text)
	addListed(all, string(readme))
	all.add("up")
	all.add("scrape_duration_seconds")
	for metric := range all {
		all.add(metric, "job", "instance")
	}
	return all
}

// addServed adds the metrics of an exposition.
func addServed(t *testing.T, all schema, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		series, err := promql.ParseMetric(line[:strings.LastIndexByte(line, ' ')])
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		metric := series.Get(metricName)
		all.add(metric)
		series.Range(func(l labels.Label) {
			if l.Name != metricName {
				all.add(metric, l.Name)
			}
		})
	}
}

var (
	readmeRow  = regexp.MustCompile("(?m)^\\| (`tair_ssl_[^|]*) \\| ([^|]*)\\|")
	readmeName = regexp.MustCompile("`([a-z_]+)`")
)

// addListed adds the metrics of the README's tables: the names of the first column and, of the exporter's own metrics,
// the labels of the second.
func addListed(all schema, readme string) {
	for _, row := range readmeRow.FindAllStringSubmatch(readme, -1) {
		for _, metric := range readmeName.FindAllStringSubmatch(row[1], -1) {
			all.add(metric[1])
			if !strings.HasPrefix(metric[1], "tair_ssl_exporter_") {
				continue
			}
			for _, label := range readmeName.FindAllStringSubmatch(row[2], -1) {
				all.add(metric[1], label[1])
			}
		}
	}
}

// demoMetrics builds the exporter, starts it with --demo on a free port of loopback and reads its metrics, once.
var demoMetrics = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "tair_ssl_exporter")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is a temporary directory
	binary := filepath.Join(dir, "tair_ssl_exporter")
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", binary, ".")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}

	demo := exec.CommandContext(ctx, binary, "--demo", "--web.listen-address=127.0.0.1:0")
	stderr, err := demo.StderrPipe()
	if err != nil {
		return "", err
	}
	if err := demo.Start(); err != nil {
		return "", err
	}
	address, err := listening(stderr)
	if err == nil {
		go func() { _, _ = io.Copy(io.Discard, stderr) }() // or the demo would wait for its log to be read
		var text string
		if text, err = get(ctx, "http://"+address+"/metrics"); err == nil {
			cancel()
			_ = demo.Wait() // it was killed
			return text, nil
		}
	}
	cancel()
	_ = demo.Wait()
	return "", err
})

// listening waits until the log tells the address.
func listening(log io.Reader) (string, error) {
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if m := regexp.MustCompile(`Listening on" address=(\S+)`).FindStringSubmatch(lines.Text()); m != nil {
			return m[1], nil
		}
	}
	return "", errors.Join(errors.New("the demo ended before it listened"), lines.Err())
}

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", url, resp.Status)
	}
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}
