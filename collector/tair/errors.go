package tair

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Reason is one word for why a call has no answer. The set is closed: metrics and alerts depend on it.
type Reason string

// The reasons of a failed call.
const (
	ReasonThrottled       Reason = "throttled"        // the quota is used up
	ReasonCredentials     Reason = "credentials"      // no credentials could be obtained; no call was made
	ReasonUnauthorized    Reason = "unauthorized"     // the API refused the credentials or the signature
	ReasonForbidden       Reason = "forbidden"        // the identity lacks the permission
	ReasonNotFound        Reason = "not_found"        // there is no such instance in this account and region
	ReasonTimeout         Reason = "timeout"          // no complete answer within the time of an attempt
	ReasonNetwork         Reason = "network"          // no connection, or it broke
	ReasonServer          Reason = "server"           // the API failed on its side
	ReasonInvalidResponse Reason = "invalid_response" // an answer that means nothing
	ReasonOther           Reason = "other"            // refused for any other reason; the code tells
)

// codeNonceUsed is the API's code for a request that it has seen before.
const codeNonceUsed = "SignatureNonceUsed"

// Error is why a call has no answer. Its text holds no secret, no body and no message of the API (some messages
// repeat what was signed).
type Error struct {
	Reason    Reason
	Status    int    // HTTP status; 0 when there was no HTTP answer
	Code      string // the API's (or STS's) own code, cleaned and cut to 64 characters; "" when there is none
	RequestID string // the cloud's ID of the request, to quote to its support; "" when there is none
	Detail    string // what is wrong in words, for the log; may be ""

	renewed bool // the API refused credentials that have been replaced since
}

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

// RefusesCredentials reports whether the API refused what the request was signed with, and so refuses every request of
// the account in the region. A nonce that the API has seen concerns one request only.
func (e *Error) RefusesCredentials() bool {
	return e.Reason == ReasonUnauthorized && e.Code != codeNonceUsed
}

// Transient reports whether the failure may pass by itself within moments.
func (e *Error) Transient() bool {
	switch e.Reason {
	case ReasonThrottled, ReasonTimeout, ReasonNetwork, ReasonServer:
		return true
	default:
		return e.Code == codeNonceUsed // the next one is fresh
	}
}

// Retryable reports whether another attempt may succeed: the failure is transient, or the credentials are new.
func (e *Error) Retryable() bool { return e.renewed || e.Transient() }

// Same reports whether two failures are told apart by neither reason nor code. nil equals nil alone.
func (e *Error) Same(other *Error) bool {
	if e == nil || other == nil {
		return e == other
	}
	return e.Reason == other.Reason && e.Code == other.Code
}

// explainRefusal returns what the code of an unauthorized answer means; "" for other codes. ahead is by how much the
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

// classify returns the reason for an HTTP answer other than 200 OK with the API's code ("" when the body had none).
//
// Sources: the error tables of DescribeInstanceSSL and of the common error codes of R-kvstore 2015-01-01, and the
// codes that the official Terraform provider handles (InvalidDBInstance.NotFound, LockTimeout).
func classify(status int, code string) Reason {
	switch {
	case strings.Contains(code, "Throttling"), status == http.StatusTooManyRequests:
		return ReasonThrottled
	case code == "LockTimeout", status >= http.StatusInternalServerError:
		return ReasonServer
	case status < http.StatusBadRequest: // a redirect, or a success that is none
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

// saysUnsupported reports whether the API refused because this kind of instance has no SSL, which is an answer.
// Sources: the error table of DescribeInstanceSSL; IncorrectEngineVersion is read as "has no SSL" by the official
// Terraform provider too; InstanceType.NotSupport was seen on a sibling operation.
func saysUnsupported(e *Error) bool {
	if e.Status != http.StatusBadRequest && e.Status != http.StatusForbidden {
		return false
	}
	switch e.Code {
	case "InvalidRedisVersionPattern", "IncorrectCharacterType", "IncorrectEngineVersion", "InstanceType.NotSupport":
		return true
	default:
		return false
	}
}

func hasAnyPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// maxCode is the length of the longest code that is kept: codes become label values.
const maxCode = 64

// cleanCode keeps of a code what the cloud's codes are made of, so that nothing foreign gets into labels and logs.
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
