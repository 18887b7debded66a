package app_test

import (
	"strings"
	"testing"

	"tair_ssl_exporter/collector/tair/tairtest"
	"tair_ssl_exporter/internal/apptest"
)

func TestInstancesAreFoundByTheirTags(t *testing.T) {
	for _, regions := range []string{"cn-hangzhou", `"*"`} {
		t.Run(regions, func(t *testing.T) {
			api, server := apptest.StartAPI(t)
			api.SetInstance(tairtest.Instance{ID: "r-bp1found", Region: "cn-hangzhou", Name: "orders", SSLEnabled: "Disable",
				Tags: map[string]string{"env": "prod", "Team": "payments"}})
			r := apptest.Start(t, "--config.file="+apptest.File(t, "c.yml", apptest.DiscoveryConfig(server, regions)))
			_, body := r.Get(t, "/metrics")
			apptest.Contains(t, body, `tair_ssl_enabled{instance_id="r-bp1found"} 0`,
				`tair_ssl_instance_info{account="default",instance_id="r-bp1found",name="orders",region="cn-hangzhou",team="payments"} 1`)
			if strings.Contains(body, apptest.InstanceID) {
				t.Error("an instance without the tag is watched")
			}
			status, body := r.Get(t, "/sd")
			if status != 200 {
				t.Errorf("/sd: HTTP %d", status)
			}
			apptest.Contains(t, body, `"__meta_tair_endpoint":"r-bp1found.redis.rds.aliyuncs.com:6379"`)
			if status, body := r.Get(t, "/-/ready"); status != 200 {
				t.Errorf("HTTP %d: %s", status, body)
			}
		})
	}
}

func TestNotReadyBeforeTheFirstTryOfDiscovery(t *testing.T) {
	api, server := apptest.StartAPI(t)
	api.SetFault("DescribeInstances", tairtest.Fault{Hang: true})
	r := apptest.Start(t, "--config.file="+apptest.File(t, "c.yml", apptest.DiscoveryConfig(server, "cn-hangzhou")))
	for _, path := range []string{"/-/ready", "/sd"} {
		status, body := r.Get(t, path)
		if status != 503 {
			t.Errorf("%s: HTTP %d", path, status)
		}
		apptest.Contains(t, body, "not every discovery entry has been tried yet")
	}
	if status, _ := r.Get(t, "/-/healthy"); status != 200 {
		t.Errorf("healthy: HTTP %d", status)
	}
}

func TestCheckAsksNothing(t *testing.T) {
	api, server := apptest.StartAPI(t)
	path := apptest.File(t, "c.yml", apptest.DiscoveryConfig(server, `"*"`))
	_, stdout, _ := apptest.Run(t, "--config.check", "--config.file="+path)
	if want := "OK: " + path + ` is valid (accounts: 1, instances: 0, discovery entries: 1)
Watched: 0 instances and what discovery finds, in *
API calls: 0 calls a day at one scrape a minute; about 8,640 more to list; for each instance that discovery finds, 1,440 calls a day at one scrape a minute; with refresh_interval: 1h 24
`; stdout != want {
		t.Errorf("got\n%swant\n%s", stdout, want)
	}
	if n := len(api.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}
