package deploy_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

// TestWorkflows holds what actionlint does not check: actions are pinned, rights are few, and a job ends.
func TestWorkflows(t *testing.T) {
	pinned := regexp.MustCompile(`^\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	targets := apptest.Matches(t, "Makefile", `(?m)^([a-z0-9-]+):.*##`)
	commits := map[string]string{} // of each action
	for _, file := range apptest.Glob(t, ".github/workflows/*.yml") {
		for _, uses := range apptest.Matches(t, file, `(?m)^\s+(?:- )?uses: (.*)$`) {
			action, commit, _ := strings.Cut(uses, "@")
			if !pinned.MatchString(uses) || commits[action] != "" && commits[action] != commit {
				t.Errorf("%s: %s: want one commit everywhere, with its version beside it", file, uses)
			}
			commits[action] = commit
		}
		var workflow struct {
			Permissions map[string]string
			Concurrency map[string]string
			Jobs        map[string]struct {
				Permissions map[string]string
				Timeout     int `yaml:"timeout-minutes"`
			}
		}
		apptest.DecodeFile(t, file, false, &workflow)
		if !maps.Equal(workflow.Permissions, map[string]string{"contents": "read"}) || workflow.Concurrency["group"] == "" {
			t.Errorf("%s: permissions %v, concurrency %v", file, workflow.Permissions, workflow.Concurrency)
		}
		for name, job := range workflow.Jobs {
			if job.Timeout == 0 || len(job.Permissions) > 0 && file != ".github/workflows/release.yml" {
				t.Errorf("%s: job %s has a timeout of %d minutes and the permissions %v", file, name, job.Timeout, job.Permissions)
			}
		}
		for _, target := range apptest.Matches(t, file, `(?m)^\s+- run: make ([a-z0-9-]+)`) {
			if !slices.Contains(targets, target) {
				t.Errorf("%s: make has no target %s", file, target)
			}
		}
	}
}
