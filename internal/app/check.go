package app

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"tair_ssl_exporter/config"
	"tair_ssl_exporter/internal/once"
	"tair_ssl_exporter/internal/words"
)

// watched is how much a configuration watches.
type watched struct {
	accounts, instances, discovery int      // numbers of entries in the file
	regions                        []string // that it names, sorted; "*" for every region
	refresh                        model.Duration
	interval                       model.Duration // between two listings
	lists                          int            // that are read at each interval, "*" counted as one
}

func watchedBy(cfg *config.Config) watched {
	w := watched{accounts: len(cfg.Accounts), refresh: cfg.RefreshInterval, interval: cfg.DiscoveryInterval}
	for _, account := range cfg.Accounts {
		w.instances += len(account.Instances)
		w.discovery += len(account.Discovery)
		for _, i := range account.Instances {
			w.regions = append(w.regions, i.Region)
		}
		for _, d := range account.Discovery {
			w.regions = append(w.regions, d.Regions...)
			w.lists += len(d.Regions)
		}
		if account.Renewals {
			w.lists++
		}
	}
	slices.Sort(w.regions)
	w.regions = slices.Compact(w.regions)
	return w
}

// pairs returns what the log says of it.
func (w watched) pairs() []any {
	return []any{"accounts", w.accounts, "instances", w.instances, "discovery", w.discovery,
		"regions", strings.Join(w.regions, ","), "refresh_interval", w.refresh}
}

// check validates the configuration and prints how much it watches. It sends no request.
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
	w := shown.watched
	text := fmt.Sprintf("OK: %s is valid (accounts: %d, instances: %d, discovery entries: %d)\n",
		a.origin(), w.accounts, w.instances, w.discovery)
	refresh, interval := time.Duration(w.refresh), time.Duration(w.interval)
	found, each := "", ""
	if w.discovery > 0 {
		found = " and what discovery finds"
		each = "; for each instance that discovery finds, " + once.CallsADay(1, refresh, 0, interval)
	}
	text += fmt.Sprintf("Watched: %s%s, in %s\n", words.Count(w.instances, "instance"), found, strings.Join(w.regions, ", "))
	text += "API calls: " + once.CallsADay(w.instances, refresh, w.lists, interval) + each + "\n"
	_, err = io.WriteString(stdout, text)
	return err
}

// origin names what the configuration comes from.
func (o *options) origin() string {
	switch {
	case o.demo:
		return "--demo"
	case len(o.instances) > 0:
		return "--instance"
	default:
		return o.configFile
	}
}
