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

type confinement struct {
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	Restart     string
	Ports       []string
}

type service struct {
	Confinement confinement `yaml:",inline"`
	Build       string
	Image       string
	Command     []string
	Environment map[string]string
	Volumes     []string
	Tmpfs       []string
	MemLimit    string                                `yaml:"mem_limit"`
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
	return c
}

// mounts returns the files of the repository in a container, by their path there. They must be read-only.
func mounts(t *testing.T, volumes []string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	for _, v := range volumes {
		parts := strings.Split(v, ":")
		if !strings.HasPrefix(v, ".") {
			continue // a named volume
		}
		if len(parts) != 3 || parts[2] != "ro" {
			t.Fatalf("%s: must be mounted read-only", v)
		}
		files[parts[1]] = path.Join(dir, parts[0])
	}
	return files
}

func TestEveryServiceIsConfined(t *testing.T) {
	c := compose(t)
	ports := map[string]string{"exporter": "10219", "alertmanager": "9093", "prometheus": "9090", "grafana": "3000"}
	if got, want := slices.Sorted(maps.Keys(c.Services)), slices.Sorted(maps.Keys(ports)); !slices.Equal(got, want) {
		t.Errorf("services %q, want %q", got, want)
	}
	for name, s := range c.Services {
		want := confinement{
			ReadOnly: true, CapDrop: []string{"ALL"}, SecurityOpt: []string{"no-new-privileges:true"}, Restart: "unless-stopped",
			Ports: []string{"127.0.0.1:" + ports[name] + ":" + ports[name]},
		}
		if !reflect.DeepEqual(s.Confinement, want) {
			t.Errorf("%s has %+v, want %+v", name, s.Confinement, want)
		}
		if !regexp.MustCompile(`^[a-z_/]+:v?\d+\.\d+\.\d+$`).MatchString(s.Image) || s.MemLimit == "" {
			t.Errorf("%s: image %s with %s of memory, want an exact version and a limit", name, s.Image, s.MemLimit)
		}
		if s.Build != "" && (s.Build != "../.." || !strings.HasPrefix(s.Image, "tair_ssl_exporter:")) {
			t.Errorf("%s: %s is built from %s", name, s.Image, s.Build)
		}
		if h := s.Healthcheck; len(h.Test) < 2 || h.Test[0] != "CMD" || h.Timeout == "" || h.Retries == 0 {
			t.Errorf("%s: health check %+v, want one with a timeout that needs no shell", name, h)
		}
		for _, v := range s.Volumes {
			volume, _, _ := strings.Cut(v, ":")
			if _, ok := c.Volumes[volume]; !ok && !strings.HasPrefix(volume, ".") {
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
		files := mounts(t, s.Volumes)
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
		Datasources []map[string]any
	}
	apptest.DecodeFile(t, dir+"/grafana/datasources.yml", true, &sources)
	interval := apptest.Matches(t, dir+"/prometheus.yml", `scrape_interval: (\S+)`)[0]
	want := map[string]any{
		"name": "Prometheus", "uid": "prometheus", "type": "prometheus", "access": "proxy", "url": "http://prometheus:9090",
		"isDefault": true, "jsonData": map[string]any{"httpMethod": "POST", "timeInterval": interval},
	}
	if sources.APIVersion != 1 || len(sources.Datasources) != 1 || !reflect.DeepEqual(sources.Datasources[0], want) {
		t.Errorf("got  %v\nwant %v", sources, want)
	}

	// TestNoFileIsCopied finds the dashboards mounted there.
	const folder = "/var/lib/grafana/dashboards/tair-ssl"
	apptest.Contains(t, apptest.Read(t, dir+"/grafana/dashboards.yml"),
		"apiVersion: 1\nproviders:\n", "    folder: Tair\n", "    options: {path: "+folder+"}\n")
	environment := compose(t).Services["grafana"].Environment
	home, mounted := strings.CutPrefix(environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"], folder)
	if _, err := os.Stat("dashboards" + home); err != nil || !mounted {
		t.Errorf("the home dashboard is %s: %v", home, err)
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
		if got := environment[variable]; got != want {
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
		Services struct {
			Exporter struct {
				Command     []string
				Environment map[string]*string
				Volumes     []string
			}
		}
	}
	apptest.DecodeFile(t, dir+"/compose.real.yaml", true, &c)
	if c.Name == "" || c.Name == compose(t).Name {
		t.Errorf("project %q: must have its own volumes, or alerts of the demo continue", c.Name)
	}
	exporter := c.Services.Exporter
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
	files := mounts(t, exporter.Volumes)
	inside := apptest.Flag(exporter.Command, "config.file")
	if len(exporter.Command) != 1 || files[inside] != dir+"/tair-ssl-exporter.yml" {
		t.Fatalf("%q with %q mounted", exporter.Command, files)
	}
	const want = "(accounts: 1, instances: 0, discovery entries: 1)"
	if got := apptest.CheckConfig(t, "--config.file="+files[inside]); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
