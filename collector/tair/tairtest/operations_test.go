package tairtest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestDescribeInstanceSSLHasTheDocumentedShape(t *testing.T) {
	f := newFixture(t)
	r := f.send(sslRequest("r-1"))
	var body struct{ RequestID string }
	if err := json.Unmarshal(r.body, &body); err != nil {
		t.Fatal(err)
	}
	want := `{"InstanceId":"r-1","RequestId":"` + body.RequestID + `","SSLEnabled":"Enable",` +
		`"SSLExpiredTime":"2026-01-03T03:04:05Z","CertCommonName":"r-1.example","CertDownloadURL":"https://example.com/ca.zip?a=1&b=2"}`
	if string(r.body) != want {
		t.Errorf("body is\n%s, want\n%s", r.body, want)
	}
	if len(body.RequestID) != 36 || r.header.Get("Content-Type") != "application/json;charset=utf-8" {
		t.Errorf("request ID %q, header %v", body.RequestID, r.header)
	}
}

func TestSSLExpiredTimeCanBeAnything(t *testing.T) {
	empty, garbage := "", "soon"
	tests := []struct {
		name     string
		instance Instance
		want     any // nil: the field is missing
	}{
		{"missing", Instance{SSLEnabled: "Disable"}, nil},
		{"empty", Instance{ExpiredTime: &empty}, ""},
		{"garbage beside a date", Instance{ExpiredTime: &garbage, ExpiresAt: testTime}, "soon"},
		{"date", Instance{ExpiresAt: testTime}, "2026-01-02T03:04:05Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			tt.instance.ID, tt.instance.Region = "r-2", "cn-hangzhou"
			f.api.SetInstance(tt.instance)
			var body map[string]any
			if err := json.Unmarshal(f.send(sslRequest("r-2")).body, &body); err != nil {
				t.Fatal(err)
			}
			if body["SSLExpiredTime"] != tt.want || body["SSLEnabled"] != tt.instance.SSLEnabled {
				t.Errorf("body is %v", body)
			}
		})
	}
}

func TestInstanceIsFoundByItsOwnerInItsRegion(t *testing.T) {
	tests := []struct {
		name   string
		params []string
		status int
		code   string
	}{
		{"right region", []string{"InstanceId", "r-1", "RegionId", "cn-hangzhou"}, 200, "OK"},
		{"no region", []string{"InstanceId", "r-1"}, 200, "OK"},
		{"another region", []string{"InstanceId", "r-1", "RegionId", "cn-shanghai"}, 404, "InvalidInstanceId.NotFound"},
		{"no instance", []string{"RegionId", "cn-hangzhou"}, 400, "MissingInstanceId"},
		{"unknown instance", []string{"InstanceId", "r-9"}, 404, "InvalidInstanceId.NotFound"},
		{"of the account", []string{"InstanceId", "r-own"}, 200, "OK"},
		{"of another account", []string{"InstanceId", "r-foreign"}, 404, "InvalidInstanceId.NotFound"},
		{"removed", []string{"InstanceId", "r-gone"}, 404, "InvalidInstanceId.NotFound"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.api.SetInstance(Instance{ID: "r-own", Account: "main", Region: "cn-hangzhou"})
			f.api.SetInstance(Instance{ID: "r-foreign", Account: "other", Region: "cn-hangzhou"})
			f.api.SetInstance(Instance{ID: "r-gone", Region: "cn-hangzhou"})
			f.api.RemoveInstance("r-gone")
			wantAnswer(t, f.send(newRequest(testKey, "DescribeInstanceSSL", tt.params...)), tt.status, tt.code)
		})
	}
}

// listing is what the tests read of DescribeInstances.
type listing struct {
	PageNumber, PageSize, TotalCount int
	Instances                        struct {
		KVStoreInstance []struct {
			InstanceID, InstanceName, InstanceStatus, ConnectionDomain, RegionID, ResourceGroupID string
			Port                                                                                  int
			Tags                                                                                  struct{ Tag []listedTag }
		}
	}
}

func (f *fixture) list(t *testing.T, params ...string) (listing, []string) {
	t.Helper()
	r := f.send(newRequest(testKey, "DescribeInstances", append(params, "RegionId", "cn-beijing")...))
	wantAnswer(t, r, 200, "OK")
	var l listing
	if err := json.Unmarshal(r.body, &l); err != nil {
		t.Fatal(err)
	}
	if l.Instances.KVStoreInstance == nil {
		t.Errorf("null list in %s", r.body)
	}
	ids := []string{}
	for _, i := range l.Instances.KVStoreInstance {
		ids = append(ids, i.InstanceID)
	}
	return l, ids
}

func TestDescribeInstancesFilters(t *testing.T) {
	f := newFixture(t)
	f.api.SetInstance(Instance{ID: "r-a", Region: "cn-beijing", Name: "cache", Tags: map[string]string{"env": "prod", "Team": "pay"}, ResourceGroupID: "rg-1"})
	f.api.SetInstance(Instance{ID: "r-b", Region: "cn-beijing", Tags: map[string]string{"env": "test"}, Status: "Creating"})
	f.api.SetInstance(Instance{ID: "r-c", Region: "cn-beijing", Account: "other"})
	tests := []struct {
		name   string
		params []string
		want   []string
	}{
		{"all of the region that the account sees", nil, []string{"r-a", "r-b"}},
		{"tag", []string{"Tag.1.Key", "env", "Tag.1.Value", "prod"}, []string{"r-a"}},
		{"tag with any value", []string{"Tag.1.Key", "env", "Tag.1.Value", ""}, []string{"r-a", "r-b"}},
		{"tag without value", []string{"Tag.1.Key", "Team"}, []string{"r-a"}},
		{"two tags", []string{"Tag.1.Key", "Team", "Tag.2.Key", "env", "Tag.2.Value", "test"}, []string{}},
		{"five tags", []string{"Tag.1.Key", "Team", "Tag.2.Key", "env", "Tag.3.Key", "env", "Tag.4.Key", "env", "Tag.5.Key", "env"}, []string{"r-a"}},
		{"resource group", []string{"ResourceGroupId", "rg-1"}, []string{"r-a"}},
		{"empty resource group", []string{"ResourceGroupId", ""}, []string{"r-a", "r-b"}},
		{"status", []string{"InstanceStatus", "Creating"}, []string{"r-b"}},
		{"IDs", []string{"InstanceIds", "r-b,r-c,r-1"}, []string{"r-b"}},
		{"search", []string{"SearchKey", "cach"}, []string{"r-a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, ids := f.list(t, tt.params...); !reflect.DeepEqual(ids, tt.want) {
				t.Errorf("got %v, want %v", ids, tt.want)
			}
		})
	}
	l, _ := f.list(t, "InstanceIds", "r-a")
	i := l.Instances.KVStoreInstance[0]
	if i.InstanceName != "cache" || i.InstanceStatus != "Normal" || i.ConnectionDomain != "r-a.redis.rds.aliyuncs.com" || i.Port != 6379 ||
		i.RegionID != "cn-beijing" || i.ResourceGroupID != "rg-1" || !reflect.DeepEqual(i.Tags.Tag, []listedTag{{"Team", "pay"}, {"env", "prod"}}) {
		t.Errorf("instance is %+v", i)
	}
}

func TestDescribeInstancesPages(t *testing.T) {
	f := newFixture(t)
	for n := range 70 {
		f.api.SetInstance(Instance{ID: fmt.Sprintf("r-%03d", n), Region: "cn-beijing"})
	}
	tests := []struct {
		params      []string
		count       int
		first       string
		page, every int
	}{
		{nil, 30, "r-000", 1, 30},
		{[]string{"PageNumber", "3"}, 10, "r-060", 3, 30},
		{[]string{"PageNumber", "2", "PageSize", "50"}, 20, "r-050", 2, 50},
		{[]string{"PageNumber", "99", "PageSize", "50"}, 0, "", 99, 50},
		{[]string{"PageNumber", "2147483647"}, 0, "", 2147483647, 30},
	}
	for _, tt := range tests {
		l, ids := f.list(t, tt.params...)
		if len(ids) != tt.count || tt.count > 0 && ids[0] != tt.first || l.PageNumber != tt.page || l.PageSize != tt.every || l.TotalCount != 70 {
			t.Errorf("%v: %d instances, page %d of %d, total %d: %v", tt.params, len(ids), l.PageNumber, l.PageSize, l.TotalCount, ids)
		}
	}
}

func TestDescribeInstancesRefusesBadParameters(t *testing.T) {
	tests := map[string][]string{
		"InvalidParameter page size":   {"RegionId", "x", "PageSize", "51"},
		"InvalidParameter page":        {"RegionId", "x", "PageNumber", "0"},
		"InvalidParameter text":        {"RegionId", "x", "PageNumber", "one"},
		"InvalidParameter tag number":  {"RegionId", "x", "Tag.0.Key", "env"},
		"InvalidParameter sixth tag":   {"RegionId", "x", "Tag.1.Key", "a", "Tag.2.Key", "b", "Tag.3.Key", "c", "Tag.4.Key", "d", "Tag.5.Key", "e", "Tag.6.Key", "f"},
		"InvalidParameter tag field":   {"RegionId", "x", "Tag.1.Name", "env"},
		"InvalidParameter value alone": {"RegionId", "x", "Tag.1.Value", "prod"},
		"InvalidParameter unknown":     {"RegionId", "x", "VpcId", "vpc-1"},
		"MissingParameter region":      {},
	}
	for name, params := range tests {
		t.Run(name, func(t *testing.T) {
			code, _, _ := strings.Cut(name, " ")
			wantAnswer(t, newFixture(t).send(newRequest(testKey, "DescribeInstances", params...)), 400, code)
		})
	}
}

func TestDescribeRegions(t *testing.T) {
	f := newFixture(t)
	f.api.SetInstance(Instance{ID: "r-2", Region: "cn-hangzhou"})
	f.api.SetInstance(Instance{ID: "r-3", Region: "ap-southeast-1"})
	regions := func() []listedRegion {
		t.Helper()
		var body regionsBody
		if err := json.Unmarshal(f.send(newRequest(testKey, "DescribeRegions")).body, &body); err != nil {
			t.Fatal(err)
		}
		return body.RegionIDs.KVStoreRegion
	}
	if got, want := regions(), []listedRegion{{RegionID: "ap-southeast-1", RegionEndpoint: f.server.Addr}, {RegionID: "cn-hangzhou", RegionEndpoint: f.server.Addr}}; !reflect.DeepEqual(got, want) {
		t.Errorf("regions of the instances: %v, want %v", got, want)
	}
	twice := Region{ID: "cn-hangzhou", LocalName: "华东1", Endpoint: "r-kvstore.aliyuncs.com", Zones: "cn-hangzhou-a"}
	f.api.SetRegions(twice, twice)
	one := listedRegion{"cn-hangzhou", "华东1", "r-kvstore.aliyuncs.com", "cn-hangzhou-a"}
	if got := regions(); !reflect.DeepEqual(got, []listedRegion{one, one}) {
		t.Errorf("regions as set: %v", got)
	}
}
