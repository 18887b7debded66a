package systemd_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/internal/apptest"
)

func TestMain(m *testing.M) { apptest.AtRoot(m) }

const unit = "deploy/systemd/tair-ssl-exporter.service"

// values returns the values of a key in a unit or a drop-in file, in their order.
func values(t *testing.T, path, key string) []string {
	t.Helper()
	var found []string
	for _, m := range regexp.MustCompile(`(?m)^`+key+`=(.*)$`).FindAllStringSubmatch(apptest.Read(t, path), -1) {
		found = append(found, m[1])
	}
	return found
}

func TestUnitStartsTheProgram(t *testing.T) {
	const program, config = "/usr/local/bin/tair_ssl_exporter", "--config.file=/etc/tair-ssl-exporter/tair-ssl-exporter.yml"
	words := strings.Fields(strings.Join(values(t, unit, "ExecStart"), "\n"))
	if len(words) < 2 || words[0] != program || words[1] != config {
		t.Fatalf("starts %q", words)
	}
	apptest.CheckConfig(t, append(words[2:], "--demo")...)
	const shutdownTime = 30 * time.Second // of the program
	if stop, err := time.ParseDuration(strings.Join(values(t, unit, "TimeoutStopSec"), " ")); err != nil || stop <= shutdownTime {
		t.Errorf("TimeoutStopSec %s, %v: the program stops within %s", stop, err, shutdownTime)
	}
}

func TestUnitConfinesTheProgram(t *testing.T) {
	for key, want := range map[string][]string{
		"ExecReload":  {"/bin/kill -HUP $MAINPID"},
		"Environment": nil, // keys come by LoadCredential
		"DynamicUser": {"yes"}, "CapabilityBoundingSet": {""}, "AmbientCapabilities": {""}, "NoNewPrivileges": {"yes"},
		"ProtectSystem": {"strict"}, "ProtectHome": {"yes"}, "PrivateTmp": {"yes"}, "PrivateDevices": {"yes"},
		"MemoryDenyWriteExecute": {"yes"}, "RestrictAddressFamilies": {"AF_INET AF_INET6 AF_UNIX"}, "SystemCallErrorNumber": {"EPERM"},
	} {
		if got := values(t, unit, key); !slices.Equal(got, want) {
			t.Errorf("%s=%q, want %q", key, got, want)
		}
	}
}

func TestCredentialsAreThoseOfTheREADME(t *testing.T) {
	var names []string
	for _, credential := range values(t, "deploy/systemd/keys.conf", "LoadCredential") {
		name, path, _ := strings.Cut(credential, ":")
		names = append(names, name)
		if path != "/etc/tair-ssl-exporter/"+name {
			t.Errorf("%s comes from %s", name, path)
		}
	}
	if want := apptest.Matches(t, "README.md", `_file: (\S+)`); !slices.Equal(names, want) {
		t.Errorf("keys.conf loads %q, the configuration names %q", names, want)
	}
}
