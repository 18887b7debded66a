package advice_test

import (
	"regexp"
	"strings"
	"testing"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/internal/advice"
)

func TestAdviceNamesWhatToChange(t *testing.T) {
	const region = "ap-southeast-1"
	instance := func(reason tair.Reason, code string) string {
		return advice.For(collector.InstanceStatus{Region: region, Failure: &tair.Error{Reason: reason, Code: code}})
	}
	listing := func(action string) string {
		return advice.ForCall(action, collector.AllRegions, &tair.Error{Reason: tair.ReasonForbidden, Code: "NoPermission"})
	}
	credentials := func(kind, class, code string) string {
		return advice.For(collector.InstanceStatus{Failure: &tair.Error{
			Reason: tair.ReasonCredentials, Code: code, Credentials: &creds.Error{Type: kind, Class: class, Code: code},
		}})
	}
	for _, c := range []struct {
		got   string
		parts []string
	}{
		{advice.For(collector.InstanceStatus{Pending: true}), []string{"refresh_interval", "--once.timeout"}},
		{instance(tair.ReasonThrottled, "Throttling.User"), []string{"refresh_interval", "api.qps", "quotas.console.aliyun.com"}},
		{instance(tair.ReasonForbidden, "Forbidden.RAM"), []string{"kvstore:DescribeInstanceSSL", "policy-instances.json", "(Forbidden.RAM)"}},
		{instance(tair.ReasonNotFound, "InvalidInstanceId.NotFound"), []string{"region (ap-southeast-1)"}},
		{instance(tair.ReasonTimeout, ""), []string{"of ap-southeast-1", "api.timeout"}},
		{instance(tair.ReasonNetwork, ""), []string{"(ap-southeast-1)", "network: vpc"}},
		{instance(tair.ReasonServer, "ServiceUnavailable"), []string{"(ServiceUnavailable)"}},
		{instance(tair.ReasonInvalidResponse, ""), []string{"endpoint"}},
		{instance(tair.ReasonOther, "Odd.Code"), []string{"(Odd.Code)"}},
		{instance(tair.ReasonUnauthorized, "InvalidAccessKeyId.NotFound"), []string{"access key", "(InvalidAccessKeyId.NotFound)"}},
		{instance(tair.ReasonUnauthorized, "SignatureDoesNotMatch"), []string{"secret", "(SignatureDoesNotMatch)"}},
		{instance(tair.ReasonUnauthorized, "InvalidSecurityToken.Expired"), []string{"token", "(InvalidSecurityToken.Expired)"}},
		{instance(tair.ReasonUnauthorized, "InvalidTimeStamp.Expired"), []string{"clock", "(InvalidTimeStamp.Expired)"}},
		{instance(tair.ReasonUnauthorized, "SignatureNonceUsed"), []string{"next scrape"}},
		{instance(tair.ReasonUnauthorized, "Odd.Code"), []string{"GetCallerIdentity", "(Odd.Code)"}},
		{listing(tair.ActionDescribeInstances), []string{"kvstore:DescribeInstances ", "policy-discovery.json"}},
		{listing(tair.ActionDescribeRegions), []string{"kvstore:DescribeRegions ", "name the regions"}},
		{listing(tair.ActionDescribeActiveOperationTasks), []string{"kvstore:DescribeActiveOperationTasks ", "policy-renewals.json"}},
		{credentials(creds.TypeDefault, "chain", ""), []string{"ALIBABA_CLOUD_ACCESS_KEY_ID", "credentials in the file"}},
		{credentials(creds.TypeOIDCRoleARN, "sts", "AuthenticationFail.OIDCToken.Expired"), []string{"oidc_token_file"}},
		{credentials(creds.TypeRAMRoleARN, "sts", "EntityNotExist.Role"), []string{"role_arn", "(EntityNotExist.Role)"}},
		{credentials(creds.TypeRAMRoleARN, "sts", "NoPermission"), []string{"sts:AssumeRole", "trust policy", "(NoPermission)"}},
		{credentials(creds.TypeRAMRoleARN, "sts", "SignatureDoesNotMatch"), []string{"secret"}},
		{credentials(creds.TypeRAMRoleARN, "sts", "Throttling.User"), []string{"role_session_expiration"}},
		{credentials(creds.TypeRAMRoleARN, "sts", "InvalidParameter"), []string{"external_id"}},
		{credentials(creds.TypeAccessKey, "file", ""), []string{"files"}},
		{credentials(creds.TypeSTS, "incomplete", ""), []string{"files"}},
		{credentials(creds.TypeECSRAMRole, "disabled", ""), []string{"ALIBABA_CLOUD_ECS_METADATA_DISABLED"}},
		{credentials(creds.TypeECSRAMRole, "timeout", ""), []string{"100.100.100.200"}},
		{credentials(creds.TypeCredentialsURI, "network", ""), []string{"url"}},
		{credentials(creds.TypeOIDCRoleARN, "tls", ""), []string{"CA certificate"}},
		{credentials(creds.TypeOIDCRoleARN, "panic", ""), []string{"trust policy"}},
	} {
		check(t, c.got)
		for _, part := range c.parts {
			if !strings.Contains(c.got, part) {
				t.Errorf("%q is missing in %q", part, c.got)
			}
		}
	}
	if got := advice.For(collector.InstanceStatus{Known: true}); got != "" {
		t.Errorf("advice for what is read: %q", got)
	}
}

// check fails for advice that is not one sentence or two that begin with a verb and fit into two lines of a terminal.
func check(t *testing.T, text string) {
	t.Helper()
	form := regexp.MustCompile(`^(Allow|Check|Correct|Install|Look|Make|Raise|Renew|Set|Unset|Wait)[ ,:].*\.$`)
	if !form.MatchString(text) || len(text) > 150 {
		t.Errorf("no advice of at most 150 characters that begins with a verb: %d, %q", len(text), text)
	}
}

func TestEveryReasonHasItsOwnAdvice(t *testing.T) {
	seen := make(map[string]tair.Reason)
	for _, reason := range append(tair.Reasons(), collector.ReasonPending) {
		text := advice.ForReason(reason)
		check(t, text)
		if other, twice := seen[text]; twice {
			t.Errorf("%s and %s have the same advice", reason, other)
		}
		seen[text] = reason
	}
}
