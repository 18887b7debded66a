//go:build e2e

// Package e2e runs the built binary under a real Prometheus and a real Alertmanager. The environment names the programs:
// EXPORTER, PROMETHEUS, PROMTOOL and ALERTMANAGER.
package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tair_ssl_exporter/internal/apptest"
)

func TestMain(m *testing.M) { apptest.AtRoot(m) }

// startExporter starts the built binary and returns its process and its address.
func startExporter(t *testing.T, flags ...string) (process *os.Process, address string) {
	t.Helper()
	address = apptest.FreeAddress(t)
	return apptest.Background(t, apptest.Tool(t, "EXPORTER"), append(flags, "--web.listen-address="+address)...), address
}

// prometheus is a server that runs until the test ends.
type prometheus struct {
	address string
	process *os.Process
	dir     string // of its rules
}

// startPrometheus starts Prometheus with a configuration that finds its rules in rules/, at intervals and timeouts of 1s.
func startPrometheus(t *testing.T, configuration string) *prometheus {
	t.Helper()
	p := &prometheus{address: apptest.FreeAddress(t), dir: t.TempDir()}
	text := quickScrapes(strings.ReplaceAll(configuration, " rules/", " "+p.dir+"/"))
	p.process = apptest.Background(t, apptest.Tool(t, "PROMETHEUS"), "--config.file="+apptest.File(t, "prometheus.yml", text),
		"--storage.tsdb.path="+filepath.Join(t.TempDir(), "data"), "--web.listen-address="+p.address, "--log.level=warn")
	return p
}

func quickScrapes(configuration string) string {
	return regexp.MustCompile(`(?m)^(\s+(?:scrape_interval|scrape_timeout|refresh_interval):) \S+`).ReplaceAllString(configuration, "$1 1s")
}

// loadRules loads the shipped rules without their waiting times, once all 13 instances of the demo are known: before the
// first scrape no target is up, which is an alert.
func (p *prometheus) loadRules(t *testing.T) {
	t.Helper()
	within(t, time.Minute, func() bool {
		return p.query(t, `count(group by (instance_id) (tair_ssl_scrape_success))`)[""] == 13
	})
	rules := apptest.Read(t, "deploy/prometheus/rules/tair_ssl.rules.yml")
	for key, value := range map[string]string{"for": "0s", "interval": "5s"} {
		rules = regexp.MustCompile(`(?m)^(\s+`+key+`:) \S+$`).ReplaceAllString(rules, "$1 "+value)
	}
	apptest.Write(t, filepath.Join(p.dir, "tair_ssl.rules.yml"), rules)
	if err := p.process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// series returns the series of a query, over the last minute unless it is instant.
func (p *prometheus) series(promql string, instant bool) ([]series, error) {
	path, values := "/api/v1/query", url.Values{"query": {promql}}
	if !instant {
		now := time.Now().Unix()
		path += "_range"
		values["start"] = []string{strconv.FormatInt(now-60, 10)}
		values["end"] = []string{strconv.FormatInt(now, 10)}
		values["step"] = []string{"5"}
	}
	resp, err := (&http.Client{Timeout: 10 * time.Second}).Get("http://" + p.address + path + "?" + values.Encode())
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct{ Result []series }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if answer.Status != "success" {
		return nil, fmt.Errorf("%s: %s", answer.Error, promql)
	}
	return answer.Data.Result, nil
}

type series struct {
	Metric map[string]string
	Value  [2]any // time and value, of an instant query
}

// query returns the values of an instant query by the instance_id of each series; nothing while Prometheus starts.
func (p *prometheus) query(t *testing.T, promql string) map[string]float64 {
	t.Helper()
	found, err := p.series(promql, true)
	if err != nil {
		return nil
	}
	values := make(map[string]float64)
	for _, s := range found {
		value, err := strconv.ParseFloat(fmt.Sprint(s.Value[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		values[s.Metric["instance_id"]] = value
	}
	return values
}

func within(t *testing.T, d time.Duration, holds func() bool) {
	t.Helper()
	apptest.Within(t, d, 200*time.Millisecond, holds)
}
