package main

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"tair_ssl_exporter/dashboards"
	"tair_ssl_exporter/internal/apptest"
)

const composeDir = "deploy/compose"

// compose is compose.yaml. A key that is not here, such as privileged, is refused until somebody thinks about it.
type compose struct {
	Name     string
	Service  any `yaml:"x-service"`
	Health   any `yaml:"x-health"`
	Services map[string]composeService
	Volumes  map[string]any
}

type composeService struct {
	Build       string
	Image       string
	Command     []string
	Environment map[string]string
	Ports       []string
	Volumes     []string
	Tmpfs       []string
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	MemLimit    string   `yaml:"mem_limit"`
	Restart     string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Healthcheck struct {
		Test              []string
		Interval, Timeout string
		Retries           int
		StartPeriod       string `yaml:"start_period"`
	}
}

func composeFile(t *testing.T) compose {
	t.Helper()
	var c compose
	apptest.DecodeFile(t, composeDir+"/compose.yaml", true, &c)
	if len(c.Services) < 4 {
		t.Fatalf("services: %v", slices.Sorted(maps.Keys(c.Services)))
	}
	return c
}

// binds gives what of the repository a service sees: the path in its container and the path here.
func (s composeService) binds(t *testing.T) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for _, v := range s.Volumes {
		if !strings.HasPrefix(v, ".") {
			continue
		}
		parts := strings.Split(v, ":")
		if len(parts) != 3 || parts[2] != "ro" {
			t.Errorf("%s: must be mounted read-only", v)
			continue
		}
		found[parts[1]] = path.Join(composeDir, parts[0])
	}
	return found
}

// named gives the volumes of a service that outlive it.
func (s composeService) named() []string {
	var found []string
	for _, v := range s.Volumes {
		if name, _, _ := strings.Cut(v, ":"); !strings.HasPrefix(name, ".") {
			found = append(found, name)
		}
	}
	return found
}

func TestEveryComposeServiceIsConfined(t *testing.T) {
	c := composeFile(t)
	exact := regexp.MustCompile(`^[a-z_/]+:v?\d+\.\d+\.\d+$`)
	for name, s := range c.Services {
		for what, ok := range map[string]bool{
			"read_only: true":                             s.ReadOnly,
			"cap_drop: [ALL]":                             slices.Equal(s.CapDrop, []string{"ALL"}),
			`security_opt: ["no-new-privileges:true"]`:    slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}),
			"restart: unless-stopped":                     s.Restart == "unless-stopped",
			"a mem_limit":                                 s.MemLimit != "",
			"an image with an exact version":              exact.MatchString(s.Image),
			"a healthcheck that needs no shell":           len(s.Healthcheck.Test) > 1 && s.Healthcheck.Test[0] == "CMD",
			"a healthcheck with a timeout":                s.Healthcheck.Timeout != "" && s.Healthcheck.Retries > 0,
			"a port":                                      len(s.Ports) > 0,
			"ports on loopback alone":                     !slices.ContainsFunc(s.Ports, func(p string) bool { return !strings.HasPrefix(p, "127.0.0.1:") }),
			"the repository's own image, built from here": s.Build == "" || s.Build == "../.." && strings.HasPrefix(s.Image, program+":"),
		} {
			if !ok {
				t.Errorf("%s lacks %s", name, what)
			}
		}
		for in, here := range s.binds(t) {
			if _, err := os.Stat(here); err != nil {
				t.Errorf("%s mounts at %s what is not there: %v", name, in, err)
			}
		}
		for _, volume := range s.named() {
			if _, ok := c.Volumes[volume]; !ok {
				t.Errorf("%s: the volume %s is not declared", name, volume)
			}
		}
		for variable := range s.Environment {
			if regexp.MustCompile(`PASSWORD|SECRET|TOKEN`).MatchString(variable) {
				t.Errorf("%s: a secret in the file: %s", name, variable)
			}
		}
		for other, d := range s.DependsOn {
			if _, ok := c.Services[other]; !ok || d.Condition != "service_healthy" {
				t.Errorf("%s waits for %s until it is %q", name, other, d.Condition)
			}
		}
	}
}

// Rules, routes and dashboards are mounted from where they are tested.
func TestComposeHasNoCopies(t *testing.T) {
	services := composeFile(t).Services
	for in, want := range map[string]string{
		"prometheus /etc/prometheus/rules":                           "deploy/prometheus/rules",
		"alertmanager /etc/alertmanager/alertmanager.yml":            "deploy/alertmanager/alertmanager.yml",
		"grafana /var/lib/grafana/dashboards/tair-ssl":               "dashboards",
		"prometheus /etc/prometheus/prometheus.yml":                  composeDir + "/prometheus.yml",
		"grafana /etc/grafana/provisioning/datasources/tair-ssl.yml": composeDir + "/grafana/datasources.yml",
		"grafana /etc/grafana/provisioning/dashboards/tair-ssl.yml":  composeDir + "/grafana/dashboards.yml",
	} {
		service, target, _ := strings.Cut(in, " ")
		if got := services[service].binds(t)[target]; got != want {
			t.Errorf("%s: %q is mounted at %s, want %s", service, got, target, want)
		}
	}
	var files []string
	err := filepath.WalkDir(composeDir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, strings.TrimPrefix(name, composeDir+"/"))
		}
		return err
	})
	want := []string{"compose.real.yaml", "compose.yaml", "grafana/dashboards.yml", "grafana/datasources.yml", "prometheus.yml", "tair-ssl-exporter.yml"}
	if err != nil || !slices.Equal(files, want) {
		t.Errorf("%q, %v; want %q: a rule or a board belongs where it is tested", files, err, want)
	}
}

func TestComposePrometheusIsTheShippedOneButForAddresses(t *testing.T) {
	var here, want any
	apptest.DecodeFile(t, composeDir+"/prometheus.yml", false, &here)
	text := strings.NewReplacer("localhost:10219", "exporter:10219", "localhost:9093", "alertmanager:9093").
		Replace(apptest.Read(t, "deploy/prometheus/prometheus.yml"))
	if err := yaml.Unmarshal([]byte(text), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(here, want) {
		t.Errorf("got  %v\nwant %v", here, want)
	}
	services := composeFile(t).Services
	for _, address := range []string{"exporter:10219", "alertmanager:9093", "prometheus:9090", "grafana:3000"} {
		name, port, _ := strings.Cut(address, ":")
		if want := "127.0.0.1:" + port + ":" + port; !slices.Equal(services[name].Ports, []string{want}) {
			t.Errorf("%s: ports %q, want %s", name, services[name].Ports, want)
		}
	}
}

func TestComposeGrafanaFindsPrometheusAndTheDashboards(t *testing.T) {
	var sources struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []struct {
			Name, UID, Type, Access, URL string
			IsDefault                    bool `yaml:"isDefault"`
			JSONData                     struct {
				HTTPMethod   string `yaml:"httpMethod"`
				TimeInterval string `yaml:"timeInterval"`
			} `yaml:"jsonData"`
		}
	}
	apptest.DecodeFile(t, composeDir+"/grafana/datasources.yml", true, &sources)
	var scraping struct {
		ScrapeConfigs []struct {
			ScrapeInterval string `yaml:"scrape_interval"`
		} `yaml:"scrape_configs"`
	}
	apptest.DecodeFile(t, composeDir+"/prometheus.yml", false, &scraping)
	if len(sources.Datasources) != 1 || sources.APIVersion != 1 {
		t.Fatalf("%+v", sources)
	}
	d := sources.Datasources[0]
	if d.Type != "prometheus" || d.UID == "" || !d.IsDefault || d.URL != "http://prometheus:9090" || d.Access != "proxy" ||
		d.JSONData.TimeInterval != scraping.ScrapeConfigs[0].ScrapeInterval {
		t.Errorf("%+v, scraped every %s", d, scraping.ScrapeConfigs[0].ScrapeInterval)
	}

	var boards struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name, Folder string
			Options      struct{ Path string }
		}
	}
	apptest.DecodeFile(t, composeDir+"/grafana/dashboards.yml", true, &boards)
	if len(boards.Providers) != 1 || boards.APIVersion != 1 || boards.Providers[0].Folder != "Tair" {
		t.Fatalf("%+v", boards)
	}
	grafana := composeFile(t).Services["grafana"]
	dir := boards.Providers[0].Options.Path
	if grafana.binds(t)[dir] != "dashboards" {
		t.Errorf("the dashboards are not mounted at %s", dir)
	}
	home := grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	all, err := dashboards.All()
	if err != nil || !slices.ContainsFunc(all, func(b dashboards.Board) bool { return dir+"/"+b.File == home }) {
		t.Errorf("home: %s is no dashboard, %v", home, err)
	}
}

func TestComposeGrafanaHasNoAccountAndCallsNobody(t *testing.T) {
	environment := composeFile(t).Services["grafana"].Environment
	for variable, want := range map[string]string{
		"GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
		"GF_AUTH_ANONYMOUS_ORG_ROLE":                 "Viewer",
		"GF_AUTH_BASIC_ENABLED":                      "false",
		"GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES":      "false",
		"GF_ANALYTICS_CHECK_FOR_UPDATES":             "false",
		"GF_ANALYTICS_REPORTING_ENABLED":             "false",
		"GF_PLUGINS_PREINSTALL_DISABLED":             "true",
	} {
		if environment[variable] != want {
			t.Errorf("%s is %q, want %s", variable, environment[variable], want)
		}
	}
}

func TestComposeShowsTheDemoByDefault(t *testing.T) {
	exporter := composeFile(t).Services["exporter"]
	apptest.CheckConfig(t, exporter.Command...)
	if !slices.Contains(exporter.Command, "--demo") {
		t.Errorf("%q", exporter.Command)
	}
	if test := exporter.Healthcheck.Test; !slices.Equal(test, []string{"CMD", "/" + program, "--health-check"}) {
		t.Errorf("health check %q", test)
	}
}

func TestComposeWatchesRealInstancesWithOneEditedFile(t *testing.T) {
	// Nothing else can be overridden, least of all what confines.
	var c struct {
		Name     string
		Services map[string]struct {
			Command     []string
			Environment map[string]*string
			Volumes     []string
		}
	}
	apptest.DecodeFile(t, composeDir+"/compose.real.yaml", true, &c)
	if c.Name == "" || c.Name == composeFile(t).Name {
		t.Errorf("project %q: must have volumes of its own, or alerts of the demo go on", c.Name)
	}
	exporter := c.Services["exporter"]
	if len(c.Services) != 1 {
		t.Errorf("%v", c.Services)
	}
	for name, value := range exporter.Environment {
		if value != nil || !strings.HasPrefix(name, "ALIBABA_CLOUD_") {
			t.Errorf("%s: must come from the user's environment", name)
		}
	}
	for _, name := range []string{"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"} {
		if _, ok := exporter.Environment[name]; !ok {
			t.Errorf("%s is not passed on", name)
		}
	}
	inside := apptest.Flag(exporter.Command, "config.file")
	mounted := composeService{Volumes: exporter.Volumes}.binds(t)[inside]
	if mounted != composeDir+"/tair-ssl-exporter.yml" {
		t.Fatalf("%q with %q mounted", exporter.Command, mounted)
	}
	args := strings.Split(strings.ReplaceAll(strings.Join(exporter.Command, "\n"), inside, mounted), "\n")
	if got, want := apptest.CheckConfig(t, args...), "(accounts: 1, instances: 0, discovery entries: 1)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestExamplesOfComposeNameFilesThatAreThere(t *testing.T) {
	shown := 0
	for _, file := range []string{composeDir + "/compose.yaml", composeDir + "/compose.real.yaml", "README.md"} {
		for _, m := range regexp.MustCompile(`docker compose((?: -f \S+)+) (\S+)`).FindAllStringSubmatch(apptest.Read(t, file), -1) {
			shown++
			names := strings.Split(m[1], " -f ")[1:]
			for _, name := range names {
				if _, err := os.Stat(name); err != nil {
					t.Errorf("%s: %s: %v", file, m[0], err)
				}
			}
			if names[0] != composeDir+"/compose.yaml" || !slices.Contains([]string{"up", "down"}, m[2]) {
				t.Errorf("%s: %s", file, m[0])
			}
		}
	}
	if shown < 2 {
		t.Errorf("%d examples", shown)
	}
}
