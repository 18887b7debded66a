package tair

import (
	"strings"
	"testing"
	"time"
)

// Trap 5: the library reads DEBUG before main and prints what it sends.
func TestCredentialsCheckDebug(t *testing.T) {
	for value, refused := range map[string]bool{
		"": false, "sdk": false, "1": false, "credential": true, "sdk,credential": true, "Credentials": true,
	} {
		err := CheckDebug(func(name string) string {
			if name != "DEBUG" {
				t.Errorf("asked for %s", name)
			}
			return value
		})
		if (err != nil) != refused {
			t.Errorf("DEBUG=%s: %v", value, err)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Error("more than one line")
		}
	}
}

// Trap 7: the library takes missing fields from the environment.
func TestCredentialsMissingFieldIsRefused(t *testing.T) {
	foreignCredentialsEnv(t)
	v := SecretValue{Text: "v"}
	for _, c := range []struct {
		cfg  CredentialsConfig
		want string
	}{
		{CredentialsConfig{}, "type is missing"},
		{CredentialsConfig{Type: "bearer"}, `unknown type "bearer"`},
		{CredentialsConfig{Type: CredentialsAccessKey}, "missing: access_key_id, access_key_secret"},
		{CredentialsConfig{Type: CredentialsAccessKey, AccessKeyID: v, AccessKeySecret: SecretValue{Text: " "}}, "missing: access_key_secret"},
		{CredentialsConfig{Type: CredentialsSTS, AccessKeyID: v, AccessKeySecret: v}, "missing: security_token"},
		{CredentialsConfig{Type: CredentialsRAMRole}, "missing: role_arn"},
		{CredentialsConfig{Type: CredentialsRAMRole, RoleARN: "r", AccessKeyID: v}, "missing: access_key_secret"},
		{CredentialsConfig{Type: CredentialsRAMRole, RoleARN: "r", SecurityToken: v}, "missing: access_key_id, access_key_secret"},
		{CredentialsConfig{Type: CredentialsRAMRole, RoleARN: "r", Source: &CredentialsConfig{}}, "source: credentials: type is missing"},
		{CredentialsConfig{Type: CredentialsECSRole}, "missing: role_name"},
		{CredentialsConfig{Type: CredentialsOIDCRole}, "missing: role_arn, oidc_provider_arn, oidc_token_file"},
		{CredentialsConfig{Type: CredentialsURI}, "missing: url"},
	} {
		wantCredRefused(t, c.cfg, c.want)
	}
}

func TestCredentialsForeignFieldIsRefused(t *testing.T) {
	v := SecretValue{Text: "v"}
	loop := CredentialsConfig{Type: CredentialsRAMRole, RoleARN: "r"}
	loop.Source = &loop
	for _, c := range []struct {
		cfg  CredentialsConfig
		want string
	}{
		{CredentialsConfig{Type: CredentialsDefault, RoleARN: "r", URL: "u"}, "not allowed here: role_arn, url"},
		{CredentialsConfig{Type: CredentialsAccessKey, AccessKeyID: v, AccessKeySecret: v, SecurityToken: v}, "security_token"},
		{CredentialsConfig{Type: CredentialsURI, URL: "http://h", DisableIMDSv1: true}, "disable_imds_v1"},
		{
			CredentialsConfig{Type: CredentialsRAMRole, RoleARN: "r", AccessKeyID: v, AccessKeySecret: v, Source: &CredentialsConfig{}},
			"not allowed here: source",
		},
		{loop, "sources of sources"},
	} {
		wantCredRefused(t, c.cfg, c.want)
	}
}

func TestCredentialsWrongValueIsRefused(t *testing.T) {
	good := func(change func(*CredentialsConfig)) CredentialsConfig {
		cfg := credKeyRole("sts.example.com")
		change(&cfg)
		return cfg
	}
	for _, c := range []struct {
		cfg  CredentialsConfig
		want string
	}{
		{good(func(c *CredentialsConfig) { c.AccessKeyID.File = credCanary }), "access_key_id and access_key_id_file"},
		{good(func(c *CredentialsConfig) { c.AccessKeySecret.Text = credCanary + " " + credCanary }), "access_key_secret has"},
		{good(func(c *CredentialsConfig) { c.RoleARN = credCanary + "\n" }), "role_arn has"},
		{good(func(c *CredentialsConfig) { c.RoleSessionExpiration = time.Minute }), "role_session_expiration"},
		{good(func(c *CredentialsConfig) { c.RoleSessionExpiration = 13 * time.Hour }), "role_session_expiration"},
		{good(func(c *CredentialsConfig) { c.STSEndpoint = "https://" + credCanary }), "sts_endpoint"},
		{CredentialsConfig{Type: CredentialsURI, URL: credCanary}, "url must be"},
		{CredentialsConfig{Type: CredentialsURI, URL: "ftp://h/" + credCanary}, "url must be"},
		{CredentialsConfig{Type: CredentialsURI, URL: "http://%zz" + credCanary}, "url must be"},
	} {
		wantCredRefused(t, c.cfg, c.want)
	}
}

// wantCredRefused checks that NewCredentials refuses cfg in one line that holds want and no value.
func wantCredRefused(t *testing.T, cfg CredentialsConfig, want string) {
	t.Helper()
	p, err := NewCredentials(cfg, CredentialsOptions{})
	if err == nil || p != nil {
		t.Fatalf("%s: accepted, want %q", cfg.Type, want)
	}
	if text := err.Error(); !strings.Contains(text, want) || strings.Contains(text, credCanary) || strings.Contains(text, "\n") {
		t.Errorf("%s: got %q, want %q", cfg.Type, text, want)
	}
}

func TestCredentialsConfigIsCopied(t *testing.T) {
	foreignCredentialsEnv(t)
	source := credURIConfig(newURIServer(t, credGive("local", time.Hour)))
	c := newTestCredentials(t, CredentialsConfig{
		Type: CredentialsRAMRole, RoleARN: credRoleARN, STSEndpoint: newSTSServer(t).host(), Source: &source,
	})
	source.URL = "http://elsewhere.invalid"
	c.want(t, credsOf("STS.local"))
}
