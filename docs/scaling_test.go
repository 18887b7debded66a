package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"tair_ssl_exporter/internal/app"
	"tair_ssl_exporter/internal/apptest"
)

// scalingYAML gives the YAML documents of docs/scaling.md that have a key at their top, and all when key is "".
func scalingYAML(t *testing.T, key string) []string {
	t.Helper()
	var found []string
	for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(scaling(t), -1) {
		for text := range strings.SplitSeq(m[1], "\n---\n") {
			var document map[string]any
			if err := yaml.Unmarshal([]byte(text), &document); err != nil {
				t.Errorf("%v in\n%s", err, text)
			}
			if _, has := document[key]; has || key == "" {
				found = append(found, text)
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("docs/scaling.md has no YAML with %q", key)
	}
	return found
}

func scaling(t *testing.T) string {
	t.Helper()
	return apptest.Read(t, "docs/scaling.md")
}

// strict decodes a document and refuses what the type does not have.
func strict(t *testing.T, text string, into any) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Errorf("%v in\n%s", err, text)
	}
	if err := d.Decode(into); !errors.Is(err, io.EOF) {
		t.Errorf("more than one document in\n%s", text)
	}
}

func TestScalingHasNoYAMLThatIsNotTested(t *testing.T) {
	tested := len(scalingYAML(t, "accounts")) + len(scalingYAML(t, "kind")) + len(scalingYAML(t, "scrape_configs"))
	if all := len(scalingYAML(t, "")); tested != all {
		t.Errorf("%d of %d documents are an exporter's configuration, a manifest or one of Prometheus", tested, all)
	}
}

func TestScalingConfigurationsAreValid(t *testing.T) {
	for _, text := range scalingYAML(t, "accounts") {
		var out strings.Builder
		if code := app.Run(t.Context(), []string{"--config.check", "--config.file=" + apptest.File(t, "c.yml", text)}, &out, &out); code != 0 {
			t.Errorf("%s in\n%s", &out, text)
		}
	}
}

type service struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		ClusterIP string `yaml:"clusterIP"`
		Selector  map[string]string
		Ports     []struct {
			Name string
			Port int
		}
	}
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

type statefulSet struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		Replicas            int
		ServiceName         string `yaml:"serviceName"`
		PodManagementPolicy string `yaml:"podManagementPolicy"`
		Selector            struct {
			MatchLabels map[string]string `yaml:"matchLabels"`
		}
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct {
				EnableServiceLinks *bool `yaml:"enableServiceLinks"`
				Containers         []struct {
					Name, Image string
					Args        []string
					Env         []struct {
						Name, Value string
						ValueFrom   struct {
							FieldRef struct {
								FieldPath string `yaml:"fieldPath"`
							} `yaml:"fieldRef"`
						} `yaml:"valueFrom"`
					}
					Ports []struct {
						Name          string
						ContainerPort int `yaml:"containerPort"`
					}
					ReadinessProbe probe `yaml:"readinessProbe"`
					LivenessProbe  probe `yaml:"livenessProbe"`
					Resources      struct{ Requests, Limits map[string]string }
					VolumeMounts   []struct {
						Name      string
						MountPath string `yaml:"mountPath"`
						ReadOnly  bool   `yaml:"readOnly"`
					} `yaml:"volumeMounts"`
				}
				Volumes []struct {
					Name      string
					ConfigMap struct{ Name string } `yaml:"configMap"`
				}
			}
		}
	}
}

// TestScalingManifestMakesShards starts the exporter with the environment that the manifest gives to its pods.
func TestScalingManifestMakesShards(t *testing.T) {
	manifests := scalingYAML(t, "kind")
	if len(manifests) != 2 {
		t.Fatalf("%d manifests, want a Service and a StatefulSet", len(manifests))
	}
	var svc service
	var set statefulSet
	strict(t, manifests[0], &svc)
	strict(t, manifests[1], &set)
	spec := set.Spec
	pod := spec.Template.Spec
	label := spec.Template.Metadata.Labels["app"]
	switch {
	case svc.APIVersion != "v1" || svc.Kind != "Service" || set.APIVersion != "apps/v1" || set.Kind != "StatefulSet":
		t.Errorf("%s %s, %s %s", svc.APIVersion, svc.Kind, set.APIVersion, set.Kind)
	case svc.Metadata.Name != spec.ServiceName || svc.Spec.ClusterIP != "None":
		t.Error("the StatefulSet's service is not the headless one")
	case label == "" || spec.Selector.MatchLabels["app"] != label || svc.Spec.Selector["app"] != label:
		t.Error("the selectors do not select the pods")
	case spec.PodManagementPolicy != "Parallel", pod.EnableServiceLinks == nil, *pod.EnableServiceLinks:
		t.Error("podManagementPolicy or enableServiceLinks is not what the text says")
	case len(pod.Containers) != 1 || len(pod.Volumes) != 1:
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
		r := apptest.Start(t, "--demo")
		_, body := r.Get(t, "/metrics/self")
		apptest.Contains(t, body, fmt.Sprintf("\ntair_ssl_exporter_shard %d\n", shard),
			fmt.Sprintf("\ntair_ssl_exporter_total_shards %d\n", spec.Replicas))
		for _, p := range []probe{c.ReadinessProbe, c.LivenessProbe} {
			if status, _ := r.Get(t, p.HTTPGet.Path); status == 404 || p.HTTPGet.Port != c.Ports[0].Name {
				t.Errorf("%+v: HTTP %d", p, status)
			}
		}
		r.Stop()
	}
}

func TestScalingPrometheusFindsThePods(t *testing.T) {
	var prometheus struct {
		ScrapeConfigs []struct {
			RelabelConfigs []struct {
				SourceLabels  []string `yaml:"source_labels"`
				Regex, Action string
			} `yaml:"relabel_configs"`
		} `yaml:"scrape_configs"`
	}
	var set statefulSet
	if err := cmp.Or(yaml.Unmarshal([]byte(scalingYAML(t, "scrape_configs")[0]), &prometheus),
		yaml.Unmarshal([]byte(scalingYAML(t, "kind")[1]), &set)); err != nil {
		t.Fatal(err)
	}
	pod := set.Spec.Template
	keep := prometheus.ScrapeConfigs[0].RelabelConfigs[0]
	if want := pod.Metadata.Labels["app"] + ";" + pod.Spec.Containers[0].Ports[0].Name; keep.Regex != want || keep.Action != "keep" {
		t.Errorf("%s %s, want to keep %s", keep.Action, keep.Regex, want)
	}
}

// TestScalingTablesAreRight computes the tables of calls from the figures for one instance and one page, which the tests
// of the collector count.
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
		_, rest, found := strings.Cut(scaling(t), "\n"+table.header)
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
