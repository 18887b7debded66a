package docs_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"tair_ssl_exporter/internal/apptest"
)

const scaling = "docs/scaling.md"

// scalingYAML returns the YAML documents of docs/scaling.md that have a key at their top, and fails when one document has
// none of the keys that are tested.
func scalingYAML(t *testing.T, key string) []string {
	t.Helper()
	var found []string
	for _, block := range apptest.Blocks(t, scaling, apptest.Read(t, scaling), "yaml") {
		for text := range strings.SplitSeq(block, "\n---\n") {
			var document map[string]yaml.Node
			apptest.Decode(t, scaling, text, true, &document)
			if _, has := document[key]; has {
				found = append(found, text)
			}
			tested := 0
			for _, k := range []string{"accounts", "kind", "scrape_configs"} {
				if _, has := document[k]; has {
					tested++
				}
			}
			if tested != 1 {
				t.Errorf("neither a configuration, a manifest nor one of Prometheus:\n%s", text)
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no YAML with %q", scaling, key)
	}
	return found
}

func TestScalingConfigurationsAreValid(t *testing.T) {
	for _, text := range scalingYAML(t, "accounts") {
		apptest.CheckConfig(t, "--config.file="+apptest.File(t, "c.yml", text))
	}
}

type service struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		ClusterIP string `yaml:"clusterIP"`
		Selector  map[string]string
		Ports     yaml.Node
	}
}

type httpProbe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

// statefulSet has the fields that matter here. The test of the chart compares the rest with the chart, whose schemas are
// checked.
type statefulSet struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Spec       struct {
		Replicas    int
		ServiceName string `yaml:"serviceName"`
		Selector    struct {
			MatchLabels map[string]string `yaml:"matchLabels"`
		}
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct {
				Containers []struct {
					Args []string
					Env  []struct {
						Name, Value string
						ValueFrom   struct {
							FieldRef struct {
								FieldPath string `yaml:"fieldPath"`
							} `yaml:"fieldRef"`
						} `yaml:"valueFrom"`
					}
					Ports          []struct{ Name string }
					ReadinessProbe httpProbe `yaml:"readinessProbe"`
					LivenessProbe  httpProbe `yaml:"livenessProbe"`
					VolumeMounts   []struct {
						Name      string
						MountPath string `yaml:"mountPath"`
					} `yaml:"volumeMounts"`
				}
				Volumes []struct{ Name string }
			}
		}
	}
}

func scalingManifests(t *testing.T) (svc service, set statefulSet) {
	t.Helper()
	manifests := scalingYAML(t, "kind")
	if len(manifests) != 2 {
		t.Fatalf("%d manifests, want a Service and a StatefulSet", len(manifests))
	}
	apptest.Decode(t, scaling, manifests[0], true, &svc)
	apptest.Decode(t, scaling, manifests[1], false, &set)
	if svc.APIVersion != "v1" || svc.Kind != "Service" || set.APIVersion != "apps/v1" || set.Kind != "StatefulSet" {
		t.Fatalf("%s %s, %s %s", svc.APIVersion, svc.Kind, set.APIVersion, set.Kind)
	}
	return svc, set
}

// TestScalingManifestMakesShards starts the exporter with the environment of the pods of the manifest.
func TestScalingManifestMakesShards(t *testing.T) {
	svc, set := scalingManifests(t)
	spec := set.Spec
	pod, label := spec.Template.Spec, spec.Template.Metadata.Labels["app"]
	if svc.Metadata.Name != spec.ServiceName || svc.Spec.ClusterIP != "None" {
		t.Error("the Service of the StatefulSet is not the headless one")
	}
	if label == "" || spec.Selector.MatchLabels["app"] != label || svc.Spec.Selector["app"] != label {
		t.Error("the selectors do not select the pods")
	}
	if len(pod.Containers) != 1 || len(pod.Volumes) != 1 {
		t.Fatal("want one container and one volume")
	}
	c := pod.Containers[0]
	if len(c.VolumeMounts) != 1 || c.VolumeMounts[0].Name != pod.Volumes[0].Name ||
		len(c.Args) != 1 || !strings.HasPrefix(c.Args[0], "--config.file="+c.VolumeMounts[0].MountPath+"/") {
		t.Errorf("%v is not in the volume", c.Args)
	}
	for shard := range spec.Replicas {
		for _, e := range c.Env {
			switch path := e.ValueFrom.FieldRef.FieldPath; path {
			case "metadata.labels['apps.kubernetes.io/pod-index']":
				t.Setenv(e.Name, strconv.Itoa(shard))
			case "":
				if strings.HasPrefix(e.Name, "TAIR_SSL_EXPORTER_") {
					t.Setenv(e.Name, e.Value)
				}
			default:
				t.Errorf("%s is from %s", e.Name, path)
			}
		}
		e := apptest.Start(t, "--demo")
		_, body := e.Get(t, "/metrics/self")
		apptest.Contains(t, body, fmt.Sprintf("\ntair_ssl_exporter_shard %d\n", shard),
			fmt.Sprintf("\ntair_ssl_exporter_total_shards %d\n", spec.Replicas))
		for _, p := range []httpProbe{c.ReadinessProbe, c.LivenessProbe} {
			if status, _ := e.Get(t, p.HTTPGet.Path); status == 404 || p.HTTPGet.Port != c.Ports[0].Name {
				t.Errorf("%+v: HTTP %d", p, status)
			}
		}
		e.Stop()
	}
}

func TestScalingPrometheusFindsThePods(t *testing.T) {
	var prometheus struct {
		ScrapeConfigs []struct {
			RelabelConfigs []struct{ Regex, Action string } `yaml:"relabel_configs"`
		} `yaml:"scrape_configs"`
	}
	apptest.Decode(t, scaling, scalingYAML(t, "scrape_configs")[0], false, &prometheus)
	_, set := scalingManifests(t)
	pod, keep := set.Spec.Template, prometheus.ScrapeConfigs[0].RelabelConfigs[0]
	if want := pod.Metadata.Labels["app"] + ";" + pod.Spec.Containers[0].Ports[0].Name; keep.Regex != want || keep.Action != "keep" {
		t.Errorf("%s %s, want to keep %s", keep.Action, keep.Regex, want)
	}
}

// TestScalingTablesAreRight computes the tables of calls from the figures for one instance and one page, which the tests of
// the collector measure.
func TestScalingTablesAreRight(t *testing.T) {
	perDay := func(scrapes int) func(n int) int { return func(n int) int { return n * scrapes } }
	pages := func(n int) int { return (n + 49) / 50 }
	lists := func(times int) func(n int) int { return func(n int) int { return pages(n) * times } }
	for _, table := range []struct {
		header  string
		columns []func(n int) int
	}{
		{"| instances | `0s`, one server |", []func(int) int{perDay(1440), perDay(2880), perDay(96), perDay(24), perDay(8)}},
		{"| instances | pages |", []func(int) int{pages, lists(288), lists(96), lists(24)}},
	} {
		_, rest, found := strings.Cut(apptest.Read(t, scaling), "\n"+table.header)
		if !found {
			t.Errorf("no table %s", table.header)
			continue
		}
		text, _, _ := strings.Cut(rest, "\n\n")
		rows := strings.Split(text, "\n")[2:]
		if len(rows) != 7 {
			t.Errorf("%s: %d rows, want 7", table.header, len(rows))
		}
		for _, row := range rows {
			var cells []int
			for cell := range strings.SplitSeq(strings.Trim(row, "| "), "|") {
				n, err := strconv.Atoi(strings.ReplaceAll(strings.TrimSpace(cell), ",", ""))
				if err != nil {
					t.Fatal(err)
				}
				cells = append(cells, n)
			}
			if len(cells) != 1+len(table.columns) {
				t.Fatalf("%d cells in %s", len(cells), row)
			}
			for i, column := range table.columns {
				if want := column(cells[0]); cells[i+1] != want {
					t.Errorf("%s: column %d is %d, want %d", row, i+1, cells[i+1], want)
				}
			}
		}
	}
}
