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
	classSTS        = "sts"        // the token service refused; Code is the reason
	classHTTP       = "http"       // an HTTP answer other than success
	classTimeout    = "timeout"    // no answer in time
	classTLS        = "tls"        // the certificate of the token service or of the URL is not trusted
	classNetwork    = "network"    // no connection, or a broken one
	classFile       = "file"       // a file cannot be read
	classIncomplete = "incomplete" // an answer or a file in which something is missing
	classMalformed  = "malformed"  // an answer or a file in the wrong form
	classDisabled   = "disabled"   // the environment disables the ECS metadata service, or a CLI profile runs a process
	classChain      = "chain"      // no provider of the default chain has any
	classPanic      = "panic"      // the library panicked over an answer
	classOther      = "other"
)

// Error is the reason why no credentials could be obtained. It does not wrap the library's error and holds only harmless
// parts of it: the rest may be answers, keys, signed URLs and local paths.
type Error struct {
	Type      string // Config.Type
	Class     string // sts, http, timeout, tls, network, file, incomplete, malformed, disabled, chain, panic or other
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
	if e.Class == classChain {
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
		return classTLS
	case errors.As(err, &address) && address.Timeout():
		return classTimeout
	case address != nil:
		return classNetwork
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
		return classFile
	case errors.As(err, &network) && network.Timeout():
		return classTimeout
	case network != nil:
		return classNetwork
	case errors.As(err, &badTime):
		return classMalformed // the expiry in the answer
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
	e := &Error{Class: classHTTP}
	if code.MatchString(answer.Code) {
		e.Class, e.Code = classSTS, answer.Code
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
		return classChain
	case starts("IMDS credentials is disabled"):
		return classDisabled
	case starts("get role name failed: GET ", "refresh Ecs sts token err, httpStatus"):
		return classHTTP
	case starts("get role name failed: ", "get metadata token failed: ", "refresh Ecs sts token err: "):
		if holds("Client.Timeout exceeded") || holds("i/o timeout") || holds("deadline exceeded") {
			return classTimeout
		}
		return classNetwork
	case starts("refresh Ecs sts token err, json", "get oidc sts token err, json", "refresh RoleArn sts token err, json"):
		return classMalformed
	case starts("refresh Ecs sts token err", "get oidc sts token err", "refresh RoleArn sts token err"):
		return classIncomplete
	default:
		return classOther
	}
}
