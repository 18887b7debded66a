package alertmanager_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

func TestMain(m *testing.M) { apptest.AtRoot(m) }

func TestAlertmanagerExample(t *testing.T) {
	type route struct {
		Receiver string
		GroupBy  []string `yaml:"group_by"`
		Matchers []string
		Routes   []route
	}
	var f struct {
		Route        route
		InhibitRules []struct {
			SourceMatchers []string `yaml:"source_matchers"`
			TargetMatchers []string `yaml:"target_matchers"`
			Equal          []string
		} `yaml:"inhibit_rules"`
		Receivers []struct {
			Name     string
			Webhooks []struct {
				SendResolved *bool `yaml:"send_resolved"`
			} `yaml:"webhook_configs"`
		}
	}
	apptest.DecodeFile(t, "deploy/alertmanager/alertmanager.yml", false, &f)

	if !slices.Equal(f.Route.GroupBy, []string{"account", "region"}) {
		t.Errorf("group_by %q", f.Route.GroupBy)
	}
	routed := make(map[string]string)
	for _, r := range f.Route.Routes {
		for _, m := range r.Matchers {
			routed[m] = r.Receiver
		}
	}
	want := map[string]string{"severity = critical": "critical", "severity = warning": "warnings", "severity = info": "info"}
	if !maps.Equal(routed, want) {
		t.Errorf("routes %v, want %v", routed, want)
	}
	for _, r := range f.Receivers {
		for _, hook := range r.Webhooks {
			if hook.SendResolved == nil || *hook.SendResolved != (r.Name == "critical") {
				t.Errorf("receiver %s: send_resolved", r.Name)
			}
		}
	}

	if len(f.InhibitRules) != 1 || len(f.InhibitRules[0].TargetMatchers) != 1 || len(f.InhibitRules[0].Equal) != 0 ||
		!slices.Equal(f.InhibitRules[0].SourceMatchers, []string{"alertname = TairSSLExporterDown"}) {
		t.Fatalf("inhibit_rules %+v", f.InhibitRules)
	}
	pattern, ok := strings.CutPrefix(f.InhibitRules[0].TargetMatchers[0], "alertname =~ ")
	if !ok {
		t.Fatalf("target %q", f.InhibitRules[0].TargetMatchers)
	}
	var muted []string
	for _, name := range apptest.AlertNames(t) {
		if regexp.MustCompile("^(?:" + pattern + ")$").MatchString(name) {
			muted = append(muted, name)
		}
	}
	if !slices.Equal(muted, []string{"TairSSLDataStale", "TairSSLNeverKnown", "TairSSLScrapeFailing"}) {
		t.Errorf("TairSSLExporterDown mutes %q", muted)
	}
}
