//go:build deploy

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// standIn is what the README's commands call for programs that need a cluster, a daemon or an account: it does as much of
// the command as can be done here, and refuses what it does not know. It is called by the program's name.
const standIn = `#!/usr/bin/env bash
set -euo pipefail
name=${0##*/}
refuse() { echo "the test of the README knows no such command: $name $*" >&2; exit 1; }
flags() { "$EXPORTER" "$@" --version >/dev/null; } # refuses flags that there are not
case "$name ${1-}" in
"docker build")
	for word; do
		case "$word" in
		[A-Z]*=*) grep -q "^ARG ${word%%=*}\b" Dockerfile ;;
		esac
	done
	[ -d "${*: -1}" ] ;;
"docker run")
	until [[ ${1-} == tair_ssl_exporter:* ]]; do
		[ $# -gt 0 ] || refuse "run without an image"
		case $1 in --env-file=*) [ -f "${1#*=}" ] ;; -v) [ -e "${2%%:*}" ] ;; esac
		shift
	done
	shift
	flags "$@" ;;
"docker compose")
	shift
	files=()
	while [ "${1-}" = -f ]; do [ -f "$2" ]; files+=(-f "$2"); shift 2; done
	case "${1-}" in up | down | logs | ps) "$DOCKER_COMPOSE" "${files[@]}" config -q ;; *) refuse "$@" ;; esac ;;
"helm install" | "helm upgrade")
	shift
	[ "${1-}" != --install ] || shift
	args=()
	for word; do [[ $word == --create-namespace || $word == --wait ]] || args+=("$word"); done
	"$HELM" template --kube-version "$KUBE_VERSION" "${args[@]}" >/dev/null ;;
"helm test") ;;
"kubectl apply")
	case "${2-}" in
	-k) [ -f "$3/kustomization.yaml" ] && "$KUSTOMIZE" build "$3" >/dev/null ;;
	-f) [ -f "$3" ] ;;
	*) refuse "$@" ;;
	esac ;;
"kubectl create" | "kubectl port-forward" | "kubectl rollout") ;;
"systemctl daemon-reload") ;;
"systemctl enable" | "systemctl reload" | "systemctl status") [ -f "$ROOT/etc/systemd/system/${*: -1}.service" ] ;;
"sudo "*) "$@" ;;
"tair_ssl_exporter "*) flags "$@" ;;
"go run") shift 2; flags "$@" ;;
"make "*) /usr/bin/env -u MAKEFLAGS PATH="$REAL_PATH" make -n "$@" >/dev/null ;;
"curl "*) "$CURL" --fail --silent --show-error --max-time 20 "${@//localhost:10219/$DEMO}" >/dev/null ;;
"kill "* | "pidof "*) ;;
*) refuse "$@" ;;
esac
`

// TestDeployREADMECommands runs every shell command of the README, and of the chart's, as it stands there, in a folder that has what a checkout
// has, the binary and a configuration. What is put on the host goes to a folder of the test.
func TestDeployREADMECommands(t *testing.T) {
	checkout, root, programs := t.TempDir(), t.TempDir(), t.TempDir()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	repository, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := entry.Name(); name != program {
			link(t, filepath.Join(repository, name), filepath.Join(checkout, name))
		}
	}
	exporter := filepath.Join(checkout, program)
	command(t, "go", "build", "-o", exporter, ".")
	write(t, filepath.Join(checkout, defaultConfig), block(t, readme(t), "yaml"))
	write(t, filepath.Join(checkout, "my-values.yaml"), shipped(t, valuesOf("monitoring")))
	for _, dir := range []string{"usr/local/bin", "etc/systemd/system", "etc/prometheus/rules", "run/secrets/tair"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	stand := filepath.Join(programs, "stand-in")
	write(t, stand, standIn)
	for _, name := range strings.Fields("docker helm kubectl systemctl sudo tair_ssl_exporter go make curl kill pidof") {
		link(t, stand, filepath.Join(programs, name))
	}
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Fatal(err)
	}
	environment := append(os.Environ(), "PATH="+programs+":/usr/bin:/bin", "REAL_PATH="+os.Getenv("PATH"), "ROOT="+root,
		"EXPORTER="+exporter, "DOCKER_COMPOSE="+tool(t, "DOCKER_COMPOSE"), "HELM="+tool(t, "HELM"), "KUBE_VERSION="+kubernetesVersion(t), "KUSTOMIZE="+tool(t, "KUSTOMIZE"), "CURL="+curl,
		"DEMO="+strings.TrimPrefix(start(t, "--demo", "--web.enable-lifecycle").url, "http://"))

	fenced := regexp.MustCompile("(?s)```sh\n(.*?)```")
	here, ofChart := fenced.FindAllStringSubmatch(readme(t), -1), fenced.FindAllStringSubmatch(shipped(t, chart+"/README.md"), -1)
	if len(here) < 8 || len(ofChart) < 2 {
		t.Errorf("%d blocks of commands in the README, %d in that of the chart", len(here), len(ofChart))
	}
	for _, found := range slices.Concat(here, ofChart) {
		commands := regexp.MustCompile(`/(etc|usr/local|run/secrets)/`).ReplaceAllString(found[1], root+"/$1/")
		cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", "enable -n kill\n"+commands) // kill is the shell's own else
		cmd.Dir, cmd.Env = checkout, environment
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s\nin\n%s", err, out, found[1])
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}
