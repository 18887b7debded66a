package creds

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const metadataHost = "100.100.100.200" // the ECS metadata service, which the library cannot be told to replace

// network is in place before any test runs, because the library clones http.DefaultTransport for each request.
var network = newNetwork()

// loopbackOnly keeps every request of the library on loopback: TLS servers of httptest are trusted, the metadata service
// is a server of the test, and anything else is refused.
type loopbackOnly struct {
	metadata atomic.Pointer[url.URL]
}

func newNetwork() *loopbackOnly {
	n := &loopbackOnly{}
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	transport.Proxy = n.proxy
	http.DefaultTransport = transport
	return n
}

func (n *loopbackOnly) proxy(r *http.Request) (*url.URL, error) {
	host := r.URL.Hostname()
	if to := n.metadata.Load(); host == metadataHost && to != nil {
		return to, nil
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil, nil
	}
	return nil, errors.New("refused: not on loopback")
}

// testServer counts its requests and keeps their parameters.
type testServer struct {
	*httptest.Server
	mu       sync.Mutex
	requests []url.Values // query and form
	handler  func(w http.ResponseWriter, r *http.Request)
}

func newTestServer(t *testing.T, start func(http.Handler) *httptest.Server, h http.HandlerFunc) *testServer {
	t.Helper()
	s := &testServer{handler: h}
	s.Server = start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		s.mu.Lock()
		s.requests = append(s.requests, r.Form)
		handler := s.handler
		s.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// answer replaces the handler.
func (s *testServer) answer(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = h
}

// seen gives the requests so far.
func (s *testServer) seen() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[:len(s.requests):len(s.requests)]
}

// host gives host:port.
func (s *testServer) host() string { return strings.TrimPrefix(s.URL, "https://") }

// newURIServer serves a credentials URI.
func newURIServer(t *testing.T, h http.HandlerFunc) *testServer {
	t.Helper()
	return newTestServer(t, httptest.NewServer, h)
}

// newMetadataServer takes the place of the ECS metadata service.
func newMetadataServer(t *testing.T, h http.HandlerFunc) *testServer {
	t.Helper()
	s := newTestServer(t, httptest.NewServer, h)
	to, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	network.metadata.Store(to)
	t.Cleanup(func() { network.metadata.Store(nil) })
	return s
}

// newSTSServer is a token service: the key it gives tells whom it was given to.
func newSTSServer(t *testing.T) *testServer {
	t.Helper()
	start := func(h http.Handler) *httptest.Server {
		s := httptest.NewUnstartedServer(h)
		s.Config.ErrorLog = log.New(io.Discard, "", 0) // a client that does not trust it
		s.StartTLS()
		return s
	}
	return newTestServer(t, start, func(w http.ResponseWriter, r *http.Request) {
		who := r.Form.Get("AccessKeyId") + r.Form.Get("OIDCToken")
		writeJSON(w, map[string]any{
			"RequestId": "1B2C3D4E-0000-4000-8000-123456789ABC", "Credentials": keyFor("STS."+who, time.Hour),
		})
	})
}

// keyFor gives a key as every service of the cloud prints it.
func keyFor(id string, left time.Duration) map[string]any {
	return map[string]any{
		"Code": "Success", "AccessKeyId": id, "AccessKeySecret": "secret-of-" + id, "SecurityToken": "token-of-" + id,
		"Expiration": time.Now().Add(left).UTC().Format("2006-01-02T15:04:05Z"),
	}
}

// credentialsOfID gives what keyFor stands for.
func credentialsOfID(id string) Credentials {
	return Credentials{id, "secret-of-" + id, "token-of-" + id}
}

// respondWith answers with a key for id.
func respondWith(id string, left time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, keyFor(id, left)) }
}

// failWith answers with a status and a body.
func failWith(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, body, status) }
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// cleanEnv removes from the environment all that the library reads.
func cleanEnv(t *testing.T) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "ALIBABA_CLOUD_") {
			t.Setenv(name, "")
		}
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
}

// foreignEnv fills the environment with what must not be used.
func foreignEnv(t *testing.T) {
	t.Helper()
	cleanEnv(t)
	for _, name := range []string{
		"ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN", "ROLE_ARN", "ROLE_SESSION_NAME", "OIDC_PROVIDER_ARN",
		"OIDC_TOKEN", "OIDC_TOKEN_FILE", "ECS_METADATA", "CREDENTIALS_URI",
	} {
		t.Setenv("ALIBABA_CLOUD_"+name, "foreign")
	}
}

// writeSecret writes a file and gives its path.
func writeSecret(t *testing.T, path, text string) string {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "secret")
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
