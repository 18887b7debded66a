package compose_test

import (
	"maps"
	"os"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/dashboards"
	"tair_ssl_exporter/internal/apptest"
)

func TestMain(m *testing.M) { apptest.AtRoot(m) }

const dir = "deploy/compose"

// composeFile is compose.yaml. The strict decoder refuses any other key, such as privileged.
type composeFile struct {
	Name     string
	Service  any `yaml:"x-service"`
	Health   any `yaml:"x-health"`
	Services map[string]service
	Volumes  map[string]any
}

type service struct {
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

func compose(t *testing.T) composeFile {
	t.Helper()
	var c composeFile
	apptest.DecodeFile(t, dir+"/compose.yaml", true, &c)
	if got := slices.Sorted(maps.Keys(c.Services)); !slices.Equal(got, []string{"alertmanager", "exporter", "grafana", "prometheus"}) {
		t.Fatalf("services: %q", got)
	}
	return c
}

// mounts returns the files of the repository in a container, by their path there, and the named volumes. The files must
// be read-only.
func (s service) mounts(t *testing.T) (files map[string]string, volumes []string) {
	t.Helper()
	files = make(map[string]string)
	for _, v := range s.Volumes {
		parts := strings.Split(v, ":")
		if !strings.HasPrefix(v, ".") {
			volumes = append(volumes, parts[0])
			continue
		}
		if len(parts) != 3 || parts[2] != "ro" {
			t.Fatalf("%s: must be mounted read-only", v)
		}
		files[parts[1]] = path.Join(dir, parts[0])
	}
	return files, volumes
}

func TestEveryServiceIsConfined(t *testing.T) {
	c := compose(t)
	for name, s := range c.Services {
		for what, ok := range map[string]bool{
			"read_only: true":                             s.ReadOnly,
			"cap_drop: [ALL]":                             slices.Equal(s.CapDrop, []string{"ALL"}),
			`security_opt: ["no-new-privileges:true"]`:    slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}),
			"restart: unless-stopped":                     s.Restart == "unless-stopped",
			"a mem_limit":                                 s.MemLimit != "",
			"an image with an exact version":              regexp.MustCompile(`^[a-z_/]+:v?\d+\.\d+\.\d+$`).MatchString(s.Image),
			"a healthcheck that needs no shell":           len(s.Healthcheck.Test) > 1 && s.Healthcheck.Test[0] == "CMD",
			"a healthcheck with a timeout":                s.Healthcheck.Timeout != "" && s.Healthcheck.Retries > 0,
			"the repository's own image, built from here": s.Build == "" || s.Build == "../.." && strings.HasPrefix(s.Image, "tair_ssl_exporter:"),
		} {
			if !ok {
				t.Errorf("%s has not %s", name, what)
			}
		}
		port := map[string]string{"exporter": "10219", "alertmanager": "9093", "prometheus": "9090", "grafana": "3000"}[name]
		if want := "127.0.0.1:" + port + ":" + port; !slices.Equal(s.Ports, []string{want}) {
			t.Errorf("%s: ports %q, want %s", name, s.Ports, want)
		}
		_, volumes := s.mounts(t)
		for _, volume := range volumes {
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

// TestNoFileIsCopied: rules, routes and dashboards are mounted from where they are tested.
func TestNoFileIsCopied(t *testing.T) {
	want := map[string]map[string]string{
		"exporter": {},
		"prometheus": {
			"/etc/prometheus/rules":          "deploy/prometheus/rules",
			"/etc/prometheus/prometheus.yml": dir + "/prometheus.yml",
		},
		"alertmanager": {"/etc/alertmanager/alertmanager.yml": "deploy/alertmanager/alertmanager.yml"},
		"grafana": {
			"/var/lib/grafana/dashboards/tair-ssl":               "dashboards",
			"/etc/grafana/provisioning/datasources/tair-ssl.yml": dir + "/grafana/datasources.yml",
			"/etc/grafana/provisioning/dashboards/tair-ssl.yml":  dir + "/grafana/dashboards.yml",
		},
	}
	for name, s := range compose(t).Services {
		files, _ := s.mounts(t)
		if !maps.Equal(files, want[name]) {
			t.Errorf("%s mounts %v, want %v", name, files, want[name])
		}
		for _, file := range files {
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestPrometheusIsTheShippedOneButForAddresses(t *testing.T) {
	var here, want any
	apptest.DecodeFile(t, dir+"/prometheus.yml", false, &here)
	const shipped = "deploy/prometheus/prometheus.yml"
	apptest.Decode(t, shipped, strings.NewReplacer("localhost:10219", "exporter:10219", "localhost:9093", "alertmanager:9093").
		Replace(apptest.Read(t, shipped)), false, &want)
	if !reflect.DeepEqual(here, want) {
		t.Errorf("got  %v\nwant %v", here, want)
	}
}

func TestGrafanaFindsPrometheusAndTheDashboards(t *testing.T) {
	var sources struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []struct {
			UID, Type, Access, URL string
			IsDefault              bool `yaml:"isDefault"`
			JSONData               struct {
				TimeInterval string `yaml:"timeInterval"`
			} `yaml:"jsonData"`
		}
	}
	apptest.DecodeFile(t, dir+"/grafana/datasources.yml", false, &sources)
	if len(sources.Datasources) != 1 || sources.APIVersion != 1 {
		t.Fatalf("%+v", sources)
	}
	d := sources.Datasources[0]
	interval := apptest.Matches(t, dir+"/prometheus.yml", `scrape_interval: (\S+)`)[0]
	if d.Type != "prometheus" || d.UID == "" || !d.IsDefault || d.URL != "http://prometheus:9090" || d.Access != "proxy" ||
		d.JSONData.TimeInterval != interval {
		t.Errorf("%+v, scraped every %s", d, interval)
	}

	var boards struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name, Folder string
			Options      struct{ Path string }
		}
	}
	apptest.DecodeFile(t, dir+"/grafana/dashboards.yml", true, &boards)
	if len(boards.Providers) != 1 || boards.APIVersion != 1 || boards.Providers[0].Folder != "Tair" {
		t.Fatalf("%+v", boards)
	}
	grafana := compose(t).Services["grafana"]
	files, _ := grafana.mounts(t)
	folder := boards.Providers[0].Options.Path
	if files[folder] != "dashboards" {
		t.Errorf("the dashboards are not mounted at %s", folder)
	}
	home := grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	all, err := dashboards.All()
	if err != nil || !slices.ContainsFunc(all, func(b dashboards.Board) bool { return folder+"/"+b.File == home }) {
		t.Errorf("the home dashboard %s does not exist, %v", home, err)
	}
	for variable, want := range map[string]string{ // no account, and no request to other hosts
		"GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
		"GF_AUTH_ANONYMOUS_ORG_ROLE":                 "Viewer",
		"GF_AUTH_BASIC_ENABLED":                      "false",
		"GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES":      "false",
		"GF_ANALYTICS_CHECK_FOR_UPDATES":             "false",
		"GF_ANALYTICS_REPORTING_ENABLED":             "false",
		"GF_PLUGINS_PREINSTALL_DISABLED":             "true",
	} {
		if got := grafana.Environment[variable]; got != want {
			t.Errorf("%s is %q, want %s", variable, got, want)
		}
	}
}

func TestTheDemoIsTheDefault(t *testing.T) {
	exporter := compose(t).Services["exporter"]
	if !slices.Contains(exporter.Command, "--demo") {
		t.Errorf("%q", exporter.Command)
	}
	apptest.CheckConfig(t, exporter.Command...)
	if test := exporter.Healthcheck.Test; !slices.Equal(test, []string{"CMD", "/tair_ssl_exporter", "--health-check"}) {
		t.Errorf("health check %q", test)
	}
}

func TestRealInstancesNeedOneEditedFile(t *testing.T) {
	var c struct { // the strict decoder refuses any other override
		Name     string
		Services map[string]struct {
			Command     []string
			Environment map[string]*string
			Volumes     []string
		}
	}
	apptest.DecodeFile(t, dir+"/compose.real.yaml", true, &c)
	if c.Name == "" || c.Name == compose(t).Name {
		t.Errorf("project %q: must have its own volumes, or alerts of the demo continue", c.Name)
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
	files, _ := service{Volumes: exporter.Volumes}.mounts(t)
	inside := apptest.Flag(exporter.Command, "config.file")
	if len(exporter.Command) != 1 || files[inside] != dir+"/tair-ssl-exporter.yml" {
		t.Fatalf("%q with %q mounted", exporter.Command, files)
	}
	if got, want := apptest.CheckConfig(t, "--config.file="+files[inside]), "(accounts: 1, instances: 0, discovery entries: 1)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
