package tair

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"tair_ssl_exporter/collector/tair/creds"
)

// Reason says why a call failed, in one word. The set is closed: metrics and alerts depend on it.
type Reason string

// The reasons of a failed call.
const (
	ReasonThrottled       Reason = "throttled"        // the quota is used up
	ReasonCredentials     Reason = "credentials"      // no credentials could be obtained; no call was made
	ReasonUnauthorized    Reason = "unauthorized"     // the API refused the credentials or the signature
	ReasonForbidden       Reason = "forbidden"        // the identity does not have the permission
	ReasonNotFound        Reason = "not_found"        // there is no such instance in this account and region
	ReasonTimeout         Reason = "timeout"          // no complete answer within ClientConfig.Timeout
	ReasonNetwork         Reason = "network"          // no connection, or it broke
	ReasonServer          Reason = "server"           // the API failed on its side
	ReasonInvalidResponse Reason = "invalid_response" // an answer that makes no sense
	ReasonOther           Reason = "other"            // refused for any other reason; the code says which
)

// Reasons returns every reason of a call that failed.
func Reasons() []Reason {
	return []Reason{
		ReasonThrottled, ReasonCredentials, ReasonUnauthorized, ReasonForbidden, ReasonNotFound, ReasonTimeout, ReasonNetwork,
		ReasonServer, ReasonInvalidResponse, ReasonOther,
	}
}

// codeNonceUsed is the API's code for a request that it has seen before.
const codeNonceUsed = "SignatureNonceUsed"

// Error says why a call failed. Its text holds no secret, no body and no message of the API, because some messages repeat
// what was signed.
type Error struct {
	Reason    Reason
	Status    int    // the HTTP status; 0 without an HTTP answer
	Code      string // the code of the API or of STS, only letters, digits and "._-", at most 64 of them; may be ""
	RequestID string // the cloud's ID of the request, for its support; may be ""
	Detail    string // what is wrong in words, for the log; may be ""

	Credentials *creds.Error // with ReasonCredentials: why none could be obtained; else nil
}

// Error returns one line with the reason and, when they are known, the code, the detail and the HTTP status.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Reason))
	if e.Code != "" {
		b.WriteString(": " + e.Code)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	return b.String()
}

// RefusesCredentials reports whether the API refused the credentials, and so refuses every request of the account in the
// region. A nonce that the API has seen concerns one request only.
func (e *Error) RefusesCredentials() bool {
	return e.Reason == ReasonUnauthorized && e.Code != codeNonceUsed
}

// Transient reports whether the failure may end by itself within seconds.
func (e *Error) Transient() bool {
	switch e.Reason {
	case ReasonThrottled, ReasonTimeout, ReasonNetwork, ReasonServer:
		return true
	default:
		return e.Code == codeNonceUsed // the next nonce is new
	}
}

// Same reports whether e and other have the same reason and code. Either may be nil, and nil is the same as nil only.
func (e *Error) Same(other *Error) bool {
	if e == nil || other == nil {
		return e == other
	}
	return e.Reason == other.Reason && e.Code == other.Code
}

// explainRefusal returns the meaning of the code of an unauthorized answer, or "" for other codes. ahead is how far the
// clock of this machine is ahead of the API's.
//
// Source: the common error codes of R-kvstore 2015-01-01.
func explainRefusal(code string, ahead time.Duration) string {
	switch {
	case strings.HasPrefix(code, "InvalidAccessKeyId"):
		return "the access key does not exist or is disabled"
	case strings.HasPrefix(code, "SignatureDoesNotMatch"), strings.HasPrefix(code, "IncompleteSignature"):
		return "the access key secret does not belong to the access key ID"
	case strings.HasPrefix(code, "InvalidSecurityToken"):
		return "the temporary credentials have expired or their token is not valid"
	case strings.HasPrefix(code, "InvalidTimeStamp") && ahead > 0:
		return fmt.Sprintf("the clock of this machine is %s ahead of the API's", ahead.Round(time.Minute))
	case strings.HasPrefix(code, "InvalidTimeStamp") && ahead < 0:
		return fmt.Sprintf("the clock of this machine is %s behind the API's", -ahead.Round(time.Minute))
	case strings.HasPrefix(code, "InvalidTimeStamp"):
		return "the clock of this machine differs from the API's"
	default:
		return ""
	}
}

// classify returns the reason for an HTTP answer other than 200 OK. The code is "" when the body has none.
//
// Sources: the error tables of DescribeInstanceSSL and of the common error codes of R-kvstore 2015-01-01, and the
// codes that the official Terraform provider handles (InvalidDBInstance.NotFound, LockTimeout).
func classify(status int, code string) Reason {
	switch {
	case strings.Contains(code, "Throttling"), status == http.StatusTooManyRequests:
		return ReasonThrottled
	case code == "LockTimeout", status >= http.StatusInternalServerError:
		return ReasonServer
	case status < http.StatusBadRequest: // a redirect, or a success other than 200
		return ReasonInvalidResponse
	case code == "InvalidInstanceId.NotFound", code == "InvalidDBInstance.NotFound":
		return ReasonNotFound
	case hasAnyPrefix(code, "InvalidAccessKeyId", "SignatureDoesNotMatch", "IncompleteSignature",
		"InvalidSecurityToken", "InvalidTimeStamp", codeNonceUsed):
		return ReasonUnauthorized
	case hasAnyPrefix(code, "Forbidden", "NoPermission"), status == http.StatusForbidden && code != "":
		return ReasonForbidden
	default:
		return ReasonOther
	}
}

// isUnsupported reports whether the API refused because this kind of instance has no SSL, which counts as an answer.
// Sources: the error table of DescribeInstanceSSL; the official Terraform provider for IncorrectEngineVersion; answers of a
// sibling operation for InstanceType.NotSupport.
func isUnsupported(e *Error) bool {
	codes := []string{"InvalidRedisVersionPattern", "IncorrectCharacterType", "IncorrectEngineVersion", "InstanceType.NotSupport"}
	return (e.Status == http.StatusBadRequest || e.Status == http.StatusForbidden) && slices.Contains(codes, e.Code)
}

func hasAnyPrefix(s string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(s, prefix) })
}

// maxCode is the length at which codes are cut, because they become label values.
const maxCode = 64

// cleanCode removes from a code what no code of the cloud has, so that nothing else gets into labels and logs.
func cleanCode(s string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
			return r
		default:
			return -1
		}
	}, s)
	return clean[:min(len(clean), maxCode)]
}
