package tair

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const credRoleARN = "acs:ram::1234567890:role/reader"

func credKeys(id string) (i, s SecretValue) {
	return SecretValue{Text: id}, SecretValue{Text: "secret-of-" + id}
}

// credKeyRole is a role that is assumed with a key.
func credKeyRole(stsHost string) CredentialsConfig {
	id, secret := credKeys("key")
	return CredentialsConfig{
		Type: CredentialsRAMRole, AccessKeyID: id, AccessKeySecret: secret, RoleARN: credRoleARN, STSEndpoint: stsHost,
	}
}

// wantCredParams checks some parameters of a request; "" means that it must not be there.
func wantCredParams(t *testing.T, got url.Values, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got.Get(name) != value {
			t.Errorf("%s is %q, want %q", name, got.Get(name), value)
		}
	}
}

func TestCredentialsTypeDefault(t *testing.T) {
	cleanCredentialsEnv(t)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "one")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret-of-one")
	c := newTestCredentials(t, CredentialsConfig{Type: CredentialsDefault})
	c.want(t, Credentials{"one", "secret-of-one", ""})
}

func TestCredentialsTypeAccessKey(t *testing.T) {
	foreignCredentialsEnv(t)
	id, secret := credKeys("one")
	c := newTestCredentials(t, CredentialsConfig{Type: CredentialsAccessKey, AccessKeyID: id, AccessKeySecret: secret})
	c.want(t, Credentials{"one", "secret-of-one", ""})
	c.Reject(Credentials{"one", "secret-of-one", ""})
	c.want(t, Credentials{"one", "secret-of-one", ""}) // there are no others
}

func TestCredentialsTypeSTS(t *testing.T) {
	foreignCredentialsEnv(t)
	id, secret := credKeys("one")
	c := newTestCredentials(t, CredentialsConfig{
		Type: CredentialsSTS, AccessKeyID: id, AccessKeySecret: secret, SecurityToken: SecretValue{Text: "token-of-one"},
	})
	c.want(t, credsOf("one"))
}

func TestCredentialsTypeRAMRoleARN(t *testing.T) {
	foreignCredentialsEnv(t)
	sts := newSTSServer(t)
	cfg := credKeyRole(sts.host())
	c := newTestCredentials(t, cfg)
	c.want(t, credsOf("STS.key"))
	c.clock.move(credentialsFresh)
	c.want(t, credsOf("STS.key"))
	if n := len(sts.seen()); n != 1 {
		t.Fatalf("%d sessions, want 1 that is used until it ends", n)
	}
	wantCredParams(t, sts.seen()[0], map[string]string{
		"Action": "AssumeRole", "RoleArn": credRoleARN, "RoleSessionName": "tair_ssl_exporter", "DurationSeconds": "3600",
		"ExternalId": "", "SecurityToken": "",
	})

	cfg.RoleSessionName, cfg.RoleSessionExpiration = "mine", 20*time.Minute
	cfg.ExternalID, cfg.SecurityToken = SecretValue{Text: "outside"}, SecretValue{Text: "token"}
	newTestCredentials(t, cfg).want(t, credsOf("STS.key"))
	wantCredParams(t, sts.seen()[1], map[string]string{
		"RoleSessionName": "mine", "DurationSeconds": "1200", "ExternalId": "outside", "SecurityToken": "token",
	})
}

func TestCredentialsTypeECSRAMRole(t *testing.T) {
	foreignCredentialsEnv(t)
	newMetadataServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host != credMetadataHost:
			http.Error(w, "which host?", http.StatusBadRequest)
		case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token":
			_, _ = w.Write([]byte("metadata-token"))
		case r.URL.Path == "/latest/meta-data/ram/security-credentials/node" &&
			r.Header.Get("X-Aliyun-Ecs-Metadata-Token") == "metadata-token":
			credGive("node", time.Hour)(w, r)
		default:
			http.NotFound(w, r)
		}
	})
	c := newTestCredentials(t, CredentialsConfig{Type: CredentialsECSRole, RoleName: "node", DisableIMDSv1: true})
	c.want(t, credsOf("node"))

	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	c = newTestCredentials(t, CredentialsConfig{Type: CredentialsECSRole, RoleName: "node"})
	c.wantError(t, classDisabled)
}

// credOIDCRole is a role that is assumed with the token in a file.
func credOIDCRole(stsHost, file string) CredentialsConfig {
	return CredentialsConfig{
		Type: CredentialsOIDCRole, RoleARN: credRoleARN, OIDCProviderARN: "acs:ram::1234567890:oidc-provider/ack",
		OIDCTokenFile: file, STSEndpoint: stsHost,
	}
}

func TestCredentialsTypeOIDCRoleARN(t *testing.T) {
	foreignCredentialsEnv(t)
	sts := newSTSServer(t)
	file := writeCredSecret(t, "", "jwt-one\n")
	c := newTestCredentials(t, credOIDCRole(sts.host(), file))
	c.want(t, credsOf("STS.jwt-one"))
	wantCredParams(t, sts.seen()[0], map[string]string{
		"Action": "AssumeRoleWithOIDC", "RoleArn": credRoleARN, "RoleSessionName": "tair_ssl_exporter",
		"OIDCProviderArn": "acs:ram::1234567890:oidc-provider/ack", "DurationSeconds": "3600",
	})
}

func TestCredentialsTypeCredentialsURI(t *testing.T) {
	foreignCredentialsEnv(t)
	c := newTestCredentials(t, credURIConfig(newURIServer(t, credGive("one", time.Hour))))
	c.want(t, credsOf("one"))
}

func TestCredentialsFilesAreReadAgain(t *testing.T) {
	foreignCredentialsEnv(t)
	sts := newSTSServer(t)
	token := writeCredSecret(t, "", "jwt-one\n")
	id, secret := writeCredSecret(t, "", " one\n"), writeCredSecret(t, "", "secret-of-one\r\n")
	oidc := newTestCredentials(t, credOIDCRole(sts.host(), token))
	source := credOIDCRole(sts.host(), token)
	nested := newTestCredentials(t, CredentialsConfig{
		Type: CredentialsRAMRole, RoleARN: credRoleARN, STSEndpoint: sts.host(), Source: &source,
	})
	static := newTestCredentials(t, CredentialsConfig{
		Type: CredentialsAccessKey, AccessKeyID: SecretValue{File: id}, AccessKeySecret: SecretValue{File: secret},
	})
	oidc.want(t, credsOf("STS.jwt-one"))
	nested.want(t, credsOf("STS.STS.jwt-one"))
	static.want(t, Credentials{"one", "secret-of-one", ""})

	writeCredSecret(t, token, "jwt-two\n")
	writeCredSecret(t, id, "two")
	writeCredSecret(t, secret, "secret-of-two")
	for _, c := range []*testCredentials{oidc, nested, static} {
		c.clock.move(credentialsFresh)
		_, _ = c.Credentials(t.Context()) // starts the refresh
		c.settle()
	}
	oidc.want(t, credsOf("STS.jwt-two"))
	nested.want(t, credsOf("STS.STS.jwt-two"))
	static.want(t, Credentials{"two", "secret-of-two", ""})
	if n := len(sts.seen()); n != 6 {
		t.Errorf("%d sessions, want 6", n)
	}

	writeCredSecret(t, id, " \n") // a file that holds nothing is no key of the environment
	static.Reject(Credentials{"two", "secret-of-two", ""})
	static.wantError(t, classIncomplete)
	writeCredSecret(t, id, "two\nlines")
	static.wantError(t, classMalformed)
	if err := os.Remove(id); err != nil {
		t.Fatal(err)
	}
	static.wantError(t, classFile)
}

// Trap 4: the default chain sticks to the last provider it tried.
func TestCredentialsDefaultChainIsBuiltAnewAfterFailure(t *testing.T) {
	cleanCredentialsEnv(t)
	newMetadataServer(t, http.NotFound)
	c := newTestCredentials(t, CredentialsConfig{Type: CredentialsDefault})
	c.wantError(t, classChain)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "one")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret-of-one")
	c.want(t, Credentials{"one", "secret-of-one", ""})
}

// Trap 4 again: after a hiccup of RRSA at the start it would stay with the node's role.
func TestCredentialsDefaultChainDoesNotStayOnTheNodesRole(t *testing.T) {
	for _, rrsa := range []bool{true, false} {
		cleanCredentialsEnv(t)
		newMetadataServer(t, credGive("node", time.Hour))
		t.Setenv("ALIBABA_CLOUD_ECS_METADATA", "node")
		if rrsa {
			t.Setenv("ALIBABA_CLOUD_ROLE_ARN", credRoleARN)
			t.Setenv("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "arn")
			t.Setenv("ALIBABA_CLOUD_OIDC_TOKEN_FILE", filepath.Join(t.TempDir(), "not-there-yet"))
		}
		c := newTestCredentials(t, CredentialsConfig{Type: CredentialsDefault})
		c.want(t, credsOf("node"))
		t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "one") // the first of the chain shows that it was walked again
		t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret-of-one")
		c.clock.move(credentialsFresh)
		c.want(t, credsOf("node")) // while the refresh runs
		if rrsa {
			c.want(t, Credentials{"one", "secret-of-one", ""})
		} else {
			c.want(t, credsOf("node"))
		}
		t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
		t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")
	}
}

// Trap 8: the library dereferences parts of answers unchecked.
func TestCredentialsSurviveLibraryPanic(t *testing.T) {
	cleanCredentialsEnv(t)
	noExpiry := credKeyFor("one", time.Hour)
	delete(noExpiry, "Expiration")
	noCode := credKeyFor("one", time.Hour)
	delete(noCode, "Code")

	sts := newSTSServer(t)
	answer := sts.handler
	sts.answer(func(w http.ResponseWriter, _ *http.Request) {
		writeCredJSON(w, map[string]any{"Credentials": noExpiry})
	})
	c := newTestCredentials(t, credKeyRole(sts.host()))
	c.wantError(t, classPanic)
	sts.answer(answer)
	c.want(t, credsOf("STS.key"))

	newMetadataServer(t, func(w http.ResponseWriter, _ *http.Request) { writeCredJSON(w, noCode) })
	c = newTestCredentials(t, CredentialsConfig{Type: CredentialsECSRole, RoleName: "node"})
	c.wantError(t, classPanic)
	if c.failures.Load() != 1 {
		t.Error("the failure was not told")
	}
}

// Trap 9: with NewCredential a role can be assumed with a static key only.
func TestCredentialsAssumeRoleFromSource(t *testing.T) {
	foreignCredentialsEnv(t)
	sts := newSTSServer(t)
	oidc := credOIDCRole(sts.host(), writeCredSecret(t, "", "jwt"))
	uri := credURIConfig(newURIServer(t, credGive("local", time.Hour)))
	for who, source := range map[string]*CredentialsConfig{
		"STS.jwt": &oidc, "local": &uri, "foreign": {Type: CredentialsDefault}, "": nil,
	} {
		c := newTestCredentials(t, CredentialsConfig{
			Type: CredentialsRAMRole, RoleARN: credRoleARN, STSEndpoint: sts.host(), Source: source,
		})
		if who == "" {
			who = "foreign" // no source is the default chain
		}
		c.want(t, credsOf("STS."+who))
		requests := sts.seen()
		wantCredParams(t, requests[len(requests)-1], map[string]string{"Action": "AssumeRole", "AccessKeyId": who})
	}
}
