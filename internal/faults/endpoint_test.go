//go:build linux

package faults

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/collector/tair/tairtest"
	"tair_ssl_exporter/internal/apptest"
)

// DescribeRegions names foreign hosts: none of them gets a request, and the regions beside them are read.
func TestForeignEndpointsGetNoRequest(t *testing.T) {
	s := newSite(t, 0, fault{https: true}, spreads()[0])
	proxy.route(cloudHost+":443", s.gateway.address)
	attacker, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer attacker.Close()
	go func() {
		if _, err := attacker.Accept(); err == nil {
			t.Error("the loopback port got a connection")
		}
	}()
	regions := []tairtest.Region{{ID: "cn-hangzhou", Endpoint: cloudHost}}
	for n, foreign := range []string{foreignHost, cloudHost + "." + foreignHost, "100.100.100.200", attacker.Addr().String()} {
		regions = append(regions, tairtest.Region{ID: fmt.Sprintf("cn-foreign-%d", n), Endpoint: foreign})
	}
	s.gateway.api.SetRegions(regions...)
	r := apptest.Start(t, "--config.file="+apptest.File(t, "c.yml", fmt.Sprintf(
		"accounts: [{name: main, credentials: {type: access_key, access_key_id: %s, access_key_secret: %s}, discovery: [{regions: ['*']}]}]",
		s.key().AccessKeyID, s.key().AccessKeySecret)))
	s.checkWhole(t, "beside foreign regions", scrape(t, r.URL))
	_, body := r.Get(t, "/metrics/self")
	for _, region := range regions[1:] {
		apptest.Contains(t, body, `tair_ssl_exporter_discovery_error_info{account="main",code="",reason="invalid_response",region="`+region.ID+`"} 1`)
	}
	r.Stop()
	if n := strings.Count(r.Log(), "no host below aliyuncs.com"); n != len(regions)-1 {
		t.Errorf("logged %d times:\n%s", n, r.Log())
	}
	proxy.mu.Lock()
	defer proxy.mu.Unlock()
	if slices.ContainsFunc(proxy.asked, func(host string) bool {
		return strings.Contains(host, foreignHost) || strings.HasPrefix(host, "100.")
	}) {
		t.Errorf("asked for %q", proxy.asked)
	}
}
