package tair

import (
	"slices"
	"strings"
	"testing"
)

const wrongEndpoint = "region cn-hangzhou: endpoint is not a host, host:port or http(s)://host:port"

func TestEndpointOfARegion(t *testing.T) {
	central := strings.Fields("cn-qingdao cn-beijing cn-wulanchabu cn-hangzhou cn-shanghai cn-heyuan cn-wuhan cn-zhangbei cn-fujian " +
		"cn-hangzhou-finance cn-beijing-gov-1")
	others := strings.Fields("cn-shenzhen cn-hongkong cn-zhangjiakou cn-shanghai-finance-1 ap-southeast-1 us-east-1 eu-central-1")
	if !slices.Equal(centralRegions(), central) {
		t.Errorf("central regions %v, want %v", centralRegions(), central)
	}
	for _, region := range slices.Concat(central, others) {
		want := "https://r-kvstore." + region + ".aliyuncs.com"
		if slices.Contains(central, region) {
			want = "https://r-kvstore.aliyuncs.com"
		}
		for network, want := range map[string]string{
			"": want, NetworkPublic: want, NetworkVPC: "https://r-kvstore-vpc." + region + ".aliyuncs.com",
		} {
			if got, err := Endpoint(region, network, ""); got != want || err != nil {
				t.Errorf("%s, network %q: %s, error %v; want %s", region, network, got, err, want)
			}
		}
	}
}

func TestHostsOfTheCloud(t *testing.T) {
	for address, want := range map[string]bool{
		"r-kvstore.aliyuncs.com": true, "R-KVSTORE.eu-central-1.AliyunCS.com": true, "r-kvstore.aliyuncs.com:8443": true,
		"aliyuncs.com": false, "": false, "r-kvstore.aliyuncs.com.attacker.test": false, "r-kvstore-aliyuncs.com": false,
		"attacker.test": false, "100.100.100.200": false, "127.0.0.1:8080": false, "localhost": false, "[::1]": false,
		"attacker.test/.aliyuncs.com": false, "attacker.test?.aliyuncs.com": false, "attacker.test#.aliyuncs.com": false,
		"u@r-kvstore.aliyuncs.com": false, "attacker.test:80@r-kvstore.aliyuncs.com": false, "http://r-kvstore.aliyuncs.com": false,
		"r-kvstore.aliyuncs.com.": false, "attacker.test\\.aliyuncs.com": false,
	} {
		if got := IsCloudHost(address); got != want {
			t.Errorf("%q: %t", address, got)
		}
	}
}

func TestEndpointOverride(t *testing.T) {
	for override, want := range map[string]string{
		"api.example.com":              "https://api.example.com",
		"api.example.com:8443":         "https://api.example.com:8443",
		"api.example.com/":             "https://api.example.com",
		"https://api.example.com":      "https://api.example.com",
		"https://api.example.com:8443": "https://api.example.com:8443",
		"http://127.0.0.1:8080":        "http://127.0.0.1:8080",
		"http://127.0.0.1:8080/":       "http://127.0.0.1:8080",
		"HTTPS://API.example.com":      "https://API.example.com",
		"127.0.0.1:8080":               "https://127.0.0.1:8080",
		"[::1]:8080":                   "https://[::1]:8080",
		"localhost":                    "https://localhost",
	} {
		for _, network := range []string{NetworkPublic, NetworkVPC} {
			if got, err := Endpoint(testRegion, network, override); err != nil || got != want {
				t.Errorf("%s: %s, error %v; want %s", override, got, err, want)
			}
		}
	}
	for _, override := range []string{
		"ftp://api.example.com", "://api.example.com", "https://", "https:///path", "/", ":8443", "https://:8443",
		"api.example.com:", "api.example.com:port", "api.example.com/path", "https://api.example.com/path",
		"https://api.example.com?a=b", "https://api.example.com?", "https://api.example.com#top", "api.example.com#",
		"https://user:canarySecret@api.example.com", "user@api.example.com", "api example.com", " api.example.com", "a\nb", "::1",
	} {
		if got, err := Endpoint(testRegion, NetworkPublic, override); got != "" || err == nil || err.Error() != wrongEndpoint {
			t.Errorf("%q: %s, error %v, want %s", override, got, err, wrongEndpoint)
		}
	}
}
