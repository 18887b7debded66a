package creds

import (
	"strings"
	"testing"
	"time"
)

// Trap 5: the library reads DEBUG before main and prints what it sends.
func TestCheckDebug(t *testing.T) {
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
func TestMissingFieldIsRefused(t *testing.T) {
	foreignEnv(t)
	v := SecretValue{Text: "v"}
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{}, "type is missing"},
		{Config{Type: "bearer"}, `unknown type "bearer"`},
		{Config{Type: TypeAccessKey}, "missing: access_key_id, access_key_secret"},
		{Config{Type: TypeAccessKey, AccessKeyID: v, AccessKeySecret: SecretValue{Text: " "}}, "missing: access_key_secret"},
		{Config{Type: TypeSTS, AccessKeyID: v, AccessKeySecret: v}, "missing: security_token"},
		{Config{Type: TypeRAMRoleARN}, "missing: role_arn"},
		{Config{Type: TypeRAMRoleARN, RoleARN: "r", AccessKeyID: v}, "missing: access_key_secret"},
		{Config{Type: TypeRAMRoleARN, RoleARN: "r", SecurityToken: v}, "missing: access_key_id, access_key_secret"},
		{Config{Type: TypeRAMRoleARN, RoleARN: "r", Source: &Config{}}, "source: credentials: type is missing"},
		{Config{Type: TypeECSRAMRole}, "missing: role_name"},
		{Config{Type: TypeOIDCRoleARN}, "missing: role_arn, oidc_provider_arn, oidc_token_file"},
		{Config{Type: TypeCredentialsURI}, "missing: url"},
	} {
		wantRefused(t, c.cfg, c.want)
	}
}

func TestForeignFieldIsRefused(t *testing.T) {
	v := SecretValue{Text: "v"}
	loop := Config{Type: TypeRAMRoleARN, RoleARN: "r"}
	loop.Source = &loop
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Type: TypeDefault, RoleARN: "r", URL: "u"}, "not allowed here: role_arn, url"},
		{Config{Type: TypeAccessKey, AccessKeyID: v, AccessKeySecret: v, SecurityToken: v}, "security_token"},
		{Config{Type: TypeCredentialsURI, URL: "http://h", DisableIMDSv1: true}, "disable_imds_v1"},
		{
			Config{Type: TypeRAMRoleARN, RoleARN: "r", AccessKeyID: v, AccessKeySecret: v, Source: &Config{}},
			"not allowed here: source",
		},
		{loop, "sources of sources"},
	} {
		wantRefused(t, c.cfg, c.want)
	}
}

func TestWrongValueIsRefused(t *testing.T) {
	good := func(change func(*Config)) Config {
		cfg := keyRole("sts.example.com")
		change(&cfg)
		return cfg
	}
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{good(func(c *Config) { c.AccessKeyID.File = canary }), "access_key_id and access_key_id_file"},
		{good(func(c *Config) { c.AccessKeySecret.Text = canary + " " + canary }), "access_key_secret has"},
		{good(func(c *Config) { c.RoleARN = canary + "\n" }), "role_arn has"},
		{good(func(c *Config) { c.RoleSessionExpiration = time.Minute }), "role_session_expiration"},
		{good(func(c *Config) { c.RoleSessionExpiration = 13 * time.Hour }), "role_session_expiration"},
		{good(func(c *Config) { c.STSEndpoint = "https://" + canary }), "sts_endpoint"},
		{Config{Type: TypeCredentialsURI, URL: canary}, "url must be"},
		{Config{Type: TypeCredentialsURI, URL: "ftp://h/" + canary}, "url must be"},
		{Config{Type: TypeCredentialsURI, URL: "http://%zz" + canary}, "url must be"},
	} {
		wantRefused(t, c.cfg, c.want)
	}
}

// wantRefused checks that New refuses cfg in one line that holds want and no value.
func wantRefused(t *testing.T, cfg Config, want string) {
	t.Helper()
	p, err := New(cfg, Options{})
	if err == nil || p != nil {
		t.Fatalf("%s: accepted, want %q", cfg.Type, want)
	}
	if text := err.Error(); !strings.Contains(text, want) || strings.Contains(text, canary) || strings.Contains(text, "\n") {
		t.Errorf("%s: got %q, want %q", cfg.Type, text, want)
	}
}

func TestConfigIsCopied(t *testing.T) {
	foreignEnv(t)
	source := uriConfig(newURIServer(t, respondWith("local", time.Hour)))
	c := newTestProvider(t, Config{
		Type: TypeRAMRoleARN, RoleARN: testRoleARN, STSEndpoint: newSTSServer(t).host(), Source: &source,
	})
	source.URL = "http://elsewhere.invalid"
	c.want(t, credentialsOfID("STS.local"))
}
