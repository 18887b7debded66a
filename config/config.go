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

// Config is the whole configuration, with defaults. A Config that Load or FromInstances returns is valid.
type Config struct {
	// RefreshInterval is the age below which an answer is served from memory; 0 asks the API on every scrape.
	RefreshInterval model.Duration `yaml:"refresh_interval"`
	// KeepLast is how long a known answer is served while calls fail; 0 drops it with the first failure.
	KeepLast model.Duration `yaml:"keep_last"`
	// ExpiryWarning and ExpiryCritical are how long before its expiry a certificate counts as expiring soon, and very soon.
	ExpiryWarning     model.Duration `yaml:"expiry_warning"`
	ExpiryCritical    model.Duration `yaml:"expiry_critical"`
	DiscoveryInterval model.Duration `yaml:"discovery_interval"`
	API               API            `yaml:"api"`
	// Accounts has at least one account, in the order of the file, with unique names.
	Accounts []Account `yaml:"accounts"`
}

// API has the limits towards the cloud API, for each account and region.
type API struct {
	Timeout     model.Duration `yaml:"timeout"`     // of one HTTP attempt
	Attempts    int            `yaml:"attempts"`    // tries of a call, the first included
	Concurrency int            `yaml:"concurrency"` // requests in flight
	QPS         float64        `yaml:"qps"`         // requests a second at most
}

// Account is one cloud account and what to watch in it.
type Account struct {
	Name        string       `yaml:"name"`
	Credentials creds.Config `yaml:"credentials"`
	// Endpoint overrides the endpoint of every region: host, host:port or http(s)://host:port. Empty: none.
	Endpoint string `yaml:"endpoint,omitempty"`
	Network  string `yaml:"network"`
	// Region is the default region of Instances; it is already applied to them. The regions that discovery in "*"
	// looks in are asked from its API.
	Region    string      `yaml:"region,omitempty"`
	Instances []Instance  `yaml:"instances,omitempty"`
	Discovery []Discovery `yaml:"discovery,omitempty"`
	// Renewals is whether the certificate updates that the cloud has scheduled are listed too.
	Renewals bool `yaml:"renewals,omitempty"`
	// ExpiryWarning and ExpiryCritical are the windows of the account; 0 takes those around it.
	ExpiryWarning  model.Duration `yaml:"expiry_warning,omitempty"`
	ExpiryCritical model.Duration `yaml:"expiry_critical,omitempty"`
}

// Instance is one listed instance. ID and Region are never empty, and an ID is unique in a Config.
type Instance struct {
	ID     string            `yaml:"id"`
	Region string            `yaml:"region"`
	Name   string            `yaml:"name,omitempty"`
	Labels map[string]string `yaml:"labels,omitempty"`
	// ExpiryWarning and ExpiryCritical are the windows of the instance; 0 takes those around it.
	ExpiryWarning  model.Duration `yaml:"expiry_warning,omitempty"`
	ExpiryCritical model.Duration `yaml:"expiry_critical,omitempty"`
}

// Discovery selects instances by what the API lists.
type Discovery struct {
	// Regions names the regions to list, or is just "*" for every region there is.
	Regions []string `yaml:"regions"`
	// Tags must all match; an empty value matches any.
	Tags          map[string]string `yaml:"tags,omitempty"`
	ResourceGroup string            `yaml:"resource_group,omitempty"`
	// Labels are fixed labels of the instances found.
	Labels map[string]string `yaml:"labels,omitempty"`
	// TagLabels maps a label name to the tag whose value it takes; it wins over Labels where the tag exists.
	TagLabels map[string]string `yaml:"tag_labels,omitempty"`
	// ExpiryWarning and ExpiryCritical are the windows of the instances found; 0 takes those around it.
	ExpiryWarning  model.Duration `yaml:"expiry_warning,omitempty"`
	ExpiryCritical model.Duration `yaml:"expiry_critical,omitempty"`
	// WarningTag and CriticalTag are keys of tags whose values, such as 14d, win over the windows.
	WarningTag  string `yaml:"warning_tag,omitempty"`
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
