package app

import (
	"testing"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/config"
)

func TestWhereTheAPIOfARegionIs(t *testing.T) {
	for _, tt := range []struct{ endpoint, network, given, want string }{
		{"", config.NetworkPublic, "", "https://r-kvstore.eu-central-1.aliyuncs.com"},
		{"", config.NetworkPublic, "r-kvstore.given.aliyuncs.com", "https://r-kvstore.given.aliyuncs.com"},
		{"", config.NetworkVPC, "r-kvstore.given.aliyuncs.com", "https://r-kvstore-vpc.eu-central-1.aliyuncs.com"},
		{"mine.example:8443", config.NetworkPublic, "r-kvstore.given.aliyuncs.com", "https://mine.example:8443"},
		{"mine.example:8443", config.NetworkVPC, "r-kvstore.given.aliyuncs.com", "https://mine.example:8443"},
	} {
		a := &app{options: &options{shard: collector.Shard{Total: 1}}, exporter: collector.New(collector.Options{})}
		of, err := a.newAccountClients(config.Default().API, config.Account{Name: "main", Endpoint: tt.endpoint, Network: tt.network,
			Credentials: creds.Config{Type: creds.TypeAccessKey, AccessKeyID: "id", AccessKeySecret: "secret"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, foreign := range []string{"attacker.test", "100.100.100.200", "127.0.0.1:1", "r-kvstore.aliyuncs.com.attacker.test"} {
			target, err := a.clientFor(of, tair.Region{ID: "eu-central-1", Endpoint: foreign})
			asked := tt.endpoint == "" && tt.network == config.NetworkPublic // else the endpoint of the answer does not matter
			if (err != nil) != asked || err == nil && target.Client.URL() != tt.want {
				t.Errorf("%+v: %s is called at %v (%v)", tt, foreign, target.Client, err)
			}
		}
		region := tair.Region{ID: "eu-central-1", Endpoint: tt.given}
		target, err := a.clientFor(of, region)
		if err != nil {
			t.Fatal(err)
		}
		if url := target.Client.URL(); url != tt.want {
			t.Errorf("%+v: %s", tt, url)
		}
		if again, err := a.clientFor(of, region); err != nil || again.Client != target.Client {
			t.Errorf("%+v: another client the second time (%v)", tt, err)
		}
	}
}
