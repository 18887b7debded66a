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
	"maps"
	"net"
	"net/http"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
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

// The last headMinutes are not in blocks: each exporter serves them in its first response, with their times. So current
// samples are where a Prometheus that has run for a while has them, in memory.
const (
	pastHours   = 26
	headMinutes = 20
)

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
	fleet.HandleFunc("/", b.exporter())
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
func sample(w io.Writer, name, labels string, value float64, at string) {
	fmt.Fprintf(w, "%s{%s} %.0f%s\n", name, labels, value, at)
}

// fleet writes what an exporter says of every instance: one of a hundred certificates expires within the critical window
// and three within the other, one has SSL off, and of one an update is scheduled.
func (b *bench) fleet(w io.Writer, target string, now time.Time, at string) {
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
		sample(w, "tair_ssl_enabled", id, b.enabled(n), at)
		if b.enabled(n) == 0 {
			continue
		}
		if n%100 == 5 {
			sample(w, "tair_ssl_renewal_scheduled_timestamp_seconds", id, b.expiry(n)-10*86400, at)
		}
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

func (b *bench) enabled(n int) float64 {
	if n%100 == 0 {
		return 0
	}
	return 1
}

// exporter serves what an exporter serves, and first what it would have served in the last headMinutes.
func (b *bench) exporter() http.HandlerFunc {
	var asked sync.Map
	return func(w http.ResponseWriter, r *http.Request) {
		buffered := bufio.NewWriterSize(w, 1<<20)
		now := time.Now()
		if _, again := asked.LoadOrStore(r.URL.Path, true); !again {
			for ago := headMinutes; ago > 0; ago-- {
				at := now.Add(-time.Duration(ago) * time.Minute)
				b.fleet(buffered, "", at, fmt.Sprintf(" %d", at.UnixMilli()))
			}
		}
		b.fleet(buffered, "", now, "")
		sample(buffered, "tair_ssl_exporter_shard", "", 0, "")
		sample(buffered, "tair_ssl_exporter_total_shards", "", 1, "")
		for account := range 20 {
			labels := fmt.Sprintf(`account="account-%d"`, account)
			sample(buffered, "tair_ssl_exporter_renewals_last_success_timestamp_seconds", labels, float64(now.Unix()), "")
			sample(buffered, "tair_ssl_exporter_instances", labels+fmt.Sprintf(`,region="region-%d"`, account%7), 1, "")
		}
		_ = buffered.Flush()
	}
}

// backfill writes blocks of 2 hours with what rules look back on for longer than headMinutes.
func (b *bench) backfill(now time.Time) error {
	now = now.Add(-headMinutes * time.Minute)
	for from := now.Add(-pastHours * time.Hour).Truncate(2 * time.Hour); from.Before(now); from = from.Add(2 * time.Hour) {
		path := filepath.Join(b.dir, "window.om")
		file, err := os.Create(path)
		if err != nil {
			return err
		}
		w := bufio.NewWriterSize(file, 1<<20)
		for at := from; at.Before(from.Add(2*time.Hour)) && at.Before(now); at = at.Add(time.Minute) {
			b.past(w, at, now.Sub(at))
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

// past writes the samples of one minute: what exporters served, as far as rules look back on it, and what rules have
// recorded.
func (b *bench) past(w io.Writer, at time.Time, ago time.Duration) {
	unix := fmt.Sprintf(" %d", at.Unix())
	for _, target := range targets {
		labels := `job="tair_ssl",instance="` + target + `"`
		sample(w, "up", labels, 1, unix)
		if ago < 2*time.Hour && (b.old != "" || b.failing) {
			b.fleet(w, target, at, unix)
			continue
		}
		for n := range b.instances {
			if ago < 6*time.Hour && ago > 5*time.Hour { // rules look at 6 hours ago
				sample(w, "tair_ssl_enabled", fmt.Sprintf(`instance_id="r-%05d",%s`, n, labels), b.enabled(n), unix)
			}
		}
	}
	for n := range b.instances {
		id := fmt.Sprintf(`instance_id="r-%05d"`, n)
		if b.old != "" {
			sample(w, "tair_ssl:enabled:latest", id, b.enabled(n), unix)
			sample(w, "tair_ssl:certificate_info:latest", id+`,common_name="cn"`, 1, unix)
			sample(w, "tair_ssl:certificate_expiry_timestamp_seconds:latest", id, b.expiry(n), unix)
		}
		if at.Unix()%300 != 0 || n%100 > 5 { // not near its window
			continue
		}
		sample(w, "tair_ssl:instance:past", id+`,of="expiry"`, b.enabled(n)*b.expiry(n), unix)
		for _, target := range targets {
			id := id + `,job="tair_ssl",instance="` + target + `",of=`
			sample(w, "tair_ssl:instance:past", id+`"instance_info",`+description(n), 1, unix)
			for of, value := range map[string]float64{"expiry_warning_seconds": 30 * 86400, "expiry_critical_seconds": 7 * 86400, "last_success_timestamp_seconds": float64(at.Unix())} {
				sample(w, "tair_ssl:instance:past", id+`"`+of+`"`, value, unix)
			}
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
	text = regexp.MustCompile(`interval: [15]m`).ReplaceAll(text, []byte("interval: 15s"))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	address := listener.Addr().String()
	config := "rule_files: [rules.yml]\nscrape_configs:\n  - job_name: tair_ssl\n    scrape_interval: 1m\n    scrape_timeout: 1m\n    honor_labels: true\n" +
		"    static_configs:\n      - targets: [a, b]\n    relabel_configs:\n" +
		"      - {source_labels: [__address__], target_label: instance}\n" +
		"      - {source_labels: [__address__], target_label: __metrics_path__, replacement: /" + filepath.Base(dir) + "/$1}\n" +
		"      - {target_label: __address__, replacement: '" + exporters + "'}\n" +
		"  - job_name: prometheus\n    scrape_interval: 1s\n    static_configs: [{targets: ['" + address + "']}]\n"
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
	return watch(what, "http://"+address)
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

// watch waits for five evaluations of every group over the whole fleet, prints the shortest of each and returns their sum:
// other processes make evaluations longer, never shorter. The CPU time is that of all the five and of the scrapes meanwhile.
func watch(what, url string) (time.Duration, error) {
	ctx, stop := context.WithTimeout(context.Background(), 15*time.Minute)
	defer stop()
	var (
		seen    = make(map[string]map[time.Time]float64)
		slowest = make(map[string]string)
		since   time.Time
		cpu     float64
	)
	for {
		select {
		case <-ctx.Done():
			return 0, errors.New(what + " were not evaluated five times within 15 minutes")
		case <-time.After(time.Second):
		}
		if since.IsZero() {
			if scraped(ctx, url) {
				since, cpu = time.Now(), cpuSeconds(ctx, url)
			}
			continue
		}
		var rules struct{ Groups []group }
		if err := ask(ctx, url+"/api/v1/rules", &rules); err != nil {
			return 0, err
		}
		done := len(rules.Groups) > 0
		for _, g := range rules.Groups {
			for _, r := range g.Rules {
				if r.Health == "err" {
					return 0, fmt.Errorf("%s: %s: %s", what, r.Name, r.LastError)
				}
			}
			if g.LastEvaluation.After(since) {
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
		for _, g := range rules.Groups {
			times := slices.Sorted(maps.Values(seen[g.Name]))
			sum += times[0]
			fmt.Printf("%s, group %s: %.2f s (at most %.2f s); %s\n", what, g.Name, times[0], times[len(times)-1], slowest[g.Name])
		}
		fmt.Printf("%s, all groups: %.2f s; Prometheus used %.1f s of CPU time in %s\n", what, sum, cpuSeconds(ctx, url)-cpu, time.Since(since).Round(time.Second))
		return time.Duration(sum * float64(time.Second)), nil
	}
}

// scraped reports whether Prometheus has the first responses of both exporters.
func scraped(ctx context.Context, url string) bool {
	return value(ctx, url, `count(count_over_time(tair_ssl_enabled{instance_id="r-00001"}[15m]) > 10)`) == float64(len(targets))
}

// cpuSeconds returns the CPU time that Prometheus has used.
func cpuSeconds(ctx context.Context, url string) float64 {
	return value(ctx, url, `sum(process_cpu_seconds_total)`)
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

// value returns the answer of Prometheus to a query, 0 when there is none.
func value(ctx context.Context, url, query string) float64 {
	var answer struct{ Result []struct{ Value [2]any } }
	if err := ask(ctx, url+"/api/v1/query?query="+neturl.QueryEscape(query), &answer); err != nil || len(answer.Result) == 0 {
		return 0
	}
	number, _ := strconv.ParseFloat(fmt.Sprint(answer.Result[0].Value[1]), 64)
	return number
}

// ask decodes the data of an answer of Prometheus.
func ask(ctx context.Context, url string, data any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(&struct{ Data any }{data})
}
