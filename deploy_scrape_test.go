package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"tair_ssl_exporter/internal/apptest"
)

type relabelConfig struct {
	SourceLabels       []string `yaml:"source_labels"`
	Regex, Replacement string
	TargetLabel        string `yaml:"target_label"`
	Action             string
}

type scrapeConfig struct {
	JobName              string         `yaml:"job_name"`
	ScrapeInterval       model.Duration `yaml:"scrape_interval"`
	ScrapeTimeout        model.Duration `yaml:"scrape_timeout"`
	HonorLabels          bool           `yaml:"honor_labels"`
	MetricsPath          string         `yaml:"metrics_path"`
	Params               map[string][]string
	StaticConfigs        []staticConfig  `yaml:"static_configs"`
	HTTPSDConfigs        []httpSDConfig  `yaml:"http_sd_configs"`
	RelabelConfigs       []relabelConfig `yaml:"relabel_configs"`
	MetricRelabelConfigs []relabelConfig `yaml:"metric_relabel_configs"`
}

type staticConfig struct {
	Targets []string
	Labels  map[string]string
}

type httpSDConfig struct {
	URL             string
	RefreshInterval model.Duration `yaml:"refresh_interval"`
}

// ofOthers reports whether a job scrapes another exporter, to whose address it sends what /sd names.
func (c scrapeConfig) ofOthers() bool {
	return slices.ContainsFunc(c.RelabelConfigs, func(r relabelConfig) bool {
		return r.TargetLabel == "__address__" && len(r.SourceLabels) == 0
	})
}

type prometheusConfig struct {
	RuleFiles     []string       `yaml:"rule_files"`
	Alerting      yaml.Node      // Alertmanager's address is the user's affair
	ScrapeConfigs []scrapeConfig `yaml:"scrape_configs"`
}

// prometheusConfigs reads every file for Prometheus, by its name.
func prometheusConfigs(t *testing.T) map[string]prometheusConfig {
	t.Helper()
	all := make(map[string]prometheusConfig)
	for _, path := range apptest.Glob(t, "deploy/prometheus/*.yml") {
		var c prometheusConfig
		apptest.DecodeFile(t, path, true, &c)
		all[filepath.Base(path)] = c
	}
	return all
}

func TestScrapeConfigurationsAreThereForEachLayout(t *testing.T) {
	configs := prometheusConfigs(t)
	for name, jobs := range map[string][]string{
		"prometheus.yml":        {"tair_ssl"},
		"ha-pair.yml":           {"tair_ssl"},
		"shards.yml":            {"tair_ssl"},
		"probe.yml":             {"tair_ssl", "tair_ssl_probe"},
		"service-discovery.yml": {"tair_redis", "tair_tls"},
	} {
		var got []string
		for _, job := range configs[name].ScrapeConfigs {
			got = append(got, job.JobName)
		}
		if !slices.Equal(got, jobs) {
			t.Errorf("%s has the jobs %q, want %q", name, got, jobs)
		}
		delete(configs, name)
	}
	if len(configs) > 0 {
		t.Errorf("not tested: %v", configs)
	}
}

func TestScrapeConfigurationsKeepWhatTheExporterSays(t *testing.T) {
	joined := []string{"instance_id", "account", "region", "name"}
	for name, c := range prometheusConfigs(t) {
		for _, job := range c.ScrapeConfigs {
			if !job.ofOthers() && !job.HonorLabels {
				t.Errorf("%s, %s: no honor_labels", name, job.JobName)
			}
			for _, r := range slices.Concat(job.RelabelConfigs, job.MetricRelabelConfigs) {
				if slices.Contains(joined, r.TargetLabel) || r.Action == "labelmap" {
					t.Errorf("%s, %s: %v would be joined with what the exporter says", name, job.JobName, r)
				}
			}
			for _, s := range job.StaticConfigs {
				for label := range s.Labels {
					if slices.Contains(joined, label) {
						t.Errorf("%s, %s: the label %s would be joined with what the exporter says", name, job.JobName, label)
					}
				}
			}
		}
	}
}

func TestScrapeConfigurationsHaveTheirTimes(t *testing.T) {
	for name, c := range prometheusConfigs(t) {
		for _, job := range c.ScrapeConfigs {
			interval, timeout := time.Duration(job.ScrapeInterval), time.Duration(job.ScrapeTimeout)
			if interval <= 0 || interval > 2*time.Minute {
				t.Errorf("%s, %s: interval %s: Prometheus forgets a sample after 5m", name, job.JobName, interval)
			}
			if timeout <= 0 || timeout >= interval {
				t.Errorf("%s, %s: timeout %s, interval %s", name, job.JobName, timeout, interval)
			}
		}
	}
}

// TestScrapeConfigurationsRemarkOnTheirTimes: the file says why they are as they are.
func TestScrapeConfigurationsRemarkOnTheirTimes(t *testing.T) {
	for _, path := range apptest.Glob(t, "deploy/prometheus/*.yml") {
		var c struct {
			ScrapeConfigs []yaml.Node `yaml:"scrape_configs"`
		}
		apptest.DecodeFile(t, path, false, &c)
		for _, job := range c.ScrapeConfigs {
			remarks := ""
			for i := 0; i < len(job.Content); i += 2 {
				if key, value := job.Content[i], job.Content[i+1]; strings.HasPrefix(key.Value, "scrape_") {
					remarks += key.HeadComment + value.LineComment
				}
			}
			if remarks == "" {
				t.Errorf("%s, line %d: no remark on interval and timeout", path, job.Line)
			}
		}
	}
}

func TestScrapeConfigurationsFindTheRules(t *testing.T) {
	for name, c := range prometheusConfigs(t) {
		path := "deploy/prometheus/" + name
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(string(text), "\nscrape_configs:")
		if len(c.RuleFiles) == 0 {
			apptest.Contains(t, head, "in prometheus.yml,", "keeps rule_files and alerting", "scrape_config_files: ["+name+"]")
			continue
		}
		for _, rules := range c.RuleFiles {
			if _, err := os.Stat("deploy/prometheus/" + rules); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, other := range []string{"ha-pair.yml", "shards.yml", "probe.yml"} {
			apptest.Contains(t, head, other)
		}
	}
}

// TestScrapeConfigurationsHaveTheJobOfTheRules: up of this job tells whether the exporter answers.
func TestScrapeConfigurationsHaveTheJobOfTheRules(t *testing.T) {
	for name, c := range prometheusConfigs(t) {
		for _, job := range c.ScrapeConfigs {
			if job.ofOthers() {
				continue
			}
			isExporter := slices.Contains([]string{"", "/metrics", "/metrics/self"}, job.MetricsPath)
			if (`job="`+job.JobName+`"` == jobMatcher) != isExporter {
				t.Errorf("%s, %s: path %q", name, job.JobName, job.MetricsPath)
			}
		}
	}
}
