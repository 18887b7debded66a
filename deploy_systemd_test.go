package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/internal/apptest"
)

// unitValues gives what the unit says for a key, in order.
func unitValues(unit, key string) []string {
	var values []string
	for _, m := range regexp.MustCompile(`(?m)^`+key+`=(.*)$`).FindAllStringSubmatch(unit, -1) {
		values = append(values, m[1])
	}
	return values
}

func TestSystemdUnitStartsTheProgramWithFlagsThatItHas(t *testing.T) {
	unit := apptest.Read(t, "deploy/systemd/tair-ssl-exporter.service")
	start := unitValues(unit, "ExecStart")
	if len(start) != 1 {
		t.Fatalf("ExecStart %q, want one", start)
	}
	words := strings.Fields(start[0])
	if words[0] != "/usr/local/bin/"+program {
		t.Errorf("starts %s", words[0])
	}
	file := slices.Index(words, "--config.file=/etc/tair-ssl-exporter/tair-ssl-exporter.yml")
	if file < 0 {
		t.Fatalf("%q does not read the configuration in /etc", words)
	}
	words[file] = "--demo"
	apptest.CheckConfig(t, words[1:]...)
	if reload := unitValues(unit, "ExecReload"); !slices.Equal(reload, []string{"/bin/kill -HUP $MAINPID"}) {
		t.Errorf("ExecReload %q", reload)
	}
	if stop, err := time.ParseDuration(strings.Join(unitValues(unit, "TimeoutStopSec"), " ")); err != nil || stop <= shutdownTime {
		t.Errorf("TimeoutStopSec %s, %v: the program takes up to %s", stop, err, shutdownTime)
	}
}

func TestSystemdHandsOverTheKeysOfTheREADME(t *testing.T) {
	var names []string
	for _, credential := range unitValues(apptest.Read(t, "deploy/systemd/keys.conf"), "LoadCredential") {
		name, path, _ := strings.Cut(credential, ":")
		names = append(names, name)
		if path != "/etc/tair-ssl-exporter/"+name {
			t.Errorf("%s comes from %s", name, path)
		}
	}
	if want := matches(t, "README.md", `_file: /run/secrets/tair/(\S+)`, block(t, readme(t), "yaml")); !slices.Equal(names, want) {
		t.Errorf("keys.conf hands over %q, the configuration names %q", names, want)
	}
}

func TestSystemdUnitGivesTheProgramNothingThatItDoesNotNeed(t *testing.T) {
	unit := apptest.Read(t, "deploy/systemd/tair-ssl-exporter.service")
	for key, want := range map[string]string{
		"DynamicUser": "yes", "CapabilityBoundingSet": "", "AmbientCapabilities": "", "NoNewPrivileges": "yes", "ProtectSystem": "strict",
		"ProtectHome": "yes", "PrivateTmp": "yes", "PrivateDevices": "yes", "MemoryDenyWriteExecute": "yes",
		"RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX", "SystemCallErrorNumber": "EPERM",
	} {
		if got := unitValues(unit, key); !slices.Equal(got, []string{want}) {
			t.Errorf("%s=%q, want %q", key, got, want)
		}
	}
	if set := unitValues(unit, "Environment"); len(set) != 0 {
		t.Errorf("Environment=%q: keys come by LoadCredential", set)
	}
}
