// Package config turns the exporter's YAML file into a validated Config.
//
// Parsing is strict: an unknown key, a wrong type or a value out of its range
// is refused at every depth, and all problems of a file are reported at once,
// each with its line, the full path of its key and what is allowed there.
// A Config that Load, Parse or FromInstances returned needs no further checks.
package config

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"
)

// DefaultAccountName is the name of an account that gives none.
const DefaultAccountName = "default"

// The networks an endpoint can be reached over.
const (
	NetworkPublic = "public"
	NetworkVPC    = "vpc"
)

// Config is the whole configuration, defaults applied.
type Config struct {
	// RefreshInterval is the age below which an answer is served from memory; 0 asks the API on every scrape.
	RefreshInterval model.Duration `yaml:"refresh_interval"`
	// KeepLast is how long a known answer is served while calls fail; 0 drops it with the first failure.
	KeepLast          model.Duration `yaml:"keep_last"`
	DiscoveryInterval model.Duration `yaml:"discovery_interval"`
	API               API            `yaml:"api"`
	// Accounts holds at least one account, in the order of the file, with unique names.
	Accounts []Account `yaml:"accounts"`
}

// API holds the limits towards the cloud API, for each account and region.
type API struct {
	Timeout     model.Duration `yaml:"timeout"`     // of one HTTP attempt
	Attempts    int            `yaml:"attempts"`    // tries of a call, the first included
	Concurrency int            `yaml:"concurrency"` // requests in flight
	QPS         float64        `yaml:"qps"`         // requests a second at most
}

// Account is one cloud account and what to watch in it.
type Account struct {
	Name        string      `yaml:"name"`
	Credentials Credentials `yaml:"credentials"`
	// Endpoint overrides the endpoint of every region: host, host:port or http(s)://host:port. Empty: none.
	Endpoint string `yaml:"endpoint,omitempty"`
	Network  string `yaml:"network"`
	// Region is the default region of Instances; it is already applied to them.
	// Its API is also the one asked for the regions that discovery in "*" looks in.
	Region    string      `yaml:"region,omitempty"`
	Instances []Instance  `yaml:"instances,omitempty"`
	Discovery []Discovery `yaml:"discovery,omitempty"`
}

// Instance is one listed instance. ID and Region are never empty, and an ID
// occurs once in a Config.
type Instance struct {
	ID     string            `yaml:"id"`
	Region string            `yaml:"region"`
	Name   string            `yaml:"name,omitempty"`
	Labels map[string]string `yaml:"labels,omitempty"`
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
}

// Default returns the configuration of a file that sets nothing. It has no
// accounts, so it is a start and not yet valid.
func Default() Config {
	return Config{
		RefreshInterval:   0,
		KeepLast:          model.Duration(30 * 24 * time.Hour),
		DiscoveryInterval: model.Duration(5 * time.Minute),
		API: API{
			Timeout:     model.Duration(5 * time.Second),
			Attempts:    3,
			Concurrency: 20,
			QPS:         20,
		},
	}
}

// LabelNames returns the names of all custom labels of the configuration,
// sorted: every series that carries custom labels has exactly these.
func (c *Config) LabelNames() []string {
	names := map[string]struct{}{}
	add := func(labels map[string]string) {
		for name := range labels {
			names[name] = struct{}{}
		}
	}
	for _, account := range c.Accounts {
		for _, instance := range account.Instances {
			add(instance.Labels)
		}
		for _, discovery := range account.Discovery {
			add(discovery.Labels)
			add(discovery.TagLabels)
		}
	}
	return slices.Sorted(maps.Keys(names))
}
