package tairtest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestBodiesHaveTheDocumentedShape(t *testing.T) {
	f := newFixture(t)
	empty, soon := "", "soon"
	f.api.SetInstance(Instance{ID: "r-empty", ExpiredTime: &empty})
	f.api.SetInstance(Instance{ID: "r-soon", SSLEnabled: "on", ExpiredTime: &soon, ExpiresAt: testTime})
	f.api.SetInstance(Instance{ID: "r-2", Region: "cn-beijing", Name: "two", Tags: map[string]string{"env": "prod", "Team": "pay"}, ResourceGroupID: "rg-1"})
	f.api.SetRegions(Region{ID: "cn-beijing", LocalName: "华北2", Zones: "cn-beijing-a"}, Region{ID: "cn-hangzhou", Endpoint: "r-kvstore.aliyuncs.com"})
	f.api.SetEvents(Event{ID: 11111111111, InsName: "r-1", InsComment: "one", Region: "cn-hangzhou", StartTime: "2026-01-09T18:00:00Z",
		SwitchTime: "next Saturday", Deadline: ""})
	for _, tt := range []struct{ request, want string }{
		{"DescribeInstanceSSL InstanceId=r-1", `{"InstanceId":"r-1","RequestId":"*","SSLEnabled":"Enable","SSLExpiredTime":"2026-01-03T03:04:05Z",` +
			`"CertCommonName":"r-1.example","CertDownloadURL":"https://example.com/ca.zip?a=1&b=2"}`},
		{"DescribeInstanceSSL InstanceId=r-2", `{"InstanceId":"r-2","RequestId":"*","SSLEnabled":""}`},
		{"DescribeInstanceSSL InstanceId=r-empty", `{"InstanceId":"r-empty","RequestId":"*","SSLEnabled":"","SSLExpiredTime":""}`},
		{"DescribeInstanceSSL InstanceId=r-soon", `{"InstanceId":"r-soon","RequestId":"*","SSLEnabled":"on","SSLExpiredTime":"soon"}`},
		{"DescribeInstanceSSL InstanceId=r-3", `{"RequestId":"*","HostId":"` + f.server.Addr + `","Code":"InvalidInstanceId.NotFound",` +
			`"Message":"The specified instance does not exist.",` +
			`"Recommend":"https://api.aliyun.com/troubleshoot?q=InvalidInstanceId.NotFound&product=R-kvstore"}`},
		{"DescribeInstances RegionId=cn-beijing", `{"RequestId":"*","PageNumber":1,"PageSize":30,"TotalCount":1,"Instances":{"KVStoreInstance":[` +
			`{"InstanceId":"r-2","InstanceName":"two","InstanceStatus":"Normal","ConnectionDomain":"r-2.redis.rds.aliyuncs.com","Port":6379,` +
			`"RegionId":"cn-beijing","ResourceGroupId":"rg-1","EngineVersion":"7.0","ArchitectureType":"standard",` +
			`"Tags":{"Tag":[{"Key":"Team","Value":"pay"},{"Key":"env","Value":"prod"}]}}]}}`},
		{"DescribeInstances RegionId=none", `{"RequestId":"*","PageNumber":1,"PageSize":30,"TotalCount":0,"Instances":{"KVStoreInstance":[]}}`},
		{"DescribeRegions", `{"RequestId":"*","RegionIds":{"KVStoreRegion":[` +
			`{"RegionId":"cn-beijing","LocalName":"华北2","RegionEndpoint":"` + f.server.Addr + `","ZoneIds":"cn-beijing-a"},` +
			`{"RegionId":"cn-hangzhou","RegionEndpoint":"r-kvstore.aliyuncs.com"}]}}`},
		{"DescribeActiveOperationTasks", `{"RequestId":"*","PageNumber":1,"PageSize":25,"TotalRecordCount":1,"Items":[{"Id":11111111111,` +
			`"InsName":"r-1","InsComment":"one","Region":"cn-hangzhou","TaskType":"rds_apsaradb_ssl_update","Status":3,` +
			`"StartTime":"2026-01-09T18:00:00Z","SwitchTime":"next Saturday","Deadline":"","AllowChange":"1","AllowCancel":"0",` +
			`"ChangeLevel":"S0","PrepareInterval":"04:00:00","Impact":"TransientDisconnection",` +
			`"ImpactEn":"Transient instance disconnection","ImpactZh":"实例闪断","TaskTypeEn":"SSL certificate update","TaskTypeZh":"SSL证书更新","SubInsNames":[]}]}`},
		{"DescribeActiveOperationTasks InsName=none", `{"RequestId":"*","PageNumber":1,"PageSize":25,"TotalRecordCount":0,"Items":[]}`},
	} {
		r := f.get(tt.request)
		var body struct{ RequestID string }
		if err := json.Unmarshal(r.body, &body); err != nil {
			t.Fatal(err)
		}
		if got := strings.Replace(string(r.body), body.RequestID, "*", 1); got != tt.want || len(body.RequestID) != 36 {
			t.Errorf("%s: body is\n%s, want\n%s", tt.request, r.body, tt.want)
		}
	}
}

func TestBodiesAreXMLUnlessTheClientAcceptsJSON(t *testing.T) {
	f := newFixture(t)
	f.api.SetEvents(Event{ID: 1})
	for _, tt := range []struct{ request, accept, kind, start string }{
		{"DescribeInstanceSSL InstanceId=r-1", "", "text/xml", "<DescribeInstanceSSLResponse><InstanceId>r-1</InstanceId><RequestId>"},
		{"DescribeInstanceSSL InstanceId=r-none", "*/*", "text/xml", "<Error><RequestId>"},
		{"DescribeInstances RegionId=cn-hangzhou", "text/html, application/jsonp", "text/xml", "<DescribeInstancesResponse><RequestId>"},
		{"DescribeActiveOperationTasks", "", "text/xml", "<DescribeActiveOperationTasksResponse><RequestId>"},
		{"DescribeInstances RegionId=cn-hangzhou", "text/html;q=0.5, Application/JSON;q=0.9", "application/json", `{"RequestId":`},
	} {
		o := newRequest(testKey, tt.request)
		o.header.Set("Accept", tt.accept)
		r := f.send(o)
		body := strings.TrimPrefix(string(r.body), xml.Header)
		if !strings.HasPrefix(body, tt.start) || r.header.Get("Content-Type") != tt.kind+";charset=utf-8" {
			t.Errorf("Accept %q: %v, %s, want %s", tt.accept, r.header, r.body, tt.start)
		}
	}
}

func TestListsAreFilteredAndPaged(t *testing.T) {
	f := newFixture(t)
	f.api.SetInstance(Instance{ID: "r-2", Region: "cn-hangzhou", Tags: map[string]string{"env": "prod", "Team": "pay"}, ResourceGroupID: "rg-1"})
	f.api.SetInstance(Instance{ID: "r-3", Region: "cn-hangzhou", Tags: map[string]string{"env": "test"}, Status: "Creating"})
	f.api.SetInstance(Instance{ID: "r-4", Region: "cn-hangzhou", Account: "other"})
	for n := range 51 {
		f.api.SetInstance(Instance{ID: fmt.Sprintf("r-b-%02d", n), Region: "cn-beijing"})
	}
	events := []Event{
		{ID: 1, InsName: "r-1", Region: "cn-hangzhou"},
		{ID: 2, InsName: "r-unwatched", Region: "cn-shanghai", Status: 4},
		{ID: 3, InsName: "r-1", Region: "cn-hangzhou", Status: 7},
		{ID: 4, InsName: "r-1", Region: "cn-hangzhou", TaskType: "rds_apsaradb_ha"},
		{ID: 5, InsName: "r-5", Region: "cn-hangzhou", Account: "other"},
	}
	f.api.SetEvents(events...)
	events[0].Region = "changed" // only in the caller's slice
	const instances, tasks = "DescribeInstances RegionId=cn-hangzhou ", "DescribeActiveOperationTasks "
	for _, tt := range []struct {
		request string
		want    []any // IDs
		total   float64
	}{
		{instances, []any{"r-1", "r-2", "r-3"}, 3},
		{instances + "Tag.1.Key=env", []any{"r-2", "r-3"}, 2},
		{instances + "Tag.1.Key=env Tag.1.Value=", []any{"r-2", "r-3"}, 2},
		{instances + "Tag.1.Key=env Tag.1.Value=prod Tag.2.Key=Team", []any{"r-2"}, 1},
		{instances + "Tag.1.Key=env Tag.2.Key=Team Tag.3.Key=c Tag.4.Key=d Tag.5.Key=e", []any{}, 0},
		{instances + "InstanceStatus=Creating", []any{"r-3"}, 1},
		{instances + "InstanceIds=r-3,r-4,r-9", []any{"r-3"}, 1},
		{instances + "SearchKey=on", []any{"r-1"}, 1}, // its name is "one"
		{instances + "ResourceGroupId=rg-1", []any{"r-2"}, 1},
		{instances + "ResourceGroupId=", []any{"r-1", "r-2", "r-3"}, 3},
		{instances + "PageSize=2 PageNumber=2", []any{"r-3"}, 3},
		{instances + "PageNumber=2147483647", []any{}, 3},
		{"DescribeInstances RegionId=cn-beijing PageSize=50 PageNumber=2", []any{"r-b-50"}, 51},
		{"DescribeInstances RegionId=cn-beijing PageNumber=3", []any{}, 51},
		{tasks, []any{1., 2., 3., 4.}, 4},
		{tasks + "Region=all Status=-1 ProductId=Redis DbType=redis", []any{1., 2., 3., 4.}, 4},
		{tasks + "Region=cn-hangzhou", []any{1., 3., 4.}, 3},
		{tasks + "Region=cn-beijing", []any{}, 0},
		{tasks + "TaskType=rds_apsaradb_ssl_update", []any{1., 2., 3.}, 3},
		{tasks + "TaskType=rds_apsaradb_ssl_update Status=3", []any{1.}, 1},
		{tasks + "Status=4", []any{2.}, 1},
		{tasks + "InsName=r-unwatched", []any{2.}, 1},
		{tasks + "PageSize=3", []any{1., 2., 3.}, 4},
		{tasks + "PageSize=3 PageNumber=2", []any{4.}, 4},
		{tasks + "PageSize=100 PageNumber=2", []any{}, 4},
	} {
		if ids, total := f.list(newRequest(testKey, tt.request)); !reflect.DeepEqual(ids, tt.want) || total != tt.total {
			t.Errorf("%s: got %v of %v, want %v of %v", tt.request, ids, total, tt.want, tt.total)
		}
	}
	if ids, _ := f.list(newRequest(otherKey, tasks)); len(ids) != 5 {
		t.Errorf("the owner of all five events sees %v", ids)
	}
	f.api.SetEvents(make([]Event, 26)...)
	if ids, total := f.list(newRequest(testKey, tasks)); len(ids) != 25 || total != 26 {
		t.Errorf("first page has %d of %v events, want 25 of 26", len(ids), total)
	}
}

// list returns the IDs of a page of instances or events, and how many there are on all pages.
func (f *fixture) list(o *outgoing) (ids []any, total float64) {
	f.t.Helper()
	r := f.send(o)
	wantResponse(f.t, r, 200, "OK")
	var body struct {
		TotalCount, TotalRecordCount float64
		Instances                    struct{ KVStoreInstance []map[string]any }
		Items                        []map[string]any
	}
	if err := json.Unmarshal(r.body, &body); err != nil {
		f.t.Fatal(err)
	}
	ids = []any{}
	for _, i := range body.Instances.KVStoreInstance {
		ids = append(ids, i["InstanceId"])
	}
	for _, e := range body.Items {
		ids = append(ids, e["Id"])
	}
	return ids, body.TotalCount + body.TotalRecordCount
}

func TestBadParametersAreRefused(t *testing.T) {
	f := newFixture(t)
	f.api.SetInstance(Instance{ID: "r-other", Account: "other", Region: "cn-hangzhou"})
	f.api.SetInstance(Instance{ID: "r-main", Account: "main", Region: "cn-hangzhou"})
	f.api.SetInstance(Instance{ID: "r-removed", Region: "cn-hangzhou"})
	f.api.RemoveInstance("r-removed")
	for _, tt := range []struct {
		request string
		status  int
		code    string
	}{
		{"DescribeInstanceSSL InstanceId=r-main", 200, "OK"},
		{"DescribeInstanceSSL RegionId=cn-hangzhou", 400, "MissingInstanceId"},
		{"DescribeInstanceSSL InstanceId=r-1 RegionId=cn-shanghai", 404, "InvalidInstanceId.NotFound"},
		{"DescribeInstanceSSL InstanceId=r-other", 404, "InvalidInstanceId.NotFound"},
		{"DescribeInstanceSSL InstanceId=r-removed", 404, "InvalidInstanceId.NotFound"},
		{"DescribeInstanceSSL InstanceId=r-1 Tag.1.Key=env", 400, "InvalidParameter"},
		{"DescribeInstances PageSize=10", 400, "MissingParameter"},
		{"DescribeInstances RegionId=x PageSize=51", 400, "InvalidParameter"},
		{"DescribeInstances RegionId=x PageNumber=0", 400, "InvalidParameter"},
		{"DescribeInstances RegionId=x PageNumber=one", 400, "InvalidParameter"},
		{"DescribeInstances RegionId=x Tag.0.Key=env", 400, "InvalidParameter"},
		{"DescribeInstances RegionId=x Tag.6.Key=env", 400, "InvalidParameter"},
		{"DescribeInstances RegionId=x Tag.01.Key=env", 400, "InvalidParameter"},
		{"DescribeInstances RegionId=x Tag.1.Name=env", 400, "InvalidParameter"},
		{"DescribeInstances RegionId=x Tag.1.Value=prod", 400, "InvalidParameter"},
		{"DescribeInstances RegionId=x VpcId=vpc-1", 400, "InvalidParameter"},
		{"DescribeActiveOperationTasks RegionId=cn-hangzhou", 400, "InvalidParameter"},
		{"DescribeActiveOperationTasks Tag.1.Key=env", 400, "InvalidParameter"},
		{"DescribeActiveOperationTasks PageSize=101", 400, "InvalidParameter"},
		{"DescribeActiveOperationTasks PageNumber=0", 400, "InvalidParameter"},
		{"DescribeActiveOperationTasks Status=2", 400, "InvalidParameter"},
		{"DescribeActiveOperationTasks Status=3,4", 400, "InvalidParameter"},
		{"DescribeActiveOperationTasks TaskType=rds_apsradb_ssl_update", 400, "InvalidParameter"},
		{"DescribeActiveOperationTasks ProductId=redis", 400, "InvalidParameter"},
		{"DescribeActiveOperationTasks DbType=Redis", 400, "InvalidParameter"},
	} {
		t.Run(tt.request, func(t *testing.T) { wantResponse(t, f.get(tt.request), tt.status, tt.code) })
	}
}
