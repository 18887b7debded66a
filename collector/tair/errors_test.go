package tair

import (
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
)

func TestDocumentedErrors(t *testing.T) {
	reasons := map[string]Reason{
		tairtest.ClassNotFound: ReasonNotFound, tairtest.ClassThrottled: ReasonThrottled, tairtest.ClassServer: ReasonServer,
		tairtest.ClassForbidden: ReasonForbidden, tairtest.ClassUnauthorized: ReasonUnauthorized,
	}
	for _, documented := range tairtest.Errors() {
		inBubble(t, ClientConfig{Attempts: 1}, func(t *testing.T, r *rig) {
			r.api.SetFault(testInstance, tairtest.Fault{Error: &documented})
			got, err := r.askOnce(t.Context(), testInstance)
			want := SSL{}
			if documented.Class == tairtest.ClassUnsupported {
				want.UnsupportedCode = documented.Code
			}
			if got != want {
				t.Errorf("%+v: got %+v", documented, got)
			}
			if documented.Class != tairtest.ClassUnsupported {
				wantError(t, err, Error{
					Reason: reasons[documented.Class], Status: documented.Status, Code: documented.Code, RequestID: anyRequestID,
					Detail: explainRefusal(documented.Code, 0),
				})
			} else if err != nil { // that there is no SSL is an answer
				t.Errorf("%+v: error %v", documented, err)
			}
			r.wantRequests(1)
		})
	}
}

func TestOtherErrors(t *testing.T) {
	const foreign = "the body is not the API's"
	long := strings.Repeat("Long.Code", 10)
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   Error // but for the status
	}{
		{"all of the documented fields", 400, `{"RequestId":"02260F96-913E","HostId":"h","Code":"InvalidParameter","Message":"m","Recommend":"r"}`,
			Error{Reason: ReasonOther, Code: "InvalidParameter", RequestID: "02260F96-913E"}},
		{"unknown operation", 404, `{"Code":"InvalidAction.NotFound"}`, Error{Reason: ReasonOther, Code: "InvalidAction.NotFound"}},
		{"an unsupported instance has another status", 404, `{"Code":"IncorrectEngineVersion"}`, Error{Reason: ReasonOther, Code: "IncorrectEngineVersion"}},
		{"other code, 403", 403, `{"Code":"Unknown"}`, Error{Reason: ReasonForbidden, Code: "Unknown"}},
		{"no code, 403", 403, `{}`, Error{Reason: ReasonOther}},
		{"no code, 429", 429, `{}`, Error{Reason: ReasonThrottled}},
		{"other code, 500", 500, `{"Code":"Unknown"}`, Error{Reason: ReasonServer, Code: "Unknown"}},
		{"a gateway's 502", 502, "<html><h1>Bad Gateway</h1></html>", Error{Reason: ReasonServer, Detail: foreign}},
		{"a gateway's 502 over 1 MiB", 502, strings.Repeat("x", 2<<20), Error{Reason: ReasonServer, Detail: foreign}},
		{"XML, 400", 400, "<Error><Code>Throttling</Code></Error>", Error{Reason: ReasonOther, Detail: foreign}},
		{"empty, 400", 400, "", Error{Reason: ReasonOther, Detail: foreign}},
		{"empty, 503", 503, "", Error{Reason: ReasonServer, Detail: foreign}},
		{"another success", 202, `{"InstanceId":"r-bp1zxszhcgatnx","SSLEnabled":"Disable"}`, Error{Reason: ReasonInvalidResponse}},
		{"not modified", 304, "", Error{Reason: ReasonInvalidResponse, Detail: "redirects are not followed"}},
		{"odd characters", 400, `{"Code":"A b\n\"{}<é>.B_c-1","RequestId":"<script>1-2"}`, Error{Reason: ReasonOther, Code: "Ab.B_c-1", RequestID: "script1-2"}},
		{"long", 400, `{"Code":"` + long + `","RequestId":"` + long + `"}`, Error{Reason: ReasonOther, Code: long[:64], RequestID: long[:64]}},
	} {
		inBubbles(t, c.name, ClientConfig{Attempts: 1}, func(t *testing.T, r *rig) {
			r.api.SetFault(testInstance, tairtest.Fault{Status: c.status, Body: []byte(c.body)})
			c.want.Status = c.status
			got, err := r.ask()
			wantError(t, err, c.want)
			if got != (SSL{}) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestRefusalsExplainTheirCode(t *testing.T) {
	for _, c := range []struct {
		code  string
		ahead time.Duration // of the client's clock
		want  string
	}{
		{"InvalidAccessKeyId.Inactive", 0, "the access key does not exist or is disabled"},
		{"IncompleteSignature", 0, "the access key secret does not belong to the access key ID"},
		{"InvalidSecurityToken.Expired", 0, "the temporary credentials have expired or their token is not valid"},
		{"InvalidTimeStamp.Expired", time.Hour, "the clock of this machine is 1h0m0s ahead of the API's"},
		{"InvalidTimeStamp.Expired", 0, "the clock of this machine differs from the API's"},
		{"SignatureNonceUsed", 0, ""},
	} {
		if got := explainRefusal(c.code, c.ahead); got != c.want {
			t.Errorf("%s, %v ahead: %q, want %q", c.code, c.ahead, got, c.want)
		}
	}
}

func TestErrorText(t *testing.T) {
	for want, e := range map[string]Error{
		"timeout":                                      {Reason: ReasonTimeout},
		"throttled: Throttling.User (HTTP 400)":        {Reason: ReasonThrottled, Status: 400, Code: "Throttling.User", RequestID: "1"},
		"server: the body is not the API's (HTTP 502)": {Reason: ReasonServer, Status: 502, Detail: "the body is not the API's"},
		"credentials: NoPermission: cannot obtain credentials: class=chain": {Reason: ReasonCredentials, Code: "NoPermission", Detail: "cannot obtain credentials: class=chain"},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestReasonsThatPassAndThatRefuseCredentials(t *testing.T) {
	for e, want := range map[Error]struct{ refuses, transient bool }{
		{Reason: ReasonThrottled}: {false, true}, {Reason: ReasonTimeout}: {false, true},
		{Reason: ReasonNetwork}: {false, true}, {Reason: ReasonServer}: {false, true},
		{Reason: ReasonCredentials}: {false, false}, {Reason: ReasonForbidden}: {false, false},
		{Reason: ReasonNotFound}: {false, false}, {Reason: ReasonInvalidResponse}: {false, false},
		{Reason: ReasonOther}: {false, false}, {Reason: ReasonUnauthorized}: {true, false},
		{Reason: ReasonUnauthorized, Code: codeNonceUsed}: {false, true},
	} {
		if e.RefusesCredentials() != want.refuses || e.Transient() != want.transient {
			t.Errorf("%+v: refuses credentials %t, transient %t", e, e.RefusesCredentials(), e.Transient())
		}
	}
}
