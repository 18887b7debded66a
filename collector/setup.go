package collector

import (
	"time"

	"tair_ssl_exporter/collector/tair"
)

// Setup is what to watch, and how.
type Setup struct {
	RefreshInterval   time.Duration // an answer younger than this is served from memory; 0: every scrape asks
	KeepLast          time.Duration // how long a known answer is served while calls fail
	DiscoveryInterval time.Duration // between two listings by a source
	ScrapeTime        time.Duration // the time a scrape has by default; for a warning when the fleet is too large for it
	Shard             Shard         // the part of the instances to watch; the zero value is all
	Targets           []Target      // for every region that Instances and Sources name
	Instances         []Instance    // that are listed by name; an ID may occur once
	Sources           []Source      // that find instances; of two that find the same one, the first counts
	LabelNames        []string      // of the custom labels: the union over all instances and sources

	// Reach gives the API of a region of the account that DescribeRegions named, always the same [Client] for the same
	// endpoint. It is needed when a source has [AllRegions], and never called by two at a time.
	Reach func(account string, r tair.Region) (Target, error)
}

// Target is the API of one account and region, with the limits that count there.
type Target struct {
	Account, Region string
	Client          Client
	Concurrency     int     // requests in flight
	QPS             float64 // requests a second, as configured
}

// AllRegions stands, as the only region of a [Source], for every region that DescribeRegions names.
const AllRegions = "*"

// Source finds the instances of an account that match a filter.
type Source struct {
	Account   string
	Regions   []string // region IDs, or AllRegions alone
	Home      string   // with AllRegions: the region whose API is asked for the regions
	Filter    tair.Filter
	Labels    map[string]string // custom labels of what is found
	TagLabels map[string]string // custom label <- key of the tag whose value it takes; wins over Labels where the tag exists
}

// all reports whether the source looks everywhere.
func (s Source) all() bool { return len(s.Regions) == 1 && s.Regions[0] == AllRegions }

// labels gives the values of the custom labels of an instance that the source found, in the order of names.
func (s Source) labels(found tair.ListedInstance, names []string) []string {
	values := make([]string, len(names))
	for i, name := range names {
		values[i] = s.Labels[name]
		if key, ok := s.TagLabels[name]; ok {
			if value, tagged := found.Tags[key]; tagged {
				values[i] = value
			}
		}
	}
	return values
}
