package config

import (
	"strings"
	"testing"
)

func TestRulesAllowAndRefuse(t *testing.T) {
	label63 := strings.Repeat("a", 63)
	for name, c := range map[string]struct {
		check           func(string) string
		allowed, refuse []string
	}{
		"region": {
			CheckRegion,
			[]string{"cn-hangzhou", "us-east-1", "cn-hangzhou-finance-1", "ap-southeast-1"},
			[]string{"", "*", "cn", "cn-", "CN-hangzhou", "cn_hangzhou", "cn-hang zhou", "cn-hangzhou\n", "china-east"},
		},
		"instance ID": {
			CheckInstanceID,
			[]string{"r-bp1zxszhcgatnx", "tair-a_b", strings.Repeat("a", 128)},
			[]string{"", "r/a", "r a", "r-é", "r-a\n", strings.Repeat("a", 129)},
		},
		"endpoint": {
			checkEndpoint,
			[]string{"", "host", "host:1", "r-kvstore.aliyuncs.com:65535", "http://10.0.0.1:80", "https://host", "[::1]", "https://[fe80::1]:443", label63 + ".com"},
			[]string{"host:", ":80", "host:0", "host:65536", "host:+1", "host:80:80", "http://", "https://host/", "HTTP://host", "http://http://host", "u@host", "host?q", "host#f", "a..b", ".host", "host.", "-host", "::1", "[::1", "[]", "[10.0.0.1]", "[::1%eth0]", "[[::1]]", strings.Repeat("a.", 127) + "a"},
		},
		"label name": {
			checkLabelName,
			[]string{"team", "_team", "Team_1", "jobs", "t__"},
			[]string{"", "__team", "__", "1team", "my-team", "équipe", "a:b", "instance_id", "account", "region", "name", "job", "instance", "alertname", "severity", "namespace"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, s := range c.allowed {
				if wrong := c.check(s); wrong != "" {
					t.Errorf("%q is refused: %s", s, wrong)
				}
			}
			for _, s := range c.refuse {
				if c.check(s) == "" {
					t.Errorf("%q is allowed", s)
				}
			}
		})
	}
}
