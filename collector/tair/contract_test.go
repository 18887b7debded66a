package tair

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"tair_ssl_exporter/collector/tair/internal/recorded"
	"tair_ssl_exporter/collector/tair/tairtest"
)

// TestClientKeepsToTheRecordedAPI holds what the client sends and reads against the list that was recorded from the
// official SDK.
func TestClientKeepsToTheRecordedAPI(t *testing.T) {
	api := recorded.Read(t, "testdata/api.yml")
	answers := map[string]reflect.Type{
		ActionDescribeInstanceSSL:          reflect.TypeFor[sslAnswer](),
		ActionDescribeInstances:            reflect.TypeFor[pageAnswer](),
		ActionDescribeRegions:              reflect.TypeFor[regionsAnswer](),
		ActionDescribeActiveOperationTasks: reflect.TypeFor[eventsAnswer](),
	}
	if len(api.Operations) != len(answers) || api.Version != apiVersion {
		t.Errorf("recorded are %d operations of version %s", len(api.Operations), api.Version)
	}
	limits := map[string]int{
		ActionDescribeInstances + " PageSize": pageSize, ActionDescribeInstances + " Tag": maxTagFilters,
		ActionDescribeActiveOperationTasks + " PageSize": eventPageSize,
	}
	sent := sentParameters(t)
	for action, op := range api.Operations {
		for what, lists := range map[string][2][]string{
			"sends": {sent[action], recorded.KnownTo("client", op.Parameters)},
			"reads": {recorded.JSONFields(answers[action], "RequestId"), recorded.KnownTo("client", op.Answer)},
		} {
			if !slices.Equal(lists[0], lists[1]) {
				t.Errorf("%s: the client %s\n%q, recorded is\n%q", action, what, lists[0], lists[1])
			}
		}
		for name, limit := range op.Limits {
			if strings.Contains(limit.Known, "client") && limits[action+" "+name] != limit.Most {
				t.Errorf("%s: the client's limit of %s is %d, recorded is %d", action, name, limits[action+" "+name], limit.Most)
			}
			delete(limits, action+" "+name)
		}
	}
	if len(limits) > 0 {
		t.Errorf("not recorded: %v", limits)
	}
}

// sentParameters returns the names of the parameters that the client sends with each operation.
func sentParameters(t *testing.T) map[string][]string {
	var mu sync.Mutex
	sent := map[string][]string{}
	api := newAPI()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		for name := range r.URL.Query() {
			action := r.Header.Get("x-acs-action")
			sent[action] = append(sent[action], regexp.MustCompile(`^Tag\.\d+`).ReplaceAllString(name, "Tag[]"))
		}
		mu.Unlock()
		api.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	r := newRig(t, ClientConfig{Endpoint: server.URL}, api, &tairtest.Server{URL: server.URL})
	t.Cleanup(r.client.Close)

	_, failedSSL := r.ask()
	_, failedList := r.list(Filter{ResourceGroup: "rg-1", Tags: map[string]string{"a": "1", "b": "2", "c": "", "d": "4", "e": "5", "f": "6"}})
	_, failedRegions := r.regions()
	_, failedRenewals := r.client.DescribeRenewals(t.Context())
	for _, err := range []error{failedSSL, failedList, failedRegions, failedRenewals} {
		if err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for action, names := range sent {
		slices.Sort(names)
		sent[action] = slices.Compact(names)
	}
	return sent
}
