package app

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"tair_ssl_exporter/config"
)

func TestInstanceFlagsMakeOneAccount(t *testing.T) {
	got, err := fromInstances([]string{"cn-hangzhou/r-a", "us-east-1/r-b"})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "c.yml")
	text := "accounts: [{instances: [{id: r-a, region: cn-hangzhou}, {id: r-b, region: us-east-1}]}]"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	want, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestEveryWrongInstanceFlagIsNamed(t *testing.T) {
	_, err := fromInstances([]string{"r-a", "Hangzhou/r-a", "cn-hangzhou/", "cn-hangzhou/a/b", "cn-hangzhou/r-b", "cn-beijing/r-b", "a\nb"})
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
	_, err = fromInstances(nil)
	if want := "--instance: is missing, allowed: REGION/ID such as cn-hangzhou/r-bp1zxszhcgatnx"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
