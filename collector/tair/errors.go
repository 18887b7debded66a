package tair

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Reason says in one word why a call gave no answer. The set is closed: metrics and alerts hang on it.
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

// ErrNotSent is in the error of a call whose context ended while it waited for its turn: nothing was sent, nothing
// was learned.
var ErrNotSent = errors.New("the request was not sent")

// Error is why a call gave no answer. Its text holds no secret, no body and no message of the API (some messages
// repeat what was signed).
type Error struct {
	Reason    Reason
	Status    int    // HTTP status; 0 when there was no HTTP answer
	Code      string // the API's (or STS's) own code, cleaned and cut to 64 characters; "" when it gave none
	RequestID string // the cloud's ID of the request, to quote to its support; "" when it gave none
	Detail    string // what is wrong in words, for the log; may be ""
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

// AccountWide reports whether the failure concerns the credentials, and so every instance of the account. A nonce that
// the API has seen concerns one request only.
func (e *Error) AccountWide() bool {
	return e.Reason == ReasonCredentials || e.Reason == ReasonUnauthorized && e.Code != codeNonceUsed
}

// retryable reports whether the same request may well succeed a moment later.
func (e *Error) retryable() bool {
	switch e.Reason {
	case ReasonThrottled, ReasonTimeout, ReasonNetwork, ReasonServer:
		return true
	default:
		return e.Code == codeNonceUsed // the next one is fresh
	}
}

// classify gives the reason for an HTTP answer other than 200 OK with the API's code ("" when the body had none).
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
