package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestInstanceFlagsMakeOneAccount(t *testing.T) {
	got, err := FromInstances([]string{"cn-hangzhou/r-a", "us-east-1/r-b"})
	if err != nil {
		t.Fatal(err)
	}
	want, err := parseText("accounts: [{instances: [{id: r-a, region: cn-hangzhou}, {id: r-b, region: us-east-1}]}]")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestEveryWrongInstanceFlagIsNamed(t *testing.T) {
	const form = ", allowed: REGION/ID such as cn-hangzhou/r-bp1zxszhcgatnx, each ID once"
	_, err := FromInstances([]string{"r-a", "Hangzhou/r-a", "cn-hangzhou/", "cn-hangzhou/a/b", "cn-hangzhou/r-b", "cn-beijing/r-b", "a\nb"})
	want := strings.Join([]string{
		`--instance="r-a": has no '/'` + form,
		`--instance="Hangzhou/r-a": "Hangzhou" is not a region ID` + form,
		`--instance="cn-hangzhou/": "" is not an instance ID` + form,
		`--instance="cn-hangzhou/a/b": "a/b" is not an instance ID` + form,
		`--instance="cn-beijing/r-b": the instance is given twice` + form,
		`--instance="a\nb": has no '/'` + form,
	}, "\n")
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
	_, err = FromInstances(nil)
	if want := "--instance: is missing, allowed: REGION/ID such as cn-hangzhou/r-bp1zxszhcgatnx"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
