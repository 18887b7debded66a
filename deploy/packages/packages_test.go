package packages_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

func TestMain(m *testing.M) { apptest.AtRoot(m) }

// content is a file of a package.
type content struct{ Src, Dst, Type, Packager string }

func TestConfigurationOfThePackageIsValid(t *testing.T) {
	apptest.CheckConfig(t, "--config.file=deploy/packages/tair-ssl-exporter.yml")
}

// TestPackagedFilesExist holds the files of .goreleaser.yaml against the repository, except those that generate makes.
func TestPackagedFilesExist(t *testing.T) {
	var release struct {
		Archives []struct{ Files []any }
		Nfpms    []struct {
			Contents  []content
			Overrides map[string]struct{ Scripts map[string]string }
		}
	}
	apptest.DecodeFile(t, ".goreleaser.yaml", false, &release)
	var sources []string
	for _, file := range release.Archives[0].Files {
		if entry, ok := file.(map[string]any); ok {
			file = entry["src"]
		}
		sources = append(sources, file.(string))
	}
	for _, c := range release.Nfpms[0].Contents {
		sources = append(sources, c.Src)
	}
	for _, override := range release.Nfpms[0].Overrides {
		for _, script := range override.Scripts {
			sources = append(sources, script)
			apptest.Command(t, "sh", "-n", script)
		}
	}
	generated := apptest.Matches(t, "deploy/packages/generate", `(build/[\w.-]+)`)
	for _, source := range sources {
		if !slices.Contains(generated, strings.TrimSuffix(source, ".gz")) {
			apptest.Glob(t, source)
		}
	}
}

// TestConfigurationIsKept holds that each package has the file that the unit and the service of OpenRC name, as one that an
// update does not overwrite.
func TestConfigurationIsKept(t *testing.T) {
	const path = "/etc/tair-ssl-exporter/tair-ssl-exporter.yml"
	var release struct {
		Nfpms []struct{ Contents []content }
	}
	apptest.DecodeFile(t, ".goreleaser.yaml", false, &release)
	if !slices.Contains(release.Nfpms[0].Contents, content{Src: "deploy/packages/" + filepath.Base(path), Dst: path, Type: "config|noreplace"}) {
		t.Errorf("the packages have %v", release.Nfpms[0].Contents)
	}
	for _, file := range []string{"deploy/systemd/tair-ssl-exporter.service", "deploy/packages/openrc.sh"} {
		apptest.Contains(t, apptest.Read(t, file), "--config.file="+path)
	}
}
