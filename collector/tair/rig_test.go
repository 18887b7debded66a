package tair

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/collector/tair/tairtest"
)

const (
	testRegion   = "cn-hangzhou"
	testInstance = "r-bp1zxszhcgatnx"

	anyRequestID = "any" // in a wanted Error: an ID that the fake has made
)

var (
	testKey   = creds.Credentials{AccessKeyID: "LTAIcanaryKeyID", AccessKeySecret: "canarySecret"}
	otherKey  = creds.Credentials{AccessKeyID: "LTAIotherKeyID", AccessKeySecret: "otherSecret"}
	tokenKey  = creds.Credentials{AccessKeyID: "STS.canaryKeyID", AccessKeySecret: "canarySecret", SecurityToken: "canaryToken+/="}
	expiresAt = time.Date(2030, 8, 5, 9, 5, 53, 0, time.UTC)
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testSSL is the answer for the rig's instance.
var testSSL = SSL{
	Supported: true, Enabled: true, ExpiresAt: expiresAt, CommonName: "r-bp1zxszhcgatnx.redis.rds.aliyuncs.com",
	DownloadURL: "https://apsaradb-public.oss-ap-southeast-1.aliyuncs.com/ApsaraDB-CA-Chain.zip",
}

// rig is a client in front of a fake of the API that knows every key and one instance.
type rig struct {
	t        *testing.T
	api      *tairtest.API
	server   *tairtest.Server
	client   *Client
	keys     *fakeKeys
	observed *recorder
}

// inBubble runs a test with the client and the API in one bubble. Fields of cfg that are not set get defaults with which
// nothing waits.
func inBubble(t *testing.T, cfg ClientConfig, run func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		api := newAPI()
		l := tairtest.NewPipeListener()
		cfg.DialContext = l.DialContext
		r := newRig(t, cfg, api, tairtest.Serve(api, l))
		run(t, r)
		r.client.Close()
		r.server.Close()
	})
}

// inBubbles is inBubble for a subtest.
func inBubbles(t *testing.T, name string, cfg ClientConfig, run func(t *testing.T, r *rig)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { inBubble(t, cfg, run) })
}

// onLoopback returns a client and the API with a real connection between them.
func onLoopback(t *testing.T, cfg ClientConfig) *rig {
	t.Helper()
	api := newAPI()
	server, err := tairtest.Start(api)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	cfg.Endpoint = cmp.Or(cfg.Endpoint, server.URL)
	r := newRig(t, cfg, api, server)
	t.Cleanup(r.client.Close)
	return r
}

func newAPI() *tairtest.API {
	api := tairtest.New(tairtest.Options{})
	for _, c := range []creds.Credentials{testKey, otherKey, tokenKey} {
		api.SetKey(tairtest.Key{
			Account: "main", AccessKeyID: c.AccessKeyID, AccessKeySecret: c.AccessKeySecret, SecurityToken: c.SecurityToken,
		})
	}
	api.SetInstance(tairtest.Instance{
		ID: testInstance, Region: testRegion, SSLEnabled: "Enable", ExpiresAt: expiresAt,
		CommonName: testSSL.CommonName, DownloadURL: testSSL.DownloadURL,
	})
	return api
}

func newRig(t *testing.T, cfg ClientConfig, api *tairtest.API, server *tairtest.Server) *rig {
	t.Helper()
	r := &rig{t: t, api: api, server: server, keys: &fakeKeys{chain: []creds.Credentials{testKey}}, observed: &recorder{}}
	cfg.Region = testRegion
	cfg.Endpoint = cmp.Or(cfg.Endpoint, "http://127.0.0.1:80") // what a bubble dials is the fake, and loopback has no proxy
	cfg.Timeout = cmp.Or(cfg.Timeout, 5*time.Second)
	cfg.Attempts = cmp.Or(cfg.Attempts, 3)
	cfg.Concurrency = cmp.Or(cfg.Concurrency, 20)
	cfg.QPS = cmp.Or(cfg.QPS, 1000)
	cfg.UserAgent = "tair_ssl_exporter/test"
	cfg.Credentials, cfg.Observer = r.keys, r.observed
	client, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.client = client
	return r
}

// ask reads the rig's instance, with as many attempts as the client is allowed.
func (r *rig) ask() (SSL, error) { return r.askUnder(r.t.Context()) }

// askUnder is ask under a context.
func (r *rig) askUnder(ctx context.Context) (ssl SSL, err error) {
	err = r.client.call(ctx, r.client.requests, sslRequest(testRegion, testInstance, &ssl))
	return ssl, err
}

// askOnce reads an instance with one permit.
func (r *rig) askOnce(ctx context.Context, id string) (SSL, error) {
	permit, err := r.client.Admit(ctx)
	if err != nil {
		return SSL{}, err
	}
	defer permit.Release()
	return permit.DescribeInstanceSSL(id)
}

// wantSSL reads the rig's instance and checks the answer.
func (r *rig) wantSSL() {
	r.t.Helper()
	if got, err := r.ask(); err != nil || got != testSSL {
		r.t.Errorf("got %+v, error %v", got, err)
	}
}

// burst reads the rig's instance n times at once and checks the answers.
func (r *rig) burst(n int) {
	r.t.Helper()
	var calls sync.WaitGroup
	for range n {
		calls.Go(r.wantSSL)
	}
	calls.Wait()
}

// list lists the instances of the rig's region.
func (r *rig) list(f Filter) ([]ListedInstance, error) {
	return r.client.DescribeInstances(r.t.Context(), f)
}

// regions lists the regions.
func (r *rig) regions() ([]Region, error) { return r.client.DescribeRegions(r.t.Context()) }

// setInstances adds instances of the rig's region.
func (r *rig) setInstances(ids []string) {
	for _, id := range ids {
		r.api.SetInstance(tairtest.Instance{ID: id, Region: testRegion})
	}
}

// wantRequests checks how many requests reached the API, each with a nonce of its own.
func (r *rig) wantRequests(want int) {
	r.t.Helper()
	log := r.api.Requests()
	if len(log) != want {
		r.t.Errorf("%d requests, want %d", len(log), want)
	}
	seen := map[string]bool{}
	for _, q := range log {
		if q.Nonce == "" || seen[q.Nonce] {
			r.t.Errorf("nonce %q is missing or used twice", q.Nonce)
		}
		seen[q.Nonce] = true
	}
}

// wantError checks all fields of an *Error.
func wantError(t *testing.T, err error, want Error) {
	t.Helper()
	var failed *Error
	if !errors.As(err, &failed) {
		t.Errorf("error %v, want %+v", err, want)
		return
	}
	got := *failed
	if want.RequestID == anyRequestID && regexp.MustCompile(`^[0-9A-F-]{36}$`).MatchString(got.RequestID) {
		got.RequestID = anyRequestID
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// badBody is the body of a 200 OK that is no answer, and the detail of the error for it.
type badBody struct{ name, body, detail string }

// wantInvalid checks that a call whose answer has one of the bodies fails at once and returns nothing.
func wantInvalid[T any](t *testing.T, action string, call func(r *rig) (T, error), bodies []badBody) {
	t.Helper()
	const notJSON = "the body is not the JSON of the operation"
	for _, c := range append([]badBody{
		{"empty", "", notJSON},
		{"HTML", "<html>Welcome</html>", notJSON},
		{"XML", "<Response><InstanceId>r-bp1zxszhcgatnx</InstanceId></Response>", notJSON},
		{"an array", "[]", notJSON},
		{"cut off", `{"RequestId":"1-2"`, notJSON},
		{"two bodies", "{}{}", notJSON},
		{"over 1 MiB", padded("{}", 1<<20+1), "the body is over 1 MiB"},
		{"far over 1 MiB", padded("{}", 3<<20), "the body is over 1 MiB"},
	}, bodies...) {
		inBubbles(t, c.name, ClientConfig{}, func(t *testing.T, r *rig) {
			r.api.SetFault(action, tairtest.Fault{Body: []byte(c.body)})
			got, err := call(r)
			wantError(t, err, Error{Reason: ReasonInvalidResponse, Status: 200, Detail: c.detail})
			if !reflect.ValueOf(got).IsZero() {
				t.Errorf("got %+v with an error", got)
			}
			r.wantRequests(1) // another attempt would fail too
		})
	}
}

// padded returns a JSON object with spaces in it, n bytes long.
func padded(object string, n int) string {
	return "{" + strings.Repeat(" ", n-len(object)) + object[1:]
}

// fakeKeys is a creds.Provider: each rejection moves it on to the next key of the chain, and the last one stays.
type fakeKeys struct {
	mu       sync.Mutex
	chain    []creds.Credentials
	err      error // returned instead of keys
	hang     bool  // return nothing before the context ends
	rejected []creds.Credentials
}

func (f *fakeKeys) Credentials(ctx context.Context) (creds.Credentials, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.hang {
		<-ctx.Done()
		return creds.Credentials{}, context.Cause(ctx)
	}
	return f.chain[0], f.err
}

// fail makes every further call fail.
func (f *fakeKeys) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *fakeKeys) Reject(c creds.Credentials) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rejected = append(f.rejected, c)
	if len(f.chain) > 1 && c == f.chain[0] {
		f.chain = f.chain[1:]
	}
}

// recorder is an Observer that keeps the reports.
type recorder struct {
	mu       sync.Mutex
	attempts []Attempt
	waits    []time.Duration
}

func (r *recorder) Attempted(a Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts = append(r.attempts, a)
}

func (r *recorder) Waited(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waits = append(r.waits, d)
}

// pass lets time pass in a bubble.
func pass(d time.Duration) { <-time.After(d) }
