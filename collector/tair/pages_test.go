package tair

import (
	"reflect"
	"strings"
	"testing"
)

func TestInvalidPages(t *testing.T) {
	const (
		foreign    = "the body is not the JSON of the operation"
		wrongTotal = "TotalCount is missing or no count"
		noList     = "the list of Instances is missing"
		wrongID    = "an InstanceId is missing or too long"
		wrongPlace = "RegionId is not the one asked for"
	)
	instance := func(fields string) string {
		return `{"TotalCount":1,"Instances":{"KVStoreInstance":[{` + fields + `}]}}`
	}
	for _, c := range []struct{ name, body, detail string }{
		{"empty", "", foreign},
		{"HTML", "<html>Welcome</html>", foreign},
		{"an array", "[]", foreign},
		{"cut off", `{"TotalCount":0,"Instances":{"KVStoreInstance":[`, foreign},
		{"the list is a text", `{"TotalCount":0,"Instances":"none"}`, foreign},
		{"the ID is a number", instance(`"InstanceId":1`), foreign},
		{"the tags are a text", instance(`"InstanceId":"r-1","Tags":"env"`), foreign},
		{"{}", "{}", wrongTotal},
		{"null", "null", wrongTotal},
		{"no count", `{"Instances":{"KVStoreInstance":[]}}`, wrongTotal},
		{"count null", `{"TotalCount":null,"Instances":{"KVStoreInstance":[]}}`, wrongTotal},
		{"count empty", `{"TotalCount":"","Instances":{"KVStoreInstance":[]}}`, wrongTotal},
		{"count negative", `{"TotalCount":-1,"Instances":{"KVStoreInstance":[]}}`, wrongTotal},
		{"count no whole number", `{"TotalCount":1.5,"Instances":{"KVStoreInstance":[]}}`, wrongTotal},
		{"count beyond an integer", `{"TotalCount":99999999999999999999,"Instances":{"KVStoreInstance":[]}}`, wrongTotal},
		{"count a text", `{"TotalCount":"many","Instances":{"KVStoreInstance":[]}}`, wrongTotal},
		{"count a list", `{"TotalCount":[1],"Instances":{"KVStoreInstance":[]}}`, wrongTotal},
		{"more than can be read", `{"TotalCount":100001,"Instances":{"KVStoreInstance":[]}}`, "TotalCount is over 100000"},
		{"no list", `{"TotalCount":0}`, noList},
		{"list null", `{"TotalCount":0,"Instances":null}`, noList},
		{"no ID", instance(`"InstanceName":"n"`), wrongID},
		{"ID null", instance(`"InstanceId":null`), wrongID},
		{"ID too long", instance(`"InstanceId":"` + strings.Repeat("r", 513) + `"`), wrongID},
		{"an instance null", `{"TotalCount":1,"Instances":{"KVStoreInstance":[null]}}`, wrongID},
		{"another region", instance(`"InstanceId":"r-1","RegionId":"cn-shanghai"`), wrongPlace},
		{"over 1 MiB", padded(listPage(0, nil), 1<<20+1), "the body is over 1 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, ClientConfig{}, func(t *testing.T, r *rig) {
				r.setPages(c.body)
				got, err := r.list(Filter{})
				wantError(t, err, Error{Reason: ReasonInvalidResponse, Status: 200, Detail: c.detail})
				if got != nil {
					t.Errorf("got %+v with an error", got)
				}
				r.wantRequests(1)
			})
		})
	}
}

func TestPagesThatSayLittle(t *testing.T) {
	bare := ListedInstance{ID: "r-1", Region: testRegion, Tags: map[string]string{}}
	with := func(change func(*ListedInstance)) ListedInstance {
		i := bare
		change(&i)
		return i
	}
	port := func(n int) ListedInstance { return with(func(i *ListedInstance) { i.Port = n }) }
	for fields, want := range map[string]ListedInstance{
		``:                     bare,
		`,"RegionId":""`:       bare,
		`,"New":{"a":[1]}`:     bare,
		`,"Port":6379`:         port(6379),
		`,"Port":"6379"`:       port(6379),
		`,"Port":65535`:        port(65535),
		`,"Port":65536`:        bare,
		`,"Port":-1`:           bare,
		`,"Port":"none"`:       bare,
		`,"Port":""`:           bare,
		`,"Port":null`:         bare,
		`,"Port":{"a":"6379"}`: bare,
		`,"InstanceName":null,"InstanceStatus":null,"ConnectionDomain":null,"RegionId":null,"ResourceGroupId":null,"Tags":null`: bare,
		`,"Tags":{"Tag":null}`: bare,
		`,"Tags":{"Tag":[{"Key":"k"},{"Key":"l","Value":null},{"Key":"\ud800","Value":"v"}]}`: with(func(i *ListedInstance) {
			i.Tags = map[string]string{"k": "", "l": "", "\ufffd": "v"}
		}),
		`,"InstanceName":"` + strings.Repeat("缓", 200) + `","Tags":{"Tag":[{"Key":"` + strings.Repeat("k", 600) + `","Value":"` + strings.Repeat("é", 300) + `"}]}`: with(func(i *ListedInstance) {
			i.Name = strings.Repeat("缓", 170)
			i.Tags = map[string]string{strings.Repeat("k", 512): strings.Repeat("é", 256)}
		}),
	} {
		body := `{"TotalCount":"1","Instances":{"KVStoreInstance":[{"InstanceId":"r-1"` + fields + `}]}}`
		got, err := decodePage([]byte(body), testRegion)
		if err != nil || got.total != 1 || !reflect.DeepEqual(got.instances, []ListedInstance{want}) {
			t.Errorf("%s: got %+v, error %v", fields, got, err)
		}
	}
	for _, body := range []string{`{"TotalCount":0,"Instances":{}}`, `{"TotalCount":0,"Instances":{"KVStoreInstance":null}}`} {
		if got, err := decodePage([]byte(body), testRegion); err != nil || got.total != 0 || len(got.instances) != 0 {
			t.Errorf("%s: got %+v, error %v", body, got, err)
		}
	}
}
