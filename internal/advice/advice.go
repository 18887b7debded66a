// Package advice says what to do about what the exporter cannot read. --once, the status page, the calendar and the runbooks
// take their texts from here.
package advice

import (
	"cmp"
	"strings"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
)

// For returns what to do so that an instance can be read, as one line of at most 150 characters. It is "" when nothing is
// wrong.
func For(s collector.InstanceStatus) string {
	switch {
	case s.Pending:
		return ForReason(collector.ReasonPending)
	case s.Failure == nil:
		return ""
	}
	return ForCall(tair.ActionDescribeInstanceSSL, s.Region, s.Failure)
}

// ForReason is For with the reason alone, for documents.
func ForReason(reason tair.Reason) string {
	return ForCall(tair.ActionDescribeInstanceSSL, "", &tair.Error{Reason: reason})
}

// ForCall returns what to do about a failed call of an API operation, such as [tair.ActionDescribeInstances], as one line of
// at most 150 characters. The region may be "" or [collector.AllRegions].
func ForCall(action, region string, failure *tair.Error) string {
	code, which, of := "", "", "" // what is known, each with a space before it
	if failure.Code != "" {
		code = " (" + failure.Code + ")"
	}
	if region != "" && region != collector.AllRegions {
		which, of = " ("+region+")", " of "+region
	}
	switch failure.Reason {
	case collector.ReasonPending:
		return "Wait for the next scrape. If it stays so, raise refresh_interval, api.qps or the scrape timeout (with --once, --once.timeout)."
	case tair.ReasonThrottled:
		return "Raise refresh_interval or lower api.qps; Quota Center (quotas.console.aliyun.com) shows the quota of kvstore for each region."
	case tair.ReasonCredentials:
		return forCredentials(failure, code)
	case tair.ReasonUnauthorized:
		return forRefusal(failure, code)
	case tair.ReasonForbidden:
		return "Allow kvstore:" + action + forbidden(action) + code + "."
	case tair.ReasonNotFound:
		return "Correct the region" + which + " or the account of the instance in the configuration, or remove a released instance."
	case tair.ReasonTimeout:
		return "Check DNS, proxy and firewall to the endpoint" + of + ", or raise api.timeout. In a VPC without internet set network: vpc."
	case tair.ReasonNetwork:
		return "Check the region" + which + ", and DNS, proxy and firewall to its endpoint. In a VPC without internet set network: vpc."
	case tair.ReasonServer:
		return "Wait: the API fails on its side" + code + ". If it lasts, look at status.alibabacloud.com."
	case tair.ReasonInvalidResponse:
		return "Check that endpoint is the one of the API, and that no proxy answers in its place; else report the answer of " + action + "."
	default:
		return "Look up the code" + code + " in the error codes of " + action + " (R-kvstore) at api.alibabacloud.com."
	}
}

// forbidden returns where an operation has to be allowed, the file of the policy, and how to do without the operation.
func forbidden(action string) string {
	switch action {
	case tair.ActionDescribeInstances:
		return " in the RAM policy, see deploy/ram/policy-discovery.json"
	case tair.ActionDescribeRegions:
		return " in the RAM policy, see deploy/ram/policy-discovery.json, or name the regions"
	case tair.ActionDescribeActiveOperationTasks:
		return " on *, see deploy/ram/policy-renewals.json, or set renewals: false"
	default:
		return " on the instance in the RAM policy, see deploy/ram/policy-instances.json"
	}
}

// forRefusal returns what to do about credentials that the API refuses.
func forRefusal(failure *tair.Error, code string) string {
	starts := func(prefix string) bool { return strings.HasPrefix(failure.Code, prefix) }
	switch {
	case starts("InvalidAccessKeyId"):
		return "Set a valid access key in credentials: this one does not exist or is disabled" + code + "."
	case starts("SignatureDoesNotMatch"), starts("IncompleteSignature"):
		return "Set the secret that belongs to the access key ID in credentials: the two do not match" + code + "."
	case starts("InvalidSecurityToken"):
		return "Renew the temporary credentials: their token has expired or does not belong to the key" + code + "."
	case starts("InvalidTimeStamp"):
		return "Set the clock of this host, by NTP: " + cmp.Or(failure.Detail, "the clock of this machine differs from the API's") + code + "."
	case starts("SignatureNonceUsed"):
		return "Wait for the next scrape: a proxy or the network sent a request twice" + code + "."
	default:
		return "Set valid credentials of the account, then try them: aliyun sts GetCallerIdentity" + code + "."
	}
}
