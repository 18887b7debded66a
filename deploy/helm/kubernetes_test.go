//go:build deploy

package helm_test

import (
	"encoding/base64"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

// kubernetesFiles renders the files of deploy/kubernetes, by their path there, without the labels of helm.
func kubernetesFiles(t *testing.T) map[string]string {
	t.Helper()
	const head = "# Rendered from deploy/helm/tair-ssl-exporter by make golden.\n"
	ofHelm := regexp.MustCompile(`(?m)^(# Source:|\s+app\.kubernetes\.io/managed-by:|\s+helm\.sh/chart:) .*\n`)
	files := map[string]string{
		"tair-ssl-exporter.yml": head + configurationIn(t, releaseName, manifests(t, render(t, "default"))),
	}
	for _, m := range manifests(t, render(t, "kubernetes")) {
		if m.isHook() {
			continue
		}
		name := strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(m.kind(), "$1-$2")) + ".yaml"
		if strings.HasPrefix(str(m.at("apiVersion")), "monitoring.coreos.com/") {
			name = "monitoring/" + name
		}
		files[name] = head + strings.TrimSpace(ofHelm.ReplaceAllString(m.text, "")) + "\n"
	}
	return files
}

func TestKubernetesGolden(t *testing.T) {
	files := kubernetesFiles(t)
	for name, text := range files {
		golden(t, "deploy/kubernetes/"+name, text)
	}
	for _, dir := range []string{"deploy/kubernetes/", "deploy/kubernetes/monitoring/"} {
		var resources struct{ Resources []string }
		apptest.DecodeFile(t, dir+"kustomization.yaml", false, &resources)
		for _, path := range apptest.Glob(t, dir+"*.y*ml") {
			name := strings.TrimPrefix(path, "deploy/kubernetes/")
			if _, isRendered := files[name]; !isRendered && filepath.Base(name) != "kustomization.yaml" {
				t.Errorf("%s is not rendered any more", path)
			}
			if filepath.Ext(name) == ".yaml" && filepath.Base(name) != "kustomization.yaml" && !slices.Contains(resources.Resources, filepath.Base(name)) {
				t.Errorf("%skustomization.yaml does not name %s", dir, name)
			}
		}
	}
}

// kustomize returns the manifests of kubectl apply -k.
func kustomize(t *testing.T, dir string) string {
	t.Helper()
	return apptest.Command(t, apptest.Tool(t, "KUSTOMIZE"), "build", dir)
}

// TestOverlay changes image, namespace, label and configuration in a directory of the user's.
func TestOverlay(t *testing.T) {
	dir := t.TempDir()
	overlay := filepath.Join(dir, "overlay")
	apptest.Command(t, "cp", "-r", "deploy", "dashboards", dir)
	apptest.Command(t, "mkdir", overlay)
	apptest.Command(t, "cp", apptest.File(t, "kustomization.yaml", `
namespace: tair
resources: [../deploy/kubernetes, ../deploy/kubernetes/monitoring]
images: [{name: tair_ssl_exporter, newName: registry.example.com/tair_ssl_exporter, newTag: "1"}]
secretGenerator: [{name: tair-ssl-exporter, behavior: replace, files: [tair-ssl-exporter.yml]}]
labels: [{pairs: {release: kube-prometheus-stack}}]
`), apptest.File(t, "tair-ssl-exporter.yml", "accounts: [{region: cn-hangzhou, instances: [r-bp1zxszhcgatnx]}]\n"), overlay)
	all := manifests(t, kustomize(t, overlay))
	kinds := make(map[string]int)
	for _, m := range all {
		kinds[m.kind()]++
		if m.at("metadata", "namespace") != "tair" || m.at("metadata", "labels", "release") != "kube-prometheus-stack" {
			t.Errorf("%s %s is not in the namespace or has no label", m.kind(), m.name())
		}
	}
	want := map[string]int{"Deployment": 1, "PodDisruptionBudget": 1, "Service": 1, "ServiceAccount": 1, "Secret": 1,
		"ServiceMonitor": 1, "PrometheusRule": 1, "ConfigMap": len(apptest.Glob(t, "dashboards/*.json"))}
	if !maps.Equal(kinds, want) {
		t.Errorf("%v, want %v", kinds, want)
	}
	_, spec := only(t, all, "Deployment").pod()
	secret := only(t, all, "Secret")
	if at(spec, "containers", 0, "image") != "registry.example.com/tair_ssl_exporter:1" || at(spec, "volumes", 0, "secret", "secretName") != secret.name() {
		t.Errorf("the pod does not have the image or the Secret %s of the overlay", secret.name())
	}
	if text := base64Decoded(t, str(secret.at("data", "tair-ssl-exporter.yml"))); !strings.Contains(text, "r-bp1zxszhcgatnx") {
		t.Errorf("the configuration is not that of the overlay: %s", text)
	}
}

func base64Decoded(t *testing.T, text string) string {
	t.Helper()
	decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return string(decoded)
}
