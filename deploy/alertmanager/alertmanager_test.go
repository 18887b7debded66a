package alertmanager_test

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"tair_ssl_exporter/internal/apptest"
)

func TestMain(m *testing.M) { apptest.AtRoot(m) }

// What arrives for 500 instances is for make e2e; here, that nothing waits long, is too long or names what is not there.
func TestAlertmanagerExample(t *testing.T) {
	type route struct {
		Receiver      string
		GroupBy       []string       `yaml:"group_by"`
		GroupInterval model.Duration `yaml:"group_interval"`
		Matchers      []string
		Routes        []route
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
				MaxAlerts    int   `yaml:"max_alerts"`
			} `yaml:"webhook_configs"`
		}
	}
	apptest.DecodeFile(t, "deploy/alertmanager/alertmanager.yml", false, &f)

	if !slices.Equal(f.Route.GroupBy, []string{"account", "alertname"}) {
		t.Errorf("group_by %q", f.Route.GroupBy)
	}
	for _, r := range append(f.Route.Routes, f.Route) {
		if time.Duration(r.GroupInterval) > time.Hour || len(r.GroupBy) > 0 && r.Receiver != f.Route.Receiver {
			t.Errorf("receiver %s: group_interval %s, group_by %q", r.Receiver, r.GroupInterval, r.GroupBy)
		}
	}
	for _, r := range f.Receivers {
		for _, hook := range r.Webhooks {
			if hook.SendResolved == nil || *hook.SendResolved != (r.Name == "critical") || hook.MaxAlerts == 0 {
				t.Errorf("receiver %s: %+v", r.Name, hook)
			}
		}
	}

	names := apptest.AlertNames(t)
	for _, rule := range f.InhibitRules {
		for _, m := range slices.Concat(rule.SourceMatchers, rule.TargetMatchers) {
			parts := regexp.MustCompile(`^alertname (?:=~|!=|=) (\S+)$`).FindStringSubmatch(m)
			if parts == nil {
				continue
			}
			pattern := regexp.MustCompile("^(?:" + parts[1] + ")$")
			if !slices.ContainsFunc(names, pattern.MatchString) {
				t.Errorf("no alert is named %s", parts[1])
			}
		}
		for _, r := range apptest.Rules(t) {
			if r.Labels["severity"] == "critical" && matches(rule.TargetMatchers, r.Alert, "critical") {
				t.Errorf("%q mutes %s, which is critical", rule.SourceMatchers, r.Alert)
			}
		}
	}
}

// matches reports whether matchers on the name and the severity of an alert allow it. Other matchers allow everything.
func matches(matchers []string, name, severity string) bool {
	for _, m := range matchers {
		parts := regexp.MustCompile(`^(alertname|severity) (=~|!=|=) (\S+)$`).FindStringSubmatch(m)
		if parts == nil {
			continue
		}
		value := map[string]string{"alertname": name, "severity": severity}[parts[1]]
		if regexp.MustCompile("^(?:"+parts[3]+")$").MatchString(value) == (parts[2] == "!=") {
			return false
		}
	}
	return true
}
