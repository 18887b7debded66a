package collector

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/collector/tair/tairtest"
)

const (
	hangzhou = "cn-hangzhou"
	shanghai = "cn-shanghai"
	day      = 24 * time.Hour
	soon     = 10 * time.Second // the time of a scrape that has enough of it
)

func TestMain(m *testing.M) {
	for _, proxy := range []string{"HTTP_PROXY", "http_proxy"} {
		_ = os.Unsetenv(proxy) // the fake has a made-up name that no proxy knows
	}
	goleak.VerifyTestMain(m)
}

// world is an exporter in front of a fake API.
type world struct {
	t        *testing.T
	began    time.Time
	api      *tairtest.API
	server   *tairtest.Server
	exporter *Exporter
	log      *logLines
	setup    Setup

	dial     func(*tair.ClientConfig) // how clients get to the server
	accounts map[string]*staticKey
	clients  []*tair.Client
}

// inBubble runs a test with a fake clock that starts at 2000-01-01. What outlives the test in there fails it.
func inBubble(t *testing.T, run func(w *world)) {
	t.Helper()
	inSlowBubble(t, 0, run)
}

// inSlowBubble is inBubble with an API that takes its time for every answer.
func inSlowBubble(t *testing.T, latency time.Duration, run func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := tairtest.NewPipeListener()
		w := newWorld(t, tairtest.Options{Latency: latency}, Options{})
		w.server = tairtest.Serve(w.api, l)
		w.dial = func(c *tair.ClientConfig) { c.DialContext, c.Endpoint = l.DialContext, w.server.URL }
		run(w)
		w.close()
	})
}

// onLoopback gives a world with real HTTP and the real clock.
func onLoopback(t *testing.T, o Options) *world {
	t.Helper()
	w := newWorld(t, tairtest.Options{}, o)
	server, err := tairtest.Start(w.api)
	if err != nil {
		t.Fatal(err)
	}
	w.server = server
	w.dial = func(c *tair.ClientConfig) { c.Endpoint = server.URL }
	t.Cleanup(w.close)
	return w
}

func newWorld(t *testing.T, api tairtest.Options, o Options) *world {
	w := &world{t: t, began: time.Now(), api: tairtest.New(api), log: &logLines{}, accounts: map[string]*staticKey{}}
	o.Logger = log.NewLogfmtLogger(w.log)
	w.exporter = New(o)
	w.setup = Setup{KeepLast: 30 * day, ScrapeTime: soon}
	return w
}

func (w *world) close() {
	w.exporter.Close()
	for _, c := range w.clients {
		c.Close()
	}
	w.server.Close()
}

// account gives the key of an account, which exists from the first time that it is asked for.
func (w *world) account(name string) *staticKey {
	if w.accounts[name] == nil {
		w.accounts[name] = &staticKey{creds: creds.Credentials{AccessKeyID: "LTAI-" + name, AccessKeySecret: "secret of " + name}}
		w.grant(name)
	}
	return w.accounts[name]
}

// grant makes the key of an account known to the API; revoke undoes it.
func (w *world) grant(account string) {
	creds := w.accounts[account].creds
	w.api.SetKey(tairtest.Key{Account: account, AccessKeyID: creds.AccessKeyID, AccessKeySecret: creds.AccessKeySecret,
		SecurityToken: creds.SecurityToken})
}

func (w *world) revoke(account string) { w.api.RevokeKey(w.accounts[account].creds.AccessKeyID) }

// reach adds a client for an account and region to the setup. Without changes it has 20 connections and is never slowed
// down by a limit of its own.
func (w *world) reach(account, region string, changes ...func(*tair.ClientConfig)) {
	w.t.Helper()
	cfg := tair.ClientConfig{
		Region: region, Credentials: w.account(account),
		Timeout: 5 * time.Second, Attempts: 1, Concurrency: 20, QPS: 1e6,
		Observer: w.exporter.Observer(account, region),
	}
	w.dial(&cfg)
	for _, change := range changes {
		change(&cfg)
	}
	c, err := tair.NewClient(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.clients = append(w.clients, c)
	w.setup.Targets = append(w.setup.Targets, Target{Account: account, Region: region, Client: c, QPS: cfg.QPS})
}

// oneAtATime is a change for reach.
func oneAtATime(c *tair.ClientConfig) { c.Concurrency = 1 }

// watch adds instances to the setup, and to the cloud with a certificate that is valid for 100 days.
func (w *world) watch(account, region string, ids ...string) {
	for _, id := range ids {
		w.setup.Instances = append(w.setup.Instances, Instance{ID: id, Account: account, Region: region})
		w.api.SetInstance(enabled(account, region, id, w.began.Add(100*day)))
	}
}

// enabled is an instance of the cloud with SSL.
func enabled(account, region, id string, expires time.Time) tairtest.Instance {
	return tairtest.Instance{ID: id, Account: account, Region: region, SSLEnabled: "Enable", ExpiresAt: expires,
		CommonName: id + ".redis.rds.aliyuncs.com", DownloadURL: "https://certs.example/" + id + "?Signature=canary"}
}

func (w *world) apply() {
	w.t.Helper()
	if err := w.exporter.Apply(w.setup); err != nil {
		w.t.Fatal(err)
	}
}

// handler serves /metrics for scrapes that have that much time.
func (w *world) handler(within time.Duration) http.Handler {
	return w.exporter.MetricsHandler(ScrapeTimeout{Default: within})
}

// scrape gives what /metrics tells within a time.
func (w *world) scrape(within time.Duration) page {
	w.t.Helper()
	return w.get(w.t.Context(), w.handler(within))
}

func (w *world) get(ctx context.Context, h http.Handler) page {
	w.t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", http.NoBody))
	if rec.Code != http.StatusOK {
		w.t.Errorf("HTTP %d: %s", rec.Code, rec.Body)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(rec.Body)
	if err != nil {
		w.t.Error(err)
	}
	p := page{families: families, began: w.began}
	p.check(w.t)
	return p
}

// wantState compares what a page tells of an instance; see page.state.
func (w *world) wantState(p page, id, want string) {
	w.t.Helper()
	if got := p.state(id); got != want {
		w.t.Errorf("%s\n got: %s\nwant: %s", id, got, want)
	}
}

// asked gives the IDs of the requests so far, in the order of arrival, with a space between.
func (w *world) asked() string {
	var ids []string
	for _, r := range w.api.Requests() {
		ids = append(ids, r.InstanceID)
	}
	return strings.Join(ids, " ")
}

// pass lets time pass in a bubble.
func pass(d time.Duration) { <-time.After(d) }

// fails is a fault with an error answer.
func fails(status int, code string) tairtest.Fault {
	return tairtest.Fault{Error: &tairtest.APIError{Status: status, Code: code, Message: "canary: what was signed"}}
}

// page is what a scrape told.
type page struct {
	families map[string]*dto.MetricFamily
	began    time.Time
}

// value gives the sample that has these labels (name, value, name, value, ...).
func (p page) value(name string, labels ...string) (float64, bool) {
	for _, m := range p.families[namespace+"_"+name].GetMetric() {
		if has(m, labels) {
			return m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount()), true
		}
	}
	return 0, false
}

func has(m *dto.Metric, labels []string) bool {
	for i := 0; i < len(labels); i += 2 {
		if label(m, labels[i]) != labels[i+1] {
			return false
		}
	}
	return true
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// want compares samples of the exporter itself.
func (p page) want(t *testing.T, want float64, name string, labels ...string) {
	t.Helper()
	if got, ok := p.value("exporter_"+name, labels...); !ok || got != want {
		t.Errorf("%s%v is %v (there: %t), want %v", name, labels, got, ok, want)
	}
}

// check holds the page to what is true of every page.
func (p page) check(t *testing.T) {
	t.Helper()
	for _, m := range p.families["tair_ssl_instance_info"].GetMetric() {
		id := label(m, "instance_id")
		success, told := p.value("scrape_success", "instance_id", id)
		_, failed := p.value("scrape_error_info", "instance_id", id)
		if !told || failed != (success == 0) {
			t.Errorf("%s: scrape_success is %v (there: %t), scrape_error_info is there: %t", id, success, told, failed)
		}
		for _, name := range []string{"last_success_timestamp_seconds", "certificate_expiry_timestamp_seconds"} {
			if v, ok := p.value(name, "instance_id", id); ok && v <= 0 {
				t.Errorf("%s: %s is %v", id, name, v)
			}
		}
	}
}

// state is all that the page tells of an instance in one line, but for its info. Moments are told as the time since the
// beginning of the world.
func (p page) state(id string) string {
	var parts []string
	add := func(short, name string, show func(*dto.Metric) string) {
		for _, m := range p.families[namespace+"_"+name].GetMetric() {
			if label(m, "instance_id") == id {
				parts = append(parts, short+"="+show(m))
			}
		}
	}
	number := func(m *dto.Metric) string { return fmt.Sprint(m.GetGauge().GetValue()) }
	moment := func(m *dto.Metric) string {
		return time.UnixMilli(int64(m.GetGauge().GetValue() * 1000)).Sub(p.began).String()
	}
	span := func(m *dto.Metric) string {
		return time.Duration(m.GetGauge().GetValue() * float64(time.Second)).String()
	}
	labels := func(names ...string) func(m *dto.Metric) string {
		return func(m *dto.Metric) string {
			values := make([]string, len(names))
			for i, n := range names {
				values[i] = cmp.Or(label(m, n), "-")
			}
			return strings.Join(values, ",")
		}
	}
	add("success", "scrape_success", number)
	add("error", "scrape_error_info", labels("reason", "code"))
	add("last", "last_success_timestamp_seconds", moment)
	add("supported", "supported", number)
	add("enabled", "enabled", number)
	add("expiry", "certificate_expiry_timestamp_seconds", moment)
	add("in", "certificate_expires_in_seconds", span)
	add("cert", "certificate_info", labels("common_name"))
	return strings.Join(parts, " ")
}

// logLines collects what is logged.
type logLines struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	gate chan struct{} // nil: open
}

// hold blocks whoever logs, until release.
func (l *logLines) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gate = make(chan struct{})
}

func (l *logLines) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.gate)
	l.gate = nil
}

// Write is for io.Writer.
func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	gate := l.gate
	l.mu.Unlock()
	if gate != nil {
		<-gate
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// take gives the lines since the last time.
func (l *logLines) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := strings.TrimSpace(l.buf.String())
	l.buf.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
