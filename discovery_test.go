package main

import (
	"strings"
	"testing"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/collector/tair/tairtest"
	"tair_ssl_exporter/config"
)

// discovering is a configuration that finds its instances.
func discovering(server *tairtest.Server, regions string) string {
	return `
discovery_interval: 10s
accounts:
  - credentials: {type: access_key, access_key_id: ` + testKeyID + `, access_key_secret: ` + testSecret + `}
    endpoint: ` + server.URL + `
    discovery:
      - regions: [` + regions + `]
        tags: {env: prod}
        labels: {team: nobody}
        tag_labels: {team: Team}
`
}

func TestInstancesAreFoundByTheirTags(t *testing.T) {
	for _, regions := range []string{"cn-hangzhou", `"*"`} {
		t.Run(regions, func(t *testing.T) {
			api, server := cloud(t)
			api.SetInstance(tairtest.Instance{ID: "r-bp1found", Region: "cn-hangzhou", Name: "orders", SSLEnabled: "Disable",
				Tags: map[string]string{"env": "prod", "Team": "payments"}})
			r := start(t, "--config.file="+file(t, "c.yml", discovering(server, regions)))
			_, body := r.get(t, "/metrics")
			mustContain(t, body, `tair_ssl_enabled{instance_id="r-bp1found"} 0`,
				`tair_ssl_instance_info{account="default",instance_id="r-bp1found",name="orders",region="cn-hangzhou",team="payments"} 1`)
			if strings.Contains(body, testID) {
				t.Error("an instance without the tag is watched")
			}
			status, body := r.get(t, "/sd")
			if status != 200 {
				t.Errorf("/sd: HTTP %d", status)
			}
			mustContain(t, body, `"__meta_tair_endpoint":"r-bp1found.redis.rds.aliyuncs.com:6379"`)
			if status, body := r.get(t, "/-/ready"); status != 200 {
				t.Errorf("HTTP %d: %s", status, body)
			}
		})
	}
}

func TestNotReadyBeforeTheFirstTryOfDiscovery(t *testing.T) {
	api, server := cloud(t)
	api.SetFault("DescribeInstances", tairtest.Fault{Hang: true})
	r := start(t, "--config.file="+file(t, "c.yml", discovering(server, "cn-hangzhou")))
	for _, path := range []string{"/-/ready", "/sd"} {
		status, body := r.get(t, path)
		if status != 503 {
			t.Errorf("%s: HTTP %d", path, status)
		}
		mustContain(t, body, "not every discovery entry has been tried yet")
	}
	if status, _ := r.get(t, "/-/healthy"); status != 200 {
		t.Errorf("healthy: HTTP %d", status)
	}
}

func TestCheckAsksNothing(t *testing.T) {
	api, server := cloud(t)
	var stdout, stderr strings.Builder
	code := run(t.Context(), []string{"--config.check", "--config.file=" + file(t, "c.yml", discovering(server, `"*"`))}, &stdout, &stderr)
	if want := "OK: the configuration is valid (accounts: 1, instances: 0, discovery entries: 1)\n"; code != 0 || stdout.String() != want {
		t.Errorf("exit %d: %s%s", code, stdout.String(), stderr.String())
	}
	if n := len(api.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestWhereTheAPIOfARegionIs(t *testing.T) {
	for _, tt := range []struct{ endpoint, network, given, want string }{
		{"", config.NetworkPublic, "", "https://r-kvstore.eu-central-1.aliyuncs.com"},
		{"", config.NetworkPublic, "r-kvstore.given.aliyuncs.com", "https://r-kvstore.given.aliyuncs.com"},
		{"", config.NetworkVPC, "r-kvstore.given.aliyuncs.com", "https://r-kvstore-vpc.eu-central-1.aliyuncs.com"},
		{"mine.example:8443", config.NetworkPublic, "r-kvstore.given.aliyuncs.com", "https://mine.example:8443"},
		{"mine.example:8443", config.NetworkVPC, "r-kvstore.given.aliyuncs.com", "https://mine.example:8443"},
	} {
		a := &app{options: &options{shard: collector.Shard{Total: 1}}, exporter: collector.New(collector.Options{})}
		of, err := a.account(config.Default().API, config.Account{Name: "main", Endpoint: tt.endpoint, Network: tt.network,
			Credentials: creds.Config{Type: creds.TypeAccessKey, AccessKeyID: testKeyID, AccessKeySecret: testSecret}})
		if err != nil {
			t.Fatal(err)
		}
		region := tair.Region{ID: "eu-central-1", Endpoint: tt.given}
		target, err := a.reach(of, region)
		if err != nil {
			t.Fatal(err)
		}
		if url := target.Client.(*tair.Client).URL(); url != tt.want {
			t.Errorf("%+v: %s", tt, url)
		}
		if again, err := a.reach(of, region); err != nil || again.Client != target.Client {
			t.Errorf("%+v: another client the second time (%v)", tt, err)
		}
	}
}
