//go:build deploy

package helm_test

import (
	"slices"
	"testing"
)

// violations returns what of a pod the Pod Security Standard "restricted" refuses, and our own requirements that it misses.
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

func TestPodsAreRestricted(t *testing.T) {
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
