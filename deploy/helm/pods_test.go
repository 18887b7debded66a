//go:build deploy

package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"tair_ssl_exporter/internal/apptest"
)

// TestDeployConfigurationsAreValid gives each rendered configuration to the binary, with the arguments and the
// environment that the pod gives it, once for each shard.
func TestDeployConfigurationsAreValid(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "tair_ssl_exporter")
	command(t, "go", "build", "-o", binary, ".")
	for _, set := range valueSets(t) {
		all := manifests(t, render(t, set))
		checkConfiguration(t, binary, set, all)
	}
	checkConfiguration(t, binary, "deploy/kubernetes", manifests(t, kustomize(t, "deploy/kubernetes")))
}

func checkConfiguration(t *testing.T, binary, set string, all []manifest) {
	t.Helper()
	workload := only(t, all, "Deployment", "StatefulSet")
	labels, spec := workload.pod()
	root := t.TempDir()
	mount(t, root, spec, all)
	inRoot := func(s string) string {
		return strings.NewReplacer("/etc/", root+"/etc/", "/run/", root+"/run/").Replace(s)
	}

	c := at(spec, "containers", 0)
	args := []string{"--config.check"}
	for _, arg := range list(at(c, "args")) {
		args = append(args, inRoot(str(arg)))
	}
	for index := range workload.at("spec", "replicas").(int) {
		cmd := exec.CommandContext(t.Context(), binary, args...)
		cmd.Dir = root
		cmd.Env = os.Environ()
		for _, e := range list(at(c, "env")) {
			value := str(at(e, "value"))
			if str(at(e, "valueFrom", "fieldRef", "fieldPath")) == "metadata.labels['apps.kubernetes.io/pod-index']" {
				value = strconv.Itoa(index)
			}
			cmd.Env = append(cmd.Env, str(at(e, "name"))+"="+value)
		}
		if labels["pod-identity.alibabacloud.com/injection"] == "on" { // what the webhook adds then
			cmd.Env = append(cmd.Env, "ALIBABA_CLOUD_ROLE_ARN=acs:ram::1:role/x", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN=acs:ram::1:oidc-provider/x",
				"ALIBABA_CLOUD_OIDC_TOKEN_FILE="+apptest.File(t, "token", "token"))
		}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "OK: the configuration is valid") {
			t.Errorf("%s: %q of pod %d: %v\n%s", set, args, index, err, out)
		}
	}
}

// mount writes what the volumes of a pod hold below root. Secrets of the user have what the configuration names.
func mount(t *testing.T, root string, spec map[string]any, all []manifest) {
	t.Helper()
	write := func(path, content string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, path), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
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

// configurationIn gives the file in the Secret or ConfigMap of a name; one that the user has to make is as in the chart.
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

func TestDeployConfigurationIsInTheKindOfTheValue(t *testing.T) {
	for set, kind := range map[string]string{"default": "Secret", "configmap": "ConfigMap"} {
		m := only(t, manifests(t, render(t, set)), "Secret", "ConfigMap")
		_, spec := only(t, manifests(t, render(t, set)), "Deployment").pod()
		of := str(at(spec, "volumes", 0, "secret", "secretName")) + " Secret"
		if kind == "ConfigMap" {
			of = str(at(spec, "volumes", 0, "configMap", "name")) + " ConfigMap"
		}
		if m.kind() != kind || of != m.name()+" "+kind {
			t.Errorf("%s: %s %s, and the pod mounts %s", set, m.kind(), m.name(), of)
		}
	}
}

// A changed configuration is a changed pod, so that a rollout loads it; another value changes no pod that need not.
func TestDeployAChangedConfigurationIsARollout(t *testing.T) {
	template := func(flags ...string) any {
		return only(t, manifests(t, renderWith(t, flags...)), "Deployment").at("spec", "template")
	}
	if reflect.DeepEqual(template(), template("--set", "config.refresh_interval=2h")) {
		t.Error("a changed configuration changes no pod")
	}
	if !reflect.DeepEqual(template(), template("--set", "serviceMonitor.enabled=true,podDisruptionBudget.enabled=false,replicas=2")) {
		t.Error("what is beside the pods changes them")
	}
}

func TestDeploySelectorsSelectThePods(t *testing.T) {
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

// TestDeployShardsAreThoseOfTheGuide compares the chart with the StatefulSet of docs/scaling.md, which is tested to work.
func TestDeployShardsAreThoseOfTheGuide(t *testing.T) {
	var guide, chart statefulSet
	if err := yaml.Unmarshal([]byte(scalingYAML(t, "kind")[1]), &guide); err != nil {
		t.Fatal(err)
	}
	all := manifests(t, render(t, "sharded"))
	only(t, all, "StatefulSet").into(t, &chart)
	if service := only(t, all, "Service"); service.name() != chart.Spec.ServiceName || service.at("spec", "clusterIP") != "None" {
		t.Error("the StatefulSet's service is not the headless one")
	}
	g, c := guide.Spec.Template.Spec.Containers[0], chart.Spec.Template.Spec.Containers[0]
	for what, both := range map[string][2]any{
		"replicas":      {guide.Spec.Replicas, chart.Spec.Replicas},
		"policy":        {guide.Spec.PodManagementPolicy, chart.Spec.PodManagementPolicy},
		"service links": {guide.Spec.Template.Spec.EnableServiceLinks, chart.Spec.Template.Spec.EnableServiceLinks},
		"image":         {g.Image, c.Image},
		"configuration": {g.Args[0], c.Args[0]},
		"environment":   {g.Env, c.Env},
		"ports":         {g.Ports, c.Ports},
		"readiness":     {g.ReadinessProbe, c.ReadinessProbe},
		"liveness":      {g.LivenessProbe, c.LivenessProbe},
		"resources":     {g.Resources, c.Resources},
		"mount":         {g.VolumeMounts, c.VolumeMounts},
	} {
		if !reflect.DeepEqual(both[0], both[1]) {
			t.Errorf("%s: the guide has %v, the chart %v", what, both[0], both[1])
		}
	}
}

func TestDeployMemoryLimitOfGo(t *testing.T) {
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
func TestDeployNamesAreLabels(t *testing.T) {
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
		mustSay(t, release, err, "release "+release+": the name of a Service begins with a letter; set fullnameOverride")
	}
}

// RRSA takes a label on the pod and an annotation on its service account, and nothing else brings them.
func TestDeployRRSA(t *testing.T) {
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
