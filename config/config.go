// Package config reads the exporter's YAML file into a validated Config. An unknown key, a wrong type or a value out of
// its range is refused at every depth. All problems of a file are reported at once, each with its line, the full path
// of its key and what is allowed there.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"tair_ssl_exporter/collector/tair/creds"
)

// DefaultAccountName is the name of a single account that has none in the file.
const DefaultAccountName = "default"

// The networks over which an endpoint can be reached.
const (
	NetworkPublic = "public"
	NetworkVPC    = "vpc"
)

// The comments of the fields of Config and of the types below are the texts of docs/configuration.md and of the JSON schema.
// A comment may end with lines that begin with Allowed, Default or Example.

//go:generate go -C ../docs/schema run . -write

// Config is the whole configuration, with defaults. A Config that Load or FromInstances returns is valid.
type Config struct {
	// RefreshInterval is the age up to which an answer is served from memory. With 0s every scrape calls the API for every
	// instance. A long interval divides the calls, however many Prometheus servers scrape.
	// Allowed: 0s to 3h
	// Example: 1h
	RefreshInterval model.Duration `yaml:"refresh_interval"`
	// KeepLast is how long a known answer is still served while calls fail. With 0s it goes with the first failure.
	// Example: 7d
	KeepLast model.Duration `yaml:"keep_last"`
	// ExpiryWarning is how long before its expiry a certificate counts as expiring soon. An account, an instance or a
	// discovery entry can have its own; the nearest wins.
	// Allowed: 1h to 10y
	// Example: 45d
	ExpiryWarning model.Duration `yaml:"expiry_warning"`
	// ExpiryCritical is how long before its expiry a certificate counts as expiring very soon; at most expiry_warning.
	// Allowed: 1h to 10y
	// Example: 10d
	ExpiryCritical model.Duration `yaml:"expiry_critical"`
	// DiscoveryInterval is the time between two listings by each discovery entry, and of the scheduled renewals.
	// Allowed: 10s to 1d
	// Example: 15m
	DiscoveryInterval model.Duration `yaml:"discovery_interval"`
	// API is a mapping of the limits towards the cloud API, for each account and region.
	API API `yaml:"api"`
	// Accounts are the accounts to watch, at least one. Their names are unique, and so are the IDs of all listed instances.
	Accounts []Account `yaml:"accounts"`
}

// API has the limits towards the cloud API, for each account and region.
type API struct {
	// Timeout is the time of one HTTP attempt.
	// Allowed: 100ms to 1m
	// Example: 10s
	Timeout model.Duration `yaml:"timeout"`
	// Attempts is how often a call is tried, the first attempt included.
	// Allowed: 1 to 10
	// Example: 1
	Attempts int `yaml:"attempts"`
	// Concurrency is the number of requests in flight at most. Discovery has one more of its own.
	// Allowed: 1 to 1000
	// Example: 50
	Concurrency int `yaml:"concurrency"`
	// QPS is the number of requests a second at most. Shards divide it. It goes down by itself while the API throttles.
	// Allowed: above 0 to 1000
	// Example: 3
	QPS float64 `yaml:"qps"`
}

// Account is one cloud account and what to watch in it. It has instances, discovery or both.
type Account struct {
	// Name is the label account of the metrics. A single account may leave it out.
	// Example: production
	Name string `yaml:"name"`
	// Credentials are how to obtain the keys of the account; without them the default chain is asked.
	// Default: {type: default}
	Credentials creds.Config `yaml:"credentials"`
	// Endpoint is the endpoint of the API, for every region. Without it a table has the endpoint of each region.
	// Allowed: host, host:port or http(s)://host:port
	// Example: r-kvstore.eu-central-1.aliyuncs.com
	Endpoint string `yaml:"endpoint,omitempty"`
	// Network is the way to the API: over the internet, or inside a VPC.
	// Example: vpc
	Network string `yaml:"network"`
	// Region is the default region of the instances below. Its API also lists the regions for discovery in "*", and the
	// scheduled renewals; without it that is the API of cn-hangzhou.
	// Allowed: a region ID
	// Example: cn-hangzhou
	Region string `yaml:"region,omitempty"`
	// Instances are the instances to watch, each as its ID or as a mapping.
	Instances []Instance `yaml:"instances,omitempty"`
	// Discovery finds instances by what the API lists.
	Discovery []Discovery `yaml:"discovery,omitempty"`
	// Renewals is whether the certificate updates that the cloud has scheduled are listed too, every discovery_interval. It
	// needs the permission kvstore:DescribeActiveOperationTasks.
	// Default: false
	// Example: true
	Renewals bool `yaml:"renewals,omitempty"`
	// ExpiryWarning is the expiry_warning of the account.
	// Allowed: 1h to 10y
	// Example: 45d
	ExpiryWarning model.Duration `yaml:"expiry_warning,omitempty"`
	// ExpiryCritical is the expiry_critical of the account.
	// Allowed: 1h to 10y
	// Example: 10d
	ExpiryCritical model.Duration `yaml:"expiry_critical,omitempty"`
}

// Instance is one listed instance. ID and Region are never empty, and an ID is unique in a Config.
type Instance struct {
	// ID is the instance ID.
	// Allowed: 1 to 128 letters, digits, - and _
	// Example: r-bp1zxszhcgatnx
	ID string `yaml:"id"`
	// Region is the region of the instance. The default is the region of the account.
	// Allowed: a region ID
	// Example: cn-shanghai
	Region string `yaml:"region"`
	// Name is the label name of the instance.
	// Example: sessions
	Name string `yaml:"name,omitempty"`
	// Labels are custom labels of tair_ssl_instance_info. They reach every alert of the instance.
	// Allowed: names of letters, digits and _
	// Example: {team: payments}
	Labels map[string]string `yaml:"labels,omitempty"`
	// ExpiryWarning is the expiry_warning of the instance.
	// Allowed: 1h to 10y
	// Example: 60d
	ExpiryWarning model.Duration `yaml:"expiry_warning,omitempty"`
	// ExpiryCritical is the expiry_critical of the instance.
	// Allowed: 1h to 10y
	// Example: 14d
	ExpiryCritical model.Duration `yaml:"expiry_critical,omitempty"`
}

// Discovery selects instances by what the API lists.
type Discovery struct {
	// Regions are the regions to look in. ["*"] stands for every region that the API names.
	// Allowed: region IDs, or "*" alone
	// Example: [cn-hangzhou, cn-shanghai]
	Regions []string `yaml:"regions"`
	// Tags are the tags that an instance must have, all of them. An empty value matches any value.
	// Allowed: at most 20
	// Example: {env: prod}
	Tags map[string]string `yaml:"tags,omitempty"`
	// ResourceGroup is the ID of the resource group to look in.
	// Example: rg-acfm1234567890
	ResourceGroup string `yaml:"resource_group,omitempty"`
	// Labels are custom labels of the instances found.
	// Allowed: names of letters, digits and _
	// Example: {env: prod}
	Labels map[string]string `yaml:"labels,omitempty"`
	// TagLabels maps a custom label to the tag whose value it takes. It wins over labels where the tag exists.
	// Allowed: names of letters, digits and _
	// Example: {team: Team}
	TagLabels map[string]string `yaml:"tag_labels,omitempty"`
	// ExpiryWarning is the expiry_warning of the instances found.
	// Allowed: 1h to 10y
	// Example: 45d
	ExpiryWarning model.Duration `yaml:"expiry_warning,omitempty"`
	// ExpiryCritical is the expiry_critical of the instances found.
	// Allowed: 1h to 10y
	// Example: 10d
	ExpiryCritical model.Duration `yaml:"expiry_critical,omitempty"`
	// WarningTag is the key of a tag whose value, such as 45d, is the expiry_warning of its instance.
	// Example: ssl-warning
	WarningTag string `yaml:"warning_tag,omitempty"`
	// CriticalTag is the key of a tag whose value, such as 10d, is the expiry_critical of its instance.
	// Example: ssl-critical
	CriticalTag string `yaml:"critical_tag,omitempty"`
}

// Default returns the configuration of a file that sets nothing. It is not valid yet, because it has no accounts.
func Default() Config {
	return Config{
		KeepLast:          model.Duration(30 * 24 * time.Hour),
		ExpiryWarning:     model.Duration(30 * 24 * time.Hour),
		ExpiryCritical:    model.Duration(7 * 24 * time.Hour),
		DiscoveryInterval: model.Duration(5 * time.Minute),
		API:               API{Timeout: model.Duration(5 * time.Second), Attempts: 3, Concurrency: 20, QPS: 20},
	}
}

// LabelNames returns the names of all custom labels, sorted. Every series with custom labels has exactly these.
func (c *Config) LabelNames() []string {
	names := map[string]string{}
	for _, account := range c.Accounts {
		for _, instance := range account.Instances {
			maps.Copy(names, instance.Labels)
		}
		for _, discovery := range account.Discovery {
			maps.Copy(names, discovery.Labels)
			maps.Copy(names, discovery.TagLabels)
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Marshal returns the configuration as YAML to show: with defaults, "<secret>" for each secret, and without the optional
// keys that are not set.
func (c *Config) Marshal() ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(c), encoder.Close()); err != nil {
		return nil, fmt.Errorf("encode the configuration: %w", err)
	}
	return out.Bytes(), nil
}
