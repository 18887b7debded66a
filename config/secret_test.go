package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestSecretIsNeverShown(t *testing.T) {
	holder := struct {
		S Secret
		P *Secret
		M map[string]Secret
	}{S: canary, M: map[string]Secret{"k": canary}}
	holder.P = &holder.S
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s"} {
		for _, v := range []any{holder.S, holder.P, holder} {
			checkHidden(t, format, fmt.Sprintf(format, v))
		}
	}
	for name, marshal := range map[string]func(any) ([]byte, error){"yaml": yaml.Marshal, "json": json.Marshal} {
		out, err := marshal(holder)
		if err != nil {
			t.Fatal(err)
		}
		checkHidden(t, name, string(out))
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "secret", holder.S, "holder", holder)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "secret", holder.S, "holder", holder)
	checkHidden(t, "slog", log.String())
	checkHidden(t, "error", fmt.Errorf("wrapped %w %v", fmt.Errorf("%v", holder), holder).Error())

	if got := holder.S.String() + holder.S.GoString(); got != "<secret><secret>" {
		t.Errorf("got %s", got)
	}
	if got := holder.S.Value(); got != canary {
		t.Errorf("Value gives %q", got)
	}
}

func TestEmptySecretStaysEmpty(t *testing.T) {
	var s Secret
	out, err := json.Marshal(s)
	if err != nil || string(out) != `""` {
		t.Errorf("json: %s, %v", out, err)
	}
	if got := fmt.Sprintf("%s%v%#v%q", s, s, s, s); got != "" {
		t.Errorf("printed as %q", got)
	}
}

// checkHidden looks for the canary as it is and in hexadecimal.
func checkHidden(t *testing.T, how, out string) {
	t.Helper()
	for _, shown := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), canary[:3]} {
		if strings.Contains(out, shown) {
			t.Errorf("%s shows the secret: %s", how, out)
		}
	}
}

func TestMarshalledConfigIsReadAgain(t *testing.T) {
	cfg, err := Load("testdata/good/full.yml")
	if err != nil {
		t.Fatal(err)
	}
	// The URL is a secret as a whole, so what is shown of it is none.
	cfg.Accounts = cfg.Accounts[:len(cfg.Accounts)-1]
	out, err := cfg.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	checkHidden(t, "Marshal", string(out))
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
			for _, s := range []*Secret{&c.AccessKeyID, &c.AccessKeySecret, &c.SecurityToken, &c.ExternalID, &c.URL} {
				*s = Secret(s.String())
			}
		}
	}
}

func TestMarshalLeavesOutWhatIsNotSet(t *testing.T) {
	cfg, err := FromInstances([]string{"cn-hangzhou/r-a"})
	if err != nil {
		t.Fatal(err)
	}
	out, err := cfg.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	const want = `refresh_interval: 0s
keep_last: 30d
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
