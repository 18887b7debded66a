package tair

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	apiVersion    = "2015-01-01"
	signAlgorithm = "ACS3-HMAC-SHA256"
	dateLayout    = "2006-01-02T15:04:05Z"

	// emptyBody is the SHA-256 of nothing: RPC-style requests carry everything in the query.
	emptyBody = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// attempt is what makes one request unlike every other: the API refuses a nonce it has seen and a clock that is off
// by 15 minutes.
type attempt struct {
	host   string
	action string
	query  string // canonical: see canonicalQuery
	nonce  string
	date   time.Time
}

// signed gives the headers of one attempt, signed with ACS3-HMAC-SHA256 (Alibaba Cloud, "V3 request body and
// signature mechanism"). Header names are written in lower case, as they are signed.
func signed(a attempt, c Credentials) http.Header {
	pairs := make([][2]string, 0, 8) // in the order of their names, which the algorithm asks for
	add := func(name, value string) { pairs = append(pairs, [2]string{name, value}) }
	add("host", a.host)
	if c.SecurityToken != "" {
		add("x-acs-accesskey-id", c.AccessKeyID)
	}
	add("x-acs-action", a.action)
	add("x-acs-content-sha256", emptyBody)
	add("x-acs-date", a.date.UTC().Format(dateLayout))
	if c.SecurityToken != "" {
		add("x-acs-security-token", c.SecurityToken)
	}
	add("x-acs-signature-nonce", a.nonce)
	add("x-acs-version", apiVersion)

	var canonical, names strings.Builder
	canonical.Grow(640 + len(a.query) + len(c.SecurityToken))
	canonical.WriteString("POST\n/\n" + a.query + "\n")
	header := make(http.Header, len(pairs)+3)
	for i, p := range pairs {
		canonical.WriteString(p[0] + ":" + strings.TrimSpace(p[1]) + "\n")
		if i > 0 {
			names.WriteByte(';')
		}
		names.WriteString(p[0])
		if p[0] != "host" { // net/http sends it from the URL
			header[p[0]] = []string{p[1]}
		}
	}
	canonical.WriteString("\n" + names.String() + "\n" + emptyBody)

	digest := sha256.Sum256([]byte(canonical.String()))
	mac := hmac.New(sha256.New, []byte(c.AccessKeySecret))
	mac.Write([]byte(signAlgorithm + "\n" + hex.EncodeToString(digest[:])))
	header["Authorization"] = []string{signAlgorithm + " Credential=" + c.AccessKeyID +
		",SignedHeaders=" + names.String() + ",Signature=" + hex.EncodeToString(mac.Sum(nil))}
	return header
}

// param is one parameter of a request.
type param struct{ name, value string }

// canonicalQuery gives the parameters sorted by name and escaped by RFC 3986. It is what is signed and what is sent,
// so the two cannot differ.
func canonicalQuery(params []param) string {
	slices.SortFunc(params, func(a, b param) int { return strings.Compare(a.name, b.name) })
	var b strings.Builder
	for i, p := range params {
		if i > 0 {
			b.WriteByte('&')
		}
		escapeTo(&b, p.name)
		b.WriteByte('=')
		escapeTo(&b, p.value)
	}
	return b.String()
}

// escapeTo writes s percent-encoded by RFC 3986: everything but letters, digits and "-_.~". The query escaping of
// net/url differs (space, "*" and "~").
func escapeTo(b *strings.Builder, s string) {
	const hexDigits = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == '~':
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
}
