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

	"tair_ssl_exporter/internal/apptest"
)

// standIn is what the README's commands call for programs that need a cluster, a daemon or root: it does as much of the
// command as can be done here, and refuses every word that it does not know. It is called by the program's name.
const standIn = `#!/usr/bin/env bash
set -euo pipefail
name=${0##*/}
refuse() { echo "the test of the README does not know: $name: $*" >&2; exit 1; }
only() { # only allowed words: refuses any other
	local allowed=" $1 " word
	shift
	for word; do [[ $allowed == *" $word "* ]] || refuse "$word"; done
}
check() { TAIR_SSL_EXPORTER_CONFIG_CHECK=true "$EXPORTER" "$@"; }
case "$name ${1-}" in
"docker run")
	shift
	until [[ ${1-} == tair_ssl_exporter:* ]]; do
		case "${1-}" in
		--rm | --read-only | --cap-drop=ALL | --security-opt=no-new-privileges) ;;
		-p) [[ $2 == 127.0.0.1:*:10219 ]] && shift ;;
		-v)
			IFS=: read -r from to ro <<<"$2"
			[ -e "$from" ] && [ "$ro" = ro ]
			[ "$from" = "$to" ] || ln -s "$from" "$to"
			shift ;;
		*) refuse "${1-a run without an image}" ;;
		esac
		shift
	done
	shift
	check "$@" ;;
"docker compose")
	shift
	files=()
	while [ "${1-}" = -f ]; do files+=(-f "$2"); shift 2; done
	only 'up down --build --wait' "$@"
	"$DOCKER_COMPOSE" "${files[@]}" config -q ;;
"docker tag") [[ $2 == tair_ssl_exporter:* ]] && echo "$3" >"$ROOT/tagged" ;;
"docker push") [ "$2" = "$(cat "$ROOT/tagged")" ] ;;
"helm upgrade")
	[ "$2" = --install ]
	shift 2
	args=()
	for word; do case "$word" in --create-namespace | --wait) ;; *) args+=("$word") ;; esac; done
	"$HELM" template --kube-version "$KUBE_VERSION" "${args[@]}" >/dev/null
	[[ " $* " =~ " --namespace "([a-z]+)" " ]] && echo "$1 --namespace ${BASH_REMATCH[1]}" >"$ROOT/release" ;;
"helm test") shift && [ "$*" = "$(cat "$ROOT/release")" ] ;;
"kubectl apply") [ "$2" = -k ] && [ $# -eq 3 ] && "$KUSTOMIZE" build "$3" >/dev/null ;;
"systemctl daemon-reload") [ $# -eq 1 ] ;;
"systemctl enable" | "systemctl status")
	only "enable --now status tair-ssl-exporter" "$@"
	unit=$ROOT/etc/systemd/system/tair-ssl-exporter.service
	grep -q "^ExecStart=/usr/local/bin/tair_ssl_exporter " "$unit"
	[ -x "$ROOT/usr/local/bin/tair_ssl_exporter" ]
	credentials=$(mktemp -d) # what systemd makes of LoadCredential
	sed -n 's/^LoadCredential=//p' "$unit.d/"*.conf | while IFS=: read -r key file; do cp "$ROOT$file" "$credentials/$key"; done
	sed "s|/run/credentials/tair-ssl-exporter.service|$credentials|" "$ROOT/etc/tair-ssl-exporter/tair-ssl-exporter.yml" >"$credentials/yml"
	check --config.file="$credentials/yml" ;;
"sudo "*) "$@" ;;
"tair_ssl_exporter "* | "go run")
	[ "$name" != go ] || { [ "$3" = . ] || [ "$2" = . ]; shift 2; }
	check "$@" ;;
"make "*) /usr/bin/env -u MAKEFLAGS PATH="$REAL_PATH" make -n "$@" >/dev/null ;;
"kill -HUP") [ "$2" = 4711 ] ;;
"pidof tair_ssl_exporter") echo 4711 ;;
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
	onHost := func(text string) string {
		return regexp.MustCompile(`/(etc|usr/local|run/secrets)/`).ReplaceAllString(text, root+"/$1/")
	}
	write(t, filepath.Join(checkout, defaultConfig), onHost(block(t, readme(t), "yaml")))
	write(t, filepath.Join(checkout, "my-values.yaml"), apptest.Read(t, valuesOf("monitoring")))
	for _, dir := range []string{"usr/local/bin", "etc/systemd/system", "run/secrets/tair"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"access_key_id", "access_key_secret"} {
		write(t, filepath.Join(checkout, key), "x")
		write(t, filepath.Join(root, "run", "secrets", "tair", key), "x")
	}
	stand := filepath.Join(programs, "stand-in")
	write(t, stand, standIn)
	for _, name := range strings.Fields("docker helm kubectl systemctl sudo tair_ssl_exporter go make kill pidof") {
		link(t, stand, filepath.Join(programs, name))
	}
	environment := append(os.Environ(), "PATH="+programs+":/usr/bin:/bin", "REAL_PATH="+os.Getenv("PATH"), "ROOT="+root,
		"EXPORTER="+exporter, "DOCKER_COMPOSE="+tool(t, "DOCKER_COMPOSE"), "HELM="+tool(t, "HELM"),
		"KUBE_VERSION="+kubernetesVersion(t), "KUSTOMIZE="+tool(t, "KUSTOMIZE"))

	fenced := regexp.MustCompile("(?s)```sh\n(.*?)```")
	here, ofChart := fenced.FindAllStringSubmatch(readme(t), -1), fenced.FindAllStringSubmatch(apptest.Read(t, chart+"/README.md"), -1)
	if len(here) < 8 || len(ofChart) < 2 {
		t.Errorf("%d blocks of commands in the README, %d in that of the chart", len(here), len(ofChart))
	}
	for _, found := range slices.Concat(here, ofChart) {
		cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", "enable -n kill\n"+onHost(found[1])) // kill is the shell's own else
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
