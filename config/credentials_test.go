package config

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"tair_ssl_exporter/collector/tair/creds"
)

const (
	roleARN         = "ALIBABA_CLOUD_ROLE_ARN"
	oidcProviderARN = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"
	oidcTokenFile   = "ALIBABA_CLOUD_OIDC_TOKEN_FILE"
)

// parseCredentials parses an account with the credentials, given as flow YAML.
func parseCredentials(credentials string, env map[string]string) (creds.Config, error) {
	text := "accounts: [{region: cn-hangzhou, instances: [r-a], credentials: " + credentials + "}]"
	cfg, err := parse(strings.NewReader(text), "test.yml", func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	})
	if err != nil {
		return creds.Config{}, err
	}
	return cfg.Accounts[0].Credentials, nil
}

func TestPodIdentityComesFromTheEnvironment(t *testing.T) {
	token := absolute(t, "testdata/secrets/secret")
	full := map[string]string{
		roleARN:         "acs:ram::1:role/pod",
		oidcProviderARN: "acs:ram::1:oidc-provider/ack",
		oidcTokenFile:   token,
	}
	with := func(name, value string) map[string]string {
		env := maps.Clone(full)
		env[name] = value
		return env
	}

	got, err := parseCredentials("{type: oidc_role_arn}", full)
	want := creds.Config{
		Type: "oidc_role_arn", RoleARN: "acs:ram::1:role/pod", OIDCProviderARN: "acs:ram::1:oidc-provider/ack",
		OIDCTokenFile: token, RoleSessionName: creds.DefaultRoleSessionName,
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}

	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"one is empty":     {with(oidcTokenFile, ""), "but the environment lacks " + oidcTokenFile + ", give"},
		"a wrong ARN":      {with(roleARN, "role/pod"), "the environment variable " + roleARN + " is wrong: is not an ARN of RAM"},
		"no file":          {with(oidcTokenFile, "/nonexistent/"+canary), "the environment variable " + oidcTokenFile + " is wrong: the file cannot be read: no such file"},
		"a wrong provider": {with(oidcProviderARN, canary), "the environment variable " + oidcProviderARN + " is wrong: is not an ARN of RAM"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseCredentials("{type: oidc_role_arn}", c.env)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			_ = checkErrors(t, err)
		})
	}
}

func TestKeysInTheFileIgnoreTheEnvironment(t *testing.T) {
	_, err := parseCredentials("{type: oidc_role_arn, role_arn: acs:ram::1:role/a}", map[string]string{
		oidcProviderARN: "acs:ram::1:oidc-provider/ack",
		oidcTokenFile:   absolute(t, "testdata/secrets/secret"),
	})
	if err == nil || !strings.Contains(err.Error(), "accounts[0].credentials.oidc_provider_arn: is missing") {
		t.Errorf("got %v", err)
	}
}

func TestSourcesNestThreeDeep(t *testing.T) {
	nested := "{type: default}"
	for depth := 1; depth <= 4; depth++ {
		nested = fmt.Sprintf("{type: ram_role_arn, role_arn: acs:ram::1:role/a, source: %s}", nested)
		_, err := parseCredentials(nested, nil)
		if accepted := err == nil; accepted != (depth <= 3) {
			t.Errorf("depth %d: %v", depth, err)
		}
	}
}
