package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMistakesThatLookRightAreExplained(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"tab":                   {"accounts:\n\t- region: cn-hangzhou\n", "c.yml:2: " + tab.message},
		"tab after spaces":      {"accounts:\n  - region: cn-hangzhou\n  \tinstances: [r-1]\n", "c.yml:3: " + tab.message},
		"colon of the first":    {"accounts：\n  - region: cn-hangzhou\n", "c.yml:1: " + wideColon.message},
		"colon in the middle":   {"accounts:\n  - region：cn-hangzhou\n    instances: [r-1]\n", "c.yml:2: " + wideColon.message},
		"colon at the end":      {"accounts:\n  - region: cn-hangzhou\n    instances：[r-1]\n", "c.yml:3: " + wideColon.message},
		"colon alone":           {"accounts:\n  - instances：\n", "c.yml:2: accounts[0]: " + wideColon.message},
		"colon in a name":       {"accounts:\n  - region: cn-hangzhou\n    instances: [{id: r-1, name: 缓存：订单}]\n", ""},
		"variable":              {"accounts:\n  - region: cn-hangzhou\n    instances: [r-1]\n    endpoint: ${HOST} # x\n", "c.yml:4: accounts[0].endpoint: " + variable.message},
		"variable as a secret":  {"accounts:\n  - region: cn-hangzhou\n    instances: [r-1]\n    credentials:\n      type: access_key\n      access_key_id: a\n      access_key_secret: \"${SECRET}\"\n", "c.yml:7: the value " + variable.message},
		"variable in a list":    {"accounts:\n  - region: cn-hangzhou\n    instances:\n      - ${ID}\n", "c.yml:4: accounts[0].instances[0].id: " + variable.message},
		"variable in a comment": {"accounts:\n  - region: cn-hangzhou # not: ${REGION}\n    instances: [r-1]\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("c.yml", []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(filepath.Clean("c.yml"))
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
