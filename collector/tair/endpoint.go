package tair

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// The networks from which a client calls the API.
const (
	NetworkPublic = "public" // the internet
	NetworkVPC    = "vpc"    // a VPC of the region
)

// centralRegions returns the regions that have no host of their own. Source: the endpoint table of the official Go SDK of
// R-kvstore.
func centralRegions() []string {
	return []string{
		"cn-qingdao", "cn-beijing", "cn-wulanchabu", "cn-hangzhou", "cn-shanghai", "cn-heyuan", "cn-wuhan",
		"cn-zhangbei", "cn-fujian", "cn-hangzhou-finance", "cn-beijing-gov-1",
	}
}

// Endpoint returns the URL of a region's API, as http(s)://host or http(s)://host:port. An override, unless "", wins over
// the table. It is a host, host:port or http(s)://host:port; the error for any other does not show it.
func Endpoint(region, network, override string) (string, error) {
	switch {
	case override != "":
		address, ok := parseEndpoint(override)
		if !ok {
			return "", fmt.Errorf("region %s: endpoint is not a host, host:port or http(s)://host:port", region)
		}
		return address, nil
	case network == NetworkVPC:
		return "https://r-kvstore-vpc." + region + ".aliyuncs.com", nil
	case slices.Contains(centralRegions(), region):
		return "https://r-kvstore.aliyuncs.com", nil
	default:
		return "https://r-kvstore." + region + ".aliyuncs.com", nil
	}
}

// IsCloudHost reports whether host or host:port is a host of the cloud, below aliyuncs.com. No other host that an answer
// names gets a signed request.
func IsCloudHost(address string) bool {
	u, err := url.Parse("https://" + address)
	return err == nil && u.Host == address && strings.HasSuffix("."+strings.ToLower(u.Hostname()), ".aliyuncs.com") &&
		len(u.Hostname()) > len("aliyuncs.com")
}

func parseEndpoint(s string) (address string, ok bool) {
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || strings.HasSuffix(u.Host, ":") || (u.Scheme != "https" && u.Scheme != "http") {
		return "", false
	}
	address = u.Scheme + "://" + u.Host
	return address, strings.EqualFold(strings.TrimRight(s, "/"), address) // no user, path, query or fragment
}
