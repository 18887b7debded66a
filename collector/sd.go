package collector

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"

	"github.com/go-kit/log/level"
)

// targetGroup is an element of what Prometheus reads by http_sd.
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

const metaPrefix = "__meta_tair_"

// SDHandler serves the watched instances of this shard in the format of Prometheus's http_sd, with instance IDs as
// targets. What is not known or empty has no label.
func (e *Exporter) SDHandler() http.Handler {
	notInLabel := regexp.MustCompile(`[^a-zA-Z0-9_]`)
	return e.bounded("lists", e.lists, func(w http.ResponseWriter, _ *http.Request) {
		inv := e.current.load()
		if err := inv.ready(); err != nil { // Prometheus keeps the list that it has
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		groups := make([]targetGroup, 0, len(inv.instances)) // an empty list is [], not null
		for _, i := range inv.instances {
			labels := map[string]string{metaPrefix + "instance_id": i.id}
			set := func(name, value string) {
				if _, taken := labels[metaPrefix+name]; value != "" && !taken {
					labels[metaPrefix+name] = value
				}
			}
			set("account", i.at.account)
			set("region", i.at.region)
			set("name", i.name)
			for n, name := range inv.setup.LabelNames {
				set("label_"+name, i.custom[n])
			}
			set("endpoint", i.endpoint)
			for _, key := range slices.Sorted(maps.Keys(i.tags)) {
				set("tag_"+notInLabel.ReplaceAllString(key, "_"), i.tags[key])
			}
			groups = append(groups, targetGroup{Targets: []string{i.id}, Labels: labels})
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(groups); err != nil {
			_ = level.Debug(e.logger).Log("msg", "cannot send the list of instances", "err", err)
		}
	})
}
