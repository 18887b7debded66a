package creds

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The classes of an Error. The set is closed.
const (
	ClassSTS        = "sts"        // the token service refused; Code is the reason
	ClassHTTP       = "http"       // an HTTP answer other than success
	ClassTimeout    = "timeout"    // no answer in time
	ClassTLS        = "tls"        // the certificate of the token service or of the URL is not trusted
	ClassNetwork    = "network"    // no connection, or a broken one
	ClassFile       = "file"       // a file cannot be read
	ClassIncomplete = "incomplete" // an answer or a file in which something is missing
	ClassMalformed  = "malformed"  // an answer or a file in the wrong form
	ClassDisabled   = "disabled"   // the environment disables the ECS metadata service, or a CLI profile runs a process
	ClassChain      = "chain"      // no provider of the default chain has any
	ClassPanic      = "panic"      // the library panicked over an answer
	ClassOther      = "other"
)

// Error is the reason why no credentials could be obtained. It does not wrap the library's error and holds only harmless
// parts of it: the rest may be answers, keys, signed URLs and local paths.
type Error struct {
	Type      string // Config.Type
	Class     string // one of the classes, such as ClassSTS
	Code      string // the token service's own code; "" without one
	RequestID string // the token service's ID of the request; "" without one
}

// Error returns the class, and the code and the request ID when they are known, as key=value. For the default chain it names
// the sources that were tried.
func (e *Error) Error() string {
	text := "cannot obtain credentials: class=" + e.Class
	if e.Code != "" {
		text += " code=" + e.Code
	}
	if e.RequestID != "" {
		text += " request_id=" + e.RequestID
	}
	if e.Class == ClassChain {
		text += ", tried: the variables ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET, RRSA (OIDC), the profile of the aliyun CLI, " +
			"the file ~/.alibabacloud/credentials, the role of the ECS instance, ALIBABA_CLOUD_CREDENTIALS_URI; none has a key"
	}
	return text
}

// classify returns the harmless parts of an error of the library.
func classify(err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return &Error{Class: own.Class}
	}
	if class := classOfError(err); class != "" {
		return &Error{Class: class}
	}
	text := err.Error()
	if body, ok := stsAnswer(text); ok {
		return stsError(body)
	}
	return &Error{Class: classOfText(text)}
}

// classOfError returns the class of an error that the library wrapped, or "" when it is not known.
func classOfError(err error) string {
	var (
		network net.Error
		address *url.Error
		badTLS  *tls.CertificateVerificationError
		badTime *time.ParseError
	)
	switch {
	case errors.As(err, &badTLS):
		return ClassTLS
	case errors.As(err, &address) && address.Timeout():
		return ClassTimeout
	case address != nil:
		return ClassNetwork
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
		return ClassFile
	case errors.As(err, &network) && network.Timeout():
		return ClassTimeout
	case network != nil:
		return ClassNetwork
	case errors.As(err, &badTime):
		return ClassMalformed // the expiry in the answer
	default:
		return ""
	}
}

// stsAnswer returns the part of an error's text that begins with the answer of the token service. A prefix comes before
// it. The text begins with the prefix or, in the default chain, with the errors of other providers.
func stsAnswer(text string) (body string, ok bool) {
	for _, prefix := range []string{"get session token failed: ", "refresh session token failed: "} {
		before, body, found := strings.Cut(text, prefix)
		if found && (before == "" || strings.HasPrefix(text, noneInChain)) {
			return body, true
		}
	}
	return "", false
}

// stsError reads the code and the request ID of an answer of the token service, if they have the expected form.
func stsError(body string) *Error {
	var (
		code      = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,63}$`)
		requestID = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
		answer    struct{ Code, RequestID string } // the decoder takes RequestId for RequestID
	)
	// A Decoder stops after the first value, so more text may follow. Fields that it read before an error count.
	_ = json.NewDecoder(strings.NewReader(body)).Decode(&answer)
	e := &Error{Class: ClassHTTP}
	if code.MatchString(answer.Code) {
		e.Class, e.Code = ClassSTS, answer.Code
	}
	if requestID.MatchString(answer.RequestID) {
		e.RequestID = answer.RequestID
	}
	return e
}

// classOfText returns the class of an error that the library turned into text.
func classOfText(text string) string {
	starts := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(text, prefix) })
	}
	holds := func(part string) bool { return strings.Contains(text, part) }
	switch {
	case starts(noneInChain):
		return ClassChain
	case starts("IMDS credentials is disabled"):
		return ClassDisabled
	case starts("get role name failed: GET ", "refresh Ecs sts token err, httpStatus"):
		return ClassHTTP
	case starts("get role name failed: ", "get metadata token failed: ", "refresh Ecs sts token err: "):
		if holds("Client.Timeout exceeded") || holds("i/o timeout") || holds("deadline exceeded") {
			return ClassTimeout
		}
		return ClassNetwork
	case starts("refresh Ecs sts token err, json", "get oidc sts token err, json", "refresh RoleArn sts token err, json"):
		return ClassMalformed
	case starts("refresh Ecs sts token err", "get oidc sts token err", "refresh RoleArn sts token err"):
		return ClassIncomplete
	default:
		return ClassOther
	}
}
