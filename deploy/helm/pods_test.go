//go:build deploy

package helm_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

// TestConfigurationsAreValid checks each rendered configuration with the arguments and the environment of its pods.
func TestConfigurationsAreValid(t *testing.T) {
	for _, set := range valueSets(t) {
		t.Run(set, func(t *testing.T) { checkConfiguration(t, manifests(t, render(t, set))) })
	}
	t.Run("kustomize", func(t *testing.T) { checkConfiguration(t, manifests(t, kustomize(t, "deploy/kubernetes"))) })
}

func checkConfiguration(t *testing.T, all []manifest) {
	t.Helper()
	workload := only(t, all, "Deployment", "StatefulSet")
	labels, spec := workload.pod()
	root := t.TempDir()
	mount(t, root, spec, all)
	var args []string
	for _, arg := range list(at(spec, "containers", 0, "args")) {
		args = append(args, strings.NewReplacer("/etc/", root+"/etc/", "/run/", root+"/run/").Replace(str(arg)))
	}
	if labels["pod-identity.alibabacloud.com/injection"] == "on" { // the webhook of RRSA adds these
		t.Setenv("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/x")
		t.Setenv("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::1:oidc-provider/x")
		t.Setenv("ALIBABA_CLOUD_OIDC_TOKEN_FILE", apptest.File(t, "token", "token"))
	}
	for index := range workload.at("spec", "replicas").(int) {
		for _, e := range list(at(spec, "containers", 0, "env")) {
			value := str(at(e, "value"))
			if str(at(e, "valueFrom", "fieldRef", "fieldPath")) == "metadata.labels['apps.kubernetes.io/pod-index']" {
				value = strconv.Itoa(index)
			}
			t.Setenv(str(at(e, "name")), value)
		}
		apptest.CheckConfig(t, args...)
	}
}

// mount writes the files of the volumes of a pod below root. Secrets of the user hold the files that the configuration names.
func mount(t *testing.T, root string, spec map[string]any, all []manifest) {
	t.Helper()
	write := func(path, text string) { apptest.Write(t, filepath.Join(root, path), text) }
	paths := make(map[string]string)
	for _, m := range list(at(spec, "containers", 0, "volumeMounts")) {
		paths[str(at(m, "name"))] = str(at(m, "mountPath"))
		if at(m, "readOnly") != true {
			t.Errorf("%v can be written to", m)
		}
	}
	var configuration string
	for _, v := range list(spec["volumes"]) {
		path := paths[str(at(v, "name"))]
		name := str(at(v, "secret", "secretName")) + str(at(v, "configMap", "name"))
		if path == "" || name == "" {
			t.Errorf("the volume %v is not mounted or has no source", v)
		}
		switch path {
		case "/etc/tair-ssl-exporter":
			configuration = configurationIn(t, name, all)
			write(path+"/tair-ssl-exporter.yml", strings.ReplaceAll(configuration, "/run/", root+"/run/"))
		case "/etc/tair-ssl-exporter-web":
			write(path+"/web-config.yml", "http_server_config: {http2: false}\n")
		}
	}
	for _, file := range regexp.MustCompile(`/run/\S+`).FindAllString(configuration, -1) {
		if !slices.Contains(slices.Collect(maps.Values(paths)), filepath.Dir(file)) {
			t.Errorf("%s is in no volume", file)
		}
		write(file, "key")
	}
}

// configurationIn returns the configuration in a Secret or ConfigMap. That of the user is taken to be the chart's default.
func configurationIn(t *testing.T, name string, all []manifest) string {
	t.Helper()
	for _, m := range all {
		if (m.kind() == "Secret" || m.kind() == "ConfigMap") && m.name() == name {
			if encoded := str(m.at("data", "tair-ssl-exporter.yml")); m.kind() == "Secret" && encoded != "" {
				return base64Decoded(t, encoded)
			}
			return str(m.at("stringData", "tair-ssl-exporter.yml")) + str(m.at("data", "tair-ssl-exporter.yml"))
		}
	}
	return configurationIn(t, releaseName, manifests(t, render(t, "default")))
}

// A changed configuration changes the pods, so that a rollout loads it.
func TestAChangedConfigurationIsARollout(t *testing.T) {
	template := func(flags ...string) any {
		return only(t, manifests(t, renderWith(t, flags...)), "Deployment").at("spec", "template")
	}
	if reflect.DeepEqual(template(), template("--set", "config.refresh_interval=2h")) {
		t.Error("a changed configuration changes no pod")
	}
	if !reflect.DeepEqual(template(), template("--set", "serviceMonitor.enabled=true,podDisruptionBudget.enabled=false,replicas=2")) {
		t.Error("values of other objects change the pods")
	}
}

func TestSelectorsSelectThePods(t *testing.T) {
	for _, set := range valueSets(t) {
		all := manifests(t, render(t, set))
		workload := only(t, all, "Deployment", "StatefulSet")
		labels, _ := workload.pod()
		for _, m := range all {
			var selector map[string]any
			selects := labels
			switch m.kind() {
			case "Service":
				selector = dict(m.at("spec", "selector"))
			case "Deployment", "StatefulSet", "PodDisruptionBudget":
				selector = dict(m.at("spec", "selector", "matchLabels"))
			case "NetworkPolicy":
				selector = dict(m.at("spec", "podSelector", "matchLabels"))
			case "ServiceMonitor":
				selector = dict(m.at("spec", "selector", "matchLabels"))
				selects = dict(only(t, all, "Service").at("metadata", "labels"))
			default:
				continue
			}
			if !selected(selector, selects) {
				t.Errorf("%s: %s selects %v, not %v", set, m.kind(), selector, selects)
			}
			for _, hook := range all {
				if labels, _ := hook.pod(); hook.isHook() && selected(selector, labels) {
					t.Errorf("%s: %s selects the pod of helm test", set, m.kind())
				}
			}
		}
	}
}

func selected(selector, labels map[string]any) bool {
	for name, value := range selector {
		if labels[name] != value {
			return false
		}
	}
	return len(selector) > 0
}

// TestShardsAreThoseOfTheGuide compares the chart with the manifests of docs/scaling.md.
func TestShardsAreThoseOfTheGuide(t *testing.T) {
	const path = "docs/scaling.md"
	guide := manifests(t, strings.Join(apptest.Blocks(t, path, apptest.Read(t, path), "yaml"), "\n---\n"))
	chart := manifests(t, render(t, "sharded"))
	of := func(all []manifest) (fields []any) {
		service, set := only(t, all, "Service"), only(t, all, "StatefulSet")
		labels, spec := set.pod()
		if service.at("spec", "clusterIP") != "None" || set.at("spec", "serviceName") != service.name() ||
			!selected(dict(service.at("spec", "selector")), labels) || !selected(dict(set.at("spec", "selector", "matchLabels")), labels) {
			t.Errorf("the Service %s is not the headless one of the pods", service.name())
		}
		container := at(spec, "containers", 0)
		if at(container, "volumeMounts", 0, "name") != at(spec, "volumes", 0, "name") {
			t.Error("the configuration is not mounted")
		}
		fields = []any{set.at("spec", "replicas"), set.at("spec", "podManagementPolicy"), spec["enableServiceLinks"], at(container, "args", 0),
			at(container, "ports", 0, "name"), at(container, "ports", 0, "containerPort")}
		for _, key := range []string{"image", "env", "resources", "volumeMounts"} {
			fields = append(fields, at(container, key))
		}
		for _, probe := range []string{"readinessProbe", "livenessProbe"} {
			fields = append(fields, at(container, probe, "httpGet"))
		}
		return fields
	}
	if !reflect.DeepEqual(of(guide), of(chart)) {
		t.Errorf("the guide has %v\nthe chart %v", of(guide), of(chart))
	}
}

func TestMemoryLimitOfGo(t *testing.T) {
	for limit, want := range map[string]any{"512Mi": "460MiB", "128Mi": "115MiB", "1Gi": "921MiB", "500M": nil, "": nil} {
		flags := []string{"--set-json", fmt.Sprintf(`resources={"limits":{"memory":%q}}`, limit)}
		if limit == "" {
			flags = []string{"--set-json", `resources={"limits":null}`}
		}
		_, spec := only(t, manifests(t, renderWith(t, flags...)), "Deployment").pod()
		if got := at(spec, "containers", 0, "env", 0, "value"); got != want {
			t.Errorf("%q: %v, want %v", limit, got, want)
		}
	}
}

// Helm allows names that a Service may not have.
func TestNamesAreLabels(t *testing.T) {
	t.Parallel()
	label := regexp.MustCompile(`^[a-z]([a-z0-9-]{0,50}[a-z0-9])?$`)
	for _, c := range []struct{ release, flags string }{
		{"r.e.l", ""},
		{"a.tair-ssl-exporter.b", ""},
		{strings.Repeat("x", 53), ""},
		{strings.Repeat("x", 50) + "--y", ""},
		{strings.Repeat("x", 51) + ".y", ""},
		{"r", "nameOverride=" + strings.Repeat("x", 49) + "---y"},
		{"r", "fullnameOverride=" + strings.Repeat("x", 50) + "---y"},
		{"1x", "fullnameOverride=x"},
		{"123", "fullnameOverride=x,nameOverride=true"},
	} {
		text, err := helm(t, c.release, chart, "--set", "shards=2", "--set-string", c.flags)
		if err != nil {
			t.Errorf("%s, %s: %v", c.release, c.flags, err)
			continue
		}
		all := manifests(t, text)
		service, pods := only(t, all, "Service"), only(t, all, "StatefulSet")
		if !label.MatchString(service.name()) || pods.name() != service.name() || pods.at("spec", "serviceName") != service.name() {
			t.Errorf("%s, %s: %q, %q", c.release, c.flags, service.name(), pods.name())
		}
		for name, value := range dict(service.at("spec", "selector")) {
			if _, isString := value.(string); !isString {
				t.Errorf("%s: %s is %v", c.release, name, value)
			}
		}
	}
	for _, release := range []string{"1x", "1.tair-ssl-exporter"} {
		_, err := helm(t, release, chart)
		mustRefuse(t, release, err, "release "+release+": the name of a Service begins with a letter; set fullnameOverride")
	}
}

// RRSA needs a label on the pod and an annotation on its service account. Only the set with RRSA has them.
func TestRRSA(t *testing.T) {
	for _, set := range valueSets(t) {
		all := manifests(t, render(t, set))
		labels, spec := only(t, all, "Deployment", "StatefulSet").pod()
		role := any(nil)
		for _, m := range all {
			if m.kind() == "ServiceAccount" && m.name() == spec["serviceAccountName"] {
				role = m.at("metadata", "annotations", "pod-identity.alibabacloud.com/role-name")
			}
		}
		want := [2]any{nil, nil}
		if set == "rrsa" {
			want = [2]any{"on", "tair-ssl-exporter"}
		}
		if got := [2]any{labels["pod-identity.alibabacloud.com/injection"], role}; got != want {
			t.Errorf("%s: label and role %v, want %v", set, got, want)
		}
	}
}
