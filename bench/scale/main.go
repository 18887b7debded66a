// Command scale measures what docs/scaling.md tells of memory: the exporter with many instances that discovery finds in
// ten regions, every answer in its memory, scraped as Prometheus does it. Times are told as ratios only.
//
//	go run ./scale                 # 1,000, 10,000 and 100,000 instances, and one of five shards of 100,000
//	go run ./scale 1000 20000/2 5000@300    # one of two shards; 300 accounts
package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"tair_ssl_exporter/bench/rig"
	"tair_ssl_exporter/collector/tair/tairtest"
)

const (
	regions = 10
	scrapes = 20 // from memory
	mebi    = 1 << 20

	boundAt = 10_000 // instances
	bound   = 120 * mebi

	key       = "benchAccessKeyId"
	secret    = "benchAccessKeySecret"
	patience  = 5 * time.Minute
	userAgent = "Prometheus/3.0.0"
	accept    = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)

// fleet is what is in the cloud, and over how many exporters it is spread. The first of them is measured. Every account has
// as many instances.
type fleet struct{ instances, shards, accounts int }

func (f fleet) String() string {
	text := strconv.Itoa(f.instances)
	if f.shards > 1 {
		text += fmt.Sprintf("/%d", f.shards)
	}
	if f.accounts > 1 {
		text += fmt.Sprintf("@%d", f.accounts)
	}
	return text
}

// figures are what one fleet took.
type figures struct {
	fleet
	watched  int // instances
	samples  int // on the page
	page     int // bytes
	gzipped  int // bytes
	resident int // bytes, after the scrapes
	peak     int // bytes, since the start
	took     time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := 0
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		code = 1
	}
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string) error {
	fleets, err := parse(args)
	if err != nil {
		return err
	}
	if err := rig.KeepToLoopback(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tair_ssl_scale")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary, err := rig.Build(ctx, dir)
	if err != nil {
		return err
	}
	base, err := measure(ctx, binary, fleet{regions, 1, 1}) // what the exporter takes for itself
	if err != nil {
		return err
	}
	var all []figures
	for _, what := range fleets {
		f, err := measure(ctx, binary, what)
		if err != nil {
			return fmt.Errorf("%s instances: %w", what, err)
		}
		all = append(all, f)
	}
	return report(base, all)
}

func parse(args []string) (fleets []fleet, err error) {
	if len(args) == 0 {
		return []fleet{{1_000, 1, 1}, {boundAt, 1, 1}, {100_000, 1, 1}, {100_000, 5, 1}}, nil
	}
	for _, arg := range args {
		rest, accounts, several := strings.Cut(arg, "@")
		instances, shards, sharded := strings.Cut(rest, "/")
		f := fleet{shards: 1, accounts: 1}
		f.instances, err = strconv.Atoi(instances)
		if err == nil && sharded {
			f.shards, err = strconv.Atoi(shards)
		}
		if err == nil && several {
			f.accounts, err = strconv.Atoi(accounts)
		}
		if err != nil || f.shards < 1 || f.accounts < 1 || f.instances < regions*f.shards {
			return nil, fmt.Errorf("%q is no fleet: write 10000, 10000/2 for one of two shards, or 10000@50 for 50 accounts", arg)
		}
		fleets = append(fleets, f)
	}
	return fleets, nil
}

func report(base figures, all []figures) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\nINSTANCES\tWATCHED\tSAMPLES\tPAGE\tGZIP\tRSS\tPEAK\tRSS EACH\tPEAK EACH\tSCRAPE\t\n")
	size := func(bytes int) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/mebi) }
	each := func(bytes, of, n int) string { return fmt.Sprintf("%.1f KiB", float64(bytes-of)/1024/float64(n)) }
	var failed error
	for _, f := range append([]figures{base}, all...) {
		n := f.watched
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%.1fx\t\n", f.fleet, n, f.samples, size(f.page), size(f.gzipped), size(f.resident),
			size(f.peak), each(f.resident, base.resident, n), each(f.peak, base.peak, n), float64(f.took)/float64(all[0].took))
		if n == boundAt && f.resident > bound {
			failed = fmt.Errorf("%d instances take %s of memory after %d scrapes, the bound is %s", n, size(f.resident), scrapes, size(bound))
		}
	}
	return cmp.Or(w.Flush(), failed)
}

// measure starts the exporter before a cloud, scrapes until all instances are known, and then from memory.
func measure(ctx context.Context, binary string, what fleet) (f figures, err error) {
	fake, err := tairtest.Start(cloud(what))
	if err != nil {
		return f, err
	}
	defer fake.Close()
	exporter, err := rig.Start(ctx, binary, config(fake.URL, what.accounts), patience, "--shard=0", fmt.Sprintf("--total-shards=%d", what.shards))
	if err != nil {
		return f, err
	}
	defer exporter.Stop()
	if f, err = learn(ctx, exporter.Address, what); err != nil {
		return f, err
	}

	times := make([]time.Duration, scrapes)
	for i := range times {
		began := time.Now()
		body, err := get(ctx, exporter.Address, "/metrics")
		if err != nil {
			return f, err
		}
		zipped, err := io.Copy(io.Discard, body)
		if err := errors.Join(err, body.Close()); err != nil {
			return f, err
		}
		times[i], f.gzipped = time.Since(began), int(zipped)
	}
	slices.Sort(times)
	f.took = times[len(times)/2]

	self, err := read(ctx, exporter.Address, "/metrics/self")
	if err != nil {
		return f, err
	}
	if self.asked != f.watched {
		return f, fmt.Errorf("DescribeInstanceSSL was called %d times, want once for each instance", self.asked)
	}
	f.resident = self.resident
	f.peak, err = peak(exporter.PID)
	return f, err
}

// learn scrapes until every instance is known, and gives what the page then is.
func learn(ctx context.Context, address string, what fleet) (figures, error) {
	even := float64(what.instances) / float64(what.shards)
	for known, count := 0, 1; ; count++ {
		p, err := read(ctx, address, "/metrics")
		switch {
		case err != nil:
			return figures{}, err
		case math.Abs(float64(p.instances)-even) > 0.1*even || what.shards == 1 && p.instances != what.instances:
			return figures{}, fmt.Errorf("%d instances are watched, want about %.0f", p.instances, even)
		case p.known == p.instances:
			fmt.Printf("%s instances in %d regions: all known after %d scrapes, %d from memory follow\n", what, regions, count, scrapes)
			return figures{fleet: what, watched: p.instances, samples: p.samples, page: p.size}, nil
		case p.known <= known:
			return figures{}, fmt.Errorf("scrape %d brought nothing: %d instances are known", count, known)
		}
		known = p.known
	}
}

// cloud gives a fake with the instances and accounts of a fleet.
func cloud(what fleet) *tairtest.API {
	api := tairtest.New(tairtest.Options{KeepRequests: 1})
	for n := range what.accounts {
		api.SetKey(tairtest.Key{Account: account(n), AccessKeyID: key + account(n), AccessKeySecret: secret})
	}
	for i := range what.instances {
		id := fmt.Sprintf("r-bp1%011x", uint64(i)*0x9E3779B97F4A7C15>>20) // as the cloud makes them
		api.SetInstance(tairtest.Instance{
			ID: id, Account: account(i / regions % what.accounts), Region: region(i % regions), Name: fmt.Sprintf("payments-sessions-%06d", i),
			SSLEnabled: "Enable", ExpiresAt: time.Now().AddDate(1, 0, 0), CommonName: id + ".redis.rds.aliyuncs.com",
			DownloadURL: "https://apsaradb-public.oss-ap-southeast-1.aliyuncs.com/ApsaraDB-CA-Chain.zip",
			Tags:        map[string]string{"env": "prod", "team": "payments"},
		})
	}
	return api
}

func region(i int) string { return fmt.Sprintf("cn-region-%d", i) }

func account(n int) string { return fmt.Sprintf("account-%d", n) }

func config(endpoint string, accounts int) []byte {
	names := make([]string, regions)
	for i := range names {
		names[i] = region(i)
	}
	qps := max(3, 1000/accounts) // all accounts together no more than the machine can do
	text := fmt.Appendf(nil, "refresh_interval: 3h\napi: {concurrency: 50, qps: %d}\naccounts:\n", qps)
	for n := range accounts {
		text = fmt.Appendf(text, `  - name: %s
    credentials: {type: access_key, access_key_id: %s, access_key_secret: %s}
    endpoint: %s
    discovery:
      - regions: [%s]
        tag_labels: {team: team}
`, account(n), key+account(n), secret, endpoint, strings.Join(names, ", "))
	}
	return text
}

// get asks as Prometheus does, and gives the body as it is sent: gzipped.
func get(ctx context.Context, address, path string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", accept)
	request.Header.Set("Accept-Encoding", "gzip")
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "30")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Encoding") != "gzip" {
		response.Body.Close()
		return nil, fmt.Errorf("%s: %s, Content-Encoding %q", path, response.Status, response.Header.Get("Content-Encoding"))
	}
	return response.Body, nil
}

// page is what a page tells.
type page struct {
	size, samples    int
	instances, known int
	asked            int // DescribeInstanceSSL, with success or not
	resident         int // bytes
}

func read(ctx context.Context, address, path string) (p page, err error) {
	body, err := get(ctx, address, path)
	if err != nil {
		return p, err
	}
	defer body.Close()
	plain, err := gzip.NewReader(body)
	if err != nil {
		return p, err
	}
	for lines := bufio.NewReader(plain); ; {
		line, err := lines.ReadString('\n')
		p.size += len(line)
		if line != "" && line[0] != '#' {
			p.samples++
			if err := p.note(strings.TrimSuffix(line, "\n")); err != nil {
				return p, err
			}
		}
		if errors.Is(err, io.EOF) {
			return p, nil
		}
		if err != nil {
			return p, err
		}
	}
}

func (p *page) note(line string) error {
	var sum *int
	switch {
	case strings.HasPrefix(line, "tair_ssl_scrape_success{"):
		p.instances++
		sum = &p.known
	case strings.HasPrefix(line, "tair_ssl_exporter_api_requests_total{") && strings.Contains(line, `action="DescribeInstanceSSL"`):
		sum = &p.asked
	case strings.HasPrefix(line, "process_resident_memory_bytes "):
		sum = &p.resident
	default:
		return nil
	}
	_, text, _ := strings.Cut(line[strings.LastIndexByte(line, '}')+1:], " ")
	value, err := strconv.ParseFloat(text, 64)
	*sum += int(value)
	return err
}

// peak is the most memory that a process has had.
func peak(pid int) (int, error) {
	file := fmt.Sprintf("/proc/%d/status", pid)
	status, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("the peak of memory is only told by Linux: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmHWM:" && fields[2] == "kB" {
			n, err := strconv.Atoi(fields[1])
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("%s has no VmHWM", file)
}
