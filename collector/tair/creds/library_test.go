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

// Trap 7: the library takes missing fields from the environment.
// Trap 9: with NewCredential a role can be assumed with a static key only.
func TestEveryTypeIgnoresTheEnvironment(t *testing.T) {
	foreignEnv(t)
	newMetadataServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host != metadataService:
			http.Error(w, "which host?", http.StatusBadRequest)
		case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token":
			_, _ = w.Write([]byte("metadata-token"))
		case r.URL.Path == "/latest/meta-data/ram/security-credentials/node" &&
			r.Header.Get("X-Aliyun-Ecs-Metadata-Token") == "metadata-token":
			respondWith("node")(w, r)
		default:
			http.NotFound(w, r)
		}
	})
	sts := newSTSServer(t)
	uri := Config{Type: TypeCredentialsURI, URL: Secret(newURIServer(t, respondWith("local")).URL)}
	oidc := oidcRole(sts.host(), writeSecret(t, "", "jwt\n"))
	role := func(source *Config) Config {
		return Config{Type: TypeRAMRoleARN, RoleARN: testRoleARN, STSEndpoint: sts.host(), Source: source}
	}
	full := keyRole(sts.host())
	full.RoleSessionName, full.RoleSessionExpiration = "mine", model.Duration(20*time.Minute)
	full.ExternalID, full.SecurityToken = "outside", "token"
	for name, c := range map[string]struct {
		cfg      Config
		want     Credentials
		requests int               // to the token service
		params   map[string]string // of the last one
	}{
		"access_key":      {cfg: Config{Type: TypeAccessKey, AccessKeyID: "one", AccessKeySecret: "secret-of-one"}, want: keyOfID("one")},
		"sts":             {cfg: Config{Type: TypeSTS, AccessKeyID: "one", AccessKeySecret: "secret-of-one", SecurityToken: "token-of-one"}, want: credentialsOfID("one")},
		"credentials_uri": {cfg: uri, want: credentialsOfID("local")},
		"ecs_ram_role":    {cfg: Config{Type: TypeECSRAMRole, RoleName: "node", DisableIMDSv1: true}, want: credentialsOfID("node")},
		"oidc_role_arn": {oidc, credentialsOfID("STS.jwt"), 1, map[string]string{
			"Action": "AssumeRoleWithOIDC", "RoleArn": testRoleARN, "RoleSessionName": "tair_ssl_exporter",
			"OIDCProviderArn": "acs:ram::1234567890:oidc-provider/ack", "DurationSeconds": "3600",
		}},
		"role with a key": {keyRole(sts.host()), credentialsOfID("STS.key"), 1, map[string]string{
			"Action": "AssumeRole", "RoleArn": testRoleARN, "RoleSessionName": "tair_ssl_exporter", "DurationSeconds": "3600",
			"ExternalId": "", "SecurityToken": "",
		}},
		"role with every key": {full, credentialsOfID("STS.key"), 1, map[string]string{
			"RoleSessionName": "mine", "DurationSeconds": "1200", "ExternalId": "outside", "SecurityToken": "token",
		}},
		"role from a URI":         {role(&uri), credentialsOfID("STS.local"), 1, map[string]string{"Action": "AssumeRole", "AccessKeyId": "local"}},
		"role from the default":   {role(&Config{Type: TypeDefault}), credentialsOfID("STS.foreign"), 1, map[string]string{"AccessKeyId": "foreign"}},
		"role without a source":   {role(nil), credentialsOfID("STS.foreign"), 1, map[string]string{"AccessKeyId": "foreign"}},
		"role from another token": {role(&oidc), credentialsOfID("STS.STS.jwt"), 2, map[string]string{"Action": "AssumeRole", "AccessKeyId": "STS.jwt"}},
	} {
		t.Run(name, func(t *testing.T) {
			sts.requests = nil
			f := newFetcher(t, c.cfg)
			for range 2 { // the second is from the session
				f.want(t, c.want)
			}
			sts.want(t, c.requests, c.params)
			if got, err := f(true); err != nil || got != c.want {
				t.Errorf("fresh: got %q, error %v", got.AccessKeyID, err)
			}
			sts.want(t, 2*c.requests, nil)
		})
	}
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	newFetcher(t, Config{Type: TypeECSRAMRole, RoleName: "node"}).wantError(t, ClassDisabled)
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
	static.wantError(t, ClassIncomplete)
	writeSecret(t, id, "two\nlines")
	static.wantError(t, ClassMalformed)
	if err := os.Remove(id); err != nil {
		t.Fatal(err)
	}
	static.wantError(t, ClassFile)
}

// Trap 4: the default chain stays with the last provider that it tried: with none after a failure, and with the node's
// role after a failure of RRSA.
func TestDefaultChainStartsAgain(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "not-there-yet")
	node := []string{"ECS_METADATA", "node"}
	found := func(c Credentials, source string) Credentials {
		c.Source = source
		return c
	}
	for name, c := range map[string]struct {
		env   []string
		again bool
	}{
		"after a failure":         {nil, true},
		"after a failure of RRSA": {append(node, "ROLE_ARN", testRoleARN, "OIDC_PROVIDER_ARN", "arn", "OIDC_TOKEN_FILE", missing), true},
		"not without RRSA":        {node, false},
	} {
		t.Run(name, func(t *testing.T) {
			cleanEnv(t)
			setEnv(t, c.env...)
			f := newFetcher(t, Config{Type: TypeDefault})
			if c.env == nil {
				newMetadataServer(t, http.NotFound)
				f.wantError(t, ClassChain)
			} else {
				newMetadataServer(t, respondWith("node"))
				f.want(t, found(credentialsOfID("node"), "ecs_ram_role"))
			}
			// The first provider of the chain shows whether the chain starts again.
			setEnv(t, "ACCESS_KEY_ID", "one", "ACCESS_KEY_SECRET", "secret-of-one")
			if c.again {
				f.want(t, found(keyOfID("one"), "env"))
			} else {
				f.want(t, found(credentialsOfID("node"), "ecs_ram_role"))
			}
		})
	}
}

// Trap 8: the library dereferences parts of answers unchecked.
func TestPanicOfTheLibraryIsAnError(t *testing.T) {
	cleanEnv(t)
	noExpiry, noCode := keyFor("one"), keyFor("one")
	delete(noExpiry, "Expiration")
	delete(noCode, "Code")

	sts := newSTSServer(t)
	sts.answer(func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, map[string]any{"Credentials": noExpiry}) })
	f := newFetcher(t, keyRole(sts.host()))
	f.wantError(t, ClassPanic)
	sts.answer(nil)
	f.want(t, credentialsOfID("STS.key"))

	newMetadataServer(t, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, noCode) })
	var failures []Error
	p, err := New(Config{Type: TypeECSRAMRole, RoleName: "node"}, Options{OnRefreshFailure: func(e *Error) { failures = append(failures, *e) }})
	if err != nil {
		t.Fatal(err)
	}
	want := Error{Type: TypeECSRAMRole, Class: ClassPanic}
	if _, err = p.Credentials(t.Context()); err == nil || len(failures) != 1 || failures[0] != want {
		t.Errorf("got %v, %v reported, want %v", err, failures, want)
	}
}

func TestLaterChangesOfAConfigHaveNoEffect(t *testing.T) {
	foreignEnv(t)
	source := Config{Type: TypeCredentialsURI, URL: Secret(newURIServer(t, respondWith("local")).URL)}
	f := newFetcher(t, Config{
		Type: TypeRAMRoleARN, RoleARN: testRoleARN, STSEndpoint: newSTSServer(t).host(), Source: &source,
	})
	source.URL = "http://elsewhere.invalid"
	f.want(t, credentialsOfID("STS.local"))
}
