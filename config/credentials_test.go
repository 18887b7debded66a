package config

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// parseCredentials parses an account with the credentials, given as flow YAML.
func parseCredentials(credentials string, env map[string]string) (Credentials, error) {
	text := "accounts: [{region: cn-hangzhou, instances: [r-a], credentials: " + credentials + "}]"
	cfg, err := parse(strings.NewReader(text), "test.yml", func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	})
	if err != nil {
		return Credentials{}, err
	}
	return cfg.Accounts[0].Credentials, nil
}

func TestEveryTypeIsListedOnce(t *testing.T) {
	known := map[string]bool{}
	for _, key := range credentialKeys() {
		known[key] = true
	}
	used := map[string]bool{"type": true}
	for _, kind := range credentialsTypes() {
		for _, key := range kind.keys() {
			used[key] = true
		}
	}
	if !reflect.DeepEqual(known, used) {
		t.Errorf("the keys of the types are %v, those known %v", used, known)
	}
}

func TestEveryKeyHasAFieldOfItsName(t *testing.T) {
	fields := map[string]bool{}
	for field := range reflect.TypeFor[Credentials]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		fields[name] = true
	}
	for _, key := range credentialKeys() {
		if !fields[key] {
			t.Errorf("no field for %s", key)
		}
		delete(fields, key)
	}
	if len(fields) > 0 {
		t.Errorf("fields without a key: %v", fields)
	}
}

func TestPodIdentityComesFromTheEnvironment(t *testing.T) {
	token := absolute(t, "testdata/secrets/secret")
	full := map[string]string{
		envRoleARN:         "acs:ram::1:role/pod",
		envOIDCProviderARN: "acs:ram::1:oidc-provider/ack",
		envOIDCTokenFile:   token,
	}
	with := func(name, value string) map[string]string {
		env := map[string]string{}
		for k, v := range full {
			env[k] = v
		}
		env[name] = value
		return env
	}

	got, err := parseCredentials("{type: oidc_role_arn}", full)
	want := Credentials{
		Type: "oidc_role_arn", RoleARN: "acs:ram::1:role/pod", OIDCProviderARN: "acs:ram::1:oidc-provider/ack",
		OIDCTokenFile: token, RoleSessionName: DefaultRoleSessionName,
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}

	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"one is empty":     {with(envOIDCTokenFile, ""), "but the environment lacks " + envOIDCTokenFile + ", give"},
		"a wrong ARN":      {with(envRoleARN, "role/pod"), "the environment variable " + envRoleARN + " is wrong: is not an ARN of RAM"},
		"no file":          {with(envOIDCTokenFile, "/nonexistent/"+canary), "the environment variable " + envOIDCTokenFile + " is wrong: the file cannot be read: no such file"},
		"a wrong provider": {with(envOIDCProviderARN, canary), "the environment variable " + envOIDCProviderARN + " is wrong: is not an ARN of RAM"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseCredentials("{type: oidc_role_arn}", c.env)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			checkErrors(t, err)
		})
	}
}

func TestKeysInTheFileIgnoreTheEnvironment(t *testing.T) {
	_, err := parseCredentials("{type: oidc_role_arn, role_arn: acs:ram::1:role/a}", map[string]string{
		envOIDCProviderARN: "acs:ram::1:oidc-provider/ack",
		envOIDCTokenFile:   absolute(t, "testdata/secrets/secret"),
	})
	if err == nil || !strings.Contains(err.Error(), "or none to take them from the environment") {
		t.Errorf("got %v", err)
	}
}

func TestRoleIsAssumedByTheDefaultChainUnlessSaidOtherwise(t *testing.T) {
	got, err := parseCredentials("{type: ram_role_arn, role_arn: acs:ram::1:role/a}", nil)
	want := Credentials{
		Type: "ram_role_arn", RoleARN: "acs:ram::1:role/a", RoleSessionName: DefaultRoleSessionName,
		Source: &Credentials{Type: "default"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestSourcesNestThreeDeep(t *testing.T) {
	nested := "{type: default}"
	for depth := 1; depth <= 4; depth++ {
		nested = fmt.Sprintf("{type: ram_role_arn, role_arn: acs:ram::1:role/a, source: %s}", nested)
		_, err := parseCredentials(nested, nil)
		if accepted := err == nil; accepted != (depth <= maxSources) {
			t.Errorf("depth %d: %v", depth, err)
		}
	}
}

func TestSecretFileSizeIsLimited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	for size, want := range map[int]string{
		maxSecretFileSize:     "",
		maxSecretFileSize + 1: "the file is too large, allowed: at most 64 KiB",
	} {
		if err := os.WriteFile(path, bytes.Repeat([]byte("x"), size), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := checkSecretFile(path); got != want {
			t.Errorf("%d bytes: got %q, want %q", size, got, want)
		}
	}
}

func TestSecretFileIsRelativeToTheConfigurationFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte("k"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := "accounts: [{region: cn-hangzhou, instances: [r-a], credentials: {type: access_key, access_key_id: a, access_key_secret_file: key}}]"
	file := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := cfg.Accounts[0].Credentials.AccessKeySecretFile, filepath.Join(dir, "key"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
