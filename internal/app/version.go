package app

import (
	"cmp"
	"runtime/debug"
	"strings"

	"github.com/prometheus/common/version"
)

// completeVersion fills what the linker flags of `make build` did not set. The library finds the revision by itself, and
// nobody knows the branch.
func completeVersion() {
	module, date := versionOf(debug.ReadBuildInfo())
	for field, value := range map[*string]string{
		&version.Version: module, &version.BuildDate: date, &version.Branch: "unknown", &version.BuildUser: "unknown",
	} {
		if *field == "" {
			*field = value
		}
	}
}

// versionOf returns the version of the module, which `go install` and builds in a git checkout know, and the time of the
// commit; "devel" and "unknown" without them.
func versionOf(info *debug.BuildInfo, ok bool) (module, date string) {
	if ok {
		module = strings.TrimPrefix(strings.Trim(info.Main.Version, "()"), "v") // or "(devel)"
		for _, s := range info.Settings {
			if s.Key == "vcs.time" {
				date = s.Value
			}
		}
	}
	return cmp.Or(module, "devel"), cmp.Or(date, "unknown")
}
