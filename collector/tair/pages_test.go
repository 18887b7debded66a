package tair

import (
	"reflect"
	"strings"
	"testing"
)

func TestInvalidPages(t *testing.T) {
	const (
		notJSON     = "the body is not the JSON of the operation"
		wrongTotal  = "TotalCount is missing or no count"
		noList      = "the list of Instances is missing"
		wrongID     = "an InstanceId is missing or too long"
		wrongRegion = "RegionId is not the one asked for"
	)
	instance := func(fields string) string {
		return `{"TotalCount":1,"Instances":{"KVStoreInstance":[{` + fields + `}]}}`
	}
	bodies := []badBody{
		{"the list is a text", `{"TotalCount":0,"Instances":"none"}`, notJSON},
		{"the ID is a number", instance(`"InstanceId":1`), notJSON},
		{"the tags are a text", instance(`"InstanceId":"r-1","Tags":"env"`), notJSON},
		{"{}", "{}", wrongTotal}, {"null", "null", wrongTotal},
		{"no count", `{"Instances":{"KVStoreInstance":[]}}`, wrongTotal},
		{"more than can be read", `{"TotalCount":100001,"Instances":{"KVStoreInstance":[]}}`, "TotalCount is over 100000"},
		{"over 50 on a page", instance(`"InstanceId":"r"` + strings.Repeat(`},{"InstanceId":"r"`, 50)), "a page has over 50 Instances"},
		{"no list", `{"TotalCount":0}`, noList}, {"list null", `{"TotalCount":0,"Instances":null}`, noList},
		{"no ID", instance(`"InstanceName":"n"`), wrongID},
		{"ID null", instance(`"InstanceId":null`), wrongID},
		{"ID too long", instance(`"InstanceId":"` + strings.Repeat("r", 513) + `"`), wrongID},
		{"an instance null", `{"TotalCount":1,"Instances":{"KVStoreInstance":[null]}}`, wrongID},
		{"another region", instance(`"InstanceId":"r-1","RegionId":"cn-shanghai"`), wrongRegion},
	}
	for _, count := range []string{"null", `""`, "-1", "1.5", "99999999999999999999", `"many"`, "[1]"} {
		bodies = append(bodies, badBody{"count " + count, `{"TotalCount":` + count + `,"Instances":{"KVStoreInstance":[]}}`, wrongTotal})
	}
	wantInvalid(t, ActionDescribeInstances, func(r *rig) ([]ListedInstance, error) { return r.list(Filter{}) }, bodies)
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
