package tairtest

import (
	"cmp"
	"crypto/hmac"
	"net/http"
	"slices"
	"time"
)

const (
	// clockSkew is the largest difference between x-acs-date and the API's clock, in either direction.
	clockSkew = 15 * time.Minute
	// timeFormat is the layout of every time in the API, always in UTC.
	timeFormat = "2006-01-02T15:04:05Z"
)

// call is a request with a valid signature.
type call struct {
	account string
	action  string
	region  string // see regionOf
	host    string
	params  map[string]string
}

// authenticate checks the method, the path, the key, the date, the signature and the nonce, in this order.
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
	// The nonce comes last: a request with a wrong signature must not use it up.
	if !a.nonces.use(r.Header.Get("x-acs-signature-nonce"), now) {
		return call{}, unauthorized(400, "SignatureNonceUsed", "The request signature nonce has been used.")
	}
	return call{
		account: key.Account,
		action:  r.Header.Get("x-acs-action"),
		region:  a.regionOf(cmp.Or(params["RegionId"], params["Region"]), params["InstanceId"]),
		host:    r.Host,
		params:  params,
	}, nil
}

// checkToken requires the token of a temporary key, and no token with a permanent key.
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
	// Parse accepts fractions of a second; the API does not.
	if err != nil || date.Format(timeFormat) != text {
		return unauthorized(400, "InvalidTimeStamp.Format", "The header x-acs-date must have the form "+timeFormat+".")
	}
	if now.Sub(date).Abs() > clockSkew {
		return unauthorized(400, "InvalidTimeStamp.Expired", "The header x-acs-date is too far from the time of the server.")
	}
	return nil
}

// regionOf returns the region of a request: its RegionId or Region, else the region of its instance. The caller holds
// API.mu.
func (a *API) regionOf(regionID, instanceID string) string {
	if regionID != "" {
		return regionID
	}
	return a.instances[instanceID].Region
}
