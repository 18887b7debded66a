package tairtest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/collector/tair/internal/recorded"
)

// TestFakeKeepsToTheRecordedAPI holds what the fake accepts and answers against the list that was recorded from the official
// SDK.
func TestFakeKeepsToTheRecordedAPI(t *testing.T) {
	api := recorded.Read(t, "../testdata/api.yml")
	answers := map[string]reflect.Type{
		"DescribeInstanceSSL":          reflect.TypeFor[sslBody](),
		"DescribeInstances":            reflect.TypeFor[instancesBody](),
		"DescribeRegions":              reflect.TypeFor[regionsBody](),
		"DescribeActiveOperationTasks": reflect.TypeFor[eventsBody](),
	}
	if len(api.Operations) != len(answers) || api.Version != Version {
		t.Errorf("recorded are %d operations of version %s", len(api.Operations), api.Version)
	}
	f := newFixture(t)
	for action, r := range api.Operations {
		op, _ := lookup(action)
		accepted := slices.Clone(op.params)
		if op.tags {
			accepted = append(accepted, "Tag[].Key", "Tag[].Value")
		}
		slices.Sort(accepted)
		if want := recorded.KnownTo("fake", r.Parameters); !slices.Equal(accepted, want) {
			t.Errorf("%s: the fake accepts\n%q, recorded is\n%q", action, accepted, want)
		}
		if got, want := recorded.JSONFields(answers[action]), recorded.KnownTo("fake", r.Answer); !slices.Equal(got, want) {
			t.Errorf("%s: the fake answers\n%q, recorded is\n%q", action, got, want)
		}
		for name, limit := range r.Limits {
			if !strings.Contains(limit.Known, "fake") {
				continue
			}
			parameter := action + " RegionId=cn-hangzhou " + map[string]string{"PageSize": "PageSize=%d", "Tag": "Tag.%d.Key=k"}[name]
			parameter = strings.Replace(parameter, "DescribeActiveOperationTasks RegionId=", "DescribeActiveOperationTasks Region=", 1)
			for n, status := range map[int]int{limit.Most: 200, limit.Most + 1: 400} {
				if got := f.get(fmt.Sprintf(parameter, n)); got.status != status {
					t.Errorf("%s with %s %d: status %d, want %d", action, name, n, got.status, status)
				}
			}
		}
	}
}
