package app

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/version"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/config"
)

// homeRegion is the region whose API lists the regions for an account without a region.
const homeRegion = "cn-hangzhou"

// accounts holds the clients of every account, by the account's name.
type accounts map[string]*accountClients

// accountClients are the credentials and clients of one account of the configuration.
type accountClients struct {
	config   config.Account
	api      config.API
	provider creds.Provider

	mu        sync.Mutex
	clients   map[clientKey]*tair.Client
	inherited map[clientKey]*tair.Client // of the previous configuration; nil once this one is applied
}

// clientKey holds all that distinguishes the clients of an account.
type clientKey struct {
	api         config.API
	region, url string
}

// replace closes the clients of before that as does not use. Their requests in flight end normally.
func (as accounts) replace(before accounts) {
	for _, a := range as { // first, so that no closed client is inherited
		a.mu.Lock()
		a.inherited = nil
		a.mu.Unlock()
	}
	before.closeExcept(as)
}

// closeExcept closes the clients that others does not use.
func (as accounts) closeExcept(others accounts) {
	for name, a := range as {
		other := others[name]
		for key, client := range a.all() {
			if other == nil || other.all()[key] != client {
				client.Close()
			}
		}
	}
}

func (a *accountClients) all() map[clientKey]*tair.Client {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.clients)
}

// build creates the accounts of a configuration, with a client for each region that it names, and the setup of the
// collector. Clients and credentials that did not change are reused: a client knows the API's rate limit, and new
// credentials can cost a call. With an error it returns the accounts created so far, for the caller to close.
func (a *app) build(cfg *config.Config) (collector.Setup, accounts, error) {
	all := make(accounts, len(cfg.Accounts))
	setup := collector.Setup{
		RefreshInterval:   time.Duration(cfg.RefreshInterval),
		CallInterval:      time.Second, // without a refresh_interval a client could spend the quota alone
		KeepLast:          time.Duration(cfg.KeepLast),
		DiscoveryInterval: time.Duration(cfg.DiscoveryInterval),
		ScrapeTime:        a.scrapeTimeout.Within(a.scrapeTimeout.Default),
		Shard:             a.shard,
		LabelNames:        cfg.LabelNames(),
		ClientFor: func(name string, r tair.Region) (collector.Target, error) {
			return a.clientFor(all[name], r)
		},
	}
	for _, c := range cfg.Accounts {
		next, err := a.newAccountClients(cfg.API, c)
		if err != nil {
			return setup, all, fmt.Errorf("account %s: %w", c.Name, err)
		}
		all[c.Name] = next
		if err := a.watch(&setup, next, cfg); err != nil {
			return setup, all, fmt.Errorf("account %s: %w", c.Name, err)
		}
	}
	return setup, all, nil
}

// watch adds the instances and discovery entries of an account to the setup.
func (a *app) watch(setup *collector.Setup, of *accountClients, cfg *config.Config) error {
	reached := make(map[string]bool)
	addTarget := func(region string) error {
		if reached[region] {
			return nil
		}
		reached[region] = true
		t, err := a.clientFor(of, tair.Region{ID: region})
		setup.Targets = append(setup.Targets, t)
		return err
	}
	c := of.config
	home := cmp.Or(c.Region, homeRegion)
	windows := func(warning, critical model.Duration) collector.Windows {
		return collector.Windows{
			Warning:  time.Duration(cmp.Or(warning, c.ExpiryWarning, cfg.ExpiryWarning)),
			Critical: time.Duration(cmp.Or(critical, c.ExpiryCritical, cfg.ExpiryCritical)),
		}
	}
	for _, i := range c.Instances {
		if err := addTarget(i.Region); err != nil {
			return err
		}
		setup.Instances = append(setup.Instances, collector.Instance{
			ID: i.ID, Account: c.Name, Region: i.Region, Name: i.Name, Labels: i.Labels,
			Windows: windows(i.ExpiryWarning, i.ExpiryCritical),
		})
	}
	for _, d := range c.Discovery {
		source := collector.Source{
			Account: c.Name, Regions: d.Regions, Home: home,
			Filter: tair.Filter{Tags: d.Tags, ResourceGroup: d.ResourceGroup},
			Labels: d.Labels, TagLabels: d.TagLabels,
			Windows: windows(d.ExpiryWarning, d.ExpiryCritical), WarningTag: d.WarningTag, CriticalTag: d.CriticalTag,
		}
		for _, region := range d.Regions {
			if region == collector.AllRegions {
				region = source.Home
			}
			if err := addTarget(region); err != nil {
				return err
			}
		}
		setup.Sources = append(setup.Sources, source)
	}
	if c.Renewals {
		setup.Renewals = append(setup.Renewals, collector.RenewalList{Account: c.Name, Home: home})
		return addTarget(home)
	}
	return nil
}

// newAccountClients returns the clients of an account. With unchanged credentials it inherits the current ones.
func (a *app) newAccountClients(api config.API, c config.Account) (*accountClients, error) {
	next := &accountClients{config: c, api: api, clients: make(map[clientKey]*tair.Client)}
	if old := a.accounts[c.Name]; old != nil && reflect.DeepEqual(old.config.Credentials, c.Credentials) {
		next.provider, next.inherited = old.provider, old.all()
		return next, nil
	}
	var err error
	next.provider, err = a.credentials(c)
	return next, err
}

// clientFor returns the client of a region, always the same one for the same endpoint. The endpoint of the configuration
// wins over the one that DescribeRegions returned, and so does the VPC endpoint: DescribeRegions returns public ones.
func (a *app) clientFor(of *accountClients, r tair.Region) (collector.Target, error) {
	endpoint := of.config.Endpoint
	if endpoint == "" && of.config.Network == config.NetworkPublic && r.Endpoint != "" {
		if !tair.IsCloudHost(r.Endpoint) {
			return collector.Target{}, fmt.Errorf("region %s: the RegionEndpoint is no host below aliyuncs.com, and gets no request", r.ID)
		}
		endpoint = r.Endpoint
	}
	url, err := tair.Endpoint(r.ID, of.config.Network, endpoint)
	if err != nil {
		return collector.Target{}, err
	}
	key := clientKey{of.api, r.ID, url}
	of.mu.Lock()
	defer of.mu.Unlock()
	client := cmp.Or(of.clients[key], of.inherited[key])
	if client == nil {
		if client, err = a.client(of, r.ID, url); err != nil {
			return collector.Target{}, err
		}
	}
	of.clients[key] = client
	return collector.Target{
		Account: of.config.Name, Region: r.ID, Client: client, QPS: a.qps(of.api),
	}, nil
}

// qps returns the requests a second of this exporter: the shards share the rate limit.
func (a *app) qps(api config.API) float64 { return api.QPS / float64(a.shard.Total) }

func (a *app) client(of *accountClients, region, url string) (*tair.Client, error) {
	return tair.NewClient(tair.ClientConfig{
		Region:      region,
		Endpoint:    url,
		Credentials: of.provider,
		Timeout:     time.Duration(of.api.Timeout),
		Attempts:    of.api.Attempts,
		Concurrency: of.api.Concurrency,
		QPS:         a.qps(of.api),
		UserAgent:   program + "/" + version.Version,
		Observer:    a.exporter.Observer(of.config.Name, region),
		Now:         a.now,
	})
}

func (a *app) credentials(account config.Account) (creds.Provider, error) {
	return creds.New(account.Credentials, creds.Options{
		OnRefreshFailure: func(err *creds.Error) { a.exporter.CredentialsFailed(account.Name, err) },
	})
}
