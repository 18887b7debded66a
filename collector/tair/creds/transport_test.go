package creds

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// A redirect would carry the token of a request to another host.
func TestRedirectsOfCredentialServicesAreNotFollowed(t *testing.T) {
	cleanEnv(t)
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s %s", r.Method, r.URL) }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		redirect := func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, status) }
		sts := newSTSServer(t)
		sts.answer(redirect)
		newFetcher(t, keyRole(sts.host())).wantError(t, ClassNetwork)
		newFetcher(t, oidcRole(sts.host(), writeSecret(t, "", "jwt"))).wantError(t, ClassNetwork)
		newFetcher(t, Config{Type: TypeCredentialsURI, URL: Secret(newURIServer(t, redirect).URL)}).wantError(t, ClassHTTP)
		newMetadataServer(t, redirect)
		newFetcher(t, Config{Type: TypeECSRAMRole, RoleName: "node"}).wantError(t, ClassNetwork)
	}
}

func TestMetadataServiceIsAskedThroughNoProxy(t *testing.T) {
	proxy := &url.URL{Scheme: "http", Host: "proxy.example:3128"}
	choose := proxies(func(*http.Request) (*url.URL, error) { return proxy, nil })
	for host, want := range map[string]*url.URL{metadataService: nil, metadataService + ":80": nil, "sts.aliyuncs.com": proxy} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+"/latest", http.NoBody)
		if got, err := choose(r); got != want || err != nil {
			t.Errorf("%s: %v, %v", host, got, err)
		}
	}
}

// The library prints the output of a process that it cannot read.
func TestProfileThatRunsAProcessIsRefused(t *testing.T) {
	for name, file := range map[string]string{
		"the current one": `{"current":"a","profiles":[{"name":"b","mode":"AK"},{"name":"a","mode":"External","process_command":"CMD"}]}`,
		"as the source": `{"current":"a","profiles":[{"name":"a","mode":"ChainableRamRoleArn","ram_role_arn":"arn","source_profile":"b"},
			{"name":"b","mode":"External","process_command":"CMD"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			cleanEnv(t)
			newMetadataServer(t, respondWith("node"))
			setEnv(t, "ECS_METADATA", "node")
			ran := filepath.Join(t.TempDir(), "ran")
			dir := filepath.Join(os.Getenv("HOME"), ".aliyun")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			writeSecret(t, filepath.Join(dir, "config.json"), strings.ReplaceAll(file, "CMD", "touch "+ran))
			f := newFetcher(t, Config{Type: TypeDefault})
			f.wantError(t, ClassDisabled) // and not the identity of the node
			if _, err := os.Stat(ran); err == nil {
				t.Error("the process has run")
			}
			setEnv(t, "PROFILE", "none")
			node := credentialsOfID("node")
			node.Source = "ecs_ram_role"
			f.want(t, node)
		})
	}
}

// An answer of any size, also a compressed one that is small on the wire, costs little memory.
func TestLargeAnswerOfACredentialsURIIsCut(t *testing.T) {
	cleanEnv(t)
	const size = 64 << 20
	var compressed bytes.Buffer
	z := gzip.NewWriter(&compressed)
	_, _ = io.CopyN(z, spaces{}, 4*maxAnswer)
	_ = z.Close()
	for name, write := range map[string]func(w http.ResponseWriter) int64{
		"endless": func(w http.ResponseWriter) int64 {
			n, _ := io.CopyN(w, spaces{}, size)
			return n
		},
		"compressed": func(w http.ResponseWriter) int64 {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(compressed.Bytes())
			return 0
		},
	} {
		var written atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { written.Store(write(w)) }))
		newFetcher(t, Config{Type: TypeCredentialsURI, URL: Secret(server.URL)}).wantError(t, ClassMalformed)
		server.Close() // waits for the handler
		if written.Load() >= size {
			t.Errorf("%s: the whole answer was read", name)
		}
	}
}

// spaces is an endless text.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) { return copy(p, strings.Repeat(" ", len(p))), nil }
