package creds

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
)

// Trap 5: the library reads DEBUG before main and prints what it sends.
func TestDebugOfCredentialsIsRefused(t *testing.T) {
	for value, refused := range map[string]bool{
		"": false, "sdk": false, "1": false, "credential": true, "sdk,credential": true, "Credentials": true,
	} {
		err := CheckDebug(func(name string) string { return map[string]string{"DEBUG": value}[name] })
		if (err != nil) != refused || err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("DEBUG=%s: %v", value, err)
		}
	}
}

// Trap 7: the library takes missing fields from the environment.
func TestEveryProblemIsReportedByItsKey(t *testing.T) {
	const arn = "acs:ram::1:role/a"
	role := func(change func(*Config)) Config {
		cfg := keyRole("sts.example.com:443")
		change(&cfg)
		return cfg
	}
	loop := Config{Type: TypeRAMRoleARN, RoleARN: arn}
	loop.Source = &loop
	for name, c := range map[string]struct {
		cfg  Config
		want string // the keys, in order
	}{
		"nothing":                {Config{}, "type"},
		"unknown type":           {Config{Type: canary, AccessKeyID: canary}, "type"},
		"default":                {Config{Type: TypeDefault}, ""},
		"default, foreign":       {Config{Type: TypeDefault, RoleARN: arn, URL: canary}, "role_arn url"},
		"access_key":             {Config{Type: TypeAccessKey, AccessKeyID: "i", AccessKeySecretFile: "f"}, ""},
		"access_key, nothing":    {Config{Type: TypeAccessKey}, "access_key_id access_key_secret"},
		"access_key, foreign":    {Config{Type: TypeAccessKey, AccessKeyID: "i", AccessKeySecret: "s", SecurityTokenFile: "f"}, "security_token_file"},
		"access_key, source":     {Config{Type: TypeAccessKey, AccessKeyID: "i", AccessKeySecret: "s", Source: &Config{Type: TypeDefault}}, "source"},
		"sts":                    {Config{Type: TypeSTS, AccessKeyIDFile: "f", AccessKeySecret: "s", SecurityToken: "t"}, ""},
		"sts, no token":          {Config{Type: TypeSTS, AccessKeyID: "i", AccessKeySecret: "s"}, "security_token"},
		"role":                   {role(func(*Config) {}), ""},
		"role, nothing":          {Config{Type: TypeRAMRoleARN}, "role_arn"},
		"role, half a key":       {Config{Type: TypeRAMRoleARN, RoleARN: arn, AccessKeyID: "i"}, "access_key_secret"},
		"role, token only":       {Config{Type: TypeRAMRoleARN, RoleARN: arn, SecurityToken: "t"}, "access_key_id access_key_secret"},
		"role, key and source":   {role(func(c *Config) { c.Source = &Config{Type: TypeDefault} }), "source"},
		"role, bad source":       {Config{Type: TypeRAMRoleARN, RoleARN: arn, Source: &Config{Type: TypeECSRAMRole, URL: "u"}}, "source.role_name source.url"},
		"role, endless sources":  {loop, "source.source.source.source"},
		"ecs_ram_role":           {Config{Type: TypeECSRAMRole, RoleName: "r", DisableIMDSv1: true}, ""},
		"ecs_ram_role, nothing":  {Config{Type: TypeECSRAMRole}, "role_name"},
		"oidc":                   {oidcRole("sts:443", "f"), ""},
		"oidc, nothing":          {Config{Type: TypeOIDCRoleARN}, "role_arn oidc_provider_arn oidc_token_file"},
		"oidc, foreign":          {Config{Type: TypeOIDCRoleARN, RoleARN: arn, OIDCProviderARN: arn, OIDCTokenFile: "f", RoleSessionExpiration: model.Duration(time.Hour)}, "role_session_expiration"},
		"uri":                    {Config{Type: TypeCredentialsURI, URL: "http://h"}, ""},
		"uri, nothing":           {Config{Type: TypeCredentialsURI}, "url"},
		"uri, foreign":           {Config{Type: TypeCredentialsURI, URL: "http://h", DisableIMDSv1: true}, "disable_imds_v1"},
		"wrong: text and file":   {role(func(c *Config) { c.AccessKeyIDFile = canary }), "access_key_id_file"},
		"wrong: white space":     {role(func(c *Config) { c.AccessKeySecret, c.ExternalID = canary+" "+canary, " " }), "access_key_secret external_id"},
		"wrong: role_arn":        {role(func(c *Config) { c.RoleARN = canary + "\n" }), "role_arn"},
		"wrong: session name":    {role(func(c *Config) { c.RoleSessionName = canary + " " }), "role_session_name"},
		"wrong: short session":   {role(func(c *Config) { c.RoleSessionExpiration = minRoleSession - 1 }), "role_session_expiration"},
		"wrong: long session":    {role(func(c *Config) { c.RoleSessionExpiration = maxRoleSession + 1 }), "role_session_expiration"},
		"wrong: sts_endpoint":    {role(func(c *Config) { c.STSEndpoint = "https://" + canary }), "sts_endpoint"},
		"wrong: url":             {Config{Type: TypeCredentialsURI, URL: "ftp://h/" + canary}, "url"},
		"wrong: several at once": {role(func(c *Config) { c.RoleARN, c.AccessKeySecret, c.URL = "", "", canary }), "access_key_secret role_arn url"},
	} {
		p, err := New(c.cfg, Options{})
		text := fmt.Sprint(err)
		if (err == nil) != (c.want == "") || (p == nil) != (err != nil) || strings.Contains(text, canary) || strings.Contains(text, "\n") {
			t.Errorf("%s: New returns %v, %q", name, p, text)
		}
		var keys []string
		for _, p := range c.cfg.Validate() {
			keys = append(keys, p.Key)
			if p.Message == "" || !strings.Contains(text, p.Key+" "+p.Message) {
				t.Errorf("%s: %s %q, New returns %q", name, p.Key, p.Message, text)
			}
		}
		if got := strings.Join(keys, " "); got != c.want {
			t.Errorf("%s: got problems of %q, want %q", name, got, c.want)
		}
	}
}

func TestChecksAllowAndRefuse(t *testing.T) {
	for _, c := range []struct {
		name             string
		valid            func(string) bool
		allowed, refused []string
	}{
		{
			"STS endpoint", IsHostPort,
			[]string{"sts.aliyuncs.com", "sts:443", "host:65535", "[::1]", "[fe80::1]:443", strings.Repeat("a", 63) + ".com"},
			[]string{
				"", "http://sts", "sts/", "u@sts", "sts?q", "host:", ":80", "host:0", "host:65536", "host:+1", "host:80:80", "a..b", ".host", "host.", "-host",
				"::1", "[::1", "[]", "[10.0.0.1]", "[::1%eth0]", "[[::1]]", strings.Repeat("a.", 127) + "a",
			},
		},
		{"ARN", isRAMARN, []string{"acs:ram::1:role/a"}, []string{"", "acs:ram::", "arn:aws:iam::1:role/a", "acs:ram::1:role/a b"}},
		{"session name", sessionNameForm.MatchString, []string{DefaultRoleSessionName, "a.b@c-d_1"}, []string{"", "a", "a b", strings.Repeat("a", 65)}},
		{
			"URL", isHTTPURL, []string{"http://localhost:8080/path?token=x", "https://u:p@host/"},
			[]string{"", "localhost", "ftp://host", "http://", "http://:80", "http://%zz", "http://a b/"},
		},
	} {
		for _, s := range append(c.allowed, c.refused...) {
			if allowed := slices.Contains(c.allowed, s); c.valid(s) != allowed {
				t.Errorf("%s: %q is allowed: %t, want %t", c.name, s, !allowed, allowed)
			}
		}
	}
}
