package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/collector/tair/creds"
)

func TestMarshalledConfigIsReadAgain(t *testing.T) {
	cfg, err := Load("testdata/good/full.yml")
	if err != nil {
		t.Fatal(err)
	}
	// Without the account whose URL is a secret, and without roles: "<secret>" is no URL and no ARN.
	cfg.Accounts = slices.DeleteFunc(cfg.Accounts[:len(cfg.Accounts)-1], func(a Account) bool { return a.Credentials.RoleARN != "" })
	out, err := cfg.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), canary) {
		t.Errorf("a secret is shown:\n%s", out)
	}
	again, err := parseText(string(out))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	hideSecrets(cfg)
	if !reflect.DeepEqual(again, cfg) {
		t.Errorf("got  %#v\nwant %#v", again, cfg)
	}
}

// hideSecrets replaces the secrets of cfg as Marshal does.
func hideSecrets(cfg *Config) {
	for i := range cfg.Accounts {
		for c := &cfg.Accounts[i].Credentials; c != nil; c = c.Source {
			for _, s := range []*creds.Secret{&c.AccessKeyID, &c.AccessKeySecret, &c.SecurityToken, &c.ExternalID, &c.URL} {
				*s = creds.Secret(s.String())
			}
		}
	}
}

func TestMarshalLeavesOutWhatIsNotSet(t *testing.T) {
	cfg, err := parseText("accounts: [{instances: [{id: r-a, region: cn-hangzhou}]}]")
	if err != nil {
		t.Fatal(err)
	}
	out, err := cfg.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	const want = `refresh_interval: 0s
keep_last: 30d
expiry_warning: 30d
expiry_critical: 1w
discovery_interval: 5m
api:
  timeout: 5s
  attempts: 3
  concurrency: 20
  qps: 20
accounts:
  - name: default
    credentials:
      type: default
    network: public
    instances:
      - id: r-a
        region: cn-hangzhou
`
	if string(out) != want {
		t.Errorf("got:\n%s", out)
	}
}
