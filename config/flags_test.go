package config

import (
	"fmt"
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
	_, err := FromInstances([]string{"r-a", "Hangzhou/r-a", "cn-hangzhou/", "cn-hangzhou/a/b", "cn-hangzhou/r-b", "cn-beijing/r-b", "a\nb"})
	want := []string{
		`--instance="r-a": has no '/', allowed: REGION/ID`, `--instance="Hangzhou/r-a": "Hangzhou" is not a region ID`,
		`--instance="cn-hangzhou/": "" is not an instance ID`, `--instance="cn-hangzhou/a/b": "a/b" is not an instance ID`,
		`--instance="cn-beijing/r-b": the instance is given twice`, `--instance="a\nb": has no '/'`,
	}
	errs := strings.Split(fmt.Sprint(err), "\n")
	if len(errs) != len(want) {
		t.Fatalf("got %v", err)
	}
	for i, text := range errs {
		if !strings.HasPrefix(text, want[i]) {
			t.Errorf("got %s, want %s", text, want[i])
		}
	}
	_, err = FromInstances(nil)
	if want := "--instance: is missing, allowed: REGION/ID such as cn-hangzhou/r-bp1zxszhcgatnx"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
