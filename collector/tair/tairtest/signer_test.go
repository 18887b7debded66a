package tairtest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"testing"
	"time"
)

var (
	testTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	testKey  = Key{Account: "main", AccessKeyID: "LTAItest", AccessKeySecret: "canary-secret"}
	stsKey   = Key{Account: "main", AccessKeyID: "STS.test", AccessKeySecret: "canary-sts-secret", SecurityToken: "canary-token"}
)

// outgoing is a request on its way to the fake. Tests change it before or after it is signed.
type outgoing struct {
	key    Key
	method string
	path   string
	query  url.Values
	header http.Header
	body   string
}

func newRequest(key Key, action string, params ...string) *outgoing {
	o := &outgoing{key: key, method: http.MethodPost, path: "/", query: url.Values{}, header: http.Header{}}
	for i := 0; i < len(params); i += 2 {
		o.query.Set(params[i], params[i+1])
	}
	o.header.Set("Accept", "application/json")
	o.header.Set("x-acs-action", action)
	o.header.Set("x-acs-version", "2015-01-01")
	o.header.Set("x-acs-date", testTime.Format("2006-01-02T15:04:05Z"))
	o.header.Set("x-acs-signature-nonce", rand.Text())
	if key.SecurityToken != "" {
		o.header.Set("x-acs-accesskey-id", key.AccessKeyID)
		o.header.Set("x-acs-security-token", key.SecurityToken)
	}
	return o
}

func sslRequest(id string) *outgoing {
	return newRequest(testKey, "DescribeInstanceSSL", "InstanceId", id, "RegionId", "cn-hangzhou")
}

// build makes the request that the host would get, unsigned apart from the hash of the body.
func (o *outgoing) build(t testing.TB, base string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), o.method, base+o.path+"?"+o.query.Encode(), strings.NewReader(o.body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = o.header
	if r.Header.Get("x-acs-content-sha256") == "" {
		r.Header.Set("x-acs-content-sha256", fmt.Sprintf("%x", sha256.Sum256([]byte(o.body))))
	}
	return r
}

// signed builds and signs. It is written apart from the code under test, the other way round: with the URL library's
// escaping, corrected.
func (o *outgoing) signed(t testing.TB, base string) *http.Request {
	t.Helper()
	r := o.build(t, base)
	values := map[string]string{"host": r.URL.Host}
	names := []string{"host"}
	for name := range r.Header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-acs-") || lower == "content-type" {
			values[lower] = r.Header.Get(name)
			names = append(names, lower)
		}
	}
	sort.Strings(names)
	r.Header.Set("Authorization", authorize(o, r, names, values))
	return r
}

func authorize(o *outgoing, r *http.Request, names []string, values map[string]string) string {
	query := strings.ReplaceAll(o.query.Encode(), "+", "%20")
	lines := []string{r.Method, r.URL.EscapedPath(), query}
	for _, name := range names {
		lines = append(lines, name+":"+values[name])
	}
	lines = append(lines, "", strings.Join(names, ";"), r.Header.Get("x-acs-content-sha256"))
	mac := hmac.New(sha256.New, []byte(o.key.AccessKeySecret))
	fmt.Fprintf(mac, "ACS3-HMAC-SHA256\n%x", sha256.Sum256([]byte(strings.Join(lines, "\n"))))
	return fmt.Sprintf("ACS3-HMAC-SHA256 Credential=%s,SignedHeaders=%s,Signature=%x", o.key.AccessKeyID, strings.Join(names, ";"), mac.Sum(nil))
}

// fixture is a running fake with one instance.
type fixture struct {
	t      testing.TB
	api    *API
	server *Server
	client *http.Client
}

func newTestAPI(opts Options) *API {
	opts.Now = func() time.Time { return testTime }
	opts.Keys = []Key{testKey, stsKey}
	api := New(opts)
	api.SetInstance(Instance{ID: "r-1", Region: "cn-hangzhou", Name: "one", SSLEnabled: "Enable",
		ExpiresAt: testTime.Add(24 * time.Hour), CommonName: "r-1.example", DownloadURL: "https://example.com/ca.zip?a=1&b=2"})
	return api
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	return serve(t, newTestAPI(Options{}))
}

// serve starts a server for the API on the loopback interface.
func serve(t testing.TB, api *API) *fixture {
	t.Helper()
	server, err := Start(api)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(server.Close)
	t.Cleanup(transport.CloseIdleConnections)
	return &fixture{t: t, api: api, server: server, client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// reply is an answer read to its end.
type reply struct {
	status int
	header http.Header
	body   []byte
	err    error // of the connection, or of reading the body
}

func (f *fixture) do(r *http.Request) reply {
	f.t.Helper()
	resp, err := f.client.Do(r)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, body, err}
}

func (f *fixture) send(o *outgoing) reply {
	f.t.Helper()
	return f.do(o.signed(f.t, f.server.URL))
}

func (f *fixture) sendWithin(ctx context.Context, o *outgoing) reply {
	f.t.Helper()
	return f.do(o.signed(f.t, f.server.URL).WithContext(ctx))
}

// code is the error code of a JSON answer, "OK" for a success.
func (r reply) code(t testing.TB) string {
	t.Helper()
	if r.err != nil {
		t.Fatalf("no answer: %v", r.err)
	}
	var body struct{ Code, RequestID string }
	dec := json.NewDecoder(bytes.NewReader(r.body))
	if err := dec.Decode(&body); err != nil {
		t.Fatalf("status %d, body %q: %v", r.status, r.body, err)
	}
	if r.status == http.StatusOK && body.Code == "" {
		return "OK"
	}
	return body.Code
}

func wantAnswer(t testing.TB, r reply, status int, code string) {
	t.Helper()
	if got := r.code(t); r.status != status || got != code {
		t.Errorf("answer is %d %s, want %d %s: %s", r.status, got, status, code, r.body)
	}
}
