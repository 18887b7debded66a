package tair

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"
)

// ActionDescribeInstanceSSL is the operation that reports the SSL state of an instance.
const ActionDescribeInstanceSSL = "DescribeInstanceSSL"

// maxText is the length in bytes at which texts of an answer are cut: they become label values.
const maxText = 512

var errNotJSON = errors.New("the body is not the JSON of the operation")

// SSL is the SSL state of one instance.
type SSL struct {
	Supported bool // false: the API says that this kind of instance has no SSL; everything else is zero then
	Enabled   bool

	// The certificate; all zero unless SSL is enabled, whatever the API still prints.
	ExpiresAt   time.Time // SSLExpiredTime; the API documents it as when the CA certificate expires
	CommonName  string    // CertCommonName; may be ""
	DownloadURL string    // CertDownloadURL without user info, query and fragment; "" unless http or https
}

// DescribeInstanceSSL sends one request for the SSL state of an instance and reads its answer. It depends on no context:
// a request that is sent costs quota, so it runs to the timeout of an attempt and its answer is not lost.
//
// The error is an [*Error]; [Error.Retryable] reports whether another permit may help.
//
// Source: R-kvstore 2015-01-01, DescribeInstanceSSL.
func (p *Permit) DescribeInstanceSSL(id string) (SSL, error) {
	var ssl SSL
	failure := p.send(context.Background(), sslRequest(p.client.cfg.Region, id, &ssl))
	switch {
	case failure == nil:
		return ssl, nil
	case saysUnsupported(failure):
		return SSL{}, nil
	default:
		return SSL{}, failure
	}
}

// sslRequest returns the request for an instance, whose answer goes into ssl.
func sslRequest(region, id string, ssl *SSL) request {
	return request{
		action: ActionDescribeInstanceSSL,
		query:  canonicalQuery([]param{{"InstanceId", id}, {"RegionId", region}}),
		decode: func(body []byte) (requestID string, err error) {
			*ssl, requestID, err = decodeSSL(body, id)
			return requestID, err
		},
	}
}

// decodeSSL reads the body of a successful answer. Nothing is guessed: what does not make sense is an error.
func decodeSSL(body []byte, id string) (ssl SSL, requestID string, err error) {
	var answer struct {
		InstanceID string `json:"InstanceId"`
		RequestID  string `json:"RequestId"`
		Enabled    string `json:"SSLEnabled"`
		Expires    string `json:"SSLExpiredTime"`
		CommonName string `json:"CertCommonName"`
		URL        string `json:"CertDownloadURL"`
	}
	err = json.Unmarshal(body, &answer)
	requestID = cleanCode(answer.RequestID) // it is read even when another field has a foreign type
	if err != nil {
		return SSL{}, requestID, errNotJSON
	}
	if answer.InstanceID != id {
		return SSL{}, requestID, errors.New("InstanceId is not the one asked for")
	}
	switch answer.Enabled {
	case "Disable":
		return SSL{Supported: true}, requestID, nil
	case "Enable":
	default:
		return SSL{}, requestID, errors.New("SSLEnabled is neither Enable nor Disable")
	}
	expires, err := time.Parse(time.RFC3339, answer.Expires)
	if err != nil || expires.Unix() <= 0 {
		return SSL{}, requestID, errors.New("SSL is enabled but SSLExpiredTime is missing or no date")
	}
	return SSL{
		Supported:   true,
		Enabled:     true,
		ExpiresAt:   expires,
		CommonName:  cut(answer.CommonName),
		DownloadURL: publicURL(answer.URL),
	}, requestID, nil
}

// publicURL drops what may be secret in a URL (a pre-signed URL carries its signature in the query), and the whole of
// one that a browser should not follow.
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

// decodeError reads an answer other than 200 OK. A body that is not the API's leaves code and request ID empty: the
// status still tells enough.
func decodeError(got response) *Error {
	var answer struct {
		Code      string `json:"Code"`
		RequestID string `json:"RequestId"`
	}
	e := &Error{Status: got.status}
	if json.Unmarshal(got.body, &answer) != nil {
		e.Detail = "the body is not the API's"
	}
	e.Code, e.RequestID = cleanCode(answer.Code), cleanCode(answer.RequestID)
	e.Reason = classify(got.status, e.Code)
	switch {
	case got.status >= http.StatusMultipleChoices && got.status < http.StatusBadRequest:
		e.Detail = "redirects are not followed"
	case e.Reason == ReasonUnauthorized:
		e.Detail = explainRefusal(e.Code, got.ahead)
	}
	return e
}
