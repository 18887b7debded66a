package prometheus_test

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
	JobName        string         `yaml:"job_name"`
	ScrapeInterval model.Duration `yaml:"scrape_interval"`
	ScrapeTimeout  model.Duration `yaml:"scrape_timeout"`
	HonorLabels    bool           `yaml:"honor_labels"`
	MetricsPath    string         `yaml:"metrics_path"`
	Params         map[string][]string
	StaticConfigs  []struct {
		Targets []string
		Labels  map[string]string
	} `yaml:"static_configs"`
	HTTPSDConfigs        yaml.Node       `yaml:"http_sd_configs"`
	RelabelConfigs       []relabelConfig `yaml:"relabel_configs"`
	MetricRelabelConfigs []relabelConfig `yaml:"metric_relabel_configs"`
}

// scrapesOthers reports whether a job scrapes another exporter, to whose address it sends the targets of /sd.
func (c scrapeConfig) scrapesOthers() bool {
	return slices.ContainsFunc(c.RelabelConfigs, func(r relabelConfig) bool {
		return r.TargetLabel == "__address__" && len(r.SourceLabels) == 0
	})
}

func TestScrapeConfigurations(t *testing.T) {
	instanceLabels := []string{"instance_id", "account", "region", "name"}
	jobs := map[string][]string{
		"prometheus.yml":        {"tair_ssl"},
		"ha-pair.yml":           {"tair_ssl"},
		"shards.yml":            {"tair_ssl"},
		"probe.yml":             {"tair_ssl", "tair_ssl_probe"},
		"service-discovery.yml": {"tair_redis", "tair_tls"},
	}
	for _, path := range apptest.Glob(t, "deploy/prometheus/*.yml") {
		var c struct {
			RuleFiles     []string `yaml:"rule_files"`
			Alerting      yaml.Node
			ScrapeConfigs []scrapeConfig `yaml:"scrape_configs"`
		}
		apptest.DecodeFile(t, path, true, &c)
		name := filepath.Base(path)
		var got []string
		for _, job := range c.ScrapeConfigs {
			got = append(got, job.JobName)
		}
		if !slices.Equal(got, jobs[name]) {
			t.Errorf("%s has the jobs %q, want %q", name, got, jobs[name])
		}
		for _, rules := range c.RuleFiles {
			if _, err := os.Stat("deploy/prometheus/" + rules); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if hasRules := len(c.RuleFiles) > 0; hasRules != (name == "prometheus.yml") {
			t.Errorf("%s: rule files %q", name, c.RuleFiles)
		}
		for _, job := range c.ScrapeConfigs {
			fail := func(what string, value any) {
				t.Errorf("%s, %s: %s: %v", name, job.JobName, what, value)
			}
			interval, timeout := time.Duration(job.ScrapeInterval), time.Duration(job.ScrapeTimeout)
			if interval <= 0 || interval > 2*time.Minute {
				fail("interval: a sample is visible for 5m", interval)
			}
			if timeout <= 0 || timeout >= interval {
				fail("timeout", timeout)
			}
			for _, r := range slices.Concat(job.RelabelConfigs, job.MetricRelabelConfigs) {
				if slices.Contains(instanceLabels, r.TargetLabel) || r.Action == "labelmap" {
					fail("collides with labels of the exporter", r)
				}
			}
			for _, s := range job.StaticConfigs {
				for label := range s.Labels {
					if slices.Contains(instanceLabels, label) {
						fail("collides with a label of the exporter", label)
					}
				}
			}
			if job.scrapesOthers() {
				continue
			}
			if !job.HonorLabels {
				fail("honor_labels", false)
			}
			// By its name the rules take a job for one of the exporter, even if it was never up.
			if !strings.HasPrefix(job.JobName, "tair_ssl") {
				fail("name", job.JobName)
			}
		}
		delete(jobs, name)
	}
	if len(jobs) > 0 {
		t.Errorf("missing: %v", jobs)
	}
}
