package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/tairtest"
	"tair_ssl_exporter/config"
)

// app is the exporter with the configuration it runs on.
type app struct {
	*options
	load     func() (*config.Config, error)
	logger   log.Logger
	exporter *collector.Exporter

	reloading sync.Mutex
	accounts  map[string]*account // of the configuration in force, by name
	shown     atomic.Pointer[shownConfig]
}

// shownConfig is the configuration in force, as it may be shown.
type shownConfig struct {
	yaml                []byte
	accounts, instances int
}

// reload puts the configuration in force anew, wholly or not at all.
func (a *app) reload() (err error) {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	defer func() {
		if err != nil {
			a.exporter.ReloadFailed()
		}
	}()
	if err := web.Validate(a.webConfigFile); err != nil {
		return fmt.Errorf("--web.config.file=%s: %s", a.webConfigFile, oneLine(err))
	}
	cfg, err := a.load()
	if err != nil {
		return err
	}
	shown, err := show(cfg)
	if err != nil {
		return err
	}
	setup, accounts, err := a.build(cfg)
	if err == nil {
		err = a.exporter.Apply(setup)
	}
	if err != nil {
		closeUnused(accounts, a.accounts)
		return err
	}
	closeUnused(a.accounts, accounts)
	a.accounts = accounts
	a.shown.Store(shown)
	return nil
}

// oneLine gives the text of an error of the toolkit in one line. What such a text quotes of the file may be a password.
func oneLine(err error) string {
	text := regexp.MustCompile("(?s)`.*`").ReplaceAllString(err.Error(), "<hidden>")
	text = regexp.MustCompile(`:\s*\n\s*`).ReplaceAllString(text, ": ")
	return regexp.MustCompile(`\s*\n\s*`).ReplaceAllString(text, "; ")
}

func show(cfg *config.Config) (*shownConfig, error) {
	text, err := cfg.Marshal()
	if err != nil {
		return nil, fmt.Errorf("showing the configuration: %w", err)
	}
	s := &shownConfig{yaml: text, accounts: len(cfg.Accounts)}
	for _, account := range cfg.Accounts {
		s.instances += len(account.Instances)
	}
	return s, nil
}

// reloadOn reloads at each signal until ctx ends. A failure is logged; the old configuration runs on.
func (a *app) reloadOn(ctx context.Context, hup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			a.reportReload(a.reload())
		}
	}
}

func (a *app) reportReload(err error) {
	if err != nil {
		_ = level.Error(a.logger).Log("msg", "cannot reload the configuration; the old one runs on", "err", err)
		return
	}
	_ = level.Info(a.logger).Log("msg", "reloaded the configuration")
}

// reportCheck says that the configuration is valid, and how much it watches.
func (a *app) reportCheck(stdout io.Writer) error {
	s := a.shown.Load()
	_, err := fmt.Fprintf(stdout, "OK: the configuration is valid (accounts: %d, instances: %d)\n", s.accounts, s.instances)
	return err
}

func (a *app) close() {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	closeUnused(a.accounts, nil)
}

// account is what an account of the configuration runs on.
type account struct {
	config   config.Credentials
	provider tair.CredentialsProvider
	clients  map[clientKey]*tair.Client
}

// clientKey is what makes one client of an account unlike another.
type clientKey struct {
	api                       config.API
	endpoint, network, region string
}

// closeUnused closes the clients of accounts that others does not use as well. Their requests under way go on.
func closeUnused(accounts, others map[string]*account) {
	for name, account := range accounts {
		for key, client := range account.clients {
			if other := others[name]; other == nil || other.clients[key] != client {
				client.Close()
			}
		}
	}
}

// build turns a configuration into accounts with a client for each region, and what they watch. What an account had
// already and what has not changed goes on: a client knows the quota, and credentials may be costly. The accounts are
// given with an error too, as far as they got.
func (a *app) build(cfg *config.Config) (collector.Setup, map[string]*account, error) {
	setup := collector.Setup{
		RefreshInterval: time.Duration(cfg.RefreshInterval),
		KeepLast:        time.Duration(cfg.KeepLast),
		ScrapeTime:      a.deadline.Within(a.deadline.Timeout),
		Shard:           a.shard,
		LabelNames:      cfg.LabelNames(),
	}
	accounts := make(map[string]*account, len(cfg.Accounts))
	for _, c := range cfg.Accounts {
		next, before, err := a.account(c)
		if err != nil {
			return setup, accounts, fmt.Errorf("account %s: %w", c.Name, err)
		}
		accounts[c.Name] = next
		for _, i := range c.Instances {
			setup.Instances = append(setup.Instances, collector.Instance{
				ID: i.ID, Account: c.Name, Region: i.Region, Name: i.Name, Labels: i.Labels,
			})
			key := clientKey{cfg.API, c.Endpoint, c.Network, i.Region}
			if next.clients[key] != nil {
				continue
			}
			client := before[key]
			if client == nil {
				if client, err = a.client(cfg.API, c, i.Region, next.provider); err != nil {
					return setup, accounts, fmt.Errorf("account %s: %w", c.Name, err)
				}
			}
			next.clients[key] = client
			setup.Targets = append(setup.Targets, collector.Target{
				Account: c.Name, Region: i.Region, Asker: client, Concurrency: cfg.API.Concurrency, QPS: a.qps(cfg.API),
			})
		}
	}
	return setup, accounts, nil
}

// account gives an account without clients, and the clients that it had before with the same credentials.
func (a *app) account(c config.Account) (next *account, before map[clientKey]*tair.Client, err error) {
	next = &account{config: c.Credentials, clients: make(map[clientKey]*tair.Client)}
	if old := a.accounts[c.Name]; old != nil && reflect.DeepEqual(old.config, c.Credentials) {
		next.provider = old.provider
		return next, old.clients, nil
	}
	next.provider, err = a.credentials(c)
	return next, nil, err
}

// qps is the rate that this exporter may ask at: the shards share the quota.
func (a *app) qps(api config.API) float64 { return api.QPS / float64(a.shard.Total) }

func (a *app) client(api config.API, account config.Account, region string, credentials tair.CredentialsProvider) (*tair.Client, error) {
	return tair.NewClient(tair.ClientConfig{
		Region:      region,
		Endpoint:    account.Endpoint,
		Network:     account.Network,
		Credentials: credentials,
		Timeout:     time.Duration(api.Timeout),
		Attempts:    api.Attempts,
		Concurrency: api.Concurrency,
		QPS:         a.qps(api),
		UserAgent:   program + "/" + cmp.Or(version.Version, "dev"),
		Observer:    a.exporter.Observer(account.Name, region),
	})
}

func (a *app) credentials(account config.Account) (tair.CredentialsProvider, error) {
	return tair.NewCredentials(credentialsConfig(account.Credentials), tair.CredentialsOptions{
		OnRefreshFailure: func(err *tair.CredentialsError) { a.exporter.CredentialsFailed(account.Name, err) },
	})
}

// credentialsConfig says the same in the client's terms.
func credentialsConfig(c config.Credentials) tair.CredentialsConfig {
	out := tair.CredentialsConfig{
		Type:                  c.Type,
		AccessKeyID:           tair.SecretValue{Text: c.AccessKeyID.Value(), File: c.AccessKeyIDFile},
		AccessKeySecret:       tair.SecretValue{Text: c.AccessKeySecret.Value(), File: c.AccessKeySecretFile},
		SecurityToken:         tair.SecretValue{Text: c.SecurityToken.Value(), File: c.SecurityTokenFile},
		ExternalID:            tair.SecretValue{Text: c.ExternalID.Value(), File: c.ExternalIDFile},
		RoleARN:               c.RoleARN,
		RoleSessionName:       c.RoleSessionName,
		RoleSessionExpiration: time.Duration(c.RoleSessionExpiration),
		STSEndpoint:           c.STSEndpoint,
		OIDCProviderARN:       c.OIDCProviderARN,
		OIDCTokenFile:         c.OIDCTokenFile,
		RoleName:              c.RoleName,
		DisableIMDSv1:         c.DisableIMDSv1,
		URL:                   c.URL.Value(),
	}
	if c.Source != nil {
		source := credentialsConfig(*c.Source)
		out.Source = &source
	}
	return out
}

// demoConfig is the configuration that watches the simulated fleet at url.
func demoConfig(fleet *tairtest.Demo, url string) *config.Config {
	cfg := config.Default()
	cfg.API.Attempts = 1 // the throttled instance stays throttled: trying on would only make each scrape wait
	for _, a := range fleet.Accounts {
		account := config.Account{
			Name:     a.Name,
			Endpoint: url,
			Network:  tair.NetworkPublic,
			Credentials: config.Credentials{
				Type:            tair.CredentialsAccessKey,
				AccessKeyID:     config.Secret(a.Key.AccessKeyID),
				AccessKeySecret: config.Secret(a.Key.AccessKeySecret),
				SecurityToken:   config.Secret(a.Key.SecurityToken),
			},
		}
		for _, i := range a.Instances {
			account.Instances = append(account.Instances, config.Instance{
				ID: i.ID, Region: i.Region, Name: i.Name, Labels: i.Labels,
			})
		}
		cfg.Accounts = append(cfg.Accounts, account)
	}
	return &cfg
}

// showConfig serves the configuration in force.
func (a *app) showConfig(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	_, _ = w.Write(a.shown.Load().yaml)
}

// serveReload reloads for a POST or PUT, when that is allowed.
func (a *app) serveReload(w http.ResponseWriter, _ *http.Request) {
	if !a.enableLifecycle {
		http.Error(w, "reloading by HTTP is off: start with --web.enable-lifecycle, or send SIGHUP", http.StatusForbidden)
		return
	}
	err := a.reload()
	a.reportReload(err)
	if err != nil {
		http.Error(w, errors.Join(errors.New("the old configuration runs on"), err).Error(), http.StatusInternalServerError)
	}
}
