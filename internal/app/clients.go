package app

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"sync"
	"time"

	"github.com/prometheus/common/version"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/config"
)

// homeRegion is where an account without a region asks which regions there are.
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
	inherited map[clientKey]*tair.Client // of the account that this one replaces; nil once it is in force
}

// clientKey is what makes one client of an account unlike another.
type clientKey struct {
	api         config.API
	region, url string
}

// replace closes the clients of before that are not used any more. Requests under way go on.
func (as accounts) replace(before accounts) {
	for _, a := range as { // first: what is about to be closed must not be taken over any more
		a.mu.Lock()
		a.inherited = nil
		a.mu.Unlock()
	}
	before.closeExcept(as)
}

// closeExcept closes the clients that others does not use as well.
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

// build turns a configuration into accounts, with a client for each region that it names, and what they watch. What an
// account had already and what has not changed goes on: a client knows the quota, and credentials may be costly. The
// accounts are given with an error too, as far as they got.
func (a *app) build(cfg *config.Config) (collector.Setup, accounts, error) {
	all := make(accounts, len(cfg.Accounts))
	setup := collector.Setup{
		RefreshInterval:   time.Duration(cfg.RefreshInterval),
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
		if err := a.watch(&setup, next); err != nil {
			return setup, all, fmt.Errorf("account %s: %w", c.Name, err)
		}
	}
	return setup, all, nil
}

// watch adds what an account watches to the setup.
func (a *app) watch(setup *collector.Setup, of *accountClients) error {
	reached := make(map[string]bool)
	reach := func(region string) error {
		if reached[region] {
			return nil
		}
		reached[region] = true
		t, err := a.clientFor(of, tair.Region{ID: region})
		setup.Targets = append(setup.Targets, t)
		return err
	}
	c := of.config
	for _, i := range c.Instances {
		if err := reach(i.Region); err != nil {
			return err
		}
		setup.Instances = append(setup.Instances, collector.Instance{
			ID: i.ID, Account: c.Name, Region: i.Region, Name: i.Name, Labels: i.Labels,
		})
	}
	for _, d := range c.Discovery {
		source := collector.Source{
			Account: c.Name, Regions: d.Regions, Home: cmp.Or(c.Region, homeRegion),
			Filter: tair.Filter{Tags: d.Tags, ResourceGroup: d.ResourceGroup},
			Labels: d.Labels, TagLabels: d.TagLabels,
		}
		for _, region := range d.Regions {
			if region == collector.AllRegions {
				region = source.Home
			}
			if err := reach(region); err != nil {
				return err
			}
		}
		setup.Sources = append(setup.Sources, source)
	}
	return nil
}

// newAccountClients returns the clients of an account, with what it had before when the credentials are the same.
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

// clientFor returns the API of a region, always the same client for the same endpoint. The endpoint of the configuration wins
// over the one that the API gave with the region, and so does the VPC: that one leads over the internet.
func (a *app) clientFor(of *accountClients, r tair.Region) (collector.Target, error) {
	endpoint := of.config.Endpoint
	if endpoint == "" && of.config.Network == config.NetworkPublic {
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

// qps is the rate that this exporter may ask at: the shards share the quota.
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
	})
}

func (a *app) credentials(account config.Account) (creds.Provider, error) {
	return creds.New(account.Credentials, creds.Options{
		OnRefreshFailure: func(err *creds.Error) { a.exporter.CredentialsFailed(account.Name, err) },
	})
}
