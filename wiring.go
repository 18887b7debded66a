package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"sync"
	"sync/atomic"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/exporter-toolkit/web"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/config"
)

// app is the exporter with the configuration it runs on.
type app struct {
	*options
	load     func() (*config.Config, error)
	logger   log.Logger
	exporter *collector.Exporter

	reloading sync.Mutex
	accounts  accounts // of the configuration in force
	shown     atomic.Pointer[shownConfig]
}

// shownConfig is the configuration in force, as it may be shown.
type shownConfig struct {
	yaml                           []byte
	accounts, instances, discovery int // how many the file lists
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
	cfg, shown, err := a.read()
	if err != nil {
		return err
	}
	setup, next, err := a.build(cfg)
	if err == nil {
		err = a.exporter.Apply(setup)
	}
	if err != nil {
		next.closeExcept(a.accounts)
		return err
	}
	next.inForce(a.accounts)
	a.accounts = next
	a.shown.Store(shown)
	return nil
}

// read reads what the exporter is configured by.
func (a *app) read() (*config.Config, *shownConfig, error) {
	if err := web.Validate(a.webConfigFile); err != nil {
		return nil, nil, fmt.Errorf("--web.config.file=%s: %s", a.webConfigFile, oneLine(err))
	}
	cfg, err := a.load()
	if err != nil {
		return nil, nil, err
	}
	shown, err := show(cfg)
	return cfg, shown, err
}

// check says whether the configuration is valid, and how much it watches. Nothing is asked.
func (a *app) check(stdout io.Writer) error {
	cfg, shown, err := a.read()
	if err != nil {
		return err
	}
	_, accounts, err := a.build(cfg)
	accounts.closeExcept(nil)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "OK: the configuration is valid (accounts: %d, instances: %d, discovery entries: %d)\n",
		shown.accounts, shown.instances, shown.discovery)
	return err
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
		s.discovery += len(account.Discovery)
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

func (a *app) close() {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	a.exporter.Close()
	a.accounts.closeExcept(nil)
}

func (a *app) credentials(account config.Account) (creds.Provider, error) {
	return creds.New(account.Credentials, creds.Options{
		OnRefreshFailure: func(err *creds.Error) { a.exporter.CredentialsFailed(account.Name, err) },
	})
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
