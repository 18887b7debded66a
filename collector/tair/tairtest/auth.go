package tairtest

import (
	"crypto/hmac"
	"net/http"
	"slices"
	"time"
)

const (
	// clockSkew is how far x-acs-date may be from the API's clock, in either direction.
	clockSkew = 15 * time.Minute
	// timeFormat is the form of every time in the API, always in UTC.
	timeFormat = "2006-01-02T15:04:05Z"
)

// call is a request whose signature was accepted.
type call struct {
	account string
	action  string
	region  string // RegionId or, without one, the region of the instance
	host    string // where the request was sent to
	params  map[string]string
}

// authenticate checks what every operation wants of a request, in the order in which a client would want to hear of it:
// the form, the key, the date, the signature, the nonce.
func (a *API) authenticate(r *http.Request, body []byte) (call, *APIError) {
	if r.Method != http.MethodPost {
		return call{}, &APIError{Status: 405, Code: "UnsupportedHTTPMethod", Message: "This HTTP method is not supported."}
	}
	if r.URL.EscapedPath() != "/" {
		return call{}, &APIError{Status: 404, Code: "InvalidAction.NotFound", Message: "Operations are called at the path /."}
	}
	params, apiErr := parseQuery(r.URL.RawQuery)
	if apiErr != nil {
		return call{}, apiErr
	}
	if len(r.Header.Values("Authorization")) != 1 {
		return call{}, incompleteSignature("One Authorization header is required.")
	}
	auth, apiErr := parseAuthorization(r.Header.Get("Authorization"))
	if apiErr != nil {
		return call{}, apiErr
	}
	if apiErr := checkSignedHeaders(r, auth.signedHeaders); apiErr != nil {
		return call{}, apiErr
	}

	now := a.now()
	a.mu.Lock()
	key, known := a.keys[auth.accessKeyID]
	a.mu.Unlock()
	if !known {
		return call{}, unauthorized(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
	}
	if apiErr := checkToken(r, key); apiErr != nil {
		return call{}, apiErr
	}
	if apiErr := checkDate(r.Header.Get("x-acs-date"), a.clock()); apiErr != nil {
		return call{}, apiErr
	}
	bodyHash := hashHex(body)
	if r.Header.Get("x-acs-content-sha256") != bodyHash {
		return call{}, unauthorized(400, "SignatureDoesNotMatch", "The header x-acs-content-sha256 is not the hash of the body.")
	}
	want := sign(key.AccessKeySecret, r, params, auth.signedHeaders, bodyHash)
	if !hmac.Equal([]byte(want), []byte(auth.signature)) {
		return call{}, unauthorized(400, "SignatureDoesNotMatch", "The request signature does not conform to Alibaba Cloud standards.")
	}

	a.mu.Lock()
	defer a.mu.Unlock()
	// Only now, so that nobody without the secret can use up a nonce.
	if !a.nonces.use(r.Header.Get("x-acs-signature-nonce"), now) {
		return call{}, unauthorized(400, "SignatureNonceUsed", "The request signature nonce has been used.")
	}
	return call{
		account: key.Account,
		action:  r.Header.Get("x-acs-action"),
		region:  a.regionOf(params["RegionId"], params["InstanceId"]),
		host:    r.Host,
		params:  params,
	}, nil
}

// checkToken holds temporary keys to their token and permanent ones to having none.
func checkToken(r *http.Request, key Key) *APIError {
	tokens := r.Header.Values("x-acs-security-token")
	switch {
	case len(tokens) == 0 && key.SecurityToken == "":
	case len(tokens) == 0 || tokens[0] == "":
		return unauthorized(400, "InvalidSecurityToken.Malformed", "The security token of this access key is missing or malformed.")
	case !hmac.Equal([]byte(tokens[0]), []byte(key.SecurityToken)):
		return unauthorized(400, "InvalidSecurityToken.MismatchWithAccessKey", "The security token does not belong to this access key.")
	}
	if ids := r.Header.Values("x-acs-accesskey-id"); len(ids) > 0 && !slices.Equal(ids, []string{key.AccessKeyID}) {
		return incompleteSignature("The header x-acs-accesskey-id is not the Credential of the Authorization header.")
	}
	return nil
}

func checkDate(text string, now time.Time) *APIError {
	date, err := time.Parse(timeFormat, text)
	// Parse takes fractions of a second that the layout does not have; the API does not.
	if err != nil || date.Format(timeFormat) != text {
		return unauthorized(400, "InvalidTimeStamp.Format", "The header x-acs-date must have the form "+timeFormat+".")
	}
	if now.Sub(date).Abs() > clockSkew {
		return unauthorized(400, "InvalidTimeStamp.Expired", "The header x-acs-date is too far from the time of the server.")
	}
	return nil
}

// regionOf is the region a request belongs to. API.mu must be held.
func (a *API) regionOf(regionID, instanceID string) string {
	if regionID != "" {
		return regionID
	}
	return a.instances[instanceID].Region
}
