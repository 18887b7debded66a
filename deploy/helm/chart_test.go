//go:build deploy

package helm_test

import (
	"regexp"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

func TestChartIsLinted(t *testing.T) {
	t.Parallel()
	for _, set := range valueSets(t) {
		apptest.Command(t, apptest.Tool(t, "HELM"), "lint", "--strict", "--quiet", "--kube-version", kubernetesVersion(t),
			"--values", valuesOf(set), chart)
	}
}

func TestChartNeedsTheVersionWithThePodIndex(t *testing.T) {
	t.Parallel()
	_, err := helm(t, releaseName, chart, "--kube-version", "1.27.9")
	mustRefuse(t, "1.27", err, "chart requires kubeVersion")
	if _, err := helm(t, releaseName, chart, "--kube-version", "1.28.0-aliyun.1"); err != nil {
		t.Errorf("1.28: %v", err)
	}
}

// Helm allows names that a Service may not have.
func TestNamesAreLabels(t *testing.T) {
	t.Parallel()
	label := regexp.MustCompile(`^[a-z]([a-z0-9-]{0,50}[a-z0-9])?$`)
	for _, c := range []struct{ release, values string }{
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
		text, err := helm(t, c.release, chart, "--set", "shards=2", "--set-string", c.values)
		if err != nil {
			t.Errorf("%s, %s: %v", c.release, c.values, err)
			continue
		}
		all := manifests(t, text)
		service, pods := only(t, all, "Service"), only(t, all, "StatefulSet")
		if !label.MatchString(service.name()) || pods.name() != service.name() || pods.at("spec", "serviceName") != service.name() {
			t.Errorf("%s, %s: %q, %q", c.release, c.values, service.name(), pods.name())
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
