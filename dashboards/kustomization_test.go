package dashboards

import (
	"bytes"
	"os"
	"reflect"
	"testing"

	"go.yaml.in/yaml/v3"
)

type generator struct {
	Name  string
	Files []string
}

// What kustomize makes of the boards is in step with them: a ConfigMap for each, named by its uid, which the sidecar finds.
func TestKustomizationHasEveryBoard(t *testing.T) {
	text, err := os.ReadFile("kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		APIVersion       string `yaml:"apiVersion"`
		Kind             string
		GeneratorOptions struct {
			DisableNameSuffixHash bool `yaml:"disableNameSuffixHash"`
			Labels, Annotations   map[string]string
		} `yaml:"generatorOptions"`
		ConfigMapGenerator []generator `yaml:"configMapGenerator"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}

	options := got.GeneratorOptions
	if !options.DisableNameSuffixHash || options.Labels["grafana_dashboard"] != "1" || options.Annotations["grafana_folder"] != "Tair" {
		t.Errorf("generatorOptions %+v", options)
	}
	boards, err := All()
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string][]string)
	for _, b := range boards {
		want[b.UID] = []string{b.File}
	}
	found := make(map[string][]string)
	for _, g := range got.ConfigMapGenerator {
		found[g.Name] = g.Files
	}
	if !reflect.DeepEqual(found, want) {
		t.Errorf("ConfigMaps %v, want %v", found, want)
	}
}
