package apptest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
)

// The instance and the key that the fake API of StartAPI knows.
const (
	InstanceID = "r-bp1zxszhcgatnx"
	KeyID      = "CANARYKEYID"
	KeySecret  = "CANARYSECRET"
)

// StartAPI starts a fake API that knows one instance and one key, until the test ends.
func StartAPI(t *testing.T) (*tairtest.API, *tairtest.Server) {
	t.Helper()
	api := tairtest.New(tairtest.Options{Keys: []tairtest.Key{{
		Account: "main", AccessKeyID: KeyID, AccessKeySecret: KeySecret,
	}}})
	api.SetInstance(tairtest.Instance{
		ID: InstanceID, Region: "cn-hangzhou", SSLEnabled: "Enable", ExpiresAt: time.Now().Add(40 * 24 * time.Hour),
	})
	server, err := tairtest.Start(api)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return api, server
}

// Config returns a configuration that watches the instances at the fake API.
func Config(server *tairtest.Server, ids ...string) string {
	return fmt.Sprintf(`
accounts:
  - credentials: {type: access_key, access_key_id: %s, access_key_secret: %s}
    endpoint: %s
    region: cn-hangzhou
    instances: [%s]
`, KeyID, KeySecret, server.URL, strings.Join(ids, ", "))
}

// DiscoveryConfig returns a configuration that discovers the instances with the tag env=prod in the regions, which are
// written as YAML.
func DiscoveryConfig(server *tairtest.Server, regions string) string {
	return fmt.Sprintf(`
discovery_interval: 10s
accounts:
  - credentials: {type: access_key, access_key_id: %s, access_key_secret: %s}
    endpoint: %s
    discovery:
      - regions: [%s]
        tags: {env: prod}
        labels: {team: unknown}
        tag_labels: {team: Team}
`, KeyID, KeySecret, server.URL, regions)
}
