package tairtest

import (
	"fmt"
	"strings"
	"testing"
)

func TestFaultsActInTheirTurnAndAreLogged(t *testing.T) {
	first, second := &APIError{Status: 503, Code: "ServiceUnavailable"}, &APIError{Status: 400, Code: "Throttling"}
	const location = "http://127.0.0.1:1/"
	for _, tt := range []struct {
		faults []Fault
		want   string // the log
	}{
		{nil, "200 OK"},
		{[]Fault{{Error: first}}, "503 ServiceUnavailable, 503 ServiceUnavailable, 503 ServiceUnavailable"},
		{[]Fault{{Error: first, Times: 2}}, "503 ServiceUnavailable, 503 ServiceUnavailable, 200 OK"},
		{[]Fault{{Error: first, After: 1, Times: 1}}, "200 OK, 503 ServiceUnavailable, 200 OK"},
		{[]Fault{{Error: first, Times: 1}, {Error: second, After: 1}}, "503 ServiceUnavailable, 200 OK, 400 Throttling, 400 Throttling"},
		{[]Fault{{Body: []byte("{}"), Times: 1}, {Body: []byte("<html>"), Status: 502}}, "200 body, 502 body"},
		{[]Fault{{Redirect: location, Times: 1}, {Redirect: location, Status: 302}}, "307 redirect, 302 redirect"},
		{[]Fault{{Cut: true, Body: []byte("{}"), Times: 1}, {Reset: true, Status: 500}}, "200 cut, 0 reset"},
	} {
		f := newFixture(t)
		f.api.SetFault("r-1", tt.faults...)
		var got []string
		for n := range strings.Split(tt.want, ", ") {
			r := f.get(sslRequest)
			last := f.api.Requests()[n]
			if r.status != last.Status {
				t.Errorf("got status %d, error %v, log has %+v", r.status, r.err, last)
			}
			got = append(got, fmt.Sprint(last.Status, " ", last.Code))
		}
		if got := strings.Join(got, ", "); got != tt.want {
			t.Errorf("%+v: log is %s, want %s", tt.faults, got, tt.want)
		}
		f.api.ClearFaults()
		wantResponse(t, f.get(sslRequest), 200, "OK")
	}
}

func TestFaultsHitTheirTargetOnly(t *testing.T) {
	const list, events = "DescribeInstances RegionId=cn-hangzhou", "DescribeActiveOperationTasks Region=all"
	for _, tt := range []struct {
		target, request string
		hit             bool
	}{
		{"r-1", sslRequest, true},
		{"r-2", sslRequest, false},
		{"", sslRequest, true},
		{"", list, true},
		{"DescribeInstances", list, true},
		{"DescribeInstances", sslRequest, false},
		{"DescribeInstances/cn-hangzhou", list, true},
		{"DescribeInstances/cn-shanghai", list, false},
		{"DescribeInstanceSSL/cn-hangzhou", sslRequest, true},
		{"DescribeActiveOperationTasks", events, true},
		{"DescribeActiveOperationTasks", sslRequest, false},
		{"DescribeActiveOperationTasks/all", events, true},
	} {
		f := newFixture(t)
		f.api.SetFault(tt.target, Fault{Error: &APIError{Status: 403, Code: "Forbidden.RAM"}})
		if code := f.get(tt.request).code(t); (code == "Forbidden.RAM") != tt.hit {
			t.Errorf("fault on %q, %s: %s", tt.target, tt.request, code)
		}
	}
}
