package tair

import (
	"encoding/json"
	"testing"
)

func TestNamesOfTheAnswerAreExact(t *testing.T) {
	const on = `"InstanceId":"` + testInstance + `","SSLEnabled":"Enable","SSLExpiredTime":"2030-08-05T09:05:53Z"`
	for body, wantEnabled := range map[string]bool{
		`{` + on + `}`:                                       true,
		`{` + on + `,"sslenabled":"Disable"}`:                true,
		`{"sSLEnabled":"Disable",` + on + `}`:                true,
		`{` + on + `,"\u0053slEnabled":"Disable"}`:           true,
		`{` + on + `,"ſſlenabled" : "Disable"}`:              true, // it folds to the same
		`{"a\"":"SSLEnabled","x":["sslenabled"],` + on + `}`: true,
		`{"InstanceId":"` + testInstance + `","\u0053SLEnabled":"Enable","SSLExpiredTime":"2030-08-05T09:05:53Z"}`: true,
		`{"InstanceId":"` + testInstance + `","SSLENABLED":"Enable","SSLExpiredTime":"2030-08-05T09:05:53Z"}`:      false,
	} {
		ssl, err := decodeSSL([]byte(body), testInstance)
		if ssl.Enabled != wantEnabled || (err == nil) != wantEnabled {
			t.Errorf("%s: %+v, %v", body, ssl, err)
		}
	}
	if p, err := decodePage([]byte(`{"TotalCount":1,"totalcount":9,"Instances":{"KVStoreInstance":[{"InstanceId":"r-1","instanceid":"r-2"}]}}`), testRegion); err != nil || p.total != 1 || p.instances[0].ID != "r-1" {
		t.Errorf("instances: %+v, %v", p, err)
	}
	if regions, err := decodeRegions([]byte(regionsBody(`{"RegionId":"cn-a","REGIONID":"cn-b"}`))); err != nil || regions[0].ID != "cn-a" {
		t.Errorf("regions: %+v, %v", regions, err)
	}
	if code, _, err := codeAndRequestID([]byte(`{"Code":"Throttling","code":"Forbidden"}`)); err != nil || code != "Throttling" {
		t.Errorf("error: %s, %v", code, err)
	}
}

// Whatever the body is, masking neither panics nor makes it what it was not.
func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{`{"Code":"a"}`, `{"code":1,"Code":2}`, `"`, `{"a\`, `{"\u0043ode" :"a"}`, `{"":{}}`, "\"co\\", "{}{}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		valid := json.Valid(body)
		_, _, err := codeAndRequestID(body)
		if json.Valid(body) != valid || err == nil && !valid {
			t.Errorf("valid: %t, then %q (%v)", valid, body, err)
		}
	})
}
