package collector

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
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
	beijing  = "cn-beijing"
	day      = 24 * time.Hour
	soon     = 10 * time.Second // a scrape timeout that is long enough
)

func TestMain(m *testing.M) {
	for _, proxy := range []string{"HTTP_PROXY", "http_proxy"} {
		_ = os.Unsetenv(proxy) // no proxy knows the host name of the fake API
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
	settle   func() // in a bubble: returns when all goroutines wait
	setup    Setup

	dial     func(*tair.ClientConfig) // points a client at the server
	accounts map[string]*staticKey
	clients  []*tair.Client
}

// inBubble runs a test with a fake clock that starts at 2000-01-01. A goroutine that outlives the test fails it.
func inBubble(t *testing.T, run func(w *world)) {
	t.Helper()
	inSlowBubble(t, 0, run)
}

// inSlowBubble is inBubble with an API that takes latency for every answer.
func inSlowBubble(t *testing.T, latency time.Duration, run func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := tairtest.NewPipeListener()
		w := newWorld(t, tairtest.Options{Latency: latency}, Options{})
		w.server, w.settle = tairtest.Serve(w.api, l), synctest.Wait
		w.dial = func(c *tair.ClientConfig) { c.DialContext, c.Endpoint = l.DialContext, w.server.URL }
		run(w)
		w.close()
	})
}

// onLoopback returns a world with real HTTP and the real clock.
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
	w := &world{t: t, began: time.Now(), api: tairtest.New(api), log: &logLines{}, settle: func() {}, accounts: map[string]*staticKey{}}
	o.Logger = log.With(log.NewLogfmtLogger(w.log), "caller", log.DefaultCaller)
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

// staticKey returns the same credentials, or fails.
type staticKey struct {
	mu    sync.Mutex
	creds creds.Credentials
	fail  func(ctx context.Context) error // nil: none
}

// Credentials is for creds.Provider.
func (k *staticKey) Credentials(ctx context.Context) (creds.Credentials, error) {
	k.mu.Lock()
	key, fail := k.creds, k.fail
	k.mu.Unlock()
	if fail != nil {
		return creds.Credentials{}, fail(ctx)
	}
	return key, nil
}

// Reject is for creds.Provider.
func (k *staticKey) Reject(creds.Credentials) {}

// failWith makes the key fail; nil: it works again.
func (k *staticKey) failWith(fail func(ctx context.Context) error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fail = fail
}

// account returns the key of an account. The first use creates the account.
func (w *world) account(name string) *staticKey {
	if w.accounts[name] == nil {
		w.accounts[name] = &staticKey{creds: creds.Credentials{AccessKeyID: "LTAI-" + name, AccessKeySecret: "secret of " + name}}
		w.grant(name)
	}
	return w.accounts[name]
}

// grant makes the API accept the key of an account.
func (w *world) grant(account string) {
	creds := w.accounts[account].creds
	w.api.SetKey(tairtest.Key{Account: account, AccessKeyID: creds.AccessKeyID, AccessKeySecret: creds.AccessKeySecret,
		SecurityToken: creds.SecurityToken})
}

// revoke makes the API refuse the key of an account.
func (w *world) revoke(account string) { w.api.RevokeKey(w.accounts[account].creds.AccessKeyID) }

// clientOption changes how addTarget makes a client.
type clientOption = func(*tair.ClientConfig)

func concurrency(n int) clientOption { return func(c *tair.ClientConfig) { c.Concurrency = n } }
func attempts(n int) clientOption    { return func(c *tair.ClientConfig) { c.Attempts = n } }
func qps(limit float64) clientOption { return func(c *tair.ClientConfig) { c.QPS = limit } }

// defaultLimits has the limits of a configuration that sets none.
func defaultLimits(c *tair.ClientConfig) {
	c.Timeout, c.Attempts, c.Concurrency, c.QPS = 5*time.Second, 3, 20, 20
}

// addTarget adds an account and region to the setup. Without options its client makes one attempt, 20 calls at a time, and
// has no rate limit that matters.
func (w *world) addTarget(account, region string, options ...clientOption) {
	w.t.Helper()
	cfg := tair.ClientConfig{
		Region: region, Credentials: w.account(account),
		Timeout: 5 * time.Second, Attempts: 1, Concurrency: 20, QPS: 1e6,
		Observer: w.exporter.Observer(account, region),
	}
	w.dial(&cfg)
	for _, option := range options {
		option(&cfg)
	}
	c, err := tair.NewClient(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.clients = append(w.clients, c)
	w.setup.Targets = append(w.setup.Targets, Target{Account: account, Region: region, Client: c, QPS: cfg.QPS})
}

// addInstances adds instances to the setup and, with a certificate that is valid for 100 days, to the cloud.
func (w *world) addInstances(account, region string, ids ...string) {
	for _, id := range ids {
		w.setup.Instances = append(w.setup.Instances, Instance{ID: id, Account: account, Region: region})
		w.createInstance(account, region, id)
	}
}

// createInstance adds an instance to the cloud alone.
func (w *world) createInstance(account, region, id string, changes ...func(*tairtest.Instance)) {
	i := withSSL(account, region, id, w.began.Add(100*day))
	for _, change := range changes {
		change(&i)
	}
	w.api.SetInstance(i)
}

// withSSL returns an instance of the cloud whose certificate expires at a time.
func withSSL(account, region, id string, expires time.Time) tairtest.Instance {
	return tairtest.Instance{ID: id, Account: account, Region: region, SSLEnabled: "Enable", ExpiresAt: expires,
		CommonName: id + ".redis.rds.aliyuncs.com", DownloadURL: "https://certs.example/" + id + "?Signature=canary"}
}

// tagged is a change for createInstance.
func tagged(tags map[string]string) func(*tairtest.Instance) {
	return func(i *tairtest.Instance) { i.Tags = tags }
}

// makeIDs returns n IDs that begin in the same way.
func makeIDs(prefix string, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%s-%04d", prefix, i)
	}
	return ids
}

func (w *world) apply() {
	w.t.Helper()
	if err := w.exporter.Apply(w.setup); err != nil {
		w.t.Fatal(err)
	}
}

// applyMain adds account main in cn-hangzhou with these instances, whose IDs have spaces between, and applies the setup.
func (w *world) applyMain(ids string, options ...clientOption) {
	w.t.Helper()
	w.addTarget("main", hangzhou, options...)
	w.addInstances("main", hangzhou, strings.Fields(ids)...)
	w.apply()
}

// advance returns after d, which takes no time in a bubble.
func advance(d time.Duration) { <-time.After(d) }

// failWith is a fault with an error answer, for as many requests; 0: all.
func failWith(status int, code string, times ...int) tairtest.Fault {
	f := tairtest.Fault{Error: &tairtest.APIError{Status: status, Code: code, Message: "canary: what was signed"}}
	if len(times) > 0 {
		f.Times = times[0]
	}
	return f
}

// do sends a GET request to a handler.
func (w *world) do(ctx context.Context, h http.Handler, path string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, http.MethodGet, path, http.NoBody))
	return rec
}

// metrics is the handler of /metrics with a scrape timeout.
func (w *world) metrics(timeout time.Duration) http.Handler {
	return w.exporter.MetricsHandler(ScrapeTimeout{Default: timeout})
}

// scrape returns what /metrics serves within a timeout.
func (w *world) scrape(timeout time.Duration) page {
	w.t.Helper()
	return w.get(w.t.Context(), w.metrics(timeout))
}

// scrapeSelf returns what /metrics/self serves.
func (w *world) scrapeSelf() page {
	w.t.Helper()
	return w.get(w.t.Context(), w.exporter.SelfHandler())
}

// scrapeAfter scrapes after a delay in the background. The function that it returns waits for the page.
func (w *world) scrapeAfter(delay, timeout time.Duration) (wait func() page) {
	pages := make(chan page, 1)
	go func() {
		advance(delay)
		pages <- w.scrape(timeout)
	}()
	return func() page { return <-pages }
}

func (w *world) get(ctx context.Context, h http.Handler) page {
	w.t.Helper()
	rec := w.do(ctx, h, "/metrics")
	if rec.Code != http.StatusOK {
		w.t.Errorf("HTTP %d: %s", rec.Code, rec.Body)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(rec.Body)
	if err != nil {
		w.t.Error(err)
	}
	p := page{t: w.t, families: families, began: w.began}
	p.check()
	return p
}

// scrapeWithoutPage is a scrape without the exposition, which takes most of a test's time. It returns how long it took.
func (w *world) scrapeWithoutPage(timeout time.Duration) time.Duration {
	ctx, cancel := context.WithTimeout(w.t.Context(), timeout)
	defer cancel()
	inv, began := w.exporter.current.load(), time.Now()
	s := beginScrape(began, inv.setup.RefreshInterval)
	s.least = inv.setup.CallInterval
	s.request(inv.records)
	s.wait(ctx)
	return time.Since(began)
}

// scrapeEach scrapes n times without a page, one interval after the other.
func (w *world) scrapeEach(interval, timeout time.Duration, n int) {
	for range n {
		advance(interval - w.scrapeWithoutPage(timeout))
	}
}

// wantElapsed compares the time since the world began.
func (w *world) wantElapsed(want time.Duration) {
	w.t.Helper()
	if took := time.Since(w.began); took != want {
		w.t.Errorf("it took %v, want %v", took, want)
	}
}

// requests returns the requests of an operation so far.
func (w *world) requests(action string) []tairtest.Request {
	return slices.DeleteFunc(w.api.Requests(), func(r tairtest.Request) bool { return r.Action != action })
}

// requestedIDs returns the instance IDs of the requests so far, in the order of arrival, with spaces between.
func (w *world) requestedIDs() string {
	var ids []string
	for _, r := range w.api.Requests() {
		ids = append(ids, r.InstanceID)
	}
	return strings.Join(ids, " ")
}

// wantRequestedIDs compares the instance IDs of the requests so far.
func (w *world) wantRequestedIDs(want string) {
	w.t.Helper()
	if got := w.requestedIDs(); got != want {
		w.t.Errorf("requested %q, want %q", got, want)
	}
}
