package tair

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/collector/tair/tairtest"
)

func TestRegions(t *testing.T) {
	for _, c := range []struct {
		name       string
		have, want []Region
	}{
		{"none", nil, nil},
		{
			"repeated, out of order",
			[]Region{{"cn-shanghai", "a.example.com"}, {"cn-beijing", "b.example.com:8443"}, {"cn-shanghai", "a.example.com"}, {"us-west-1", "c.example.com"}},
			[]Region{{"cn-beijing", "b.example.com:8443"}, {"cn-shanghai", "a.example.com"}, {"us-west-1", "c.example.com"}},
		},
		{
			"repeated with another endpoint",
			[]Region{{"cn-shanghai", "a.example.com"}, {"cn-shanghai", "b.example.com"}},
			[]Region{{"cn-shanghai", "a.example.com"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, ClientConfig{}, func(t *testing.T, r *rig) {
				r.api.RemoveInstance(testInstance)
				var regions []tairtest.Region
				for _, region := range c.have {
					regions = append(regions, tairtest.Region{ID: region.ID, Endpoint: region.Endpoint, LocalName: "华东", Zones: "a,b"})
				}
				r.api.SetRegions(regions...)
				if got, err := r.client.DescribeRegions(t.Context()); err != nil || !slices.Equal(got, c.want) {
					t.Errorf("got %+v, error %v", got, err)
				}
				r.wantRequests(1)
				if log := r.api.Requests(); log[0].Action != ActionDescribeRegions || log[0].Region != testRegion {
					t.Errorf("sent %+v", log[0])
				}
			})
		})
	}
}

func TestRegionsInARealConnection(t *testing.T) {
	r := onLoopback(t, ClientConfig{})
	want := []Region{{testRegion, r.server.Addr}}
	if got, err := r.client.DescribeRegions(t.Context()); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, error %v", got, err)
	}
}

func TestAnswersWithRegions(t *testing.T) {
	const (
		foreign = "the body is not the JSON of the operation"
		noList  = "RegionIds is missing"
		wrongID = "a RegionId is missing or malformed"

		wrongHost = "a RegionEndpoint is no host"
	)
	list := func(items string) string { return `{"RegionIds":{"KVStoreRegion":[` + items + `]}}` }
	for _, c := range []struct {
		name, body string
		want       []Region
		detail     string
	}{
		{"no endpoint", list(`{"RegionId":"cn-beijing"}`), []Region{{ID: "cn-beijing"}}, ""},
		{"endpoint null", list(`{"RegionId":"cn-beijing","RegionEndpoint":null}`), []Region{{ID: "cn-beijing"}}, ""},
		{"an endpoint the second time", list(`{"RegionId":"cn-beijing"},{"RegionId":"cn-beijing","RegionEndpoint":"h"}`), []Region{{"cn-beijing", "h"}}, ""},
		{"no endpoint the second time", list(`{"RegionId":"cn-beijing","RegionEndpoint":"h"},{"RegionId":"cn-beijing"}`), []Region{{"cn-beijing", "h"}}, ""},
		{"an endpoint with a port", list(`{"RegionId":"cn-beijing","RegionEndpoint":"a-b.example:8443"}`), []Region{{"cn-beijing", "a-b.example:8443"}}, ""},
		{"a long endpoint", list(`{"RegionId":"cn-beijing","RegionEndpoint":"` + strings.Repeat("h", 254) + `"}`), nil, wrongHost},
		{"an endpoint without TLS", list(`{"RegionId":"cn-beijing","RegionEndpoint":"http://a.example"}`), nil, wrongHost},
		{"an endpoint with a user", list(`{"RegionId":"cn-beijing","RegionEndpoint":"a@b.example"}`), nil, wrongHost},
		{"an endpoint with a path", list(`{"RegionId":"cn-beijing","RegionEndpoint":"b.example/a"}`), nil, wrongHost},
		{"empty", list(""), nil, ""},
		{"garbage", "<html>", nil, foreign},
		{"the list is a text", `{"RegionIds":"none"}`, nil, foreign},
		{"{}", "{}", nil, noList},
		{"null", "null", nil, noList},
		{"no list", `{"RegionIds":{}}`, nil, noList},
		{"list null", `{"RegionIds":{"KVStoreRegion":null}}`, nil, noList},
		{"no ID", list(`{"RegionId":"cn-beijing"},{"RegionEndpoint":"h"}`), nil, wrongID},
		{"ID empty", list(`{"RegionId":""}`), nil, wrongID},
		{"a region null", list(`null`), nil, wrongID},
		{"an ID that is no part of a host name", list(`{"RegionId":"evil.example.com/?"}`), nil, wrongID},
		{"an ID that is too long", list(`{"RegionId":"` + strings.Repeat("r", 65) + `"}`), nil, wrongID},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, ClientConfig{}, func(t *testing.T, r *rig) {
				r.api.SetFault(ActionDescribeRegions, tairtest.Fault{Body: []byte(c.body)})
				got, err := r.client.DescribeRegions(t.Context())
				if c.detail != "" {
					wantError(t, err, Error{Reason: ReasonInvalidResponse, Status: 200, Detail: c.detail})
				} else if err != nil {
					t.Error(err)
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("got %+v", got)
				}
				r.wantRequests(1)
			})
		})
	}
}

func TestRegionsThatFail(t *testing.T) {
	inBubble(t, ClientConfig{}, func(t *testing.T, r *rig) {
		r.api.SetFault(ActionDescribeRegions, tairtest.Fault{Error: &tairtest.APIError{Status: 403, Code: "NoPermission"}})
		got, err := r.client.DescribeRegions(t.Context())
		wantError(t, err, Error{Reason: ReasonForbidden, Status: 403, Code: "NoPermission", RequestID: anyRequestID})
		if got != nil {
			t.Errorf("got %+v with an error", got)
		}
	})
	inBubble(t, ClientConfig{Attempts: 3}, func(t *testing.T, r *rig) {
		r.api.SetFault(ActionDescribeRegions, tairtest.Fault{Times: 2, Error: errThrottled})
		if got, err := r.client.DescribeRegions(t.Context()); err != nil || len(got) != 1 {
			t.Errorf("got %+v, error %v", got, err)
		}
		r.wantRequests(3)
	})
	inBubble(t, ClientConfig{}, func(t *testing.T, r *rig) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got, err := r.client.DescribeRegions(ctx); got != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("got %+v, error %v", got, err)
		}
		r.wantRequests(0)
	})
}
