package tair

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Networks name the way to the API: over the internet, or from inside a VPC of the region.
const (
	NetworkPublic = "public"
	NetworkVPC    = "vpc"
)

// centralHost serves the regions that have no host of their own.
const centralHost = "r-kvstore.aliyuncs.com"

// centralRegions are served by centralHost. Source: the endpoint table inside the official Go SDK of R-kvstore.
func centralRegions() []string {
	return []string{
		"cn-qingdao", "cn-beijing", "cn-wulanchabu", "cn-hangzhou", "cn-shanghai", "cn-heyuan", "cn-wuhan",
		"cn-zhangbei", "cn-fujian", "cn-hangzhou-finance", "cn-beijing-gov-1",
	}
}

// Endpoint gives the URL of a region's API, as http(s)://host or http(s)://host:port. The override, when there is one,
// wins over the table: it is a host, host:port or http(s)://host:port.
func Endpoint(region, network, override string) (string, error) {
	scheme, host, err := endpoint(region, network, override)
	if err != nil {
		return "", fmt.Errorf("region %s: %w", region, err)
	}
	return scheme + "://" + host, nil
}

// endpoint gives the scheme and host that Endpoint does.
func endpoint(region, network, override string) (scheme, host string, err error) {
	switch {
	case override != "":
		return splitEndpoint(override)
	case network == NetworkVPC:
		return "https", "r-kvstore-vpc." + region + ".aliyuncs.com", nil
	case slices.Contains(centralRegions(), region):
		return "https", centralHost, nil
	default:
		return "https", "r-kvstore." + region + ".aliyuncs.com", nil
	}
}

func splitEndpoint(s string) (scheme, host string, err error) {
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || strings.HasSuffix(u.Host, ":") || (u.Scheme != "https" && u.Scheme != "http") ||
		!strings.EqualFold(strings.TrimRight(s, "/"), u.Scheme+"://"+u.Host) { // there is a user, path, query or fragment
		return "", "", fmt.Errorf("endpoint is not a host, host:port or http(s)://host:port")
	}
	return u.Scheme, u.Host, nil
}
