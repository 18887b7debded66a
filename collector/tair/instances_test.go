package tair

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
)

func TestPaging(t *testing.T) {
	for count, requests := range map[int]int{0: 1, 1: 1, 49: 1, 50: 1, 51: 2, 100: 2, 120: 3} {
		inBubbles(t, fmt.Sprint(count), ClientConfig{}, func(t *testing.T, r *rig) {
			r.api.RemoveInstance(testInstance)
			r.api.SetInstance(tairtest.Instance{ID: "r-elsewhere", Region: "cn-shanghai"})
			r.setInstances(ids(1, count))
			r.wantListed(ids(1, count))
			r.wantRequests(requests)
			if got := len(r.observed.attempts); got != requests || r.observed.attempts[0].Action != ActionDescribeInstances {
				t.Errorf("%d attempts observed, the first %+v", got, r.observed.attempts[0])
			}
		})
	}
}

func TestListedInstance(t *testing.T) {
	r := onLoopback(t, ClientConfig{})
	r.api.SetInstance(tairtest.Instance{
		ID: testInstance, Region: testRegion, Name: "缓存 <1>", Status: "Changing", ConnectionDomain: "cache.example.com", Port: 6380,
		ResourceGroupID: "rg-1", Tags: map[string]string{"env": "prod", "empty": "", "键": "值"},
	})
	r.api.SetInstance(tairtest.Instance{ID: "r-coming", Region: testRegion, Status: "Creating"})
	got, err := r.list(Filter{})
	want := ListedInstance{
		ID: testInstance, Name: "缓存 <1>", Status: "Changing", Region: testRegion, ResourceGroup: "rg-1",
		Domain: "cache.example.com", Port: 6380, Tags: map[string]string{"env": "prod", "empty": "", "键": "值"},
	}
	if err != nil || len(got) != 2 || !reflect.DeepEqual(got[0], want) || got[1].ID != "r-coming" || got[1].Watchable() {
		t.Errorf("got %+v, error %v", got, err)
	}
}

func TestEndpointOfAnInstance(t *testing.T) {
	for _, c := range []struct {
		domain string
		port   int
		want   string
	}{
		{"h.example.com", 6379, "h.example.com:6379"}, {"fe80::1", 6379, "[fe80::1]:6379"},
		{"", 0, ""}, {"h.example.com", 0, ""}, {"", 6379, ""},
	} {
		if got := (ListedInstance{Domain: c.domain, Port: c.port}).Endpoint(); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestWatchable(t *testing.T) {
	for status, want := range map[string]bool{
		"Normal": true, "Inactive": true, "Changing": true, "NetworkChanging": true, "Unheard-of": true, "": true,
		"Creating": false, "Released": false, "Error": false,
	} {
		if got := (ListedInstance{Status: status}).Watchable(); got != want {
			t.Errorf("%q: %v", status, got)
		}
	}
}

func TestPagesThatShift(t *testing.T) {
	for _, c := range []struct {
		name     string
		pages    []string // the last one is repeated
		want     []string // nil: an error
		requests int
		detail   string
	}{
		{"one is missed, the second listing has it", []string{
			listPage(51, ids(1, 50)), listPage(51, ids(50, 50)), listPage(51, nil), listPage(51, ids(1, 50)), listPage(51, ids(51, 51)),
		}, ids(1, 51), 5, ""},
		{"each listing misses another one", []string{
			listPage(52, ids(1, 50)), listPage(52, ids(50, 51)), listPage(52, nil), listPage(52, ids(2, 51)), listPage(52, ids(52, 52)), listPage(52, nil),
		}, ids(1, 52), 6, ""},
		{"one is missed twice", []string{
			listPage(51, ids(1, 50)), listPage(51, ids(50, 50)), listPage(51, nil), listPage(51, ids(1, 50)), listPage(51, nil),
		}, nil, 5, "TotalCount is 51 but two listings hold 50 instances"},
		{"one goes, so that the next one slips over the border", []string{
			listPage(52, ids(1, 50)), listPage(51, ids(52, 52)), listPage(51, nil), listPage(51, ids(2, 51)), listPage(51, ids(52, 52)),
		}, ids(1, 52), 5, ""},
		{"one comes", []string{
			listPage(51, ids(2, 51)), listPage(52, ids(51, 52)), listPage(52, nil), listPage(52, ids(1, 50)), listPage(52, ids(51, 52)),
		}, ids(1, 52), 5, ""},
		{"an ID twice on a page", []string{listPage(1, []string{"r-1", "r-1"})}, []string{"r-1"}, 1, ""},
		{"short pages", []string{listPage(3, ids(1, 2)), listPage(3, ids(3, 3))}, ids(1, 3), 2, ""},
		{"the count is too high", []string{listPage(3, ids(1, 2))}, nil, 6, "TotalCount is 3 but two listings hold 2 instances"},
		{"the count is too high, empty pages", []string{listPage(3, nil)}, nil, 2, "TotalCount is 3 but two listings hold 0 instances"},
		{"the count is far too high", []string{listPage(5000, ids(1, 50))}, nil, 204, "TotalCount is 5000 but two listings hold 50 instances"},
		{"the count is 0", []string{listPage(0, ids(1, 50)), listPage(0, ids(51, 60)), listPage(0, nil)}, ids(1, 60), 2, ""},
		{"the count is too low", []string{listPage(60, ids(1, 50)), listPage(60, ids(51, 100)), listPage(60, ids(101, 120)), listPage(60, nil)}, ids(1, 120), 4, ""},
	} {
		inBubbles(t, c.name, ClientConfig{}, func(t *testing.T, r *rig) {
			r.setPages(c.pages...)
			if c.want != nil {
				r.wantListed(c.want)
			} else {
				got, err := r.list(Filter{})
				wantError(t, err, Error{Reason: ReasonInvalidResponse, Detail: c.detail})
				if got != nil {
					t.Errorf("%d instances with an error", len(got))
				}
			}
			r.wantRequests(c.requests)
		})
	}
}

func TestLastPage(t *testing.T) {
	for total, want := range map[int]int{0: 2, 1: 3, 50: 3, 51: 4, 120: 5, 99_900: 2000, 100_000: 2000} {
		if got := lastPage(total); got != want {
			t.Errorf("%d instances: %d, want %d", total, got, want)
		}
	}
}

func TestTheLatestOfAnInstanceCounts(t *testing.T) {
	inBubble(t, ClientConfig{}, func(t *testing.T, r *rig) {
		r.setPages(`{"TotalCount":2,"Instances":{"KVStoreInstance":[{"InstanceId":"r-1","InstanceName":"old"}]}}`,
			`{"TotalCount":2,"Instances":{"KVStoreInstance":[{"InstanceId":"r-1","InstanceName":"new"},{"InstanceId":"r-2"}]}}`)
		got, err := r.list(Filter{})
		if err != nil || len(got) != 2 || got[0].Name != "new" {
			t.Errorf("got %+v, error %v", got, err)
		}
	})
}

// The fake filters as the cloud does.
func TestFilters(t *testing.T) {
	tags := func(n int, value string) map[string]string {
		all := map[string]string{}
		for i := range n {
			all[fmt.Sprintf("k%d", i)] = value
		}
		return all
	}
	other := tags(7, "v")
	other["k6"] = "x"
	inBubble(t, ClientConfig{}, func(t *testing.T, r *rig) {
		r.api.RemoveInstance(testInstance)
		for id, tags := range map[string]map[string]string{
			"r-prod": {"env": "prod"}, "r-prod-a": {"env": "prod", "team": "a"}, "r-prod-b": {"env": "prod", "team": "b"},
			"r-test-a": {"env": "test", "team": "a"}, "r-bare": nil, "r-many": tags(7, "v"), "r-many-x": other,
		} {
			group := map[bool]string{true: "rg-a", false: "rg-other"}[tags["team"] == "a"]
			r.api.SetInstance(tairtest.Instance{ID: id, Region: testRegion, Tags: tags, ResourceGroupID: group})
		}
		for _, c := range []struct {
			filter Filter
			want   []string
		}{
			{Filter{}, []string{"r-bare", "r-many", "r-many-x", "r-prod", "r-prod-a", "r-prod-b", "r-test-a"}},
			{Filter{Tags: map[string]string{"env": "prod"}}, []string{"r-prod", "r-prod-a", "r-prod-b"}},
			{Filter{Tags: map[string]string{"env": "prod", "team": "a"}}, []string{"r-prod-a"}},
			{Filter{Tags: map[string]string{"team": ""}}, []string{"r-prod-a", "r-prod-b", "r-test-a"}},
			{Filter{Tags: map[string]string{"team": "", "env": "prod"}}, []string{"r-prod-a", "r-prod-b"}},
			{Filter{Tags: map[string]string{"nobody": ""}}, nil},
			{Filter{Tags: tags(5, "")}, []string{"r-many", "r-many-x"}},
			{Filter{Tags: tags(7, "")}, []string{"r-many", "r-many-x"}},
			{Filter{Tags: tags(7, "v")}, []string{"r-many"}}, // the sixth and the seventh are matched here
			{Filter{Tags: tags(8, "")}, nil},
			{Filter{ResourceGroup: "rg-a"}, []string{"r-prod-a", "r-test-a"}},
			{Filter{ResourceGroup: "rg-a", Tags: map[string]string{"env": "test"}}, []string{"r-test-a"}},
		} {
			got, err := r.list(c.filter)
			if err != nil || !slices.Equal(idsOf(got), c.want) {
				t.Errorf("%+v: got %v, error %v, want %v", c.filter, idsOf(got), err, c.want)
			}
		}
	})
}

func TestFilterParameters(t *testing.T) {
	many, wantMany := map[string]string{}, []param{}
	for i := range 12 {
		key := fmt.Sprintf("k%02d", i+1)
		many[key] = "v"
		if i < 5 { // the API takes no more
			tag := fmt.Sprintf("Tag.%d", i+1)
			wantMany = append(wantMany, param{tag + ".Key", key}, param{tag + ".Value", "v"})
		}
	}
	for name, c := range map[string]struct {
		filter Filter
		want   []param
	}{
		"none": {Filter{}, nil},
		"sorted, an empty value is not sent": {
			Filter{Tags: map[string]string{"team": "", "a*~ é": "& =", "env": "prod"}, ResourceGroup: "rg-1"},
			[]param{
				{"ResourceGroupId", "rg-1"}, {"Tag.1.Key", "a*~ é"}, {"Tag.1.Value", "& ="}, {"Tag.2.Key", "env"}, {"Tag.2.Value", "prod"},
				{"Tag.3.Key", "team"},
			},
		},
		"more than the API takes": {Filter{Tags: many}, wantMany},
	} {
		before := maps.Clone(c.filter.Tags)
		if got := c.filter.params(); !slices.Equal(got, c.want) {
			t.Errorf("%s: got  %v\nwant %v", name, got, c.want)
		}
		if !maps.Equal(before, c.filter.Tags) {
			t.Errorf("%s: the caller's filter is now %v", name, c.filter.Tags)
		}
	}
}

func TestListingThatFails(t *testing.T) {
	for _, c := range []struct {
		fault    *tairtest.APIError
		requests int
		reason   Reason
	}{
		{&tairtest.APIError{Status: 403, Code: "Forbidden.RAM"}, 1, ReasonForbidden},
		{errThrottled, 3, ReasonThrottled}, // for good
	} {
		for after, page := range []string{"first page", "second page"} { // what was read before is not returned
			inBubbles(t, c.fault.Code+" "+page, ClientConfig{Attempts: 3}, func(t *testing.T, r *rig) {
				r.setInstances(ids(1, 120))
				r.api.SetFault(ActionDescribeInstances, tairtest.Fault{After: after, Error: c.fault})
				got, err := r.list(Filter{})
				wantError(t, err, Error{Reason: c.reason, Status: c.fault.Status, Code: c.fault.Code, RequestID: anyRequestID})
				if got != nil {
					t.Errorf("%d instances with an error", len(got))
				}
				r.wantRequests(after + c.requests)
			})
		}
	}
}

func TestAThrottledPageIsAskedForAgain(t *testing.T) {
	inBubble(t, ClientConfig{Attempts: 3}, func(t *testing.T, r *rig) {
		r.api.RemoveInstance(testInstance)
		r.setInstances(ids(1, 120))
		r.api.SetFault(ActionDescribeInstances, tairtest.Fault{After: 1, Times: 2, Error: errThrottled})
		r.wantListed(ids(1, 120))
		r.wantRequests(5)
		if got := r.client.listings.limiter.qps(); got >= 1000 {
			t.Errorf("the limit of listings is still %v", got)
		}
		if got := r.client.QPS(); got != 1000 {
			t.Errorf("the limit of other calls is %v: their quota is another", got)
		}
	})
}

func TestListingWhoseContextEnds(t *testing.T) {
	for requests, within := range []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond} { // before and in each page
		inBubble(t, ClientConfig{}, func(t *testing.T, r *rig) {
			r.setInstances(ids(1, 120))
			r.api.SetFault(ActionDescribeInstances, tairtest.Fault{Delay: time.Second})
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			began := time.Now()
			got, err := r.client.DescribeInstances(ctx, Filter{})
			if got != nil || err == nil || requests == 0 && !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != within {
				t.Errorf("got %d instances, error %v after %v", len(got), err, time.Since(began))
			}
			r.wantRequests(requests)
		})
	}
}

// wantListed lists without a filter and checks which instances are there.
func (r *rig) wantListed(want []string) {
	r.t.Helper()
	if got, err := r.list(Filter{}); err != nil || !slices.Equal(idsOf(got), want) {
		r.t.Errorf("got %v, error %v, want %v", idsOf(got), err, want)
	}
}

// setPages makes the API answer listings with these bodies, one after the other, and then always with the last one.
func (r *rig) setPages(bodies ...string) {
	var faults []tairtest.Fault
	for _, b := range bodies {
		faults = append(faults, tairtest.Fault{Times: 1, Body: []byte(b)})
	}
	faults[len(faults)-1].Times = 0
	r.api.SetFault(ActionDescribeInstances, faults...)
}

// listPage is the body of one page.
func listPage(total int, ids []string) string {
	var items []string
	for _, id := range ids {
		items = append(items, fmt.Sprintf(`{"InstanceId":%q,"RegionId":%q}`, id, testRegion))
	}
	return fmt.Sprintf(`{"TotalCount":%d,"PageSize":50,"Instances":{"KVStoreInstance":[%s]}}`, total, strings.Join(items, ","))
}

// ids returns IDs in their order, both ends included.
func ids(first, last int) []string {
	var all []string
	for i := first; i <= last; i++ {
		all = append(all, fmt.Sprintf("r-%04d", i))
	}
	return all
}

func idsOf(instances []ListedInstance) []string {
	var all []string
	for _, i := range instances {
		all = append(all, i.ID)
	}
	return all
}
