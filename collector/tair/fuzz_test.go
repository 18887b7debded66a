package tair

import (
	"net/url"
	"regexp"
	"slices"
	"testing"
	"time"
	"unicode/utf8"
)

// isText reports whether a text of the API can be shown: cut, and UTF-8.
func isText(texts ...string) bool {
	return !slices.ContainsFunc(texts, func(s string) bool { return len(s) > maxText || !utf8.ValidString(s) })
}

// seed adds bodies of answers.
func seed(f *testing.F, bodies ...string) {
	f.Helper()
	for _, body := range append(bodies, ``, `{}`, `null`, `[]`, `{"Code":"Throttling.User","RequestId":"1"}`, `<html>`, "{\"\xff\":1}") {
		f.Add([]byte(body))
	}
}

func FuzzSSL(f *testing.F) {
	seed(f, `{"InstanceId":"r-1","SSLEnabled":"Enable","SSLExpiredTime":"2026-06-01T00:00:00Z","CertCommonName":"a","CertDownloadURL":"https://u:p@h/a?b#c"}`,
		`{"InstanceId":"r-1","SSLEnabled":"Disable","SSLExpiredTime":"9999-12-31T23:59:59Z"}`, `{"InstanceId":"r-1","sslEnabled":"Enable","SSLEnabled":1}`,
		`{"InstanceId":"r-1","SSLEnabled":"Enable","SSLExpiredTime":"1970-01-01T00:00:00Z","CertDownloadURL":"javascript:a"}`)
	f.Fuzz(func(t *testing.T, body []byte) {
		ssl, err := decodeSSL(body, "r-1")
		if err != nil || !ssl.Enabled {
			if ssl != (SSL{Supported: err == nil}) {
				t.Fatalf("%+v, %v", ssl, err)
			}
			return
		}
		u, err := url.Parse(ssl.DownloadURL)
		isPublic := err == nil && u.User == nil && u.RawQuery == "" && u.Fragment == "" && (u.Scheme == "http" || u.Scheme == "https")
		if ssl.ExpiresAt.Unix() <= 0 || !isText(ssl.CommonName, ssl.DownloadURL) || ssl.DownloadURL != "" && !isPublic {
			t.Fatalf("%+v", ssl)
		}
	})
}

func FuzzInstances(f *testing.F) {
	seed(f, `{"TotalCount":"1","Instances":{"KVStoreInstance":[{"InstanceId":"r-1","RegionId":"cn-a","Port":6379,"Tags":{"Tag":[{"Key":"a","Value":"b"}]}}]}}`,
		`{"TotalCount":-1,"Instances":{}}`, `{"TotalCount":2,"Instances":{"KVStoreInstance":[{"InstanceId":"r-1","Port":"99999"},{"InstanceId":""}]}}`)
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := decodePage(body, "cn-a")
		if err != nil {
			return
		}
		if p.total < 0 || p.total > maxPages*pageSize || len(p.instances) > pageSize {
			t.Fatalf("%d of %d", len(p.instances), p.total)
		}
		for _, i := range p.instances {
			if i.ID == "" || i.Region != "cn-a" || i.Port < 0 || i.Port > 65535 || !isText(i.ID, i.Name, i.Status, i.ResourceGroup, i.Domain) {
				t.Fatalf("%+v", i)
			}
			for key, value := range i.Tags {
				if !isText(key, value) {
					t.Fatalf("%+v", i)
				}
			}
		}
	})
}

func FuzzRegions(f *testing.F) {
	seed(f, `{"RegionIds":{"KVStoreRegion":[{"RegionId":"cn-a","RegionEndpoint":"r-kvstore.cn-a.aliyuncs.com"},{"RegionId":"cn-a"}]}}`,
		`{"RegionIds":{"KVStoreRegion":[{"RegionId":"cn-a","RegionEndpoint":"http://169.254.169.254/"}]}}`)
	host := regexp.MustCompile(`^[A-Za-z0-9.:-]*$`)
	f.Fuzz(func(t *testing.T, body []byte) {
		regions, err := decodeRegions(body)
		if err != nil {
			return
		}
		if len(regions) > maxRegions || !slices.IsSortedFunc(regions, func(a, b Region) int { return compareOrEqual(a.ID, b.ID) }) {
			t.Fatalf("%+v", regions)
		}
		for _, r := range regions {
			if r.ID == "" || cleanCode(r.ID) != r.ID || !host.MatchString(r.Endpoint) || len(r.Endpoint) > maxHost {
				t.Fatalf("%+v", r)
			}
		}
	})
}

// compareOrEqual makes a list with the same name twice one that is not sorted.
func compareOrEqual(a, b string) int {
	if a >= b {
		return 1
	}
	return -1
}

func FuzzEvents(f *testing.F) {
	seed(f, `{"TotalRecordCount":1,"Items":[{"Id":1,"InsName":"r-1","TaskType":"rds_apsaradb_ssl_update","Status":3,"SwitchTime":"2026-06-01T00:00:00Z","Deadline":"2026-06-09T00:00:00Z"}]}`,
		`{"TotalRecordCount":"2","Items":[{"Id":"1","InsName":"r-1","TaskType":"rds_apsaradb_ssl_update","Status":"4","SwitchTime":"soon"},{"Id":2}]}`)
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := decodeEventPage(body)
		if err != nil {
			return
		}
		if p.total < 0 || p.total > maxEventPages*eventPageSize || p.items > eventPageSize || len(p.renewals) > p.items {
			t.Fatalf("%+v", p)
		}
		for _, r := range p.renewals {
			isDate := func(at time.Time) bool { return at.IsZero() || at.Unix() > 0 }
			if r.InstanceID == "" || !isText(r.InstanceID) || !isDate(r.SwitchTime) || !isDate(r.Deadline) || r.SwitchTime.IsZero() && !r.Deadline.IsZero() {
				t.Fatalf("%+v", r)
			}
		}
	})
}

func FuzzError(f *testing.F) {
	for _, status := range []int{201, 302, 400, 403, 404, 429, 500, 503} {
		f.Add(status, []byte(`{"Code":"InvalidTimeStamp.Expired","RequestId":"9A-1","Message":"CANARY"}`), int64(time.Hour))
		f.Add(status, []byte(`<html>CANARY`), int64(0))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte, ahead int64) {
		e := decodeError(response{status: status, body: body, ahead: time.Duration(ahead)})
		isCode := regexp.MustCompile(`^[A-Za-z0-9._-]{0,64}$`)
		if !slices.Contains(Reasons(), e.Reason) || !isCode.MatchString(e.Code) || !isCode.MatchString(e.RequestID) || len(e.Error()) > 512 {
			t.Fatalf("%+v", e)
		}
	})
}
