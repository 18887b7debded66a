//go:build deploy

package helm_test

import (
	"cmp"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

// TestConfigurationsAreValid checks each rendered configuration with the arguments, the environment and the mounted files
// of its pods. A Secret of the user is taken to hold the default configuration.
func TestConfigurationsAreValid(t *testing.T) {
	byDefault := configurationIn(manifests(t, render(t, "default")))
	for _, set := range valueSets(t) {
		t.Run(set, func(t *testing.T) {
			text := render(t, set)
			workload := only(t, manifests(t, text), "Deployment", "StatefulSet")
			labels, spec := workload.pod()
			configuration := cmp.Or(configurationIn(manifests(t, text)), byDefault)
			root := t.TempDir()
			inRoot := func(line string) string {
				return regexp.MustCompile(`/(etc|run)/\S+`).ReplaceAllStringFunc(line, func(path string) string {
					if !strings.Contains(text, "mountPath: "+filepath.Dir(path)+"\n") {
						t.Errorf("%s is in no volume", path)
					}
					return root + path
				})
			}
			for _, file := range regexp.MustCompile(`/run/\S+`).FindAllString(configuration, -1) {
				apptest.Write(t, root+file, "key")
			}
			apptest.Write(t, root+"/etc/tair-ssl-exporter/tair-ssl-exporter.yml", inRoot(configuration))
			apptest.Write(t, root+"/etc/tair-ssl-exporter-web/web-config.yml", "http_server_config: {http2: false}\n")
			var args []string
			for _, arg := range list(at(spec, "containers", 0, "args")) {
				args = append(args, inRoot(str(arg)))
			}
			if labels["pod-identity.alibabacloud.com/injection"] == "on" { // the webhook of RRSA adds these
				t.Setenv("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/x")
				t.Setenv("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::1:oidc-provider/x")
				t.Setenv("ALIBABA_CLOUD_OIDC_TOKEN_FILE", apptest.File(t, "token", "token"))
			}
			for index := range workload.at("spec", "replicas").(int) {
				for _, e := range list(at(spec, "containers", 0, "env")) {
					value := str(at(e, "value"))
					if at(e, "valueFrom", "fieldRef", "fieldPath") == "metadata.labels['apps.kubernetes.io/pod-index']" {
						value = strconv.Itoa(index)
					}
					t.Setenv(str(at(e, "name")), value)
				}
				apptest.CheckConfig(t, args...)
			}
		})
	}
}

// configurationIn returns the configuration in the Secret or the ConfigMap of the chart, "" when there is none.
func configurationIn(all []manifest) string {
	for _, m := range all {
		const key = "tair-ssl-exporter.yml"
		if text := str(m.at("stringData", key)) + str(m.at("data", key)); text != "" {
			return strings.TrimSuffix(text, "\n") + "\n"
		}
	}
	return ""
}

// TestPodsAreRestricted: the pods meet the Pod Security Standard "restricted", with a read-only root file system and no
// access to the API server. https://kubernetes.io/docs/concepts/security/pod-security-standards/
func TestPodsAreRestricted(t *testing.T) {
	ofPod := map[string]any{
		"fsGroup": 65532, "runAsGroup": 65532, "runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": map[string]any{"type": "RuntimeDefault"},
	}
	ofContainer := map[string]any{
		"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": map[string]any{"drop": []any{"ALL"}},
	}
	for _, set := range valueSets(t) {
		pods := 0
		for _, m := range manifests(t, render(t, set)) {
			_, spec := m.pod()
			if m.kind() == "Pod" {
				spec = dict(m.at("spec"))
			}
			if spec == nil {
				continue
			}
			pods++
			if spec["automountServiceAccountToken"] != false || spec["enableServiceLinks"] != false || !reflect.DeepEqual(spec["securityContext"], any(ofPod)) {
				t.Errorf("%s: %s %s: %v", set, m.kind(), m.name(), spec)
			}
			for key := range spec {
				if strings.HasPrefix(key, "host") {
					t.Errorf("%s: %s", set, key)
				}
			}
			for _, c := range slices.Concat(list(spec["containers"]), list(spec["initContainers"])) {
				if !reflect.DeepEqual(at(c, "securityContext"), any(ofContainer)) {
					t.Errorf("%s: container %v", set, c)
				}
			}
		}
		if pods != 2 { // that of the exporter and that of helm test
			t.Errorf("%s: %d pods", set, pods)
		}
	}
}

// The reloader watches the file that the exporter reads, and nothing restarts the pods for it.
func TestReloaderInsteadOfARestart(t *testing.T) {
	t.Parallel()
	workload := only(t, manifests(t, render(t, "extras")), "Deployment")
	if note := workload.at("spec", "template", "metadata", "annotations"); note != nil {
		t.Errorf("the pods restart: %v", note)
	}
	_, spec := workload.pod()
	for i, want := range [][]any{
		{"--config.file=/etc/tair-ssl-exporter/tair-ssl-exporter.yml", "--web.enable-lifecycle"},
		{"--watched-dir=/etc/tair-ssl-exporter", "--reload-url=http://127.0.0.1:10219/-/reload"},
	} {
		if got := list(at(spec, "containers", i, "args")); !reflect.DeepEqual(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	reloader := at(spec, "containers", 1)
	if at(reloader, "volumeMounts", 0, "mountPath") != "/etc/tair-ssl-exporter" ||
		at(reloader, "image") != "registry.example.com/prometheus-operator/prometheus-config-reloader:"+apptest.Tool(t, "PROMETHEUS_OPERATOR_VERSION") {
		t.Errorf("%v", reloader)
	}
}

// TestShardsAreThoseOfTheGuide compares the chart with the manifests of docs/scaling.md.
func TestShardsAreThoseOfTheGuide(t *testing.T) {
	const path = "docs/scaling.md"
	guide := manifests(t, strings.Join(apptest.Blocks(t, path, apptest.Read(t, path), "yaml"), "\n---\n"))
	labels, _ := only(t, guide, "StatefulSet").pod()
	for _, selector := range []any{
		only(t, guide, "Service").at("spec", "selector"), only(t, guide, "StatefulSet").at("spec", "selector", "matchLabels"),
	} {
		if !reflect.DeepEqual(selector, any(labels)) {
			t.Errorf("%v does not select the pods, which have %v", selector, labels)
		}
	}
	fields := func(all []manifest) []any {
		service, set := only(t, all, "Service"), only(t, all, "StatefulSet")
		_, spec := set.pod()
		container := at(spec, "containers", 0)
		found := []any{
			service.name(), service.at("spec", "clusterIP"), set.at("spec", "serviceName"), set.at("spec", "replicas"),
			set.at("spec", "podManagementPolicy"), spec["enableServiceLinks"], at(spec, "volumes", 0, "name"),
			at(container, "args", 0), at(container, "readinessProbe", "httpGet"), at(container, "livenessProbe", "httpGet"),
		}
		for _, key := range []string{"image", "env", "ports", "resources", "volumeMounts"} {
			found = append(found, at(container, key))
		}
		return found
	}
	if got, want := fields(guide), fields(manifests(t, render(t, "sharded"))); !reflect.DeepEqual(got, want) {
		t.Errorf("the guide has %v\nthe chart %v", got, want)
	}
}
