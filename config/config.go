// Package config reads the exporter's YAML file into a validated Config. An unknown key, a wrong type or a value out of
// its range is refused at every depth. All problems of a file are reported at once, each with its line, the full path
// of its key and what is allowed there.
package config

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"tair_ssl_exporter/collector/tair/creds"
)

// The name of an account without one, and the networks over which an endpoint can be reached.
const (
	DefaultAccountName = "default" // of a single account that has none in the file
	NetworkPublic      = "public"
	NetworkVPC         = "vpc"
)

// The comments of the fields of Config and of the types below are the texts of docs/configuration.md and of the JSON schema;
// the tags allowed, default and example are for these two only.

//go:generate go -C ../docs/schema run . -write

// Config is the whole configuration, with defaults. A Config that Load returns is valid.
type Config struct {
	// RefreshInterval is the age up to which an answer is served from memory. With 0s every scrape calls the API for every
	// instance. A long interval divides the calls, however many Prometheus servers scrape.
	RefreshInterval model.Duration `yaml:"refresh_interval" allowed:"0s to 3h" example:"1h"`
	// KeepLast is how long a known answer is still served while calls fail. With 0s it goes with the first failure.
	KeepLast model.Duration `yaml:"keep_last" example:"7d"`
	// ExpiryWarning is how long before its expiry a certificate counts as expiring soon. An account, an instance or a
	// discovery entry can have its own; the nearest wins.
	ExpiryWarning model.Duration `yaml:"expiry_warning" allowed:"1h to 10y" example:"45d"`
	// ExpiryCritical is how long before its expiry a certificate counts as expiring very soon; at most expiry_warning.
	ExpiryCritical model.Duration `yaml:"expiry_critical" allowed:"1h to 10y" example:"10d"`
	// DiscoveryInterval is the time between two listings by each discovery entry, and of the scheduled renewals.
	DiscoveryInterval model.Duration `yaml:"discovery_interval" allowed:"10s to 1d" example:"15m"`
	// API is a mapping of the limits towards the cloud API, for each account and region.
	API API `yaml:"api"`
	// Accounts are the accounts to watch, at least one. Their names are unique, and so are the IDs of all listed instances.
	Accounts []Account `yaml:"accounts"`
}

// API has the limits towards the cloud API, for each account and region.
type API struct {
	// Timeout is the time of one HTTP attempt.
	Timeout model.Duration `yaml:"timeout" allowed:"100ms to 1m" example:"10s"`
	// Attempts is how often a call is tried, the first attempt included.
	Attempts int `yaml:"attempts" allowed:"1 to 10" example:"1"`
	// Concurrency is the number of requests in flight at most. Discovery has one more of its own.
	Concurrency int `yaml:"concurrency" allowed:"1 to 1000" example:"50"`
	// QPS is the number of requests a second at most. Shards divide it. It goes down by itself while the API throttles.
	QPS float64 `yaml:"qps" allowed:"above 0 to 10000" example:"3"`
}

// Account is one cloud account and what to watch in it. It has instances, discovery or both.
type Account struct {
	// Name is the label account of the metrics. A single account may leave it out.
	Name string `yaml:"name" example:"production"`
	// Credentials are how to obtain the keys of the account; without them the default chain is asked.
	Credentials creds.Config `yaml:"credentials" default:"{type: default}"`
	// Endpoint is the endpoint of the API, for every region. Without it a table has the endpoint of each region.
	Endpoint string `yaml:"endpoint,omitempty" allowed:"host, host:port or http(s)://host:port" example:"r-kvstore.eu-central-1.aliyuncs.com"`
	// Network is the way to the API: over the internet, or inside a VPC.
	Network string `yaml:"network" example:"vpc"`
	// Region is the default region of the instances below. Its API also lists the regions for discovery in "*", and the
	// scheduled renewals; without it that is the API of cn-hangzhou.
	Region string `yaml:"region,omitempty" allowed:"a region ID" example:"cn-hangzhou"`
	// Instances are the instances to watch, each as its ID or as a mapping.
	Instances []Instance `yaml:"instances,omitempty"`
	// Discovery finds instances by what the API lists.
	Discovery []Discovery `yaml:"discovery,omitempty"`
	// Renewals is whether the certificate updates that the cloud has scheduled are listed too, every discovery_interval. It
	// needs the permission kvstore:DescribeActiveOperationTasks.
	Renewals bool `yaml:"renewals,omitempty" default:"false" example:"true"`
	// ExpiryWarning is the expiry_warning of the account.
	ExpiryWarning model.Duration `yaml:"expiry_warning,omitempty" allowed:"1h to 10y" example:"45d"`
	// ExpiryCritical is the expiry_critical of the account.
	ExpiryCritical model.Duration `yaml:"expiry_critical,omitempty" allowed:"1h to 10y" example:"10d"`
}

// Instance is one listed instance. ID and Region are never empty, and an ID is unique in a Config.
type Instance struct {
	// ID is the instance ID.
	ID string `yaml:"id" allowed:"1 to 128 letters, digits, - and _" example:"r-bp1zxszhcgatnx"`
	// Region is the region of the instance. The default is the region of the account.
	Region string `yaml:"region" allowed:"a region ID" example:"cn-shanghai"`
	// Name is the label name of the instance.
	Name string `yaml:"name,omitempty" example:"sessions"`
	// Labels are custom labels of tair_ssl_instance_info. They reach every alert of the instance.
	Labels map[string]string `yaml:"labels,omitempty" allowed:"names of letters, digits and _" example:"{team: payments}"`
	// ExpiryWarning is the expiry_warning of the instance.
	ExpiryWarning model.Duration `yaml:"expiry_warning,omitempty" allowed:"1h to 10y" example:"60d"`
	// ExpiryCritical is the expiry_critical of the instance.
	ExpiryCritical model.Duration `yaml:"expiry_critical,omitempty" allowed:"1h to 10y" example:"14d"`
}

// Discovery selects instances by what the API lists.
type Discovery struct {
	// Regions are the regions to look in. ["*"] stands for every region that the API names.
	Regions []string `yaml:"regions" allowed:"region IDs, or \"*\" alone" example:"[cn-hangzhou, cn-shanghai]"`
	// Tags are the tags that an instance must have, all of them. An empty value matches any value.
	Tags map[string]string `yaml:"tags,omitempty" allowed:"at most 20" example:"{env: prod}"`
	// ResourceGroup is the ID of the resource group to look in.
	ResourceGroup string `yaml:"resource_group,omitempty" example:"rg-acfm1234567890"`
	// Labels are custom labels of the instances found.
	Labels map[string]string `yaml:"labels,omitempty" allowed:"names of letters, digits and _" example:"{env: prod}"`
	// TagLabels maps a custom label to the tag whose value it takes. It wins over labels where the tag exists.
	TagLabels map[string]string `yaml:"tag_labels,omitempty" allowed:"names of letters, digits and _" example:"{team: Team}"`
	// ExpiryWarning is the expiry_warning of the instances found.
	ExpiryWarning model.Duration `yaml:"expiry_warning,omitempty" allowed:"1h to 10y" example:"45d"`
	// ExpiryCritical is the expiry_critical of the instances found.
	ExpiryCritical model.Duration `yaml:"expiry_critical,omitempty" allowed:"1h to 10y" example:"10d"`
	// WarningTag is the key of a tag whose value, such as 45d, is the expiry_warning of its instance.
	WarningTag string `yaml:"warning_tag,omitempty" example:"ssl-warning"`
	// CriticalTag is the key of a tag whose value, such as 10d, is the expiry_critical of its instance.
	CriticalTag string `yaml:"critical_tag,omitempty" example:"ssl-critical"`
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
	err := errors.Join(encoder.Encode(c), encoder.Close())
	return out.Bytes(), err
}
