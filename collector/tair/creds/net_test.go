package creds

import (
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

	"go.uber.org/goleak"
)

// metadataServer is the server of a test in the place of the metadata service, or nil.
var metadataServer atomic.Pointer[url.URL]

// TestMain keeps every request of the library on loopback. The library clones http.DefaultTransport for each of them.
func TestMain(m *testing.M) {
	server := httptest.NewTLSServer(nil)
	transport := NewTransport()
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone() // it trusts every server of httptest
	server.Close()
	own := proxies(func(r *http.Request) (*url.URL, error) {
		host := r.URL.Hostname()
		if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
			return nil, nil
		}
		return nil, errors.New("refused: not on loopback")
	})
	transport.Proxy = func(r *http.Request) (*url.URL, error) {
		if to := metadataServer.Load(); r.URL.Hostname() == metadataService && to != nil {
			return to, nil
		}
		return own(r)
	}
	http.DefaultTransport = transport
	goleak.VerifyTestMain(m)
}

// newURIServer returns a local service that returns temporary keys.
func newURIServer(t *testing.T, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// newMetadataServer takes the place of the ECS metadata service.
func newMetadataServer(t *testing.T, h http.HandlerFunc) {
	t.Helper()
	to, err := url.Parse(newURIServer(t, h).URL)
	if err != nil {
		t.Fatal(err)
	}
	metadataServer.Store(to)
	t.Cleanup(func() { metadataServer.Store(nil) })
}

// stsServer is a token service that keeps the parameters of its requests.
type stsServer struct {
	*httptest.Server
	mu       sync.Mutex
	requests []url.Values     // query and form
	handler  http.HandlerFunc // nil: it returns a key, whose ID names the caller
}

func newSTSServer(t *testing.T) *stsServer {
	s := &stsServer{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		s.mu.Lock()
		s.requests = append(s.requests, r.Form)
		handler := s.handler
		s.mu.Unlock()
		if handler != nil {
			handler(w, r)
			return
		}
		who := r.Form.Get("AccessKeyId") + r.Form.Get("OIDCToken")
		writeJSON(w, map[string]any{"RequestId": "1B2C3D4E-0000-4000-8000-123456789ABC", "Credentials": keyFor("STS." + who)})
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of a client that does not trust it
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// answer replaces the handler.
func (s *stsServer) answer(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = h
}

// want checks how many requests there are so far, and parameters of the last one; "" means that it has no such one.
func (s *stsServer) want(t *testing.T, requests int, params map[string]string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) != requests {
		t.Fatalf("%d requests, want %d", len(s.requests), requests)
	}
	for name, value := range params {
		if got := s.requests[requests-1].Get(name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

func (s *stsServer) host() string { return strings.TrimPrefix(s.URL, "https://") }

// keyFor returns a temporary key as every service of the cloud prints it.
func keyFor(id string) map[string]any {
	return map[string]any{
		"Code": "Success", "AccessKeyId": id, "AccessKeySecret": "secret-of-" + id, "SecurityToken": "token-of-" + id,
		"Expiration": time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05Z"),
	}
}

// credentialsOfID returns the credentials of keyFor, and keyOfID those of a long-lived key.
func credentialsOfID(id string) Credentials {
	return Credentials{AccessKeyID: id, AccessKeySecret: "secret-of-" + id, SecurityToken: "token-of-" + id}
}
func keyOfID(id string) Credentials {
	return Credentials{AccessKeyID: id, AccessKeySecret: "secret-of-" + id}
}

// respondWith answers with a key for id, and failWith with a status and a body.
func respondWith(id string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, keyFor(id)) }
}
func failWith(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, body, status) }
}

func writeJSON(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

// cleanEnv removes all that the library reads from the environment, and the profile of the CLI.
func cleanEnv(t *testing.T) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "ALIBABA_CLOUD_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("USERPROFILE", os.Getenv("HOME"))
}

// foreignEnv fills the environment with what must not be used.
func foreignEnv(t *testing.T) {
	t.Helper()
	cleanEnv(t)
	for _, name := range []string{
		"ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN", "ROLE_ARN", "ROLE_SESSION_NAME", "OIDC_PROVIDER_ARN",
		"OIDC_TOKEN", "OIDC_TOKEN_FILE", "ECS_METADATA", "CREDENTIALS_URI",
	} {
		setEnv(t, name, "foreign")
	}
}

// setEnv sets variables that begin with ALIBABA_CLOUD_, given as names and values.
func setEnv(t *testing.T, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		t.Setenv("ALIBABA_CLOUD_"+pairs[i], pairs[i+1])
	}
}

// writeSecret writes a file, a new one without a path, and returns its path.
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
