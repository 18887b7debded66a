package collector

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/collector/tair/tairtest"
)

// Patterns of log lines. The caller is where the line is logged.
const (
	requestID     = `request_id=[0-9A-F-]{36}`
	cannotRead    = `level=warn caller=(scheduler|forbidden).go:[0-9]+ msg="cannot read the SSL state" instance_id=r-1 account=main region=cn-hangzhou `
	readAgain     = `level=info caller=scheduler.go:[0-9]+ msg="the SSL state can be read again" instance_id=r-1 account=main region=cn-hangzhou `
	forbiddenHint = ` hint="allow kvstore:DescribeInstanceSSL to the identity; deploy/ram has the policies"`
	accountFails  = `level=error caller=authstate.go:[0-9]+ msg="the account cannot be read" account=main region=cn-hangzhou `
	accountWorks  = `level=info caller=authstate.go:[0-9]+ msg="the account can be read again" account=main `
)

// scrapeMinutes scrapes n times, a minute apart.
func (w *world) scrapeMinutes(n int) {
	for range n {
		advance(time.Minute)
		w.scrape(soon)
	}
}

func TestFailureIsLoggedWhenItChanges(t *testing.T) {
	inBubble(t, func(w *world) {
		w.applyMain("r-1 r-2")
		invalid := tairtest.Fault{Body: []byte(`{"InstanceId":"r-1","RequestId":"ABC"}`)}
		for _, s := range []struct {
			faults []tairtest.Fault
			want   []string
		}{
			{nil, nil},
			{[]tairtest.Fault{failWith(503, "ServiceUnavailable")}, []string{cannotRead + "reason=server code=ServiceUnavailable status=503 " + requestID}},
			{[]tairtest.Fault{failWith(500, "InternalError")}, []string{cannotRead + "reason=server code=InternalError status=500 " + requestID}},
			{[]tairtest.Fault{failWith(403, "InternalError")}, []string{cannotRead + "reason=forbidden code=InternalError status=403 " + requestID + forbiddenHint}},
			{[]tairtest.Fault{invalid}, []string{
				cannotRead + `reason=invalid_response status=200 request_id=ABC detail="SSLEnabled is neither Enable nor Disable"`}},
			{[]tairtest.Fault{invalid}, nil},
			{nil, []string{readAgain + "was=invalid_response"}},
			{nil, nil},
		} {
			w.apply() // is no reason to log a failure again
			w.api.SetFault("r-1", s.faults...)
			w.scrapeMinutes(3)
			w.wantLog(s.want...)
		}
	})
}

func TestFailureOfTheAccountIsOneLine(t *testing.T) {
	inSlowBubble(t, 50*time.Millisecond, func(w *world) {
		w.applyTwoAccounts()
		w.revoke("main")
		w.scrapeMinutes(3)
		w.wantLog(accountFails + "reason=unauthorized code=InvalidAccessKeyId.NotFound status=404 " + requestID +
			` detail="the access key does not exist or is disabled"`)
		w.apply()
		w.scrapeMinutes(3)
		w.wantLog()
		w.account("main").failWith(func(context.Context) error {
			return &creds.Error{Type: creds.TypeRAMRoleARN, Class: "sts", Code: "NoPermission", RequestID: "ABC"}
		})
		w.scrapeMinutes(3)
		w.wantLog(accountFails + `reason=credentials code=NoPermission request_id=ABC ` +
			`detail="cannot obtain credentials: class=sts code=NoPermission request_id=ABC"`)
		w.account("main").failWith(nil)
		w.grant("main")
		w.scrapeMinutes(3)
		w.wantLog(accountWorks + "was=credentials")
	})
}

// A missing policy concerns many instances, which are one line.
func TestForbiddenInstancesAreOneLine(t *testing.T) {
	inSlowBubble(t, 50*time.Millisecond, func(w *world) {
		w.addTarget("main", hangzhou, concurrency(7))
		w.addInstances("main", hangzhou, makeIDs("r-", 300)...)
		w.apply()
		w.api.SetFault("", failWith(403, "Forbidden.RAM"))
		w.scrapeMinutes(3)
		w.wantLog(`level=warn caller=[a-z.:0-9]+ msg="cannot read the SSL state" instances=300 example=r--0[0-9]+ account=main region=cn-hangzhou ` +
			"reason=forbidden code=Forbidden.RAM status=403 " + requestID + forbiddenHint)
	})
}

// The API answers "forbidden" only to a key that it accepts. So the refusal is over, and the next one is logged.
func TestForbiddenCallEndsTheRefusal(t *testing.T) {
	inBubble(t, func(w *world) {
		w.applyMain("r-1")
		w.revoke("main")
		w.scrape(soon)
		w.wantLog(accountFails + ".*")
		w.grant("main")
		w.api.SetFault("", failWith(403, "Forbidden.RAM"))
		w.scrape(soon)
		w.wantLog(accountWorks+"was=unauthorized", cannotRead+"reason=forbidden .*")
		w.revoke("main")
		w.scrape(soon)
		w.wantLog(accountFails + ".*")
	})
}

// Listings log a refused key once for all regions. A forbidden listing ends the refusal, as a call does.
func TestRefusedListingsAreLoggedOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		const refused = `level=error caller=authstate.go:[0-9]+ msg="the account cannot be read" account=main region=cn-(hangzhou|shanghai) .*`
		w.addRegions(hangzhou, shanghai)
		w.createInstance("main", hangzhou, "r-1")
		w.revoke("main")
		w.apply()
		p := w.scrape(soon)
		for _, region := range []string{hangzhou, shanghai} {
			p.want(1, "discovery_error_info", "account", "main", "region", region, "reason", "unauthorized", "code", "InvalidAccessKeyId.NotFound")
		}
		advance(every)
		w.wantLog(refused)
		w.grant("main")
		advance(every)
		w.scrape(soon).wantSuccess("r-1")
		w.wantLogOf("level=(warn|error)|again", accountWorks+"was=unauthorized")

		w.setup.Sources[0].Regions = []string{hangzhou}
		w.apply()
		w.revoke("main")
		advanceDiscovery()
		w.wantLog(refused)
		w.grant("main")
		w.api.SetFault("DescribeInstances", failWith(403, "Forbidden.RAM"))
		advance(every)
		w.wantLog(accountWorks+"was=unauthorized", `level=warn caller=listing.go:[0-9]+ msg="cannot list the instances" .*`)
		w.revoke("main")
		advanceDiscovery()
		w.wantLog(refused)
	})
}

// A region that refuses alone is logged once. Later both regions refuse, which is logged once more. That refusal is over when
// the key works in one of them, so that the next one is logged too.
func TestRefusalsOfOneRegionAndOfBoth(t *testing.T) {
	inBubble(t, func(w *world) {
		w.addTarget("main", shanghai)
		w.addInstances("main", shanghai, "r-2")
		w.applyMain("r-1 r-3")
		w.api.SetFault("r-2", failWith(403, "SignatureDoesNotMatch"))
		w.scrapeMinutes(5)
		w.wantLog(strings.Replace(accountFails, hangzhou, shanghai, 1) + `reason=unauthorized code=SignatureDoesNotMatch status=403 ` +
			requestID + ` detail="the access key secret does not belong to the access key ID"`)
		w.api.ClearFaults()
		w.scrapeMinutes(1)
		w.wantLog(accountWorks + `was=unauthorized`)

		w.revoke("main")
		w.scrapeMinutes(2)
		w.wantLogOf("cannot be read", ".*")
		w.grant("main")
		w.api.SetFault("r-2", failWith(503, "ServiceUnavailable"))
		w.scrapeMinutes(1)
		w.wantLogOf("cannot be read")
		w.revoke("main")
		w.api.ClearFaults()
		w.scrapeMinutes(2)
		w.wantLogOf("cannot be read", ".*")
	})
}

// Whatever is sent, answered or broken: neither the log nor the metrics hold a secret or a message of the API.
func TestNoSecretIsExposed(t *testing.T) {
	const canary = "canary"
	inBubble(t, func(w *world) {
		w.account("main").creds = creds.Credentials{AccessKeyID: "LTAI" + canary, AccessKeySecret: canary + "-secret", SecurityToken: canary + "-token"}
		w.grant("main")
		w.applyMain("r-1", attempts(2))
		faults := []tairtest.Fault{
			{}, {Cut: true}, {Reset: true}, {Hang: true}, {Redirect: "http://canary.example/?token=canary"},
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
			if text := fmt.Sprint(w.scrape(time.Minute).families); strings.Contains(strings.ToLower(text), canary) {
				t.Errorf("%+v: a secret is in the metrics", f)
			}
		}
		w.revoke("main")
		w.scrape(time.Minute)
		w.server.Close()
		w.scrape(time.Minute)
		w.settle()
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
