package tairtest

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestMistakesOfTheClientAreRefused(t *testing.T) {
	const names = "x-acs-action x-acs-content-sha256 x-acs-date x-acs-signature-nonce x-acs-version"
	set := func(name, value string) func(*outgoing) { return func(o *outgoing) { o.header.Set(name, value) } }
	del := func(name string) func(*outgoing) { return func(o *outgoing) { o.header.Del(name) } }
	sign := func(names string) func(*outgoing) { return func(o *outgoing) { o.names = strings.Fields(names) } }
	after := func(edit func(*http.Request)) func(*outgoing) { return func(o *outgoing) { o.after = edit } }
	authorization := func(before, instead string) func(*outgoing) {
		return after(func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), before, instead, 1))
		})
	}
	for _, tt := range []struct {
		name   string
		key    Key
		edit   func(*outgoing)
		status int
		code   string
	}{
		{"access key", testKey, func(*outgoing) {}, 200, "OK"},
		{"temporary key", stsKey, func(*outgoing) {}, 200, "OK"},
		{"GET", testKey, func(o *outgoing) { o.method = http.MethodGet }, 405, "UnsupportedHTTPMethod"},
		{"another path", testKey, func(o *outgoing) { o.path = "/v1" }, 404, "InvalidAction.NotFound"},
		{"a body", testKey, func(o *outgoing) { o.body = "InstanceId=r-1" }, 400, "InvalidParameter"},
		{"hash of another body", testKey, set("x-acs-content-sha256", strings.Repeat("0", 64)), 400, "SignatureDoesNotMatch"},
		{"no action", testKey, del("x-acs-action"), 400, "IncompleteSignature"},
		{"no version", testKey, del("x-acs-version"), 400, "IncompleteSignature"},
		{"another version", testKey, set("x-acs-version", "2014-05-26"), 404, "InvalidAction.NotFound"},
		{"unknown action", testKey, set("x-acs-action", "DeleteInstance"), 404, "InvalidAction.NotFound"},
		{"unknown parameter", testKey, func(o *outgoing) { o.query.Set("Instanceid", "r-1") }, 400, "InvalidParameter"},
		{"repeated parameter", testKey, func(o *outgoing) { o.query.Add("InstanceId", "r-2") }, 400, "InvalidParameter"},
		{"no date", testKey, del("x-acs-date"), 400, "IncompleteSignature"},
		{"unreadable date", testKey, set("x-acs-date", "Fri, 02 Jan 2026 03:04:05 GMT"), 400, "InvalidTimeStamp.Format"},
		{"date with a fraction", testKey, set("x-acs-date", "2026-01-02T03:04:05.5Z"), 400, "InvalidTimeStamp.Format"},
		{"no nonce", testKey, del("x-acs-signature-nonce"), 400, "IncompleteSignature"},
		{"empty token", stsKey, set("x-acs-security-token", ""), 400, "InvalidSecurityToken.Malformed"},
		{"token with a permanent key", testKey, set("x-acs-security-token", "canary-token"), 400, "InvalidSecurityToken.MismatchWithAccessKey"},
		{"key of another credential", stsKey, set("x-acs-accesskey-id", "LTAItest"), 400, "IncompleteSignature"},
		{"no key beside the token", stsKey, del("x-acs-accesskey-id"), 200, "OK"},
		{"unsigned", testKey, after(func(r *http.Request) { r.Header.Del("Authorization") }), 400, "IncompleteSignature"},
		{"another algorithm", testKey, authorization("SHA256 ", "SM3 "), 400, "IncompleteSignature"},
		{"no signature", testKey, authorization(",Signature=", ""), 400, "IncompleteSignature"},
		{"signed content type", testKey, set("Content-Type", "text/plain"), 200, "OK"},
		{"unsigned content type", testKey, after(func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }), 400, "IncompleteSignature"},
		{"unsigned header of the cloud", testKey, after(func(r *http.Request) { r.Header.Set("x-acs-extra", "1") }), 400, "IncompleteSignature"},
		{"repeated signed header", testKey, after(func(r *http.Request) { r.Header.Add("x-acs-date", "2026-01-02T03:04:05Z") }), 400, "IncompleteSignature"},
		{"host not signed", testKey, sign(names), 400, "IncompleteSignature"},
		{"version not signed", testKey, sign("host " + strings.TrimSuffix(names, " x-acs-version")), 400, "IncompleteSignature"},
		{"names not sorted", testKey, sign(names + " host"), 400, "IncompleteSignature"},
		{"upper-case name", testKey, sign("Host " + names), 400, "IncompleteSignature"},
		{"repeated name", testKey, sign("host host " + names), 400, "IncompleteSignature"},
		{"signed header not sent", testKey, sign("host " + names + " x-acs-zzz"), 400, "IncompleteSignature"},
		{"parameter changed", testKey, after(func(r *http.Request) { r.URL.RawQuery = "InstanceId=r-2&RegionId=cn-hangzhou" }), 400, "SignatureDoesNotMatch"},
		{"header changed", testKey, after(func(r *http.Request) { r.Header.Set("x-acs-action", "DescribeRegions") }), 400, "SignatureDoesNotMatch"},
		{"host changed", testKey, after(func(r *http.Request) { r.Host = "elsewhere" }), 400, "SignatureDoesNotMatch"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			if tt.status != 200 {
				f.api.SetFault("", Fault{Body: []byte("{}")}) // a fault does not hide a mistake
			}
			o := newRequest(tt.key, sslRequest)
			tt.edit(o)
			r := f.send(o)
			wantResponse(t, r, tt.status, tt.code)
			if bytes.Contains(r.body, []byte("canary")) || bytes.Contains(r.body, []byte("LTAI")) {
				t.Errorf("a key or token is in the body: %s", r.body)
			}
			if log := f.api.Requests(); len(log) != 1 || log[0].Status != tt.status || log[0].Code != tt.code {
				t.Errorf("log is %+v", log)
			}
		})
	}
}

func TestNonceIsAcceptedOnce(t *testing.T) {
	f := newFixture(t)
	for _, step := range []struct{ secret, code string }{
		{"guess", "SignatureDoesNotMatch"}, // and does not use up the nonce
		{testKey.AccessKeySecret, "OK"},
		{testKey.AccessKeySecret, "SignatureNonceUsed"},
	} {
		o := newRequest(testKey, sslRequest)
		o.key.AccessKeySecret = step.secret
		o.header.Set("x-acs-signature-nonce", "n")
		if code := f.send(o).code(t); code != step.code {
			t.Errorf("secret %s: %s, want %s", step.secret, code, step.code)
		}
	}
}

func TestNoncesOfExpiredDatesAreForgotten(t *testing.T) {
	m := nonceMemory{seen: map[string]struct{}{}}
	if !m.use("a", testTime) || m.use("a", testTime.Add(30*time.Minute)) {
		t.Error("nonce within 30 minutes: not refused")
	}
	m.use("b", testTime.Add(30*time.Minute+1))
	if len(m.seen) != 1 || len(m.order) != 1 {
		t.Errorf("memory keeps %d and %d nonces, want 1", len(m.seen), len(m.order))
	}
}

func TestClockOffsetMovesTheDateHeaderAndTheDatesAccepted(t *testing.T) {
	const limit = 15 * time.Minute
	f := newFixture(t)
	for _, offset := range []time.Duration{0, limit, limit + time.Second, -limit, -limit - time.Second} {
		f.api.SetClockOffset(offset)
		r := f.get(sslRequest)
		if offset.Abs() <= limit {
			wantResponse(t, r, 200, "OK")
		} else {
			wantResponse(t, r, 400, "InvalidTimeStamp.Expired")
		}
		if got, want := r.header.Get("Date"), testTime.Add(offset).Format(http.TimeFormat); got != want {
			t.Errorf("offset %v: Date is %q, want %q", offset, got, want)
		}
		if log := f.api.Requests(); !log[len(log)-1].At.Equal(testTime) {
			t.Errorf("offset %v: logged at %v", offset, log[len(log)-1].At)
		}
	}
	if got := New(Options{ClockOffset: time.Hour}).offset.Load(); got != int64(time.Hour) {
		t.Errorf("Options.ClockOffset of an hour sets %v", time.Duration(got))
	}
}
