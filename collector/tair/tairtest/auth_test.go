package tairtest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestSignedRequestIsAnswered(t *testing.T) {
	for _, key := range []Key{testKey, stsKey} {
		f := newFixture(t)
		r := f.send(newRequest(key, "DescribeInstanceSSL", "InstanceId", "r-1", "RegionId", "cn-hangzhou"))
		wantAnswer(t, r, 200, "OK")
		log := f.api.Requests()
		if len(log) != 1 {
			t.Fatalf("log has %d requests", len(log))
		}
		got := log[0]
		if got.Nonce == "" {
			t.Error("no nonce in the log")
		}
		got.Nonce = ""
		want := Request{At: testTime, Action: "DescribeInstanceSSL", InstanceID: "r-1", Region: "cn-hangzhou", Account: "main",
			AccessKeyID: key.AccessKeyID, Status: 200, Code: "OK"}
		if got != want {
			t.Errorf("log has %+v, want %+v", got, want)
		}
	}
}

func TestMistakesOfTheClientAreRefused(t *testing.T) {
	set := func(name, value string) func(*outgoing) { return func(o *outgoing) { o.header.Set(name, value) } }
	del := func(name string) func(*outgoing) { return func(o *outgoing) { o.header.Del(name) } }
	date := func(d time.Duration) func(*outgoing) {
		return set("x-acs-date", testTime.Add(d).Format("2006-01-02T15:04:05Z"))
	}
	tests := []struct {
		name   string
		key    Key
		before func(*outgoing)     // signing
		after  func(*http.Request) // signing
		status int
		code   string
	}{
		{name: "GET", before: func(o *outgoing) { o.method = http.MethodGet }, status: 405, code: "UnsupportedHTTPMethod"},
		{name: "another path", before: func(o *outgoing) { o.path = "/v1" }, status: 404, code: "InvalidAction.NotFound"},
		{name: "a body", before: func(o *outgoing) { o.body = "InstanceId=r-1" }, status: 400, code: "InvalidParameter"},
		{name: "hash of another body", before: set("x-acs-content-sha256", strings.Repeat("0", 64)), status: 400, code: "SignatureDoesNotMatch"},
		{name: "no action", before: del("x-acs-action"), status: 400, code: "IncompleteSignature"},
		{name: "no version", before: del("x-acs-version"), status: 400, code: "IncompleteSignature"},
		{name: "another version", before: set("x-acs-version", "2014-05-26"), status: 404, code: "InvalidAction.NotFound"},
		{name: "unknown action", before: set("x-acs-action", "DeleteInstance"), status: 404, code: "InvalidAction.NotFound"},
		{name: "unknown parameter", before: func(o *outgoing) { o.query.Set("Instanceid", "r-1") }, status: 400, code: "InvalidParameter"},
		{name: "repeated parameter", before: func(o *outgoing) { o.query.Add("InstanceId", "r-2") }, status: 400, code: "InvalidParameter"},

		{name: "no date", before: del("x-acs-date"), status: 400, code: "IncompleteSignature"},
		{name: "unreadable date", before: set("x-acs-date", "Fri, 02 Jan 2026 03:04:05 GMT"), status: 400, code: "InvalidTimeStamp.Format"},
		{name: "date with a fraction", before: set("x-acs-date", "2026-01-02T03:04:05.5Z"), status: 400, code: "InvalidTimeStamp.Format"},
		{name: "date just young enough", before: date(-15 * time.Minute), status: 200, code: "OK"},
		{name: "date too old", before: date(-15*time.Minute - time.Second), status: 400, code: "InvalidTimeStamp.Expired"},
		{name: "date just near enough", before: date(15 * time.Minute), status: 200, code: "OK"},
		{name: "date in the future", before: date(15*time.Minute + time.Second), status: 400, code: "InvalidTimeStamp.Expired"},
		{name: "no nonce", before: del("x-acs-signature-nonce"), status: 400, code: "IncompleteSignature"},

		{name: "unknown key", key: Key{AccessKeyID: "LTAIother", AccessKeySecret: "x"}, status: 404, code: "InvalidAccessKeyId.NotFound"},
		{name: "wrong secret", key: Key{AccessKeyID: testKey.AccessKeyID, AccessKeySecret: "x"}, status: 400, code: "SignatureDoesNotMatch"},
		{name: "missing token", key: stsKey, before: del("x-acs-security-token"), status: 400, code: "InvalidSecurityToken.Malformed"},
		{name: "empty token", key: stsKey, before: set("x-acs-security-token", ""), status: 400, code: "InvalidSecurityToken.Malformed"},
		{name: "wrong token", key: stsKey, before: set("x-acs-security-token", "x"), status: 400, code: "InvalidSecurityToken.MismatchWithAccessKey"},
		{name: "token with a permanent key", before: set("x-acs-security-token", "canary-token"), status: 400, code: "InvalidSecurityToken.MismatchWithAccessKey"},
		{name: "key of another credential", key: stsKey, before: set("x-acs-accesskey-id", "LTAItest"), status: 400, code: "IncompleteSignature"},
		{name: "no key beside the token", key: stsKey, before: del("x-acs-accesskey-id"), status: 200, code: "OK"},

		{name: "unsigned", after: func(r *http.Request) { r.Header.Del("Authorization") }, status: 400, code: "IncompleteSignature"},
		{name: "another algorithm", after: func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "SHA256", "SM3", 1))
		}, status: 400, code: "IncompleteSignature"},
		{name: "no signature", after: func(r *http.Request) {
			head, _, _ := strings.Cut(r.Header.Get("Authorization"), ",Signature")
			r.Header.Set("Authorization", head)
		}, status: 400, code: "IncompleteSignature"},
		{name: "signed content type", before: set("Content-Type", "text/plain"), status: 200, code: "OK"},
		{name: "unsigned content type", after: func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, status: 400, code: "IncompleteSignature"},
		{name: "unsigned header of the cloud", after: func(r *http.Request) { r.Header.Set("x-acs-extra", "1") }, status: 400, code: "IncompleteSignature"},
		{name: "repeated signed header", after: func(r *http.Request) { r.Header.Add("x-acs-date", "2026-01-02T03:04:05Z") }, status: 400, code: "IncompleteSignature"},
		{name: "parameter changed", after: func(r *http.Request) { r.URL.RawQuery = "InstanceId=r-2&RegionId=cn-hangzhou" }, status: 400, code: "SignatureDoesNotMatch"},
		{name: "header changed", after: func(r *http.Request) { r.Header.Set("x-acs-action", "DescribeRegions") }, status: 400, code: "SignatureDoesNotMatch"},
		{name: "host changed", after: func(r *http.Request) { r.Host = "elsewhere" }, status: 400, code: "SignatureDoesNotMatch"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			key := tt.key
			if key.AccessKeyID == "" {
				key = testKey
			}
			o := newRequest(key, "DescribeInstanceSSL", "InstanceId", "r-1", "RegionId", "cn-hangzhou")
			if tt.before != nil {
				tt.before(o)
			}
			request := o.signed(t, f.server.URL)
			if tt.after != nil {
				tt.after(request)
			}
			r := f.do(request)
			wantAnswer(t, r, tt.status, tt.code)
			if bytes.Contains(r.body, []byte("canary")) || bytes.Contains(r.body, []byte("LTAI")) {
				t.Errorf("a key or token is in the answer: %s", r.body)
			}
			if log := f.api.Requests(); len(log) != 1 || log[0].Status != tt.status || log[0].Code != tt.code {
				t.Errorf("log is %+v", log)
			}
		})
	}
}

func TestSignedHeadersMustBeCompleteAndSorted(t *testing.T) {
	full := []string{"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}
	tests := map[string][]string{
		"host left out":    full[1:],
		"version left out": full[:5],
		"not sorted":       {"x-acs-action", "host", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"},
		"upper case":       {"Host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"},
		"repeated":         append([]string{"host"}, full...),
		"not sent":         append(append([]string{}, full...), "x-acs-zzz"),
	}
	for name, names := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			o := sslRequest("r-1")
			request := o.build(t, f.server.URL)
			values := map[string]string{"host": request.URL.Host, "Host": request.URL.Host}
			for _, n := range full[1:] {
				values[n] = request.Header.Get(n)
			}
			request.Header.Set("Authorization", authorize(o, request, names, values))
			wantAnswer(t, f.do(request), 400, "IncompleteSignature")
		})
	}
}

func TestNonceIsTakenOnce(t *testing.T) {
	f := newFixture(t)
	first := sslRequest("r-1")
	wantAnswer(t, f.send(first), 200, "OK")
	again := sslRequest("r-1")
	again.header.Set("x-acs-signature-nonce", f.api.Requests()[0].Nonce)
	wantAnswer(t, f.send(again), 400, "SignatureNonceUsed")
}

func TestNonceIsNotUsedUpWithoutTheSecret(t *testing.T) {
	f := newFixture(t)
	forged := sslRequest("r-1")
	forged.key.AccessKeySecret = "guess"
	forged.header.Set("x-acs-signature-nonce", "n")
	wantAnswer(t, f.send(forged), 400, "SignatureDoesNotMatch")
	genuine := sslRequest("r-1")
	genuine.header.Set("x-acs-signature-nonce", "n")
	wantAnswer(t, f.send(genuine), 200, "OK")
}

func TestNoncesAreForgottenWhenTheDateProtects(t *testing.T) {
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
	check := func(f *fixture, offset time.Duration) {
		t.Helper()
		r := f.send(sslRequest("r-1"))
		if offset.Abs() <= 15*time.Minute {
			wantAnswer(t, r, 200, "OK")
		} else {
			wantAnswer(t, r, 400, "InvalidTimeStamp.Expired")
		}
		if got, want := r.header.Get("Date"), testTime.Add(offset).Format(http.TimeFormat); got != want {
			t.Errorf("offset %v: Date is %q, want %q", offset, got, want)
		}
		if log := f.api.Requests(); !log[len(log)-1].At.Equal(testTime) {
			t.Errorf("offset %v: logged at %v", offset, log[len(log)-1].At)
		}
	}
	for _, offset := range []time.Duration{0, 15 * time.Minute, 16 * time.Minute, -15 * time.Minute, -16 * time.Minute} {
		f := serve(t, newTestAPI(Options{ClockOffset: offset}))
		check(f, offset)
		f.api.SetClockOffset(-offset)
		check(f, -offset)
	}
}

func TestRevokedKeyIsUnknown(t *testing.T) {
	f := newFixture(t)
	f.api.RevokeKey(testKey.AccessKeyID)
	wantAnswer(t, f.send(sslRequest("r-1")), 404, "InvalidAccessKeyId.NotFound")
	f.api.SetKey(testKey)
	wantAnswer(t, f.send(sslRequest("r-1")), 200, "OK")
}

func TestErrorBodyHasTheDocumentedFields(t *testing.T) {
	f := newFixture(t)
	r := f.send(sslRequest("r-none"))
	var body map[string]string
	if err := json.Unmarshal(r.body, &body); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"RequestId", "HostId", "Code", "Message", "Recommend"} {
		if body[name] == "" {
			t.Errorf("%s is missing in %s", name, r.body)
		}
	}
	if len(body) != 5 {
		t.Errorf("body has %d fields, want 5", len(body))
	}
}

func TestWithoutAcceptTheAnswerIsXML(t *testing.T) {
	for _, accept := range []string{"", "*/*", "text/html, application/jsonp"} {
		for id, root := range map[string]string{"r-1": "DescribeInstanceSSLResponse", "r-none": "Error"} {
			f := newFixture(t)
			o := sslRequest(id)
			o.header.Del("Accept")
			if accept != "" {
				o.header.Set("Accept", accept)
			}
			r := f.send(o)
			var body struct {
				XMLName    xml.Name
				RequestID  string `xml:"RequestId"`
				InstanceID string `xml:"InstanceId"`
				Code       string
			}
			if err := xml.Unmarshal(r.body, &body); err != nil {
				t.Fatalf("body %q: %v", r.body, err)
			}
			if body.XMLName.Local != root || body.RequestID == "" || (body.InstanceID == "r-1") != (body.Code == "") {
				t.Errorf("Accept %q, instance %s: %s", accept, id, r.body)
			}
			if kind := r.header.Get("Content-Type"); !strings.HasPrefix(kind, "text/xml") {
				t.Errorf("Content-Type is %s", kind)
			}
		}
	}
	f := newFixture(t)
	o := sslRequest("r-1")
	o.header.Set("Accept", "text/html;q=0.5, Application/JSON;q=0.9")
	wantAnswer(t, f.send(o), 200, "OK")
}
