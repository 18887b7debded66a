//go:build deploy

package main

import (
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

// violations tells what of a pod the Pod Security Standard "restricted" refuses, and what of ours is missing.
// https://kubernetes.io/docs/concepts/security/pod-security-standards/
func violations(spec map[string]any) []string {
	var found []string
	refuse := func(when bool, what string) {
		if when {
			found = append(found, what)
		}
	}
	pod := at(spec, "securityContext")
	for _, key := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		refuse(spec[key] == true, key)
	}
	refuse(at(pod, "sysctls") != nil, "sysctls")
	for _, v := range list(spec["volumes"]) {
		for source := range dict(v) {
			refuse(!slices.Contains([]string{"name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}, source),
				"volume "+source)
		}
	}
	refuse(spec["automountServiceAccountToken"] != false, "automountServiceAccountToken")
	refuse(spec["enableServiceLinks"] != false, "enableServiceLinks")

	containers := slices.Concat(list(spec["containers"]), list(spec["initContainers"]), list(spec["ephemeralContainers"]))
	refuse(len(containers) == 0, "no container")
	for _, c := range containers {
		context := at(c, "securityContext")
		either := func(path ...any) any {
			if value := at(context, path...); value != nil {
				return value
			}
			return at(pod, path...)
		}
		refuse(at(context, "privileged") == true, "privileged")
		refuse(at(context, "allowPrivilegeEscalation") != false, "allowPrivilegeEscalation")
		refuse(!slices.Contains(list(at(context, "capabilities", "drop")), any("ALL")), "capabilities.drop")
		for _, added := range list(at(context, "capabilities", "add")) {
			refuse(added != "NET_BIND_SERVICE", "capabilities.add")
		}
		refuse(either("runAsNonRoot") != true, "runAsNonRoot")
		refuse(either("runAsUser") == 0, "runAsUser")
		profile := either("seccompProfile", "type")
		refuse(profile != "RuntimeDefault" && profile != "Localhost", "seccompProfile")
		for _, key := range []string{"seLinuxOptions", "appArmorProfile", "windowsOptions", "procMount"} {
			refuse(either(key) != nil, key)
		}
		refuse(at(context, "readOnlyRootFilesystem") != true, "readOnlyRootFilesystem")
		for _, p := range list(at(c, "ports")) {
			refuse(at(p, "hostPort") != nil, "hostPort")
		}
		for _, probe := range []string{"livenessProbe", "readinessProbe", "startupProbe"} {
			refuse(at(c, probe, "httpGet", "host") != nil || at(c, probe, "tcpSocket", "host") != nil, probe+" host")
		}
	}
	return found
}

func TestDeployPodsAreRestricted(t *testing.T) {
	all := map[string]string{"deploy/kubernetes": kustomize(t, "deploy/kubernetes")}
	for _, set := range valueSets(t) {
		all[set] = render(t, set)
	}
	for where, text := range all {
		pods := 0
		for _, m := range manifests(t, text) {
			if _, spec := m.pod(); spec != nil {
				pods++
				if found := violations(spec); len(found) > 0 {
					t.Errorf("%s: %s %s: %q", where, m.kind(), m.name(), found)
				}
			}
		}
		if pods == 0 {
			t.Errorf("%s: no pod", where)
		}
	}
}

func TestDeployViolationsAreSeen(t *testing.T) {
	_, good := only(t, manifests(t, render(t, "default")), "Deployment").pod()
	for want, change := range map[string]func(spec, container, context map[string]any){
		"hostNetwork":                  func(spec, _, _ map[string]any) { spec["hostNetwork"] = true },
		"sysctls":                      func(spec, _, _ map[string]any) { dict(spec["securityContext"])["sysctls"] = []any{"x"} },
		"volume hostPath":              func(spec, _, _ map[string]any) { dict(list(spec["volumes"])[0])["hostPath"] = "/" },
		"automountServiceAccountToken": func(spec, _, _ map[string]any) { delete(spec, "automountServiceAccountToken") },
		"enableServiceLinks":           func(spec, _, _ map[string]any) { spec["enableServiceLinks"] = true },
		"no container":                 func(spec, _, _ map[string]any) { delete(spec, "containers") },
		"privileged":                   func(_, _, context map[string]any) { context["privileged"] = true },
		"allowPrivilegeEscalation":     func(_, _, context map[string]any) { delete(context, "allowPrivilegeEscalation") },
		"capabilities.drop":            func(_, _, context map[string]any) { delete(context, "capabilities") },
		"capabilities.add":             func(_, _, context map[string]any) { dict(context["capabilities"])["add"] = []any{"SYS_ADMIN"} },
		"runAsNonRoot":                 func(spec, _, _ map[string]any) { delete(dict(spec["securityContext"]), "runAsNonRoot") },
		"runAsUser":                    func(_, _, context map[string]any) { context["runAsUser"] = 0 },
		"seccompProfile":               func(_, _, context map[string]any) { context["seccompProfile"] = map[string]any{"type": "Unconfined"} },
		"procMount":                    func(_, _, context map[string]any) { context["procMount"] = "Unmasked" },
		"readOnlyRootFilesystem":       func(_, _, context map[string]any) { context["readOnlyRootFilesystem"] = false },
		"hostPort":                     func(_, c, _ map[string]any) { dict(list(c["ports"])[0])["hostPort"] = 1 },
		"livenessProbe host":           func(_, c, _ map[string]any) { dict(at(c, "livenessProbe", "httpGet"))["host"] = "x" },
	} {
		spec := clone(t, good)
		c := dict(at(spec, "containers", 0))
		change(spec, c, dict(c["securityContext"]))
		if found := violations(spec); !slices.Equal(found, []string{want}) {
			t.Errorf("%q, want %s", found, want)
		}
	}
}

// clone gives a deep copy.
func clone(t *testing.T, value map[string]any) (copied map[string]any) {
	t.Helper()
	text, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &copied); err != nil {
		t.Fatal(err)
	}
	return copied
}
