package app_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/internal/apptest"
)

// credentialFaults are the ways in which a service fails, and the classes of the errors of the token service, the metadata
// service and a credentials URI. unauthorized is no class: the API refuses the key. "" is a fault that cannot be tried there.
var credentialFaults = map[string][3]string{
	"refuses":   {"sts", "http", "http"},
	"text":      {"malformed", "malformed", "malformed"},
	"html":      {"http", "http", "http"},
	"empty":     {"malformed", "malformed", "malformed"},
	"redirect":  {"network", "network", "http"},
	"breaks":    {"network", "network", "network"},
	"timeout":   {"timeout", "timeout", "timeout"},
	"down":      {"network", "", "network"},
	"untrusted": {"tls", "", ""},
	"half":      {"incomplete", "incomplete", "incomplete"},
	"undated":   {"panic", "panic", "incomplete"},
	"date":      {"malformed", "malformed", "malformed"},
	"expired":   {unauthorized, unauthorized, unauthorized},
	"unknown":   {unauthorized, unauthorized, unauthorized},
}

const unauthorized = "unauthorized"

// canaryService is a token service, a metadata service or a credentials URI that fails in one way. All that it says, and all
// that the exporter knows, begins with CANARY.
func canaryService(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/api/token") { // of the metadata service, which always works
		_, _ = io.WriteString(w, "CANARYTOKEN")
		return
	}
	isSTS := r.Method == http.MethodPost
	fault := path.Base(r.URL.Path)
	if isSTS {
		fault = path.Base(r.PostFormValue("RoleArn"))
	}
	fault = strings.TrimPrefix(strings.TrimPrefix(fault, "CANARY"), "node-")
	expires := time.Now().Add(time.Hour)
	if fault == "expired" {
		expires = time.Now().Add(-time.Hour)
	}
	key := map[string]string{
		"Code": "Success", "AccessKeyId": "CANARYID" + fault, "AccessKeySecret": "CANARYSECRET" + fault, "SecurityToken": "CANARYTOKEN" + fault,
		"Expiration": expires.UTC().Format("2006-01-02T15:04:05Z"),
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
	case "empty":
		return
	case "security-credentials": // the name of the node's role
		http.Error(w, "CANARYBODY", http.StatusNotFound)
		return
	case "redirect":
		http.Redirect(w, r, "http://127.0.0.1:1/CANARYPATH", http.StatusTemporaryRedirect)
		return
	case "silent":
		<-r.Context().Done()
		return
	case "breaks":
		panic(http.ErrAbortHandler)
	case "half":
		key["AccessKeySecret"] = ""
	case "undated":
		delete(key, "Expiration")
		delete(key, "Code")
	case "date":
		key["Expiration"] = "CANARYDATE"
	}
	var answer any = key
	if isSTS {
		answer = map[string]any{"RequestId": "1-2", "Credentials": key}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// canaryServices starts a token service and a credentials URI, and takes the place of the metadata service. It returns the
// host:port of the first and the URL of the second.
func canaryServices(t *testing.T) (sts, uri string) {
	t.Helper()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(canaryService))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // of a client that does not trust it
	secure.StartTLS()
	plain := httptest.NewServer(http.HandlerFunc(canaryService))
	for _, server := range []*httptest.Server{secure, plain} {
		t.Cleanup(server.Close)
		t.Cleanup(server.CloseClientConnections) // of requests that have no answer
	}
	to, err := url.Parse(plain.URL)
	if err != nil {
		t.Fatal(err)
	}
	metadataServer.Store(to)
	t.Cleanup(func() { metadataServer.Store(nil) })
	t.Setenv("HOME", t.TempDir())
	return secure.Listener.Addr().String(), plain.URL
}

// account returns an account of the configuration with one instance.
func account(name, credentials, endpoint string) string {
	return fmt.Sprintf("  - {name: %s, credentials: %s, endpoint: '%s', region: cn-hangzhou, instances: [r-%s]}\n", name, credentials, endpoint, name)
}

// look returns what every route shows and what is logged, by its name. While the exporter runs, meet is called between two
// scrapes, which end after the timeout.
func look(t *testing.T, file, timeout string, meet func(r *apptest.Exporter, seen map[string]string)) map[string]string {
	t.Helper()
	seen := map[string]string{}
	r := apptest.Start(t, "--config.file="+file, "--log.level=debug", "--scrape.timeout="+timeout, "--web.enable-lifecycle")
	_, seen["the first /metrics"] = r.Get(t, "/metrics")
	meet(r, seen)
	for _, path := range []string{"/metrics", "/metrics/self", "/config", "/", "/?state=failing", "/calendar.ics", "/sd", "/probe?target=r-default", "/-/ready"} {
		_, seen[path] = r.Get(t, path)
	}
	r.Stop() // the log is written now
	seen["log"] = r.Log()
	return seen
}

// lookOnce adds what --once prints.
func lookOnce(t *testing.T, file string, seen map[string]string) {
	t.Helper()
	for _, format := range []string{"table", "json"} {
		_, stdout, stderr := apptest.Run(t, "--once", "--config.file="+file, "--once.format="+format, "--log.level=debug")
		seen["--once, "+format] = stdout + stderr
	}
}

// wantNoCanary fails for each line with a secret.
func wantNoCanary(t *testing.T, seen map[string]string) {
	t.Helper()
	for where, text := range seen {
		for line := range strings.Lines(text) {
			if strings.Contains(strings.ToUpper(line), "CANARY") {
				t.Errorf("%s: %s", where, line)
			}
		}
	}
}

// No key, token, role or answer of a service leaves the exporter, whatever kind of credentials fails in whatever way.
func TestNoSecretOfFailingCredentialsLeaves(t *testing.T) {
	sts, uri := canaryServices(t)
	_, api := apptest.StartAPI(t)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "CANARYID")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "CANARYSECRET")
	down := apptest.FreeAddress(t)
	oidc, secret := apptest.File(t, "oidc", "CANARYOIDC"), apptest.File(t, "secret", "CANARYSECRET")
	const keys = "access_key_id: CANARYID, access_key_secret: CANARYSECRET"
	config, want := "api: {attempts: 1}\naccounts:\n", map[string]string{}
	add := func(name, class, credentials string) {
		if class != "" {
			config, want[name] = config+account(name, credentials, api.URL), class
		}
	}
	add("default", unauthorized, "{type: default}")
	add("key", unauthorized, "{type: access_key, "+keys+"}")
	add("file", "file", "{type: access_key, access_key_id: CANARYID, access_key_secret_file: "+secret+"}")
	add("sts", unauthorized, "{type: sts, "+keys+", security_token: CANARYTOKEN}")
	for fault, classes := range credentialFaults {
		host, url := sts, uri
		switch fault {
		case "timeout":
			host, url = "timeout.test", "http://timeout.test"
		case "down":
			host, url = down, "http://"+down
		case "untrusted":
			host = strings.Replace(sts, "127.0.0.1", "localhost", 1)
		}
		role := "sts_endpoint: '" + host + "', role_arn: 'acs:ram::1:role/CANARY" + fault + "'"
		local := "{type: credentials_uri, url: '" + url + "/CANARYPATH/" + fault + "?token=CANARYTOKEN'}"
		add("role-"+fault, classes[0], "{type: ram_role_arn, "+keys+", external_id: CANARYEXTERNAL, "+role+"}")
		add("oidc-"+fault, classes[0], "{type: oidc_role_arn, oidc_provider_arn: 'acs:ram::1:oidc-provider/CANARYPROVIDER', oidc_token_file: "+oidc+", "+role+"}")
		add("ecs-"+fault, classes[1], "{type: ecs_ram_role, role_name: node-"+fault+"}")
		add("uri-"+fault, classes[2], local)
		if classes[2] != unauthorized { // else the token service is asked, which the role above does
			add("source-"+fault, classes[2], "{type: ram_role_arn, "+role+", source: "+local+"}")
		}
	}
	file := apptest.File(t, "c.yml", config)
	seen := look(t, file, "1m", func(r *apptest.Exporter, seen map[string]string) {
		lookOnce(t, file, seen)
		if _, seen["reload"] = r.Post(t, "/-/reload"); seen["reload"] != "" {
			t.Errorf("reload: %s", seen["reload"])
		}
		apptest.Write(t, file, config+"  - {name: b, credentials: {type: access_key, access_key_id: 'CANARY ID', access_key_secret: CANARYSECRET, x: CANARY}}\n")
		_, seen["bad reload"] = r.Post(t, "/-/reload")
		if err := os.Remove(secret); err != nil {
			t.Fatal(err)
		}
		scrapeUntil(t, r, `tair_ssl_scrape_error_info{code="",instance_id="r-file",reason="credentials"} 1`)
	})
	wantNoCanary(t, seen)
	for name, class := range want { // the fault has happened
		text := " class=" + class
		if class == unauthorized {
			text = " reason=unauthorized"
		}
		happened := false
		for line := range strings.Lines(seen["log"]) {
			happened = happened || strings.Contains(line, " account="+name+" ") && strings.Contains(line, text)
		}
		if !happened {
			t.Errorf("%s: there is no line with%s", name, text)
		}
	}
}

// No answer is no failure yet. A pass of --once that is cut short leaves its calls to the end of the process, so it is not here.
func TestNoSecretLeavesWhileServicesAreSilent(t *testing.T) {
	sts, uri := canaryServices(t)
	_, api := apptest.StartAPI(t)
	role := "sts_endpoint: '" + sts + "', role_arn: 'acs:ram::1:role/CANARYsilent'"
	wantNoCanary(t, look(t, apptest.File(t, "c.yml", "accounts:\n"+
		account("role", "{type: ram_role_arn, access_key_id: CANARYID, access_key_secret: CANARYSECRET, "+role+"}", api.URL)+
		account("oidc", "{type: oidc_role_arn, oidc_provider_arn: 'acs:ram::1:oidc-provider/CANARYPROVIDER', oidc_token_file: "+apptest.File(t, "oidc", "CANARYOIDC")+", "+role+"}", api.URL)+
		account("ecs", "{type: ecs_ram_role, role_name: node-silent}", api.URL)+
		account("uri", "{type: credentials_uri, url: '"+uri+"/CANARYPATH/silent?token=CANARYTOKEN'}", api.URL)), "1s",
		func(_ *apptest.Exporter, seen map[string]string) {
			if n := countLines(seen["the first /metrics"], "tair_ssl_scrape_error_info{", `reason="pending"} 1`); n != 4 {
				t.Errorf("%d of 4 instances are pending:\n%s", n, seen["the first /metrics"])
			}
		}))
}

// The default chain reads the environment and files, and none of it leaves the exporter.
func TestNoSecretOfTheDefaultChainLeaves(t *testing.T) {
	_, uri := canaryServices(t)
	_, api := apptest.StartAPI(t)
	const process = `{"current":"CANARY","profiles":[{"name":"CANARY","mode":"External","process_command":"echo CANARYOUTPUT; exit 1"}]}`
	for name, c := range map[string]struct {
		env     map[string]string // without ALIBABA_CLOUD_
		profile string            // of the CLI
		class   string
	}{
		"nothing":                  {class: "chain"},
		"a process":                {profile: process, class: "disabled"},
		"a profile that is text":   {profile: "CANARYPROFILE", class: "chain"},
		"half a key":               {env: map[string]string{"ACCESS_KEY_ID": "CANARYID"}, class: "chain"},
		"a role without its token": {env: map[string]string{"ROLE_ARN": "CANARYROLE", "OIDC_PROVIDER_ARN": "CANARY", "OIDC_TOKEN_FILE": "/CANARY"}, class: "chain"},
		"a node that refuses":      {env: map[string]string{"ECS_METADATA": "node-refuses"}, class: "chain"},
		"a URI that refuses":       {env: map[string]string{"CREDENTIALS_URI": uri + "/CANARYPATH/refuses?token=CANARYTOKEN"}, class: "chain"},
		"a URI of text":            {env: map[string]string{"CREDENTIALS_URI": uri + "/CANARYPATH/text?token=CANARYTOKEN"}, class: "chain"},
		"a URI that is down":       {env: map[string]string{"CREDENTIALS_URI": "http://" + apptest.FreeAddress(t) + "/?token=CANARYTOKEN"}, class: "chain"},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			t.Setenv("HOME", home)
			for variable, value := range c.env {
				t.Setenv("ALIBABA_CLOUD_"+variable, value)
			}
			if c.profile != "" {
				apptest.Write(t, filepath.Join(home, ".aliyun", "config.json"), c.profile)
			}
			file := apptest.File(t, "c.yml", "accounts:\n"+account("default", "{type: default}", api.URL))
			seen := look(t, file, "1m", func(_ *apptest.Exporter, seen map[string]string) { lookOnce(t, file, seen) })
			wantNoCanary(t, seen)
			apptest.Contains(t, seen["log"], "class="+c.class)
		})
	}
}

// metadataServer is the server of a test in the place of the metadata service, or nil.
var metadataServer atomic.Pointer[url.URL]

// newTransport returns the transport of the program, which trusts the servers of tests and stays on loopback.
func newTransport() *http.Transport {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	transport := creds.NewTransport()
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	own := transport.Proxy
	transport.Proxy = func(r *http.Request) (*url.URL, error) {
		host, to := r.URL.Hostname(), metadataServer.Load()
		switch {
		case host == "timeout.test", path.Base(r.URL.Path) == "node-timeout":
			return nil, os.ErrDeadlineExceeded
		case host == "127.0.0.1", host == "localhost":
			return own(r)
		case host == "100.100.100.200" && to != nil:
			return to, nil
		}
		return nil, errors.New("CANARY: not on loopback")
	}
	return transport
}
