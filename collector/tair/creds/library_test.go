package creds

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/common/model"
)

const testRoleARN = "acs:ram::1234567890:role/reader"

// keyRole is a role that is assumed with a key.
func keyRole(stsHost string) Config {
	return Config{
		Type: TypeRAMRoleARN, AccessKeyID: "key", AccessKeySecret: "secret-of-key", RoleARN: testRoleARN, STSEndpoint: stsHost,
	}
}

// oidcRole is a role that is assumed with the token in a file.
func oidcRole(stsHost, file string) Config {
	return Config{
		Type: TypeOIDCRoleARN, RoleARN: testRoleARN, OIDCProviderARN: "acs:ram::1234567890:oidc-provider/ack",
		OIDCTokenFile: file, STSEndpoint: stsHost,
	}
}

// fetcher fetches with the library, without a cache.
type fetcher func(fresh bool) (Credentials, *Error)

func newFetcher(t *testing.T, cfg Config) fetcher {
	t.Helper()
	p, err := New(cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p.(*cache).fetch
}

func (f fetcher) want(t *testing.T, want Credentials) {
	t.Helper()
	if got, err := f(false); err != nil || got != want {
		t.Fatalf("got %q, error %v; want %q", got.AccessKeyID, err, want.AccessKeyID)
	}
}

func (f fetcher) wantError(t *testing.T, class string) *Error {
	t.Helper()
	got, err := f(false)
	if err == nil || err.Class != class || got != (Credentials{}) {
		t.Fatalf("got %q, error %v; want class %s", got.AccessKeyID, err, class)
	}
	return err
}

func TestStaticTypesIgnoreTheEnvironment(t *testing.T) {
	foreignEnv(t)
	uri := newURIServer(t, respondWith("one", time.Hour))
	for _, c := range []struct {
		cfg  Config
		want Credentials
	}{
		{Config{Type: TypeAccessKey, AccessKeyID: "one", AccessKeySecret: "secret-of-one"}, keyOfID("one")},
		{Config{Type: TypeSTS, AccessKeyID: "one", AccessKeySecret: "secret-of-one", SecurityToken: "token-of-one"}, credentialsOfID("one")},
		{Config{Type: TypeCredentialsURI, URL: Secret(uri.URL)}, credentialsOfID("one")},
	} {
		newFetcher(t, c.cfg).want(t, c.want)
	}
}

func TestRoleIsAssumedWithAKey(t *testing.T) {
	foreignEnv(t)
	sts := newSTSServer(t)
	cfg := keyRole(sts.host())
	f := newFetcher(t, cfg)
	for range 2 { // the second is from the session
		f.want(t, credentialsOfID("STS.key"))
	}
	sts.want(t, 1, map[string]string{
		"Action": "AssumeRole", "RoleArn": testRoleARN, "RoleSessionName": "tair_ssl_exporter", "DurationSeconds": "3600",
		"ExternalId": "", "SecurityToken": "",
	})
	if got, err := f(true); err != nil || got != credentialsOfID("STS.key") {
		t.Errorf("fresh: got %q, error %v", got.AccessKeyID, err)
	}
	sts.want(t, 2, nil)

	cfg.RoleSessionName, cfg.RoleSessionExpiration = "mine", model.Duration(20*time.Minute)
	cfg.ExternalID, cfg.SecurityToken = "outside", "token"
	newFetcher(t, cfg).want(t, credentialsOfID("STS.key"))
	sts.want(t, 3, map[string]string{
		"RoleSessionName": "mine", "DurationSeconds": "1200", "ExternalId": "outside", "SecurityToken": "token",
	})
}

func TestRoleIsAssumedWithAnOIDCToken(t *testing.T) {
	foreignEnv(t)
	sts := newSTSServer(t)
	newFetcher(t, oidcRole(sts.host(), writeSecret(t, "", "jwt\n"))).want(t, credentialsOfID("STS.jwt"))
	sts.want(t, 1, map[string]string{
		"Action": "AssumeRoleWithOIDC", "RoleArn": testRoleARN, "RoleSessionName": "tair_ssl_exporter",
		"OIDCProviderArn": "acs:ram::1234567890:oidc-provider/ack", "DurationSeconds": "3600",
	})
}

// Trap 9: with NewCredential a role can be assumed with a static key only.
func TestRoleIsAssumedFromASource(t *testing.T) {
	foreignEnv(t)
	sts := newSTSServer(t)
	oidc := oidcRole(sts.host(), writeSecret(t, "", "jwt"))
	uri := Config{Type: TypeCredentialsURI, URL: Secret(newURIServer(t, respondWith("local", time.Hour)).URL)}
	n := 0
	for _, c := range []struct {
		source *Config
		who    string
	}{
		{&uri, "local"},
		{&Config{Type: TypeDefault}, "foreign"},
		{nil, "foreign"}, // the default chain
		{&oidc, "STS.jwt"},
	} {
		newFetcher(t, Config{
			Type: TypeRAMRoleARN, RoleARN: testRoleARN, STSEndpoint: sts.host(), Source: c.source,
		}).want(t, credentialsOfID("STS."+c.who))
		n++
		if c.source == &oidc {
			n++ // its own
		}
		sts.want(t, n, map[string]string{"Action": "AssumeRole", "AccessKeyId": c.who})
	}
}

func TestRoleOfTheECSInstance(t *testing.T) {
	foreignEnv(t)
	newMetadataServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host != metadataHost:
			http.Error(w, "which host?", http.StatusBadRequest)
		case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token":
			_, _ = w.Write([]byte("metadata-token"))
		case r.URL.Path == "/latest/meta-data/ram/security-credentials/node" &&
			r.Header.Get("X-Aliyun-Ecs-Metadata-Token") == "metadata-token":
			respondWith("node", time.Hour)(w, r)
		default:
			http.NotFound(w, r)
		}
	})
	newFetcher(t, Config{Type: TypeECSRAMRole, RoleName: "node", DisableIMDSv1: true}).want(t, credentialsOfID("node"))
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	newFetcher(t, Config{Type: TypeECSRAMRole, RoleName: "node"}).wantError(t, classDisabled)
}

func TestFilesAreReadAgain(t *testing.T) {
	foreignEnv(t)
	sts := newSTSServer(t)
	token, id, secret := writeSecret(t, "", "jwt-one\n"), writeSecret(t, "", " one\n"), writeSecret(t, "", "secret-of-one\r\n")
	source := oidcRole(sts.host(), token)
	oidc := newFetcher(t, source)
	nested := newFetcher(t, Config{Type: TypeRAMRoleARN, RoleARN: testRoleARN, STSEndpoint: sts.host(), Source: &source})
	static := newFetcher(t, Config{Type: TypeAccessKey, AccessKeyIDFile: id, AccessKeySecretFile: secret})
	for _, n := range []string{"one", "two"} {
		writeSecret(t, token, "jwt-"+n)
		writeSecret(t, id, n)
		writeSecret(t, secret, "secret-of-"+n)
		oidc.want(t, credentialsOfID("STS.jwt-"+n))
		nested.want(t, credentialsOfID("STS.STS.jwt-"+n))
		static.want(t, keyOfID(n))
	}
	sts.want(t, 6, nil)

	writeSecret(t, id, " \n") // the key of the environment does not take its place
	static.wantError(t, classIncomplete)
	writeSecret(t, id, "two\nlines")
	static.wantError(t, classMalformed)
	if err := os.Remove(id); err != nil {
		t.Fatal(err)
	}
	static.wantError(t, classFile)
}

// Trap 4: the default chain stays with the last provider it tried.
func TestDefaultChainIsBuiltAnewAfterFailure(t *testing.T) {
	cleanEnv(t)
	newMetadataServer(t, http.NotFound)
	f := newFetcher(t, Config{Type: TypeDefault})
	f.wantError(t, classChain)
	setEnv(t, "ACCESS_KEY_ID", "one", "ACCESS_KEY_SECRET", "secret-of-one")
	f.want(t, keyOfID("one"))
}

// Trap 4 again: after a hiccup of RRSA at the start it would stay with the node's role.
func TestDefaultChainDoesNotStayOnTheNodesRole(t *testing.T) {
	for _, rrsa := range []bool{true, false} {
		cleanEnv(t)
		newMetadataServer(t, respondWith("node", time.Hour))
		setEnv(t, "ECS_METADATA", "node")
		if rrsa {
			missing := filepath.Join(t.TempDir(), "not-there-yet")
			setEnv(t, "ROLE_ARN", testRoleARN, "OIDC_PROVIDER_ARN", "arn", "OIDC_TOKEN_FILE", missing)
		}
		f := newFetcher(t, Config{Type: TypeDefault})
		f.want(t, credentialsOfID("node"))
		// The first of the chain shows whether the chain starts again.
		setEnv(t, "ACCESS_KEY_ID", "one", "ACCESS_KEY_SECRET", "secret-of-one")
		if rrsa {
			f.want(t, keyOfID("one"))
		} else {
			f.want(t, credentialsOfID("node"))
		}
	}
}

// Trap 8: the library dereferences parts of answers unchecked.
func TestPanicOfTheLibraryIsAnError(t *testing.T) {
	cleanEnv(t)
	noExpiry, noCode := keyFor("one", time.Hour), keyFor("one", time.Hour)
	delete(noExpiry, "Expiration")
	delete(noCode, "Code")

	sts := newSTSServer(t)
	answer := sts.handler
	sts.answer(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{"Credentials": noExpiry})
	})
	f := newFetcher(t, keyRole(sts.host()))
	f.wantError(t, classPanic)
	sts.answer(answer)
	f.want(t, credentialsOfID("STS.key"))

	newMetadataServer(t, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, noCode) })
	var failures []Error
	p, err := New(Config{Type: TypeECSRAMRole, RoleName: "node"}, Options{OnRefreshFailure: func(e *Error) { failures = append(failures, *e) }})
	if err != nil {
		t.Fatal(err)
	}
	want := Error{Type: TypeECSRAMRole, Class: classPanic}
	if _, err = p.Credentials(t.Context()); err == nil || len(failures) != 1 || failures[0] != want {
		t.Errorf("got %v, %v reported, want %v", err, failures, want)
	}
}

func TestLaterChangesOfAConfigHaveNoEffect(t *testing.T) {
	foreignEnv(t)
	source := Config{Type: TypeCredentialsURI, URL: Secret(newURIServer(t, respondWith("local", time.Hour)).URL)}
	f := newFetcher(t, Config{
		Type: TypeRAMRoleARN, RoleARN: testRoleARN, STSEndpoint: newSTSServer(t).host(), Source: &source,
	})
	source.URL = "http://elsewhere.invalid"
	f.want(t, credentialsOfID("STS.local"))
}
