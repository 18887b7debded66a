package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
)

func TestOnlyAccountsAreNeeded(t *testing.T) {
	got, err := parseText("accounts: [{region: cn-hangzhou, instances: [r-a]}]")
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Accounts = []Account{{
		Name:        "default",
		Credentials: Credentials{Type: "default"},
		Network:     "public",
		Region:      "cn-hangzhou",
		Instances:   []Instance{{ID: "r-a", Region: "cn-hangzhou"}},
	}}
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got %+v, want %+v", *got, want)
	}
}

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
	want := &Config{
		RefreshInterval:   model.Duration(10 * time.Minute),
		KeepLast:          model.Duration(7 * 24 * time.Hour),
		DiscoveryInterval: model.Duration(90 * time.Second),
		API:               API{Timeout: model.Duration(2500 * time.Millisecond), Attempts: 5, Concurrency: 50, QPS: 2.5},
		Accounts: []Account{
			{
				Name: "shop", Endpoint: "https://proxy.internal:8443", Network: "vpc", Region: "cn-hangzhou",
				Credentials: Credentials{Type: "access_key", AccessKeyID: canary, AccessKeySecretFile: secret},
				Instances: []Instance{
					{ID: "r-bp1zxszhcgatnx", Region: "cn-hangzhou"},
					{ID: "r-bp1yyyyyyyyyyy", Region: "cn-shanghai", Name: "sessions", Labels: labels},
					{ID: "r-bp1merged", Region: "us-east-1", Name: "cart", Labels: labels},
				},
			},
			{
				Name: "token", Network: "public",
				Credentials: Credentials{Type: "sts", AccessKeyIDFile: secret, AccessKeySecret: canary, SecurityTokenFile: secret},
				Instances:   []Instance{{ID: "r-b", Region: "cn-beijing"}},
			},
			{
				Name: "role", Network: "public", Region: "cn-beijing",
				Credentials: Credentials{
					Type: "ram_role_arn", RoleARN: "acs:ram::1:role/reader", RoleSessionName: "exporter@prod",
					RoleSessionExpiration: model.Duration(time.Hour), ExternalID: canary, STSEndpoint: "sts.cn-beijing.aliyuncs.com:443",
					AccessKeyID: canary, AccessKeySecret: canary, SecurityToken: canary,
				},
				Instances: []Instance{{ID: "r-c", Region: "cn-beijing"}},
			},
			{
				Name: "chain", Network: "public", Region: "cn-beijing",
				Credentials: Credentials{
					Type: "ram_role_arn", RoleARN: "acs:ram::2:role/reader", RoleSessionName: DefaultRoleSessionName,
					Source: &Credentials{
						Type: "ram_role_arn", RoleARN: "acs:ram::3:role/hop", RoleSessionName: DefaultRoleSessionName, ExternalIDFile: secret,
						Source: &Credentials{Type: "default"},
					},
				},
				Instances: []Instance{{ID: "r-d", Region: "cn-beijing"}},
			},
			{
				Name: "node", Network: "public", Region: "cn-beijing",
				Credentials: Credentials{Type: "ecs_ram_role", RoleName: "node", DisableIMDSv1: true},
				Instances:   []Instance{{ID: "r-e", Region: "cn-beijing"}},
			},
			{
				Name: "pod", Network: "public", Region: "cn-beijing",
				Credentials: Credentials{
					Type: "oidc_role_arn", RoleARN: "acs:ram::4:role/pod", RoleSessionName: DefaultRoleSessionName,
					OIDCProviderARN: "acs:ram::4:oidc-provider/ack", OIDCTokenFile: secret,
				},
				Instances: []Instance{{ID: "r-f", Region: "cn-beijing"}},
			},
			{
				Name: "uri", Network: "public", Region: "cn-beijing", Endpoint: "[::1]:8080",
				Credentials: Credentials{Type: "credentials_uri", URL: "http://127.0.0.1:8080/?token=" + canary},
				Instances:   []Instance{{ID: "r-g", Region: "cn-beijing"}},
			},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v\nwant %#v", got, want)
	}
	if names := got.LabelNames(); !slices.Equal(names, []string{"note", "team", "tier"}) {
		t.Errorf("label names: %v", names)
	}
}

func TestLabelNamesIncludeThoseOfDiscovery(t *testing.T) {
	cfg := Config{Accounts: []Account{
		{Instances: []Instance{{Labels: map[string]string{"team": "a"}}, {Labels: map[string]string{"app": "b", "team": "c"}}}},
		{Discovery: []Discovery{{Labels: map[string]string{"env": "prod"}, TagLabels: map[string]string{"owner": "Owner", "team": "Team"}}}},
	}}
	if got, want := cfg.LabelNames(), []string{"app", "env", "owner", "team"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestDiscoveryIsReadInFull(t *testing.T) {
	w := newWalker("test.yml", ".", noEnv)
	root, problem := parseYAML([]byte(`
- regions: [cn-hangzhou, cn-shanghai]
  tags: {env: prod, any: }
  resource_group: ""
  labels: {env: prod}
  tag_labels: {team: Team}
- regions: ["*"]
`))
	if problem != nil {
		t.Fatal(problem)
	}
	var a Account
	w.discoveries(w.value(root, "discovery"), &a)
	if errs := w.problems(); len(errs) > 0 {
		t.Fatal(errs)
	}
	want := []Discovery{
		{
			Regions:   []string{"cn-hangzhou", "cn-shanghai"},
			Tags:      map[string]string{"env": "prod", "any": ""},
			Labels:    map[string]string{"env": "prod"},
			TagLabels: map[string]string{"team": "Team"},
		},
		{Regions: []string{"*"}},
	}
	if !reflect.DeepEqual(a.Discovery, want) {
		t.Errorf("got %+v, want %+v", a.Discovery, want)
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
		filepath.Join(dir, "missing.yml"): ": cannot be read: no such file",
		dir:                               ": cannot be read: is a directory",
	} {
		if _, err := Load(path); err == nil || err.Error() != path+want {
			t.Errorf("got %v, want %s%s", err, path, want)
		}
	}
}

func TestExcessiveAliasesAreRefused(t *testing.T) {
	root, problem := parseYAML([]byte("accounts:\n" +
		"- &account\n  region: cn-hangzhou\n  instances:\n  - &i {id: r-a}\n" + strings.Repeat("  - *i\n", 300) +
		strings.Repeat("- *account\n", 300)))
	if problem != nil {
		t.Fatal(problem)
	}
	w := newWalker("test.yml", ".", noEnv)
	w.visitsLeft = 10_000
	w.config(w.value(root, ""))
	if w.visitsLeft < -10 {
		t.Errorf("%d values too many were read", -w.visitsLeft)
	}
	if got, want := w.problems().Error(), "test.yml:1: is too large once its YAML aliases are expanded, use fewer aliases"; got != want {
		t.Errorf("got %.200v, want %s", got, want)
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(abs); err != nil {
		t.Fatal(err)
	}
	return abs
}
