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

func TestVersionOfTheImageIsTheNewestRelease(t *testing.T) {
	want := apptest.NewestRelease(t)
	for _, file := range []string{"Dockerfile", "README.md", "deploy/compose/compose.yaml"} {
		text := apptest.Read(t, file)
		versions := regexp.MustCompile(`(?:ARG VERSION=|tair_ssl_exporter:)(\d[\w.+-]*\w)`).FindAllStringSubmatch(text, -1)
		if len(versions) == 0 && file != "README.md" {
			t.Errorf("%s names no version", file)
		}
		for _, v := range versions {
			if v[1] != want {
				t.Errorf("%s: %s, but the newest release in CHANGELOG.md is %s", file, v[0], want)
			}
		}
	}
	if stages := apptest.Matches(t, "Dockerfile", `(?m)^ARG (VERSION)=`); len(stages) != 2 {
		t.Errorf("%d stages know the version, want the binary's and the label's", len(stages))
	}
}

func TestImageIsBuiltWithAGoThatTheModuleTakes(t *testing.T) {
	image := "go" + apptest.Matches(t, "Dockerfile", `(?m)^ARG GO_IMAGE=golang:(\d+\.\d+\.\d+)-\w+$`)[0]
	module := "go" + apptest.Matches(t, "go.mod", `(?m)^go (\S+)$`)[0]
	if version.Lang(image) != version.Lang(module) || version.Compare(image, module) < 0 {
		t.Errorf("GO_IMAGE is %s, go.mod says %s", image, module)
	}
}

// dockerRuns returns the words of each `docker run` that a file shows.
func dockerRuns(text string) [][]string {
	text = regexp.MustCompile(`\\\n#?`).ReplaceAllString(text, "")
	var found [][]string
	for _, m := range regexp.MustCompile(`(?m)^#? +docker run (.*)$`).FindAllStringSubmatch(text, -1) {
		found = append(found, strings.Fields(strings.ReplaceAll(m[1], `"`, "")))
	}
	return found
}

func TestExamplesRunTheImageConfined(t *testing.T) {
	image := "tair_ssl_exporter:" + apptest.NewestRelease(t)
	runs := dockerRuns(apptest.Read(t, "Dockerfile"))
	if len(runs) == 0 {
		t.Fatal("the Dockerfile shows no docker run")
	}
	for _, words := range append(runs, dockerRuns(apptest.Read(t, "README.md"))...) {
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
