package app_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
	"tair_ssl_exporter/internal/app"
	"tair_ssl_exporter/internal/apptest"
)

// TLS, a certificate of the client and a password guard every route, and the health check works behind them.
func TestTLSAndBasicAuthGuardEveryRoute(t *testing.T) {
	cert, key := certificate(t)
	load := func(cert, key string) tls.Certificate {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(apptest.Read(t, cert)))
	with := func(pairs ...tls.Certificate) *http.Client {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, Certificates: pairs}}}
		t.Cleanup(client.CloseIdleConnections)
		return client
	}
	const users = "basic_auth_users: {prom: $2a$04$1BpKrs53PPaePbcnelOwPeAS4EZy4/sL9HtkzbOiFZe3lmlGVkbn2}\n" // the password is "secret"
	for name, c := range map[string]struct {
		tls    string
		client *http.Client
		others []*http.Client // that get no answer
	}{
		"TLS":  {"", with(), []*http.Client{http.DefaultClient}},
		"mTLS": {", client_auth_type: RequireAndVerifyClientCert, client_ca_file: " + cert, with(load(cert, key)), []*http.Client{with(), with(load(certificate(t)))}},
	} {
		t.Run(name, func(t *testing.T) {
			web := apptest.File(t, "web.yml", fmt.Sprintf("tls_server_config: {cert_file: %s, key_file: %s%s}\n%s", cert, key, c.tls, users))
			r := apptest.Start(t, "--demo", "--web.config.file="+web, "--web.enable-lifecycle")
			for _, route := range []string{
				"GET /metrics", "GET /metrics/self", "GET /probe?target=r-bp1demo7k2mxq4wz", "GET /sd", "GET /", "GET /assets/page.css", "GET /calendar.ics",
				"GET /config", "GET /-/healthy", "GET /-/ready", "POST /-/reload", "PUT /-/reload",
			} {
				method, path, _ := strings.Cut(route, " ")
				url := "https://" + r.Address() + path
				if status, _ := apptest.Ask(t, c.client, method, url); status != http.StatusUnauthorized {
					t.Errorf("%s without a password: status %d", route, status)
				}
				for _, password := range []string{"wrong", "secret"} {
					status, _ := apptest.Ask(t, c.client, method, strings.Replace(url, "://", "://prom:"+password+"@", 1))
					if isAllowed := status == http.StatusOK || path == "/calendar.ics" && status == http.StatusServiceUnavailable; isAllowed != (password == "secret") {
						t.Errorf("%s with the password %s: status %d", route, password, status)
					}
				}
				for _, other := range c.others {
					request, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
					if err != nil {
						t.Fatal(err)
					}
					if other == http.DefaultClient {
						request.URL.Scheme = "http"
					}
					resp, err := other.Do(request)
					if err == nil {
						_ = resp.Body.Close()
					}
					if err == nil && resp.StatusCode != http.StatusBadRequest { // HTTP to a port with TLS
						t.Errorf("%s: status %d", route, resp.StatusCode)
					}
				}
			}
			if code := app.Run(t.Context(), []string{"--health-check", "--web.listen-address=" + r.Address()}, io.Discard, io.Discard); code != 0 {
				t.Errorf("health check: exit %d", code)
			}
		})
	}
}

// The toolkit reads the file again for each request, and logs what is wrong with it.
func TestPasswordInAWebConfigThatBecomesBadIsNotLogged(t *testing.T) {
	web := apptest.File(t, "web.yml", "basic_auth_users: {prom: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi}\n")
	r := apptest.Start(t, "--demo", "--web.config.file="+web)
	r.Get(t, "/-/healthy") // the address is known before the file is read for the first time
	apptest.Write(t, web, "basic_auth_users: {prom: *CANARY}\n")
	if status, body := r.Get(t, "/metrics/self"); status != http.StatusInternalServerError || strings.Contains(body, "CANARY") {
		t.Errorf("status %d: %s", status, body)
	}
	r.Stop()
	apptest.Contains(t, r.Log(), "unknown anchor <hidden>")
	if strings.Contains(r.Log(), "CANARY") {
		t.Errorf("the log has the password:\n%s", r.Log())
	}
}

func TestMetricsOverHTTP2(t *testing.T) {
	cert, key := certificate(t)
	web := apptest.File(t, "web.yml", fmt.Sprintf("tls_server_config: {cert_file: %s, key_file: %s}\n", cert, key))
	r := apptest.Start(t, "--demo", "--web.config.file="+web)
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("https://" + r.Address() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 {
		t.Errorf("%s %s", resp.Proto, resp.Status)
	}
}

func TestMaxRequestsRefusesNoHealthCheck(t *testing.T) {
	api, server := apptest.StartAPI(t)
	api.SetFault(apptest.InstanceID, tairtest.Fault{Hang: true})
	r := apptest.Start(t, "--config.file="+apptest.File(t, "c.yml", apptest.Config(server, apptest.InstanceID)), "--web.max-requests=1")
	ctx, cancel := context.WithCancel(t.Context())
	scrape, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if resp, err := http.DefaultClient.Do(scrape); err == nil {
			resp.Body.Close()
		}
	}()
	apptest.WaitUntil(t, func() bool { return api.InFlight() > 0 })
	for path, want := range map[string]int{"/metrics": 503, "/config": 503, "/": 503, "/-/healthy": 200, "/-/ready": 200} {
		if status, body := r.Get(t, path); status != want {
			t.Errorf("%s during a scrape: status %d, want %d: %s", path, status, want, body)
		}
	}
	cancel()
	<-ended
	apptest.WaitUntil(t, func() bool { status, _ := r.Get(t, "/config"); return status == http.StatusOK })
}

func TestHealthCheck(t *testing.T) {
	r := apptest.Start(t, "--demo")
	address := "--web.listen-address=" + r.Address()
	if code := app.Run(t.Context(), []string{"--health-check", address}, io.Discard, io.Discard); code != 0 {
		t.Errorf("while it serves: exit %d", code)
	}
	r.Stop()
	var stderr strings.Builder
	if code := app.Run(t.Context(), []string{"--health-check", address}, io.Discard, &stderr); code != 1 {
		t.Errorf("after it stopped: exit %d", code)
	}
	apptest.Contains(t, stderr.String(), "--health-check", "connection refused")
}

// certificate writes a certificate for loopback and its key, and returns their paths.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, bytes []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}))
	}
	return apptest.File(t, "cert.pem", block("CERTIFICATE", der)), apptest.File(t, "key.pem", block("PRIVATE KEY", private))
}

func TestABusyPortAsksNothing(t *testing.T) {
	api, server := apptest.StartAPI(t)
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	path := apptest.File(t, "c.yml", apptest.DiscoveryConfig(server, `"*"`))
	for range 20 { // what runs beside the start may come late
		code, _, stderr := apptest.Run(t, "--config.file="+path, "--web.listen-address="+busy.Addr().String())
		if code != 1 {
			t.Errorf("exit %d", code)
		}
		apptest.Contains(t, stderr, "address already in use")
	}
	if n := len(api.Requests()); n > 0 {
		t.Errorf("%d requests", n)
	}
}
