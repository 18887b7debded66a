package tair

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/collector/tair/tairtest"
)

// regionsBody returns an answer with regions. An item is "ID", "ID endpoint" or JSON.
func regionsBody(items ...string) string {
	for i, item := range items {
		if id, endpoint, found := strings.Cut(item, " "); found {
			items[i] = `{"RegionId":"` + id + `","RegionEndpoint":"` + endpoint + `","LocalName":"华东","ZoneIds":"a,b"}`
		} else if !strings.HasPrefix(item, "{") && item != "null" {
			items[i] = `{"RegionId":"` + item + `"}`
		}
	}
	return `{"RegionIds":{"KVStoreRegion":[` + strings.Join(items, ",") + `]}}`
}

func TestRegions(t *testing.T) {
	for _, c := range []struct {
		name string
		body string
		want []Region
	}{
		{"none", regionsBody(), nil},
		{
			"repeated, out of order",
			regionsBody("cn-shanghai a.example.com", "cn-beijing b-c.example:8443", "cn-shanghai a.example.com", "us-west-1 c.example.com"),
			[]Region{{"cn-beijing", "b-c.example:8443"}, {"cn-shanghai", "a.example.com"}, {"us-west-1", "c.example.com"}},
		},
		{"repeated with another endpoint", regionsBody("cn-beijing a.example.com", "cn-beijing b.example.com"), []Region{{"cn-beijing", "a.example.com"}}},
		{"no endpoint", regionsBody("cn-beijing"), []Region{{ID: "cn-beijing"}}},
		{"endpoint null", regionsBody(`{"RegionId":"cn-beijing","RegionEndpoint":null}`), []Region{{ID: "cn-beijing"}}},
		{"an endpoint the second time", regionsBody("cn-beijing", "cn-beijing h"), []Region{{"cn-beijing", "h"}}},
		{"no endpoint the second time", regionsBody("cn-beijing h", "cn-beijing"), []Region{{"cn-beijing", "h"}}},
	} {
		inBubbles(t, c.name, ClientConfig{}, func(t *testing.T, r *rig) {
			r.api.SetFault(ActionDescribeRegions, tairtest.Fault{Body: []byte(c.body)})
			if got, err := r.regions(); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %+v, error %v", got, err)
			}
			r.wantRequests(1)
			if log := r.api.Requests(); log[0].Action != ActionDescribeRegions || log[0].Region != testRegion {
				t.Errorf("sent %+v", log[0])
			}
		})
	}
}

func TestRegionsOnLoopback(t *testing.T) {
	r := onLoopback(t, ClientConfig{})
	want := []Region{{testRegion, r.server.Addr}}
	if got, err := r.regions(); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, error %v", got, err)
	}
}

func TestInvalidRegions(t *testing.T) {
	const (
		noList    = "RegionIds is missing"
		wrongID   = "a RegionId is missing or malformed"
		wrongHost = "a RegionEndpoint is no host"
	)
	wantInvalid(t, ActionDescribeRegions, (*rig).regions, []badBody{
		{"a long endpoint", regionsBody("cn-beijing " + strings.Repeat("h", 254)), wrongHost},
		{"an endpoint without TLS", regionsBody("cn-beijing http://a.example"), wrongHost},
		{"an endpoint with a user", regionsBody("cn-beijing a@b.example"), wrongHost},
		{"an endpoint with a path", regionsBody("cn-beijing b.example/a"), wrongHost},
		{"the list is a text", `{"RegionIds":"none"}`, "the body is not the JSON of the operation"},
		{"too many", regionsBody(strings.Fields(manyIDs(201))...), "there are over 200 regions"},
		{"{}", "{}", noList}, {"null", "null", noList},
		{"no list", `{"RegionIds":{}}`, noList}, {"list null", `{"RegionIds":{"KVStoreRegion":null}}`, noList},
		{"no ID", regionsBody("cn-beijing", `{"RegionEndpoint":"h"}`), wrongID},
		{"ID empty", regionsBody(""), wrongID}, {"a region null", regionsBody("null"), wrongID},
		{"an ID that is no part of a host name", regionsBody("evil.example.com/?"), wrongID},
		{"an ID that is too long", regionsBody(strings.Repeat("r", 65)), wrongID},
	})
}

func TestRegionsThatFail(t *testing.T) {
	inBubble(t, ClientConfig{Attempts: 3}, func(t *testing.T, r *rig) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got, err := r.client.DescribeRegions(ctx); got != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("got %+v, error %v", got, err)
		}
		r.wantRequests(0)

		r.api.SetFault(ActionDescribeRegions, tairtest.Fault{Times: 2, Error: errThrottled})
		if got, err := r.regions(); err != nil || len(got) != 1 {
			t.Errorf("got %+v, error %v", got, err)
		}
		r.wantRequests(3)

		r.api.SetFault(ActionDescribeRegions, tairtest.Fault{Error: &tairtest.APIError{Status: 403, Code: "NoPermission"}})
		got, err := r.regions()
		wantError(t, err, Error{Reason: ReasonForbidden, Status: 403, Code: "NoPermission", RequestID: anyRequestID})
		if got != nil {
			t.Errorf("got %+v with an error", got)
		}
	})
}
