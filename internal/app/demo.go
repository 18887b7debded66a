package app

import (
	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/collector/tair/tairtest"
	"tair_ssl_exporter/config"
)

// demoConfig returns the configuration that watches the simulated fleet at url.
func demoConfig(fleet *tairtest.Demo, url string) *config.Config {
	cfg := config.Default()
	cfg.API.Attempts = 1 // one instance is always throttled: retries would only slow each scrape
	for _, a := range fleet.Accounts {
		account := config.Account{
			Name:     a.Name,
			Endpoint: url,
			Network:  tair.NetworkPublic,
			Renewals: true,
			Credentials: creds.Config{
				Type:            creds.TypeAccessKey,
				AccessKeyID:     creds.Secret(a.Key.AccessKeyID),
				AccessKeySecret: creds.Secret(a.Key.AccessKeySecret),
				SecurityToken:   creds.Secret(a.Key.SecurityToken),
			},
		}
		if a.Discover != nil {
			account.Discovery = []config.Discovery{{
				Regions: []string{collector.AllRegions}, Tags: a.Discover, TagLabels: map[string]string{"env": "env", "team": "team"},
			}}
		}
		for _, i := range a.Instances {
			if a.Discover != nil && i.State != tairtest.DemoDeleted {
				continue
			}
			account.Instances = append(account.Instances, config.Instance{
				ID: i.ID, Region: i.Region, Name: i.Name, Labels: i.Labels,
			})
		}
		cfg.Accounts = append(cfg.Accounts, account)
	}
	return &cfg
}
