package config

import (
	"strings"
	"testing"

	"tair_ssl_exporter/collector/tair/creds"
)

// TestMistypedSecretIsNeverShown puts secrets where YAML reads them as
// something else, for each key that holds one.
func TestMistypedSecretIsNeverShown(t *testing.T) {
	forms := []string{
		"KEY: *CANARY", "KEY: !CANARY", "KEY: !CANARY x", "KEY: !!CANARY x", "KEY: !<CANARY> x", "KEY: !C!CANARY x",
		"KEY: &CANARY", "KEY: @CANARY", "KEY: `CANARY", "KEY: %CANARY", "KEY: |CANARY", "KEY: >CANARY",
		"KEY: \"CANARY", "KEY: 'CANARY", "KEY: \"\\CANARY\"", "KEY: [CANARY", "KEY: {CANARY", "KEY: [CANARY]", "KEY: {CANARY}",
		"KEY: {CANARY: CANARY, CANARY: CANARY}", "KEY: CANARY: CANARY", "KEY: - CANARY", "KEY: ? CANARY", "KEY: #CANARY",
		"KEY:CANARY", "KEY CANARY", "\"KEY:CANARY\": x", "CANARY: x", "CANARY: x\n      CANARY: y", "? CANARY\n      : x", "? [CANARY]\n      : x",
		"<<: CANARY", "<<: {CANARY: x}", "<<: [CANARY]", "<<: {KEY: [CANARY]}", "source: CANARY", "source: {CANARY: x}", "source: {type: CANARY}",
		"KEY: CANARY\n      KEY: CANARY", "KEY: CANARY\n      KEY_file: CANARY", "KEY_file: CANARY", "KEY_file: /CANARY", "KEY: CANARY\n     x: y", "KEY: CANARY\n\tx: y",
		"type: CANARY", "KEY: !!int CANARY", "KEY: !!str CANARY", "role_arn: CANARY", "role_session_name: [CANARY]", "role_session_name: CANARY CANARY", "role_session_expiration: CANARY",
		"sts_endpoint: https://CANARY", "disable_imds_v1: CANARY", "url: CANARY", "url: http://%CANARY", "url: http://CANARY:CANARY@",
	}
	types := []string{
		creds.TypeDefault, creds.TypeAccessKey, creds.TypeSTS, creds.TypeRAMRoleARN, creds.TypeECSRAMRole, creds.TypeOIDCRoleARN,
		creds.TypeCredentialsURI,
	}
	for _, kind := range types {
		for _, key := range []string{"access_key_id", "access_key_secret", "security_token", "external_id", "oidc_token", "url"} {
			for _, form := range forms {
				text := "accounts:\n  - region: cn-hangzhou\n    instances: [r-a]\n    credentials:\n" +
					"      type: " + kind + "\n      " + strings.ReplaceAll(form, "KEY", key) + "\n"
				_, err := parseText(text)
				if err != nil && strings.Contains(err.Error(), canary) {
					t.Errorf("shown: %v\n%s", err, text)
				}
			}
		}
	}
}
