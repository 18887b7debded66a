package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/internal/apptest"
)

// canaryService is a token service, a metadata service or a credentials URI that fails in one way. All that it says, and all
// that the exporter knows, begins with CANARY.
func canaryService(fault string, w http.ResponseWriter, r *http.Request, end <-chan struct{}) {
	key := map[string]string{
		"Code": "Success", "AccessKeyId": "CANARYID" + fault, "AccessKeySecret": "CANARYSECRET" + fault, "SecurityToken": "CANARYTOKEN" + fault,
		"Expiration": time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05Z"),
	}
	switch fault {
	case "refuses":
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"RequestId":"1-2","Code":"NoPermission","Message":"CANARYBODY"}`)
		return
	case "text":
		_, _ = io.WriteString(w, "CANARYBODY")
		return
	case "html":
		http.Error(w, "<html>CANARYBODY", http.StatusBadGateway)
		return
	case "redirect":
		http.Redirect(w, r, "http://127.0.0.1:1/CANARYPATH", http.StatusTemporaryRedirect)
		return
	case "breaks":
		panic(http.ErrAbortHandler)
	case "silent":
		<-end
		return
	case "half":
		key["AccessKeySecret"] = ""
	case "expiry":
		key["Expiration"] = "CANARYDATE"
	case "unknown": // a key that the API refuses
	}
	var answer any = key
	if r.Method == http.MethodPost { // the token service
		answer = map[string]any{"RequestId": "1-2", "Credentials": key}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// No key, token, role or answer of a service leaves the exporter, whatever kind of credentials fails in whatever way.
func TestNoSecretOfFailingCredentialsLeaves(t *testing.T) {
	faults := []string{"refuses", "text", "html", "redirect", "breaks", "silent", "half", "expiry", "unknown"}
	end := make(chan struct{})
	serve := func(start func(*httptest.Server), fault func(*http.Request) string) *httptest.Server {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/api/token") {
				_, _ = io.WriteString(w, "CANARYTOKEN")
				return
			}
			canaryService(fault(r), w, r, end)
		}))
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		start(s)
		t.Cleanup(s.Close)
		return s
	}
	metadata := serve((*httptest.Server).Start, func(r *http.Request) string { return strings.TrimPrefix(path.Base(r.URL.Path), "node-") })
	to, err := url.Parse(metadata.URL)
	if err != nil {
		t.Fatal(err)
	}
	metadataServer.Store(to)
	t.Cleanup(func() { metadataServer.Store(nil) })

	_, api := apptest.StartAPI(t)
	dir := t.TempDir()
	apptest.Write(t, filepath.Join(dir, "oidc"), "CANARYOIDC")
	t.Setenv("HOME", dir)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "CANARYID")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "CANARYSECRET")
	credentials := []string{
		"{type: default}", "{type: access_key, access_key_id: CANARYID, access_key_secret: CANARYSECRET}",
		"{type: access_key, access_key_id: CANARYID, access_key_secret_file: oidc}",
		"{type: sts, access_key_id: CANARYID, access_key_secret: CANARYSECRET, security_token: CANARYTOKEN}",
	}
	const role = "role_arn: 'acs:ram::1:role/CANARYROLE'"
	for _, fault := range faults {
		named := func(*http.Request) string { return fault }
		sts := strings.TrimPrefix(serve((*httptest.Server).StartTLS, named).URL, "https://")
		credentials = append(credentials,
			"{type: ram_role_arn, access_key_id: CANARYID, access_key_secret: CANARYSECRET, external_id: CANARYEXTERNAL, sts_endpoint: '"+sts+"', "+role+"}",
			"{type: oidc_role_arn, oidc_provider_arn: 'acs:ram::1:oidc-provider/p', oidc_token_file: oidc, sts_endpoint: '"+sts+"', "+role+"}",
			"{type: ecs_ram_role, role_name: node-"+fault+"}",
			"{type: credentials_uri, url: '"+serve((*httptest.Server).Start, named).URL+"/CANARYPATH?token=CANARYTOKEN'}")
	}
	config := "api: {attempts: 1}\naccounts:\n"
	for n, c := range credentials {
		config += fmt.Sprintf("  - {name: a%d, credentials: %s, endpoint: '%s', region: cn-hangzhou, instances: [r-%d]}\n", n, c, api.URL, n)
	}
	file := filepath.Join(dir, "c.yml")
	apptest.Write(t, file, config)

	r := apptest.Start(t, "--config.file="+file, "--log.level=debug", "--scrape.timeout=2s", "--web.enable-lifecycle")
	seen := map[string]string{}
	for _, path := range []string{"/metrics", "/metrics", "/metrics/self", "/config", "/", "/?state=failing", "/calendar.ics", "/sd", "/probe?target=r-1", "/-/ready"} {
		_, body := r.Get(t, path)
		seen[path] += body
	}
	_, seen["reload"] = r.Post(t, "/-/reload")
	apptest.Write(t, file, config+"  - {name: b, credentials: {type: access_key, access_key_id: 'CANARY ID', access_key_secret: CANARYSECRET, x: CANARY}}\n")
	_, seen["bad reload"] = r.Post(t, "/-/reload")
	apptest.Write(t, file, config)
	close(end)
	for _, format := range []string{"table", "json"} {
		_, stdout, stderr := apptest.Run(t, "--once", "--config.file="+file, "--once.format="+format, "--log.level=debug")
		seen["--once, "+format] = stdout + stderr
	}
	r.Stop() // the log is written now
	seen["log"] = r.Log()
	for where, text := range seen {
		for line := range strings.Lines(text) {
			if strings.Contains(strings.ReplaceAll(line, file, ""), "CANARY") {
				t.Errorf("%s: %s", where, line)
			}
		}
	}
	for _, class := range []string{"sts code=NoPermission", "malformed", "http", "network", "incomplete"} { // the faults have happened
		apptest.Contains(t, seen["log"], "class="+class)
	}
	apptest.Contains(t, seen["/metrics"], `reason="credentials"`, `reason="unauthorized"`)
}

// metadataServer is the server of a test in the place of the metadata service, or nil.
var metadataServer atomic.Pointer[url.URL]

// newTransport returns the transport of the program, which trusts the servers of tests.
func newTransport() *http.Transport {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	transport := creds.NewTransport()
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	own := transport.Proxy
	transport.Proxy = func(r *http.Request) (*url.URL, error) {
		if to := metadataServer.Load(); r.URL.Hostname() == "100.100.100.200" && to != nil {
			return to, nil
		}
		return own(r)
	}
	return transport
}
