package config

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"tair_ssl_exporter/collector/tair/creds"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWrittenDefaultsAreThoseOfAFileWithoutThem(t *testing.T) {
	written, err := Load("testdata/good/defaults.yml")
	if err != nil {
		t.Fatal(err)
	}
	short, err := parseText(`
accounts:
  - instances:
      - {id: r-bp1zxszhcgatnx, region: cn-hangzhou}
      - {id: r-bp1yyyyyyyyyyy, region: cn-shanghai, name: sessions, labels: {team: payments}}
    region: cn-hangzhou
`)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(written, short) {
		t.Errorf("got %+v, want %+v", written, short)
	}
}

func TestFullFileIsRead(t *testing.T) {
	got, err := Load("testdata/good/full.yml")
	if err != nil {
		t.Fatal(err)
	}
	secret := absolute(t, "testdata/secrets/secret")
	labels := map[string]string{"team": "payments", "tier": "1", "note": ""}
	days := func(n int) model.Duration { return model.Duration(n) * model.Duration(24*time.Hour) }
	want := &Config{
		RefreshInterval:   model.Duration(10 * time.Minute),
		KeepLast:          model.Duration(7 * 24 * time.Hour),
		ExpiryWarning:     days(45),
		ExpiryCritical:    days(10),
		DiscoveryInterval: model.Duration(90 * time.Second),
		API:               API{Timeout: model.Duration(2500 * time.Millisecond), Attempts: 5, Concurrency: 50, QPS: 2.5},
		Accounts: []Account{
			{
				Name: "shop", Endpoint: "https://proxy.internal:8443", Network: "vpc", Region: "cn-hangzhou",
				Credentials: creds.Config{Type: "access_key", AccessKeyID: canary, AccessKeySecretFile: secret},
				Renewals:    true, ExpiryCritical: days(14),
				Instances: []Instance{
					{ID: "r-bp1zxszhcgatnx", Region: "cn-hangzhou"},
					{ID: "r-bp1yyyyyyyyyyy", Region: "cn-shanghai", Name: "sessions", Labels: labels, ExpiryWarning: days(60)},
					{ID: "r-bp1merged", Region: "us-east-1", Name: "cart", Labels: labels, ExpiryWarning: days(60)},
				},
			},
			{
				Name: "token", Network: "public",
				Credentials: creds.Config{Type: "sts", AccessKeyIDFile: secret, AccessKeySecret: canary, SecurityTokenFile: secret},
				Instances:   []Instance{{ID: "r-b", Region: "cn-beijing"}},
				Discovery: []Discovery{
					{
						Regions: []string{"cn-hangzhou", "cn-shanghai"}, Tags: map[string]string{"env": "prod", "any": ""},
						Labels: map[string]string{"env": "prod"}, TagLabels: map[string]string{"owner": "Owner"},
						ExpiryWarning: days(20), WarningTag: "warn", CriticalTag: "page",
					},
					{Regions: []string{"*"}},
				},
			},
			{
				Name: "role", Network: "public", Region: "cn-beijing",
				Credentials: creds.Config{
					Type: "ram_role_arn", RoleARN: "acs:ram::1:role/reader", RoleSessionName: "exporter@prod",
					RoleSessionExpiration: model.Duration(time.Hour), ExternalID: canary, STSEndpoint: "sts.cn-beijing.aliyuncs.com:443",
					AccessKeyID: canary, AccessKeySecret: canary, SecurityToken: canary,
				},
				Instances: []Instance{{ID: "r-c", Region: "cn-beijing"}},
			},
			{
				Name: "chain", Network: "public", Region: "cn-beijing",
				Credentials: creds.Config{
					Type: "ram_role_arn", RoleARN: "acs:ram::2:role/reader", RoleSessionName: creds.DefaultRoleSessionName,
					Source: &creds.Config{
						Type: "ram_role_arn", RoleARN: "acs:ram::3:role/hop", RoleSessionName: creds.DefaultRoleSessionName, ExternalIDFile: secret,
						Source: &creds.Config{Type: "default"},
					},
				},
				Instances: []Instance{{ID: "r-d", Region: "cn-beijing"}},
			},
			{
				Name: "node", Network: "public", Region: "cn-beijing",
				Credentials: creds.Config{Type: "ecs_ram_role", RoleName: "node", DisableIMDSv1: true},
				Instances:   []Instance{{ID: "r-e", Region: "cn-beijing"}},
			},
			{
				Name: "pod", Network: "public", Region: "cn-beijing",
				Credentials: creds.Config{
					Type: "oidc_role_arn", RoleARN: "acs:ram::4:role/pod", RoleSessionName: creds.DefaultRoleSessionName,
					OIDCProviderARN: "acs:ram::4:oidc-provider/ack", OIDCTokenFile: secret,
				},
				Instances: []Instance{{ID: "r-f", Region: "cn-beijing"}},
			},
			{
				Name: "uri", Network: "public", Region: "cn-beijing", Endpoint: "[::1]:8080",
				Credentials: creds.Config{Type: "credentials_uri", URL: "http://127.0.0.1:8080/?token=" + canary},
				Instances:   []Instance{{ID: "r-g", Region: "cn-beijing"}},
			},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v\nwant %#v", got, want)
	}
	if names := got.LabelNames(); !slices.Equal(names, []string{"env", "note", "owner", "team", "tier"}) {
		t.Errorf("label names: %v", names)
	}
}

func TestNullIsLeftOut(t *testing.T) {
	cfg, err := parseText(`
keep_last:
api: ~
accounts:
  - name: null
    credentials:
    region: cn-hangzhou
    instances: [{id: r-a, region: , name: ~, labels: null}]
    discovery:
`)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := cfg.API, Default().API; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := cfg.Accounts[0]; got.Name != "default" || got.Credentials.Type != "default" || got.Instances[0].Region != "cn-hangzhou" {
		t.Errorf("got %+v", got)
	}
}

func TestFileMayBeginWithAByteOrderMarkAndUseCRLF(t *testing.T) {
	if _, err := parseText("\ufeffaccounts:\r\n- region: cn-hangzhou\r\n  instances: [r-a]\r\n"); err != nil {
		t.Error(err)
	}
}

func TestLoadSaysWhyAFileCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "missing.yml"): ": cannot be read: no such file or directory",
		dir:                               ": cannot be read: is a directory",
	} {
		if _, err := Load(path); err == nil || err.Error() != path+want {
			t.Errorf("got %v, want %s%s", err, path, want)
		}
	}
}

func TestExcessiveAliasesAreRefused(t *testing.T) {
	text := "accounts:\n" +
		"- &account\n  region: cn-hangzhou\n  instances:\n  - &i {id: r-a}\n" + strings.Repeat("  - *i\n", 300) +
		strings.Repeat("- *account\n", 300)
	found := &problems{file: "test.yml", places: map[string]place{}, found: map[string]bool{}}
	cfg := decode([]byte(text), found, 10_000)
	want := "test.yml:1: is too large with its YAML aliases expanded, use fewer aliases"
	if err := found.sorted().Error(); cfg != nil || err != want {
		t.Errorf("got %v, %.200v, want %s", cfg, err, want)
	}
	if n := len(found.places); n > 10_000 {
		t.Errorf("%d values were read, want at most 10000", n)
	}
}

// The fields of the structs are the keys of the file: one without a tag could be neither set nor reported.
func TestEveryFieldHasAKey(t *testing.T) {
	for _, of := range []reflect.Type{
		reflect.TypeFor[Config](), reflect.TypeFor[API](), reflect.TypeFor[Account](), reflect.TypeFor[Instance](),
		reflect.TypeFor[Discovery](), reflect.TypeFor[creds.Config](),
	} {
		if fields, names := fieldTypes(of); fields[""] != nil || len(fields) != of.NumField() || len(names) != of.NumField() {
			t.Errorf("%s: %v", of, names)
		}
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}
