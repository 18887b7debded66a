package deploy_test

import (
	"go/version"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

func TestMain(m *testing.M) { apptest.AtRoot(m) }

func TestVersionsAreTheNewestRelease(t *testing.T) {
	named := regexp.MustCompile(`(?m)(?:^ARG VERSION=|^version: |^appVersion: |app.kubernetes.io/version: |tair_ssl_exporter:|make image VERSION=)"?(\d[\w.+-]*\w)`)
	files := map[string]int{
		"Dockerfile":                               3, // the example, the stage of the binary and that of the label
		"README.md":                                0,
		"README.zh-CN.md":                          0,
		"docs/installation.md":                     2,
		"docs/scaling.md":                          1,
		"deploy/compose/compose.yaml":              1,
		"deploy/helm/tair-ssl-exporter/Chart.yaml": 2,
		"deploy/kubernetes/deployment.yaml":        3, // two labels and the image
	}
	for _, file := range slices.Concat(apptest.Glob(t, "deploy/kubernetes/*.yaml"), apptest.Glob(t, "deploy/kubernetes/*/*.yaml")) {
		files[file] = max(files[file], 0)
	}
	for file, atLeast := range files {
		versions := named.FindAllStringSubmatch(apptest.Read(t, file), -1)
		if len(versions) < atLeast {
			t.Errorf("%s names %d versions, want %d", file, len(versions), atLeast)
		}
		for _, v := range versions {
			if want := apptest.NewestRelease(t); v[1] != want {
				t.Errorf("%s: %s, but the newest release in CHANGELOG.md is %s", file, v[0], want)
			}
		}
	}
}

func TestChangelogHasADateForEachReleaseAndASectionForTheNext(t *testing.T) {
	sections := apptest.Matches(t, "CHANGELOG.md", `(?m)^## (.*)$`)
	if sections[0] != "[Unreleased]" {
		t.Errorf("the first section is %s", sections[0])
	}
	last := ""
	for _, s := range sections[1:] {
		m := regexp.MustCompile(`^\[\d+\.\d+\.\d+\] - (20\d\d-[01]\d-[0-3]\d)$`).FindStringSubmatch(s)
		if len(m) == 0 || last != "" && m[1] > last {
			t.Errorf("section %q: want [X.Y.Z] - YYYY-MM-DD, the newest first", s)
			continue
		}
		last = m[1]
	}
	if advice := apptest.Matches(t, "docs/upgrading.md", `(?m)^## (?:To )?(.*)$`); !slices.Contains(advice, apptest.NewestRelease(t)) {
		t.Errorf("docs/upgrading.md has no section for %s: %q", apptest.NewestRelease(t), advice)
	}
}

func TestImageIsBuiltWithAGoThatTheModuleTakes(t *testing.T) {
	image := "go" + apptest.Matches(t, "Dockerfile", `(?m)^ARG GO_IMAGE=golang:(\d+\.\d+\.\d+)-\w+$`)[0]
	module := "go" + apptest.Matches(t, "go.mod", `(?m)^go (\S+)$`)[0]
	if version.Lang(image) != version.Lang(module) || version.Compare(image, module) < 0 {
		t.Errorf("GO_IMAGE is %s, go.mod says %s", image, module)
	}
}

func TestExamplesRunTheImageConfined(t *testing.T) {
	image := "tair_ssl_exporter:" + apptest.NewestRelease(t)
	for _, file := range []string{"Dockerfile", "docs/installation.md"} {
		text := regexp.MustCompile(`\\\n#?`).ReplaceAllString(apptest.Read(t, file), "")
		for _, command := range apptest.MatchesIn(t, file, text, `(?m)^#? *docker run (.*)$`) {
			words := strings.Fields(strings.ReplaceAll(command, `"`, ""))
			at := slices.Index(words, image)
			if at < 0 {
				t.Errorf("%q does not run %s", words, image)
				continue
			}
			for _, want := range []string{"--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "127.0.0.1:10219:10219"} {
				if !slices.Contains(words[:at], want) {
					t.Errorf("%q lacks %s", words, want)
				}
			}
			flags := words[at+1:]
			if inside := apptest.Flag(flags, "config.file"); inside != "" {
				if !slices.ContainsFunc(words[:at], func(w string) bool { return strings.HasSuffix(w, ":"+inside+":ro") }) {
					t.Errorf("%q does not mount %s", words, inside)
				}
				flags[slices.Index(flags, "--config.file="+inside)] = "--instance=cn-hangzhou/r-bp1a"
			}
			apptest.CheckConfig(t, flags...)
		}
	}
}
