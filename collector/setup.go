package collector

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/common/model"

	"tair_ssl_exporter/collector/tair"
)

// Setup is what to watch, and how.
type Setup struct {
	RefreshInterval   time.Duration // an answer younger than this is served from memory; 0: every scrape calls the API
	CallInterval      time.Duration // at least, between two calls for an instance at the same client, retries aside
	KeepLast          time.Duration // how long a known answer is served while calls fail
	DiscoveryInterval time.Duration // between two listings by a source
	ScrapeTime        time.Duration // the time a scrape has by default; for a warning when the fleet is too large for it
	Shard             Shard         // the part of the instances to watch; the zero value is all
	Targets           []Target      // for every region that Instances and Sources name
	Instances         []Instance    // that are listed by name; an ID may occur once
	Sources           []Source      // that find instances; when two find the same one, the first counts
	Renewals          []RenewalList // the accounts whose scheduled certificate updates are listed too
	LabelNames        []string      // of the custom labels: the union over all instances and sources

	// ClientFor returns the API of a region that DescribeRegions named, always the same [tair.Client] for the same
	// endpoint. It is needed when a source has [AllRegions], and must be safe for concurrent use.
	ClientFor func(account string, r tair.Region) (Target, error)
}

// accountRegion is an account and one of its regions: what the cloud counts a quota for.
type accountRegion struct{ account, region string }

// Target is the API of one account and region.
type Target struct {
	Account, Region string
	Client          *tair.Client
	QPS             float64 // requests a second, as configured
}

func (t Target) at() accountRegion { return accountRegion{t.Account, t.Region} }

// Instance is an instance that the configuration lists, and what describes it.
type Instance struct {
	ID      string
	Account string
	Region  string
	Name    string            // may be ""
	Labels  map[string]string // custom labels
	Windows Windows
}

// Windows is how long before its expiry a certificate counts as expiring soon and very soon. Critical is at most Warning.
type Windows struct{ Warning, Critical time.Duration }

// RenewalList is an account whose scheduled certificate updates are listed.
type RenewalList struct {
	Account string
	Home    string // the region whose API lists them
}

func (i Instance) at() accountRegion { return accountRegion{i.Account, i.Region} }

// AllRegions stands, as the only region of a [Source], for every region that DescribeRegions names.
const AllRegions = "*"

// Source finds the instances of an account that match a filter.
type Source struct {
	Account   string
	Regions   []string // region IDs, or AllRegions alone
	Home      string   // with AllRegions: the region whose API lists the regions
	Filter    tair.Filter
	Labels    map[string]string // custom labels of what is found
	TagLabels map[string]string // custom label <- key of the tag whose value it takes; wins over Labels where the tag exists

	Windows                 Windows
	WarningTag, CriticalTag string // keys of the tags whose values win over Windows, such as "14d"; "": none
}

// everywhere reports whether the source looks in all regions.
func (s Source) everywhere() bool { return len(s.Regions) == 1 && s.Regions[0] == AllRegions }

// labelValue returns the value of a custom label of an instance that the source has found.
func (s Source) labelValue(name string, found tair.ListedInstance) string {
	if key, ok := s.TagLabels[name]; ok {
		if value, tagged := found.Tags[key]; tagged {
			return value
		}
	}
	return s.Labels[name]
}

// windows returns the windows of an instance that the source has found. wrong: the key of a tag whose value is no duration,
// which counts as if the tag were not there.
func (s Source) windows(found tair.ListedInstance) (w Windows, wrong string) {
	w = s.Windows
	for _, tag := range []struct {
		key    string
		window *time.Duration
	}{{s.WarningTag, &w.Warning}, {s.CriticalTag, &w.Critical}} {
		value, tagged := found.Tags[tag.key]
		if tag.key == "" || !tagged {
			continue
		}
		if d, err := model.ParseDuration(value); err == nil && d > 0 {
			*tag.window = time.Duration(d)
		} else {
			wrong = tag.key
		}
	}
	w.Critical = min(w.Critical, w.Warning)
	return w, wrong
}

// validate reports what does not fit together.
func (s *Setup) validate() error {
	targets := make(map[accountRegion]bool, len(s.Targets))
	for _, t := range s.Targets {
		if t.Client == nil {
			return fmt.Errorf("account %s, region %s: a client is missing", t.Account, t.Region)
		}
		targets[t.at()] = true
	}
	needs := func(at accountRegion) error {
		if !targets[at] {
			return fmt.Errorf("no client for account %s, region %s", at.account, at.region)
		}
		return nil
	}
	ids := make(map[string]bool, len(s.Instances))
	for _, i := range s.Instances {
		if err := needs(i.at()); err != nil {
			return fmt.Errorf("instance %s: %w", i.ID, err)
		}
		if ids[i.ID] {
			return fmt.Errorf("instance %s is listed twice", i.ID)
		}
		ids[i.ID] = true
	}
	if len(s.Sources)+len(s.Renewals) > 0 && s.DiscoveryInterval <= 0 {
		return errors.New("discovery: an interval is missing")
	}
	for _, list := range s.Renewals {
		if err := needs(accountRegion{list.Account, list.Home}); err != nil {
			return fmt.Errorf("renewals: %w", err)
		}
	}
	for _, source := range s.Sources {
		regions := source.Regions
		if source.everywhere() {
			regions = []string{source.Home}
		}
		for _, region := range regions {
			if err := needs(accountRegion{source.Account, region}); err != nil {
				return fmt.Errorf("discovery: %w", err)
			}
		}
	}
	return nil
}
