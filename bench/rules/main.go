// Command rules measures how long a Prometheus takes to evaluate the rules for a large fleet that a pair of exporters
// watches. It backfills the samples that rules look back on, up to 26 h, scrapes the fleet and reads the evaluation times
// from the API. It exits with 1 when the groups of the rules take longer than the bound together.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

func main() {
	b := bench{}
	flag.StringVar(&b.prometheus, "prometheus", "../bin/prometheus", "the program")
	flag.StringVar(&b.promtool, "promtool", "../bin/promtool", "the program")
	flag.StringVar(&b.rules, "rules", "../deploy/prometheus/rules/tair_ssl.rules.yml", "the rules to measure")
	flag.StringVar(&b.old, "old", "", "other rules, measured on the same data for comparison")
	flag.IntVar(&b.instances, "instances", 10000, "instances that two exporters watch")
	flag.BoolVar(&b.failing, "failing", false, "no instance can be read for 2 hours")
	flag.DurationVar(&b.bound, "bound", 2*time.Second, "what the groups may take together")
	flag.Parse()
	if err := b.run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench-rules:", err)
		os.Exit(1)
	}
}

type bench struct {
	prometheus, promtool, rules, old string
	instances                        int
	failing                          bool
	bound                            time.Duration
	dir                              string
}

// targets are the labels of the two exporters, as Prometheus adds them.
var targets = []string{"a", "b"}

const pastHours = 26

// rawHours returns for how long what exporters serve is backfilled: longer than any rule looks back on it.
func (b *bench) rawHours() float64 {
	if b.old != "" {
		return 6.5
	}
	return 1
}

func (b *bench) run() error {
	var err error
	if b.dir, err = os.MkdirTemp("", "bench-rules"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(b.dir) }()
	began := time.Now()
	if err := b.backfill(began.Truncate(time.Minute)); err != nil {
		return err
	}
	fmt.Printf("backfilled %d instances on 2 exporters in %s\n", b.instances, time.Since(began).Round(time.Second))
	fleet := http.NewServeMux()
	for _, target := range targets {
		fleet.HandleFunc("/"+target, func(w http.ResponseWriter, _ *http.Request) { b.page(w, time.Now()) })
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: fleet, ReadHeaderTimeout: time.Second}
	defer func() { _ = server.Close() }()
	go func() { _ = server.Serve(listener) }()
	if b.old != "" {
		if _, err := b.measure("old rules", b.old, listener.Addr().String()); err != nil {
			return err
		}
	}
	took, err := b.measure("rules", b.rules, listener.Addr().String())
	if err == nil && took > b.bound {
		err = fmt.Errorf("the groups take %s together, more than %s", took, b.bound)
	}
	return err
}

// sample writes one line of a series, in the format that exporters serve or, with a time, in that of a backfill.
func sample(w io.Writer, name, labels string, value float64, at time.Time) {
	if at.IsZero() {
		fmt.Fprintf(w, "%s{%s} %.0f\n", name, labels, value)
	} else {
		fmt.Fprintf(w, "%s{%s} %.0f %d\n", name, labels, value, at.Unix())
	}
}

// fleet writes what an exporter says of every instance: one of a hundred certificates expires within the critical window
// and three within the other, and one of a hundred has SSL off.
func (b *bench) fleet(w io.Writer, target string, now time.Time, at time.Time) {
	if target != "" {
		target = `,job="tair_ssl",instance="` + target + `"`
	}
	for n := range b.instances {
		id := fmt.Sprintf(`instance_id="r-%05d"%s`, n, target)
		failing := b.failing && time.Since(now) < 2*time.Hour
		sample(w, "tair_ssl_instance_info", id+","+description(n), 1, at)
		sample(w, "tair_ssl_scrape_success", id, map[bool]float64{false: 1}[failing], at)
		sample(w, "tair_ssl_expiry_warning_seconds", id, 30*86400, at)
		sample(w, "tair_ssl_expiry_critical_seconds", id, 7*86400, at)
		last := now.Unix() - int64(n%60)
		if failing {
			last = time.Now().Add(-2 * time.Hour).Unix()
			sample(w, "tair_ssl_scrape_error_info", id+`,reason="timeout",code=""`, 1, at)
		}
		sample(w, "tair_ssl_last_success_timestamp_seconds", id, float64(last), at)
		if n%100 == 0 {
			sample(w, "tair_ssl_enabled", id, 0, at)
			continue
		}
		sample(w, "tair_ssl_enabled", id, 1, at)
		sample(w, "tair_ssl_certificate_expiry_timestamp_seconds", id, b.expiry(n), at)
		sample(w, "tair_ssl_certificate_info", id+`,common_name="cn",download_url=""`, 1, at)
	}
}

// expiry returns a date that stays the same for the time of the benchmark.
func (b *bench) expiry(n int) float64 {
	days := 40 + n%700
	switch {
	case n%100 == 1:
		days = 3
	case n%100 < 5:
		days = 20
	}
	return float64(time.Now().Truncate(24*time.Hour).Unix() + int64(days)*86400)
}

// page writes the response of an exporter.
func (b *bench) page(w io.Writer, now time.Time) {
	buffered := bufio.NewWriterSize(w, 1<<20)
	b.fleet(buffered, "", now, time.Time{})
	sample(buffered, "tair_ssl_exporter_shard", "", 0, time.Time{})
	sample(buffered, "tair_ssl_exporter_total_shards", "", 1, time.Time{})
	for account := range 20 {
		sample(buffered, "tair_ssl_exporter_instances", fmt.Sprintf(`account="account-%d",region="region-%d"`, account, account%7), 1, time.Time{})
	}
	_ = buffered.Flush()
}

// backfill writes blocks of 2 hours up to now: what exporters serve for rawHours, recordings for pastHours.
func (b *bench) backfill(now time.Time) error {
	for from := now.Add(-pastHours * time.Hour).Truncate(2 * time.Hour); from.Before(now); from = from.Add(2 * time.Hour) {
		path := filepath.Join(b.dir, "window.om")
		file, err := os.Create(path)
		if err != nil {
			return err
		}
		w := bufio.NewWriterSize(file, 1<<20)
		for at := from; at.Before(from.Add(2*time.Hour)) && at.Before(now); at = at.Add(time.Minute) {
			if now.Sub(at).Hours() < b.rawHours() {
				for _, target := range targets {
					b.fleet(w, target, at, at)
					sample(w, "up", `job="tair_ssl",instance="`+target+`"`, 1, at)
				}
			}
			if now.Sub(at).Hours() < pastHours {
				b.recorded(w, at)
			}
		}
		fmt.Fprintln(w, "# EOF")
		if err := errors.Join(w.Flush(), file.Close()); err != nil {
			return err
		}
		out, err := exec.Command(b.promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", path, filepath.Join(b.dir, "data")).CombinedOutput() //nolint:gosec // the programs and files are those of whoever runs this
		if err != nil {
			return fmt.Errorf("backfilling: %w\n%s", err, out)
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// recorded writes what rules of this project have recorded: tair_ssl:instance:past every 5 minutes, and what the rules to
// compare with look back on every minute.
func (b *bench) recorded(w io.Writer, at time.Time) {
	const past = "tair_ssl:instance:past"
	for n := range b.instances {
		id := fmt.Sprintf(`instance_id="r-%05d"`, n)
		enabled, expiry := 1.0, b.expiry(n)
		if n%100 == 0 {
			enabled, expiry = 0, 0
		}
		if at.Unix()%300 == 0 {
			for of, value := range map[string]float64{"expiry": expiry, "answer": float64(at.Unix()), "warning": 30 * 86400, "critical": 7 * 86400} {
				sample(w, past, id+`,of="`+of+`"`, value, at)
			}
			for _, target := range targets {
				sample(w, past, fmt.Sprintf(`%s,of="info",job="tair_ssl",instance=%q,%s`, id, target, description(n)), 1, at)
			}
		}
		if b.old != "" {
			sample(w, "tair_ssl:enabled:latest", id, enabled, at)
			sample(w, "tair_ssl:certificate_info:latest", id+`,common_name="cn"`, 1, at)
			sample(w, "tair_ssl:certificate_expiry_timestamp_seconds:latest", id, b.expiry(n), at)
		}
	}
}

// description returns the labels that describe an instance.
func description(n int) string {
	return fmt.Sprintf(`account="account-%d",region="region-%d",name="name-%d",team="team-%d"`, n%20, n%7, n, n%9)
}

// measure runs Prometheus with rules on a copy of the data and returns the time of an evaluation of all groups.
func (b *bench) measure(what, rules, exporters string) (time.Duration, error) {
	dir, err := os.MkdirTemp(b.dir, "prometheus")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if out, err := exec.Command("cp", "-al", filepath.Join(b.dir, "data"), filepath.Join(dir, "data")).CombinedOutput(); err != nil { //nolint:gosec // the programs and files are those of whoever runs this
		return 0, fmt.Errorf("copying the data: %w\n%s", err, out)
	}
	text, err := os.ReadFile(rules)
	if err != nil {
		return 0, err
	}
	// Five evaluations of every group take less time.
	text = regexp.MustCompile(`interval: [15]m`).ReplaceAll(text, []byte("interval: 30s"))
	config := "rule_files: [rules.yml]\nscrape_configs:\n  - job_name: tair_ssl\n    scrape_interval: 1m\n    honor_labels: true\n" +
		"    static_configs:\n      - targets: [a, b]\n    relabel_configs:\n" +
		"      - {source_labels: [__address__], target_label: instance}\n" +
		"      - {source_labels: [__address__], target_label: __metrics_path__, replacement: /$1}\n" +
		"      - {target_label: __address__, replacement: '" + exporters + "'}\n"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	address := listener.Addr().String()
	if err := errors.Join(listener.Close(), os.WriteFile(filepath.Join(dir, "rules.yml"), text, 0o600), //nolint:gosec // the programs and files are those of whoever runs this
		os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600)); err != nil {
		return 0, err
	}
	cmd := exec.Command(b.prometheus, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), //nolint:gosec // the programs and files are those of whoever runs this
		"--web.listen-address="+address, "--log.level=error")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	return watch(what, "http://"+address+"/api/v1/rules")
}

type group struct {
	Name           string
	EvaluationTime float64
	LastEvaluation time.Time
	Rules          []struct {
		Name, Health, LastError string
		EvaluationTime          float64
	}
}

// watch waits for five evaluations of every group, prints the shortest of each and returns their sum: other processes make
// evaluations longer, never shorter.
func watch(what, url string) (time.Duration, error) {
	seen := make(map[string]map[time.Time]float64)
	slowest := make(map[string]string)
	ctx, stop := context.WithTimeout(context.Background(), 15*time.Minute)
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return 0, errors.New(what + " were not evaluated five times within 15 minutes")
		case <-time.After(time.Second):
		}
		groups, err := ask(ctx, url)
		if err != nil {
			continue // Prometheus starts
		}
		done := len(groups) > 0
		for _, g := range groups {
			for _, r := range g.Rules {
				if r.Health == "err" {
					return 0, fmt.Errorf("%s: %s: %s", what, r.Name, r.LastError)
				}
			}
			if g.LastEvaluation.Year() > 2000 {
				if seen[g.Name] == nil {
					seen[g.Name] = make(map[time.Time]float64)
				}
				seen[g.Name][g.LastEvaluation] = g.EvaluationTime
				slowest[g.Name] = slowestRules(g)
			}
			done = done && len(seen[g.Name]) >= 5
		}
		if !done {
			continue
		}
		sum := 0.0
		for _, g := range groups {
			least, most := -1.0, 0.0
			for _, seconds := range seen[g.Name] {
				if least < 0 || seconds < least {
					least = seconds
				}
				most = max(most, seconds)
			}
			sum += least
			fmt.Printf("%s, group %s: %.2f s (at most %.2f s); %s\n", what, g.Name, least, most, slowest[g.Name])
		}
		fmt.Printf("%s, all groups: %.2f s\n", what, sum)
		return time.Duration(sum * float64(time.Second)), nil
	}
}

func slowestRules(g group) string {
	var names []string
	for _, r := range g.Rules {
		if r.EvaluationTime > 0.1 {
			names = append(names, fmt.Sprintf("%s %.2f s", r.Name, r.EvaluationTime))
		}
	}
	return strings.Join(names, ", ")
}

func ask(ctx context.Context, url string) ([]group, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct{ Data struct{ Groups []group } }
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return answer.Data.Groups, err
}
