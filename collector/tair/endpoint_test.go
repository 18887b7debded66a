package tair

import (
	"testing"
	"time"
)

func TestEndpointOfARegion(t *testing.T) {
	central := map[string]bool{}
	for _, region := range []string{
		"cn-qingdao", "cn-beijing", "cn-wulanchabu", "cn-hangzhou", "cn-shanghai", "cn-heyuan", "cn-wuhan", "cn-zhangbei",
		"cn-fujian", "cn-hangzhou-finance", "cn-beijing-gov-1",
	} {
		central[region] = true
	}
	others := []string{"cn-shenzhen", "cn-hongkong", "cn-zhangjiakou", "cn-shanghai-finance-1", "ap-southeast-1", "us-east-1", "eu-central-1"}
	for _, region := range append(others, centralRegions()...) {
		want := "r-kvstore." + region + ".aliyuncs.com"
		if central[region] {
			want = "r-kvstore.aliyuncs.com"
		}
		for network, want := range map[string]string{
			"": want, NetworkPublic: want, NetworkVPC: "r-kvstore-vpc." + region + ".aliyuncs.com",
		} {
			if got, err := Endpoint(region, network, ""); got != "https://"+want || err != nil {
				t.Errorf("%s, network %q: %s, error %v; want https://%s", region, network, got, err, want)
			}
		}
	}
	if got := len(centralRegions()); got != len(central) {
		t.Errorf("%d central regions, want %d", got, len(central))
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
}

func TestEndpointOverrideIsRefused(t *testing.T) {
	for _, override := range []string{
		"ftp://api.example.com", "://api.example.com", "https://", "https:///path", "/", ":8443", "https://:8443",
		"api.example.com:", "api.example.com:port", "api.example.com/path", "https://api.example.com/path",
		"https://api.example.com?a=b", "https://api.example.com?", "https://api.example.com#top", "api.example.com#",
		"https://user:canarySecret@api.example.com", "user@api.example.com", "api example.com", " api.example.com", "a\nb", "::1",
	} {
		cfg := ClientConfig{
			Region: testRegion, Endpoint: override, Credentials: &fakeKeys{},
			Timeout: time.Second, Attempts: 1, Concurrency: 1, QPS: 1,
		}
		const want = "region cn-hangzhou: endpoint is not a host, host:port or http(s)://host:port"
		if _, err := NewClient(cfg); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", override, err, want)
		}
	}
}
