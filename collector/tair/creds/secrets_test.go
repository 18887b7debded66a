package creds

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestSecretIsNeverShown(t *testing.T) {
	holder := struct {
		S Secret
		P *Secret
		M map[string]Secret
		C Config
	}{S: canary, M: map[string]Secret{"k": canary}, C: Config{URL: canary, Source: &Config{AccessKeyID: canary}}}
	holder.P = &holder.S
	assertNoCanary(t, holder)
	assertNoCanary(t, holder.S)
	out, err := yaml.Marshal(holder)
	if err != nil || strings.Contains(string(out), canary) || !strings.Contains(string(out), hiddenSecret) {
		t.Errorf("YAML: %s, %v", out, err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "secret", holder.S, "holder", holder)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "secret", holder.S, "holder", holder)
	if strings.Contains(log.String(), canary) {
		t.Errorf("slog: %s", log.String())
	}
	if got := holder.S.String(); got != "<secret>" {
		t.Errorf("got %s", got)
	}
}

func TestEmptySecretIsShownAsEmpty(t *testing.T) {
	var s Secret
	out, err := json.Marshal(s)
	if got := fmt.Sprintf("%s%v%#v%q", s, s, s, s); err != nil || string(out) != `""` || got != "" {
		t.Errorf("JSON %s, %v; printed %q", out, err, got)
	}
}

func TestSizeOfASecretFileIsLimited(t *testing.T) {
	for size, want := range map[int]string{maxSecretFile: "", maxSecretFile + 1: "the file is too large, allowed: at most 64 KiB"} {
		if got := CheckSecretFile(writeSecret(t, "", strings.Repeat("x", size))); got != want {
			t.Errorf("%d bytes: got %q, want %q", size, got, want)
		}
	}
}
