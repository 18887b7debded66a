//go:build deploy

package helm_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestPodsAreRestricted: the pods meet the Pod Security Standard "restricted", with a read-only root file system and no
// access to the API server. https://kubernetes.io/docs/concepts/security/pod-security-standards/
func TestPodsAreRestricted(t *testing.T) {
	var want struct{ Pod, Container map[string]any }
	if err := yaml.Unmarshal([]byte(`
pod: {runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532, seccompProfile: {type: RuntimeDefault}}
container: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
`), &want); err != nil {
		t.Fatal(err)
	}
	sources := []string{"configMap", "emptyDir", "secret"}
	all := map[string]string{"deploy/kubernetes": kustomize(t, "deploy/kubernetes")}
	for _, set := range valueSets(t) {
		all[set] = render(t, set)
	}
	for where, text := range all {
		pods := 0
		for _, m := range manifests(t, text) {
			_, spec := m.pod()
			if spec == nil {
				continue
			}
			pods++
			refuse := func(when bool, what string) {
				if when {
					t.Errorf("%s: %s %s: %s", where, m.kind(), m.name(), what)
				}
			}
			for _, key := range []string{"hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers"} {
				refuse(spec[key] != nil, key)
			}
			refuse(spec["automountServiceAccountToken"] != false, "automountServiceAccountToken")
			refuse(spec["enableServiceLinks"] != false, "enableServiceLinks")
			refuse(!reflect.DeepEqual(spec["securityContext"], any(want.Pod)), "securityContext")
			for _, v := range list(spec["volumes"]) {
				for source := range maps.Keys(dict(v)) {
					refuse(source != "name" && !slices.Contains(sources, source), "volume "+source)
				}
			}
			refuse(len(list(spec["containers"])) != 1, "containers")
			for _, c := range list(spec["containers"]) {
				refuse(!reflect.DeepEqual(at(c, "securityContext"), any(want.Container)), "securityContext of the container")
				refuse(at(c, "ports", 0, "hostPort") != nil || at(c, "livenessProbe", "httpGet", "host") != nil ||
					at(c, "readinessProbe", "httpGet", "host") != nil, "a port or probe of the host")
			}
		}
		if pods == 0 {
			t.Errorf("%s: no pod", where)
		}
	}
}
