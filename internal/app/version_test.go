package app

import (
	"runtime/debug"
	"testing"
)

func TestVersionOfABuildWithoutLinkerFlags(t *testing.T) {
	for _, tt := range []struct {
		name         string
		info         *debug.BuildInfo
		module, date string
	}{
		{"go install", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, "1.2.3", "unknown"},
		{"git checkout", &debug.BuildInfo{
			Main:     debug.Module{Version: "v1.2.4-0.20260102030405-0123456789ab+dirty"},
			Settings: []debug.BuildSetting{{Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}},
		}, "1.2.4-0.20260102030405-0123456789ab+dirty", "2026-01-02T03:04:05Z"},
		{"go run", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "devel", "unknown"},
		{"no module", &debug.BuildInfo{}, "devel", "unknown"},
		{"no build information", nil, "devel", "unknown"},
	} {
		if module, date := versionOf(tt.info, tt.info != nil); module != tt.module || date != tt.date {
			t.Errorf("%s: %q of %q, want %q of %q", tt.name, module, date, tt.module, tt.date)
		}
	}
}
