package tairtest

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// The vectors are recorded from the official SDK.
func TestVectorsOfTheOfficialSDKAreAccepted(t *testing.T) {
	data, err := os.ReadFile("../testdata/signatures.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name            string            `json:"name"`
		AccessKeyID     string            `json:"access_key_id"`
		AccessKeySecret string            `json:"access_key_secret"`
		SecurityToken   string            `json:"security_token"`
		Method          string            `json:"method"`
		Path            string            `json:"path"`
		Host            string            `json:"host"`
		Action          string            `json:"action"`
		Date            time.Time         `json:"date"`
		Query           map[string]string `json:"query"`
		Headers         map[string]string `json:"headers"`
		Body            string            `json:"body"`
		Authorization   string            `json:"authorization"`
	}
	if err := json.Unmarshal(data, &vectors); err != nil || len(vectors) == 0 {
		t.Fatalf("%d vectors, error %v", len(vectors), err)
	}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			api := New(Options{
				Now:  func() time.Time { return v.Date },
				Keys: []Key{{AccessKeyID: v.AccessKeyID, AccessKeySecret: v.AccessKeySecret, SecurityToken: v.SecurityToken}},
			})
			query := url.Values{}
			for name, value := range v.Query {
				query.Set(name, value)
			}
			r := httptest.NewRequest(v.Method, "http://"+v.Host+v.Path+"?"+query.Encode(), strings.NewReader(v.Body))
			for name, value := range v.Headers {
				if name != "host" {
					r.Header.Set(name, value)
				}
			}
			r.Header.Set("Authorization", v.Authorization)
			c, apiErr := api.authenticate(r, []byte(v.Body))
			if apiErr != nil || c.action != v.Action || len(c.params) != len(v.Query) {
				t.Errorf("read as %+v, error %+v", c, apiErr)
			}
			r.Header.Set("Authorization", strings.TrimRight(v.Authorization, "0123456789abcdef")+strings.Repeat("0", 64))
			if _, apiErr := api.authenticate(r, []byte(v.Body)); apiErr == nil || apiErr.Code != "SignatureDoesNotMatch" {
				t.Errorf("forged signature: %+v", apiErr)
			}
		})
	}
}
