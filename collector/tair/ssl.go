package tair

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"
)

// ActionDescribeInstanceSSL is the operation that reports the SSL state of an instance.
const ActionDescribeInstanceSSL = "DescribeInstanceSSL"

// maxText is the length in bytes at which texts of an answer are cut, because they become label values.
const maxText = 512

var errNotJSON = errors.New("the body is not the JSON of the operation")

// SSL is the SSL state of one instance.
type SSL struct {
	Supported bool // false when this kind of instance has no SSL
	Enabled   bool

	// The certificate. All fields are zero unless SSL is enabled, even when the API still returns them.
	ExpiresAt   time.Time // SSLExpiredTime; in the API's documents, when the CA certificate expires
	CommonName  string    // CertCommonName; may be ""
	DownloadURL string    // CertDownloadURL without user info, query and fragment; "" unless http or https

	UnsupportedCode string // the API's code for an instance that has no SSL; else ""
}

// DescribeInstanceSSL sends one request for the SSL state of an instance and reads its answer. It takes no context: a
// request that is sent costs quota, so it runs up to ClientConfig.Timeout and its answer is not lost.
//
// The error is an [*Error]; [Error.Transient] reports whether another attempt may succeed.
//
// Source: R-kvstore 2015-01-01, DescribeInstanceSSL.
func (p *Permit) DescribeInstanceSSL(id string) (SSL, error) {
	var ssl SSL
	failure := p.send(context.Background(), sslRequest(p.client.cfg.Region, id, &ssl))
	switch {
	case failure == nil:
		return ssl, nil
	case isUnsupported(failure):
		return SSL{UnsupportedCode: failure.Code}, nil
	default:
		return SSL{}, failure
	}
}

// sslRequest returns the request for an instance, whose answer goes into ssl.
func sslRequest(region, id string, ssl *SSL) request {
	return request{
		action: ActionDescribeInstanceSSL,
		id:     id,
		query:  canonicalQuery([]param{{"InstanceId", id}, {"RegionId", region}}),
		decode: func(body []byte) (err error) {
			*ssl, err = decodeSSL(body, id)
			return err
		},
	}
}

// sslAnswer is the part of an answer that is read.
type sslAnswer struct {
	InstanceID string `json:"InstanceId"`
	Enabled    string `json:"SSLEnabled"`
	Expires    string `json:"SSLExpiredTime"`
	CommonName string `json:"CertCommonName"`
	URL        string `json:"CertDownloadURL"`
}

// decodeSSL reads the body of a successful answer. It guesses nothing: a missing or wrong value is an error.
func decodeSSL(body []byte, id string) (SSL, error) {
	var answer sslAnswer
	if unmarshal(body, &answer) != nil {
		return SSL{}, errNotJSON
	}
	if answer.InstanceID != id {
		return SSL{}, errors.New("InstanceId is not the one asked for")
	}
	switch answer.Enabled {
	case "Disable":
		return SSL{Supported: true}, nil
	case "Enable":
	default:
		return SSL{}, errors.New("SSLEnabled is neither Enable nor Disable")
	}
	expires, err := time.Parse(time.RFC3339, answer.Expires)
	if err != nil || expires.Unix() <= 0 {
		return SSL{}, errors.New("SSL is enabled but SSLExpiredTime is missing or no date")
	}
	return SSL{
		Supported:   true,
		Enabled:     true,
		ExpiresAt:   expires,
		CommonName:  cut(answer.CommonName),
		DownloadURL: publicURL(answer.URL),
	}, nil
}

// publicURL returns a URL without the parts that may be secret (a pre-signed URL has its signature in the query), and "" for
// a URL that a browser should not follow.
func publicURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return ""
	}
	return cut((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String())
}

// cut shortens s to maxText bytes without breaking a character.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	s = s[:maxText]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}

// commonAnswer is the part of every answer that is read.
type commonAnswer struct {
	Code      string `json:"Code"`
	RequestID string `json:"RequestId"`
}

// codeAndRequestID reads the fields that every body of the API has, the code only in an error. It reads each of them even
// when the other has a wrong type.
func codeAndRequestID(body []byte) (code, requestID string, err error) {
	var answer commonAnswer
	err = unmarshal(body, &answer)
	return cleanCode(answer.Code), cleanCode(answer.RequestID), err
}

// decodeError reads an answer other than 200 OK. When the body is not the API's, the status alone determines the reason.
func decodeError(got response) *Error {
	code, requestID, err := codeAndRequestID(got.body)
	e := &Error{Reason: classify(got.status, code), Status: got.status, Code: code, RequestID: requestID}
	if err != nil {
		e.Detail = "the body is not the API's"
	}
	switch {
	case got.status >= http.StatusMultipleChoices && got.status < http.StatusBadRequest:
		e.Detail = "redirects are not followed"
	case e.Reason == ReasonUnauthorized:
		e.Detail = explainRefusal(e.Code, got.ahead)
	}
	return e
}
