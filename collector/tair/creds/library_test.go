package creds

import (
	"net/http"
	"net/url"
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

// wantParams checks some parameters of a request; "" means that it must not be there.
func wantParams(t *testing.T, got url.Values, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got.Get(name) != value {
			t.Errorf("%s is %q, want %q", name, got.Get(name), value)
		}
	}
}

func TestTypeDefault(t *testing.T) {
	cleanEnv(t)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "one")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret-of-one")
	c := newTestProvider(t, Config{Type: TypeDefault})
	c.want(t, Credentials{"one", "secret-of-one", ""})
}

func TestTypeAccessKey(t *testing.T) {
	foreignEnv(t)
	c := newTestProvider(t, Config{Type: TypeAccessKey, AccessKeyID: "one", AccessKeySecret: "secret-of-one"})
	c.want(t, Credentials{"one", "secret-of-one", ""})
	c.Reject(Credentials{"one", "secret-of-one", ""})
	c.want(t, Credentials{"one", "secret-of-one", ""}) // there are no others
}

func TestTypeSTS(t *testing.T) {
	foreignEnv(t)
	c := newTestProvider(t, Config{
		Type: TypeSTS, AccessKeyID: "one", AccessKeySecret: "secret-of-one", SecurityToken: "token-of-one",
	})
	c.want(t, credentialsOfID("one"))
}

func TestTypeRAMRoleARN(t *testing.T) {
	foreignEnv(t)
	sts := newSTSServer(t)
	cfg := keyRole(sts.host())
	c := newTestProvider(t, cfg)
	c.want(t, credentialsOfID("STS.key"))
	c.clock.move(freshFor)
	c.want(t, credentialsOfID("STS.key"))
	if n := len(sts.seen()); n != 1 {
		t.Fatalf("%d sessions, want 1 that is used until it ends", n)
	}
	wantParams(t, sts.seen()[0], map[string]string{
		"Action": "AssumeRole", "RoleArn": testRoleARN, "RoleSessionName": "tair_ssl_exporter", "DurationSeconds": "3600",
		"ExternalId": "", "SecurityToken": "",
	})

	cfg.RoleSessionName, cfg.RoleSessionExpiration = "mine", model.Duration(20*time.Minute)
	cfg.ExternalID, cfg.SecurityToken = "outside", "token"
	newTestProvider(t, cfg).want(t, credentialsOfID("STS.key"))
	wantParams(t, sts.seen()[1], map[string]string{
		"RoleSessionName": "mine", "DurationSeconds": "1200", "ExternalId": "outside", "SecurityToken": "token",
	})
}

func TestTypeECSRAMRole(t *testing.T) {
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
	c := newTestProvider(t, Config{Type: TypeECSRAMRole, RoleName: "node", DisableIMDSv1: true})
	c.want(t, credentialsOfID("node"))

	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	c = newTestProvider(t, Config{Type: TypeECSRAMRole, RoleName: "node"})
	c.wantError(t, classDisabled)
}

// oidcRole is a role that is assumed with the token in a file.
func oidcRole(stsHost, file string) Config {
	return Config{
		Type: TypeOIDCRoleARN, RoleARN: testRoleARN, OIDCProviderARN: "acs:ram::1234567890:oidc-provider/ack",
		OIDCTokenFile: file, STSEndpoint: stsHost,
	}
}

func TestTypeOIDCRoleARN(t *testing.T) {
	foreignEnv(t)
	sts := newSTSServer(t)
	file := writeSecret(t, "", "jwt-one\n")
	c := newTestProvider(t, oidcRole(sts.host(), file))
	c.want(t, credentialsOfID("STS.jwt-one"))
	wantParams(t, sts.seen()[0], map[string]string{
		"Action": "AssumeRoleWithOIDC", "RoleArn": testRoleARN, "RoleSessionName": "tair_ssl_exporter",
		"OIDCProviderArn": "acs:ram::1234567890:oidc-provider/ack", "DurationSeconds": "3600",
	})
}

func TestTypeCredentialsURI(t *testing.T) {
	foreignEnv(t)
	c := newTestProvider(t, uriConfig(newURIServer(t, respondWith("one", time.Hour))))
	c.want(t, credentialsOfID("one"))
}

func TestFilesAreReadAgain(t *testing.T) {
	foreignEnv(t)
	sts := newSTSServer(t)
	token := writeSecret(t, "", "jwt-one\n")
	id, secret := writeSecret(t, "", " one\n"), writeSecret(t, "", "secret-of-one\r\n")
	oidc := newTestProvider(t, oidcRole(sts.host(), token))
	source := oidcRole(sts.host(), token)
	nested := newTestProvider(t, Config{
		Type: TypeRAMRoleARN, RoleARN: testRoleARN, STSEndpoint: sts.host(), Source: &source,
	})
	static := newTestProvider(t, Config{
		Type: TypeAccessKey, AccessKeyIDFile: id, AccessKeySecretFile: secret,
	})
	oidc.want(t, credentialsOfID("STS.jwt-one"))
	nested.want(t, credentialsOfID("STS.STS.jwt-one"))
	static.want(t, Credentials{"one", "secret-of-one", ""})

	writeSecret(t, token, "jwt-two\n")
	writeSecret(t, id, "two")
	writeSecret(t, secret, "secret-of-two")
	for _, c := range []*testProvider{oidc, nested, static} {
		c.clock.move(freshFor)
		_, _ = c.Credentials(t.Context()) // starts the refresh
		c.settle()
	}
	oidc.want(t, credentialsOfID("STS.jwt-two"))
	nested.want(t, credentialsOfID("STS.STS.jwt-two"))
	static.want(t, Credentials{"two", "secret-of-two", ""})
	if n := len(sts.seen()); n != 6 {
		t.Errorf("%d sessions, want 6", n)
	}

	writeSecret(t, id, " \n") // a file that holds nothing is no key of the environment
	static.Reject(Credentials{"two", "secret-of-two", ""})
	static.wantError(t, classIncomplete)
	static.clock.move(failureFor)
	writeSecret(t, id, "two\nlines")
	static.wantError(t, classMalformed)
	static.clock.move(failureFor)
	if err := os.Remove(id); err != nil {
		t.Fatal(err)
	}
	static.wantError(t, classFile)
}

// Trap 4: the default chain sticks to the last provider it tried.
func TestDefaultChainIsBuiltAnewAfterFailure(t *testing.T) {
	cleanEnv(t)
	newMetadataServer(t, http.NotFound)
	c := newTestProvider(t, Config{Type: TypeDefault})
	c.wantError(t, classChain)
	c.clock.move(failureFor)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "one")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret-of-one")
	c.want(t, Credentials{"one", "secret-of-one", ""})
}

// Trap 4 again: after a hiccup of RRSA at the start it would stay with the node's role.
func TestDefaultChainDoesNotStayOnTheNodesRole(t *testing.T) {
	for _, rrsa := range []bool{true, false} {
		cleanEnv(t)
		newMetadataServer(t, respondWith("node", time.Hour))
		t.Setenv("ALIBABA_CLOUD_ECS_METADATA", "node")
		if rrsa {
			t.Setenv("ALIBABA_CLOUD_ROLE_ARN", testRoleARN)
			t.Setenv("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "arn")
			t.Setenv("ALIBABA_CLOUD_OIDC_TOKEN_FILE", filepath.Join(t.TempDir(), "not-there-yet"))
		}
		c := newTestProvider(t, Config{Type: TypeDefault})
		c.want(t, credentialsOfID("node"))
		t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "one") // the first of the chain shows that it was walked again
		t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret-of-one")
		c.clock.move(freshFor)
		c.want(t, credentialsOfID("node")) // while the refresh runs
		if rrsa {
			c.want(t, Credentials{"one", "secret-of-one", ""})
		} else {
			c.want(t, credentialsOfID("node"))
		}
		t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
		t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")
	}
}

// Trap 8: the library dereferences parts of answers unchecked.
func TestSurviveLibraryPanic(t *testing.T) {
	cleanEnv(t)
	noExpiry := keyFor("one", time.Hour)
	delete(noExpiry, "Expiration")
	noCode := keyFor("one", time.Hour)
	delete(noCode, "Code")

	sts := newSTSServer(t)
	answer := sts.handler
	sts.answer(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{"Credentials": noExpiry})
	})
	c := newTestProvider(t, keyRole(sts.host()))
	c.wantError(t, classPanic)
	c.clock.move(failureFor)
	sts.answer(answer)
	c.want(t, credentialsOfID("STS.key"))

	newMetadataServer(t, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, noCode) })
	c = newTestProvider(t, Config{Type: TypeECSRAMRole, RoleName: "node"})
	c.wantError(t, classPanic)
	if c.failures.Load() != 1 {
		t.Error("the failure was not told")
	}
}

// Trap 9: with NewCredential a role can be assumed with a static key only.
func TestAssumeRoleFromSource(t *testing.T) {
	foreignEnv(t)
	sts := newSTSServer(t)
	oidc := oidcRole(sts.host(), writeSecret(t, "", "jwt"))
	uri := uriConfig(newURIServer(t, respondWith("local", time.Hour)))
	for who, source := range map[string]*Config{
		"STS.jwt": &oidc, "local": &uri, "foreign": {Type: TypeDefault}, "": nil,
	} {
		c := newTestProvider(t, Config{
			Type: TypeRAMRoleARN, RoleARN: testRoleARN, STSEndpoint: sts.host(), Source: source,
		})
		if who == "" {
			who = "foreign" // no source is the default chain
		}
		c.want(t, credentialsOfID("STS."+who))
		requests := sts.seen()
		wantParams(t, requests[len(requests)-1], map[string]string{"Action": "AssumeRole", "AccessKeyId": who})
	}
}
