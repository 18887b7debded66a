package tairtest

import (
	"cmp"
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
	otherKey = Key{Account: "other", AccessKeyID: "LTAIother", AccessKeySecret: "s"}
	stsKey   = Key{Account: "main", AccessKeyID: "STS.test", AccessKeySecret: "canary-sts-secret", SecurityToken: "canary-token"}
)

// outgoing is a request to the fake. Tests change it before it is signed, or let after change what was signed.
type outgoing struct {
	key    Key
	method string
	path   string
	query  url.Values
	header http.Header
	body   string
	names  []string // the signed headers; nil means all that must be signed
	after  func(*http.Request)
}

// newRequest makes a request from "Action Name=Value Name=Value".
func newRequest(key Key, text string) *outgoing {
	o := &outgoing{key: key, method: http.MethodPost, path: "/", query: url.Values{}, header: http.Header{}, after: func(*http.Request) {}}
	words := strings.Fields(text)
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		o.query.Set(name, value)
	}
	o.header.Set("Accept", "application/json")
	o.header.Set("x-acs-action", words[0])
	o.header.Set("x-acs-version", "2015-01-01")
	o.header.Set("x-acs-date", testTime.Format("2006-01-02T15:04:05Z"))
	o.header.Set("x-acs-signature-nonce", rand.Text())
	if key.SecurityToken != "" {
		o.header.Set("x-acs-accesskey-id", key.AccessKeyID)
		o.header.Set("x-acs-security-token", key.SecurityToken)
	}
	return o
}

// signed returns the signed request. It computes the signature in another way than the fake: with the escaping of net/url,
// corrected.
func (o *outgoing) signed(t testing.TB, base string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), o.method, base+o.path+"?"+o.query.Encode(), strings.NewReader(o.body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = o.header
	if r.Header.Get("x-acs-content-sha256") == "" {
		r.Header.Set("x-acs-content-sha256", fmt.Sprintf("%x", sha256.Sum256([]byte(o.body))))
	}
	names := o.names
	if names == nil {
		names = []string{"host"}
		for name := range r.Header {
			if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-acs-") || lower == "content-type" {
				names = append(names, lower)
			}
		}
		sort.Strings(names)
	}
	lines := []string{r.Method, r.URL.EscapedPath(), strings.ReplaceAll(o.query.Encode(), "+", "%20")}
	for _, name := range names {
		value := r.Header.Get(name)
		if strings.EqualFold(name, "host") {
			value = r.URL.Host
		}
		lines = append(lines, name+":"+value)
	}
	lines = append(lines, "", strings.Join(names, ";"), r.Header.Get("x-acs-content-sha256"))
	mac := hmac.New(sha256.New, []byte(o.key.AccessKeySecret))
	fmt.Fprintf(mac, "ACS3-HMAC-SHA256\n%x", sha256.Sum256([]byte(strings.Join(lines, "\n"))))
	r.Header.Set("Authorization", fmt.Sprintf("ACS3-HMAC-SHA256 Credential=%s,SignedHeaders=%s,Signature=%x",
		o.key.AccessKeyID, strings.Join(names, ";"), mac.Sum(nil)))
	o.after(r)
	return r
}

const sslRequest = "DescribeInstanceSSL InstanceId=r-1 RegionId=cn-hangzhou"

// fixture is a running fake with one instance.
type fixture struct {
	t      testing.TB
	api    *API
	server *Server
	client *http.Client
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	api := New(Options{Now: func() time.Time { return testTime }, Keys: []Key{testKey, stsKey, otherKey}})
	api.SetInstance(Instance{ID: "r-1", Region: "cn-hangzhou", Name: "one", SSLEnabled: "Enable",
		ExpiresAt: testTime.Add(24 * time.Hour), CommonName: "r-1.example", DownloadURL: "https://example.com/ca.zip?a=1&b=2"})
	server, err := Start(api)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	f := &fixture{t: t, api: api, server: server, client: &http.Client{Transport: &http.Transport{}}}
	f.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(f.client.CloseIdleConnections)
	return f
}

// reply is a response with its whole body.
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
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, body, err}
}

func (f *fixture) send(o *outgoing) reply {
	f.t.Helper()
	return f.do(o.signed(f.t, f.server.URL))
}

// get sends a request that newRequest makes from the text.
func (f *fixture) get(text string) reply {
	f.t.Helper()
	return f.send(newRequest(testKey, text))
}

// code returns the error code of a JSON body, "OK" for a success.
func (r reply) code(t testing.TB) string {
	t.Helper()
	var body struct{ Code string }
	if err := json.Unmarshal(r.body, &body); r.err != nil || err != nil {
		t.Fatalf("status %d, body %q, errors %v and %v", r.status, r.body, r.err, err)
	}
	return cmp.Or(body.Code, "OK")
}

func wantResponse(t testing.TB, r reply, status int, code string) {
	t.Helper()
	if got := r.code(t); r.status != status || got != code {
		t.Errorf("response is %d %s, want %d %s: %s", r.status, got, status, code, r.body)
	}
}
