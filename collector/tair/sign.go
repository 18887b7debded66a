package tair

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tair_ssl_exporter/collector/tair/creds"
)

const (
	apiVersion    = "2015-01-01"
	signAlgorithm = "ACS3-HMAC-SHA256"
	dateLayout    = "2006-01-02T15:04:05Z"

	// emptyBody is the SHA-256 of an empty body: RPC-style requests have all parameters in the query.
	emptyBody = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// attempt holds what is signed. Nonce and date are new for each request: the API refuses a nonce that it has seen, and a
// clock that is wrong by 15 minutes.
type attempt struct {
	host   string
	action string
	query  string // canonical: see canonicalQuery
	nonce  string
	date   time.Time
}

// The names of the signed headers, in their order. Temporary credentials sign two more.
const (
	signedNames = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"
	tokenNames  = "host;x-acs-accesskey-id;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-security-token;" +
		"x-acs-signature-nonce;x-acs-version"
)

// signed returns the headers of one attempt, signed with ACS3-HMAC-SHA256 (Alibaba Cloud, "V3 request body and signature
// mechanism"). Header names are in lower case, as they are signed. The host is not among them, because net/http sets it.
func signed(a attempt, c creds.Credentials) http.Header {
	date := a.date.UTC().Format(dateLayout)
	header := http.Header{
		"x-acs-action":          {a.action},
		"x-acs-content-sha256":  {emptyBody},
		"x-acs-date":            {date},
		"x-acs-signature-nonce": {a.nonce},
		"x-acs-version":         {apiVersion},
		"Accept":                {"application/json"}, // unsigned; without it an RPC-style product may answer XML
	}
	names, keyLine, tokenLine := signedNames, "", ""
	if c.SecurityToken != "" {
		names = tokenNames
		keyLine = "x-acs-accesskey-id:" + c.AccessKeyID + "\n"
		tokenLine = "x-acs-security-token:" + c.SecurityToken + "\n"
		header["x-acs-accesskey-id"] = []string{c.AccessKeyID}
		header["x-acs-security-token"] = []string{c.SecurityToken}
	}
	canonical := sha256.Sum256([]byte("POST\n/\n" + a.query + "\n" +
		"host:" + a.host + "\n" +
		keyLine +
		"x-acs-action:" + a.action + "\n" +
		"x-acs-content-sha256:" + emptyBody + "\n" +
		"x-acs-date:" + date + "\n" +
		tokenLine +
		"x-acs-signature-nonce:" + a.nonce + "\n" +
		"x-acs-version:" + apiVersion + "\n" +
		"\n" + names + "\n" + emptyBody))
	mac := hmac.New(sha256.New, []byte(c.AccessKeySecret))
	mac.Write([]byte(signAlgorithm + "\n" + hex.EncodeToString(canonical[:])))
	header["Authorization"] = []string{signAlgorithm + " Credential=" + c.AccessKeyID + ",SignedHeaders=" + names +
		",Signature=" + hex.EncodeToString(mac.Sum(nil))}
	return header
}

// param is one parameter of a request.
type param struct{ name, value string }

// canonicalQuery returns the parameters as a query, sorted by name and escaped by RFC 3986. The same text is signed and
// sent.
func canonicalQuery(params []param) string {
	slices.SortFunc(params, func(a, b param) int { return strings.Compare(a.name, b.name) })
	var b strings.Builder
	for i, p := range params {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(escape(p.name))
		b.WriteByte('=')
		b.WriteString(escape(p.value))
	}
	return b.String()
}

// escape returns s percent-encoded by RFC 3986. The query escaping of net/url differs in the space alone.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
