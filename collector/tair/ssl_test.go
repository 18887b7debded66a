package tair

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tair_ssl_exporter/collector/tair/tairtest"
)

func TestDocumentedAnswer(t *testing.T) {
	const id = "r-bp1zxszhcgatnx****"
	inBubble(t, ClientConfig{}, func(t *testing.T, r *rig) {
		r.api.SetFault(id, tairtest.Fault{Body: []byte(`{"InstanceId":"r-bp1zxszhcgatnx****",
			"RequestId":"02260F96-913E-4655-9BA5-A3651CAF****","SSLEnabled":"Enable","SSLExpiredTime":"2020-08-05T09:05:53Z",
			"CertCommonName":"r-bp1zxszhcgatnx****.redis.rds.aliyuncs.com",
			"CertDownloadURL":"https://apsaradb-public.oss-ap-sout****-1.aliy****.com/ApsaraDB-CA-Chain.zip"}`)})
		got, err := r.askOnce(t.Context(), id)
		want := SSL{
			Supported: true, Enabled: true, ExpiresAt: time.Date(2020, 8, 5, 9, 5, 53, 0, time.UTC),
			CommonName:  "r-bp1zxszhcgatnx****.redis.rds.aliyuncs.com",
			DownloadURL: "https://apsaradb-public.oss-ap-sout****-1.aliy****.com/ApsaraDB-CA-Chain.zip",
		}
		if err != nil || got != want {
			t.Errorf("got %+v, error %v", got, err)
		}
	})
}

func TestAnswers(t *testing.T) {
	answer := func(format string, args ...any) string {
		return fmt.Sprintf(`{"InstanceId":"r-bp1zxszhcgatnx","RequestId":"1-2"`+format+`}`, args...)
	}
	disabled, enabled := SSL{Supported: true}, SSL{Supported: true, Enabled: true, ExpiresAt: expiresAt}
	for name, c := range map[string]struct {
		body string
		want SSL
	}{
		"disabled":                      {answer(`,"SSLEnabled":"Disable"`), disabled},
		"disabled, date null":           {answer(`,"SSLEnabled":"Disable","SSLExpiredTime":null`), disabled},
		"disabled, date empty":          {answer(`,"SSLEnabled":"Disable","SSLExpiredTime":""`), disabled},
		"disabled, date unreadable":     {answer(`,"SSLEnabled":"Disable","SSLExpiredTime":"never"`), disabled},
		"disabled, all still printed":   {answer(`,"SSLEnabled":"Disable","SSLExpiredTime":"2020-08-05T09:05:53Z","CertCommonName":"n","CertDownloadURL":"https://h/p"`), disabled},
		"enabled, no more than needed":  {answer(`,"SSLEnabled":"Enable","SSLExpiredTime":"2030-08-05T09:05:53Z"`), enabled},
		"enabled, null instead of text": {answer(`,"SSLEnabled":"Enable","SSLExpiredTime":"2030-08-05T09:05:53Z","CertCommonName":null,"CertDownloadURL":null`), enabled},
		"enabled, unknown fields":       {answer(`,"SSLEnabled":"Enable","SSLExpiredTime":"2030-08-05T09:05:53Z","New":{"a":[1]}`), enabled},
		"enabled, long texts": {
			answer(`,"SSLEnabled":"Enable","SSLExpiredTime":"2030-08-05T09:05:53Z","CertCommonName":%q,"CertDownloadURL":%q`,
				strings.Repeat("缓", 200), "https://h/"+strings.Repeat("p", 600)+"?q"),
			SSL{Supported: true, Enabled: true, ExpiresAt: expiresAt, CommonName: strings.Repeat("缓", 170), DownloadURL: "https://h/" + strings.Repeat("p", 502)},
		},
		"no request ID": {`{"InstanceId":"r-bp1zxszhcgatnx","SSLEnabled":"Disable"}`, disabled},
		"exactly 1 MiB": {padded(answer(`,"SSLEnabled":"Disable"`), 1<<20), disabled},
	} {
		inBubbles(t, name, ClientConfig{}, func(t *testing.T, r *rig) {
			r.api.SetFault(testInstance, tairtest.Fault{Body: []byte(c.body)})
			if got, err := r.ask(); err != nil || got != c.want {
				t.Errorf("got %+v, error %v", got, err)
			}
		})
	}
}

func TestInvalidAnswers(t *testing.T) {
	const (
		wrongID   = "InstanceId is not the one asked for"
		wrongFlag = "SSLEnabled is neither Enable nor Disable"
		wrongDate = "SSL is enabled but SSLExpiredTime is missing or no date"
		ours      = `{"InstanceId":"r-bp1zxszhcgatnx"`
	)
	bodies := []badBody{
		{"a number for a text", ours + `,"SSLEnabled":"Enable","SSLExpiredTime":1}`, "the body is not the JSON of the operation"},
		{"{}", "{}", wrongID}, {"null", "null", wrongID},
		{"no instance", `{"SSLEnabled":"Disable"}`, wrongID},
		{"another instance", `{"InstanceId":"r-other","SSLEnabled":"Disable"}`, wrongID},
		{"an instance of which the ID is a part", `{"InstanceId":"r-bp1zxszhcgatnx2","SSLEnabled":"Disable"}`, wrongID},
		{"SSLEnabled missing", ours + `}`, wrongFlag},
		{"date missing", ours + `,"SSLEnabled":"Enable"}`, wrongDate},
	}
	for _, flag := range []string{"null", `""`, `"enable"`, `"Update"`} {
		bodies = append(bodies, badBody{"SSLEnabled " + flag, ours + `,"SSLEnabled":` + flag + `}`, wrongFlag})
	}
	for _, date := range []string{"null", `""`, `"soon"`, `"2030-08-05T09:05:53"`, `"0001-01-01T00:00:00Z"`, `"1970-01-01T00:00:00Z"`} {
		bodies = append(bodies, badBody{"date " + date, ours + `,"SSLEnabled":"Enable","SSLExpiredTime":` + date + `}`, wrongDate})
	}
	wantInvalid(t, testInstance, (*rig).ask, bodies)
}

func TestFailuresKeepTheRequestID(t *testing.T) {
	const id = "02260F96-913E-4655-9BA5-A3651CAF"
	ask := func(r *rig) error { _, err := r.ask(); return err }
	list := func(r *rig) error { _, err := r.list(Filter{}); return err }
	regions := func(r *rig) error { _, err := r.regions(); return err }
	for _, c := range []struct {
		call   func(r *rig) error
		fields string
		status int
		reason Reason
		detail string
	}{
		{ask, `"InstanceId":"r-other"`, 200, ReasonInvalidResponse, "InstanceId is not the one asked for"},
		{ask, `"SSLEnabled":true`, 200, ReasonInvalidResponse, "the body is not the JSON of the operation"},
		{ask, `"Code":403`, 403, ReasonOther, "the body is not the API's"},
		{list, `"TotalCount":-1`, 200, ReasonInvalidResponse, "TotalCount is missing or no count"},
		{regions, `"RegionIds":{}`, 200, ReasonInvalidResponse, "RegionIds is missing"},
	} {
		inBubble(t, ClientConfig{}, func(t *testing.T, r *rig) {
			r.api.SetFault("", tairtest.Fault{Status: c.status, Body: []byte(`{"RequestId":"` + id + `",` + c.fields + `}`)})
			wantError(t, c.call(r), Error{Reason: c.reason, Status: c.status, RequestID: id, Detail: c.detail})
		})
	}
}

func TestPublicURL(t *testing.T) {
	long := "https://h/" + strings.Repeat("p", 600)
	for in, want := range map[string]string{
		"https://oss.example.com/CA.zip":                                              "https://oss.example.com/CA.zip",
		"http://oss.example.com:8080/a%2Fb/CA.zip":                                    "http://oss.example.com:8080/a%2Fb/CA.zip",
		"https://oss.example.com/CA.zip?Expires=1&OSSAccessKeyId=id&Signature=secret": "https://oss.example.com/CA.zip",
		"https://user:secret@oss.example.com/CA.zip#top":                              "https://oss.example.com/CA.zip",
		"https://oss.example.com":                                                     "https://oss.example.com",
		"https://oss.example.com?":                                                    "https://oss.example.com",
		"https://oss.example.com/é \x7f":                                              "",
		"https://oss.example.com/é b":                                                 "https://oss.example.com/%C3%A9%20b",
		long:                                                                          long[:512],
		"":                                                                            "",
		"oss.example.com/CA.zip":                                                      "",
		"/CA.zip":                                                                     "",
		"//oss.example.com/CA.zip":                                                    "",
		"https:///CA.zip":                                                             "",
		"https:opaque":                                                                "",
		"ftp://oss.example.com/CA.zip":                                                "",
		"javascript:alert(1)":                                                         "",
		"javascript://h/%0Aalert(1)":                                                  "",
		"data:text/html,x":                                                            "",
		"https://[::1/CA.zip":                                                         "",
	} {
		if got := publicURL(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestLongTextsAreCut(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int
	}{
		{"", 0},
		{strings.Repeat("a", 512), 512},
		{strings.Repeat("a", 513), 512},
		{strings.Repeat("é", 256), 512},
		{"a" + strings.Repeat("é", 256), 511},
		{strings.Repeat("a", 509) + "🔐", 509},
		{strings.Repeat("a", 508) + "🔐🔐", 512},
	} {
		got := cut(c.in)
		if len(got) != c.want || !utf8.ValidString(got) || !strings.HasPrefix(c.in, got) {
			t.Errorf("%d bytes cut to %d, want %d: %q", len(c.in), len(got), c.want, got)
		}
	}
}
