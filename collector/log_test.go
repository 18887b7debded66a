package collector

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/collector/tair/tairtest"
)

// wantLines compares what was logged since the last time with patterns, line by line.
func wantLines(w *world, patterns ...string) {
	w.t.Helper()
	lines := w.log.take()
	if len(lines) != len(patterns) {
		w.t.Errorf("%d lines, want %d:\n%s", len(lines), len(patterns), strings.Join(lines, "\n"))
		return
	}
	for i, pattern := range patterns {
		if !regexp.MustCompile("^" + pattern + "$").MatchString(lines[i]) {
			w.t.Errorf("line %q, want %q", lines[i], pattern)
		}
	}
}

const (
	requestID = `request_id=[0-9A-F-]{36}`
	cannot    = `level=warn msg="cannot read the SSL state" instance_id=r-1 account=main region=cn-hangzhou `
	again     = `level=info msg="the SSL state can be read again" instance_id=r-1 account=main region=cn-hangzhou `
	refused   = `level=error msg="the account cannot be read" account=main region=cn-hangzhou `
	accepted  = `level=info msg="the account can be read again" account=main `
)

func TestFailureIsLoggedWhenItChanges(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1", "r-2")
		w.apply()
		scrapes := func(f ...tairtest.Fault) {
			w.api.SetFault("r-1", f...)
			for range 3 {
				pass(time.Minute)
				w.scrape(soon)
			}
		}
		scrapes()
		wantLines(w)
		scrapes(fails(503, "ServiceUnavailable"))
		wantLines(w, cannot+"reason=server code=ServiceUnavailable status=503 "+requestID)
		scrapes(fails(500, "InternalError"))
		wantLines(w, cannot+"reason=server code=InternalError status=500 "+requestID)
		scrapes(fails(403, "InternalError"))
		wantLines(w, cannot+"reason=forbidden code=InternalError status=403 "+requestID)
		scrapes(tairtest.Fault{Body: []byte(`{"InstanceId":"r-1","RequestId":"ABC"}`)})
		wantLines(w, cannot+`reason=invalid_response status=200 request_id=ABC detail="SSLEnabled is neither Enable nor Disable"`)
		w.apply() // which is no news
		scrapes(tairtest.Fault{Body: []byte(`{"InstanceId":"r-1","RequestId":"ABC"}`)})
		wantLines(w)
		scrapes()
		wantLines(w, again+"was=invalid_response")
		scrapes()
		wantLines(w)
	})
}

func TestAccountsFailureIsOneLine(t *testing.T) {
	inSlowBubble(t, 50*time.Millisecond, func(w *world) {
		twoAccounts(w)
		scrapes := func() {
			for range 3 {
				pass(time.Minute)
				w.scrape(soon)
			}
		}
		w.revoke("main")
		scrapes()
		wantLines(w, refused+"reason=unauthorized code=InvalidAccessKeyId.NotFound status=404 "+requestID+` detail="the access key does not exist or is disabled"`)
		w.apply() // which is no news either
		scrapes()
		wantLines(w)
		w.account("main").failWith(func(context.Context) error {
			return &creds.Error{Type: creds.TypeRAMRoleARN, Class: "sts", Code: "NoPermission", RequestID: "ABC"}
		})
		scrapes()
		wantLines(w, refused+`reason=credentials code=NoPermission request_id=ABC `+
			`detail="cannot obtain credentials: class=sts code=NoPermission request_id=ABC"`)
		w.account("main").failWith(nil)
		w.grant("main")
		scrapes()
		wantLines(w, accepted+"was=credentials")
	})
}

// A key that may do nothing is a known key: the next refusal is news.
func TestForbiddenEndsARefusal(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.watch("main", hangzhou, "r-1")
		w.apply()
		w.revoke("main")
		w.scrape(soon)
		wantLines(w, refused+".*")
		w.grant("main")
		w.api.SetFault("", fails(403, "Forbidden.RAM"))
		w.scrape(soon)
		wantLines(w, accepted+"was=unauthorized", cannot+"reason=forbidden .*")
		w.revoke("main")
		w.scrape(soon)
		wantLines(w, refused+".*")
	})
}

// Whatever is sent, answered or broken: the log and the metrics hold no secret and no message of the API.
func TestNoSecretIsTold(t *testing.T) {
	const canary = "canary"
	inBubble(t, func(w *world) {
		w.account("main").creds = creds.Credentials{AccessKeyID: "LTAI" + canary, AccessKeySecret: canary + "-secret", SecurityToken: canary + "-token"}
		w.grant("main")
		w.reach("main", hangzhou, func(c *tair.ClientConfig) { c.Attempts = 2 })
		w.watch("main", hangzhou, "r-1")
		w.apply()
		cut := tairtest.Fault{Cut: true}
		faults := []tairtest.Fault{
			{}, cut, {Reset: true}, {Hang: true}, {Redirect: "http://canary.example/?token=canary"},
			{Body: []byte(canary)}, {Body: []byte(`{"InstanceId":"canary"}`)}, {Status: 502, Body: []byte(canary)},
			{Status: 403, Body: []byte(canary)},
			{Body: []byte(`{"InstanceId":"r-1","SSLEnabled":"canary"}`)},
			{Body: []byte(`{"InstanceId":"r-1","SSLEnabled":"Enable","SSLExpiredTime":"canary"}`)},
		}
		for _, e := range tairtest.Errors() {
			e.Message = "The string to sign was " + canary
			faults = append(faults, tairtest.Fault{Error: &e})
		}
		for _, f := range faults {
			w.api.SetFault("r-1", f)
			p := w.scrape(time.Minute)
			if text := p.families; strings.Contains(strings.ToLower(printed(text)), canary) {
				t.Errorf("%+v: a secret is in the metrics", f)
			}
		}
		w.revoke("main")
		w.scrape(time.Minute)
		w.server.Close()
		w.scrape(time.Minute)
		lines := w.log.take()
		if len(lines) < len(faults)/2 {
			t.Errorf("only %d lines for %d faults", len(lines), len(faults))
		}
		for _, line := range lines {
			if strings.Contains(strings.ToLower(line), canary) {
				t.Errorf("a secret is in the log: %s", line)
			}
		}
	})
}

// printed is everything that a page told.
func printed(families map[string]*dto.MetricFamily) string {
	var b strings.Builder
	for _, f := range families {
		fmt.Fprintln(&b, f)
	}
	return b.String()
}

// TestARegionThatRefusesAloneIsLoggedOnce has one region whose answers are all refusals, beside one that works.
func TestARegionThatRefusesAloneIsLoggedOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.reach("main", shanghai)
		w.watch("main", hangzhou, "r-1", "r-2", "r-3")
		w.watch("main", shanghai, "r-4")
		w.apply()
		w.api.SetFault("r-4", fails(403, "SignatureDoesNotMatch"))
		for range 5 {
			pass(time.Minute)
			w.scrape(soon)
		}
		wantLines(w, `level=error msg="the account cannot be read" account=main region=cn-shanghai `+
			`reason=unauthorized code=SignatureDoesNotMatch status=403 `+requestID+` detail="the access key secret does not belong to the access key ID"`)
		w.api.ClearFaults()
		pass(time.Minute)
		w.scrape(soon)
		wantLines(w, accepted+`was=unauthorized`)
	})
}

// TestASecondRefusalIsNewsAfterTheAccountAnswered has a refusal that stands in a region which then fails otherwise.
func TestASecondRefusalIsNewsAfterTheAccountAnswered(t *testing.T) {
	inBubble(t, func(w *world) {
		w.reach("main", hangzhou)
		w.reach("main", shanghai)
		w.watch("main", hangzhou, "r-1")
		w.watch("main", shanghai, "r-2")
		w.apply()
		refusals := func() (n int) {
			for _, line := range w.log.take() {
				n += strings.Count(line, "cannot be read")
			}
			return n
		}
		scrape := func() {
			pass(time.Minute)
			w.scrape(soon)
		}
		w.revoke("main")
		scrape()
		scrape()
		if n := refusals(); n != 1 {
			t.Errorf("the first refusal is logged %d times", n)
		}
		w.grant("main")
		w.api.SetFault("r-2", fails(503, "ServiceUnavailable"))
		scrape()
		w.revoke("main")
		w.api.ClearFaults()
		scrape()
		scrape()
		if n := refusals(); n != 1 {
			t.Errorf("the second refusal is logged %d times", n)
		}
	})
}
