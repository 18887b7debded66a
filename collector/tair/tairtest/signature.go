package tairtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// algorithm is the signature algorithm, version 3 of Alibaba Cloud's request signing.
const algorithm = "ACS3-HMAC-SHA256"

// authorization is a parsed Authorization header:
// ACS3-HMAC-SHA256 Credential=<id>,SignedHeaders=<names>,Signature=<hex>.
type authorization struct {
	accessKeyID   string
	signedHeaders []string // lower case, sorted, each once
	signature     string   // lower-case hex
}

func parseAuthorization(header string) (authorization, *APIError) {
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return authorization{}, incompleteSignature("The Authorization header must start with " + algorithm + ".")
	}
	parts := strings.Split(rest, ",")
	prefixes := [...]string{"Credential=", "SignedHeaders=", "Signature="}
	if len(parts) != len(prefixes) {
		return authorization{}, incompleteSignature("The Authorization header must have Credential, SignedHeaders and Signature.")
	}
	for i, prefix := range prefixes {
		value, ok := strings.CutPrefix(parts[i], prefix)
		if !ok || value == "" {
			return authorization{}, incompleteSignature("The Authorization header must have Credential, SignedHeaders and Signature.")
		}
		parts[i] = value
	}
	auth := authorization{accessKeyID: parts[0], signedHeaders: strings.Split(parts[1], ";"), signature: parts[2]}
	for i, name := range auth.signedHeaders {
		if name == "" || name != strings.ToLower(name) || i > 0 && auth.signedHeaders[i-1] >= name {
			return authorization{}, incompleteSignature("SignedHeaders must be lower case, sorted and without repetition.")
		}
	}
	return auth, nil
}

// checkSignedHeaders checks that all required headers are sent and signed.
func checkSignedHeaders(r *http.Request, signed []string) *APIError {
	required := [...]string{"x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}
	for _, name := range required {
		if r.Header.Get(name) == "" {
			return incompleteSignature("The header " + name + " is missing.")
		}
	}
	isSigned := func(name string) bool { return slices.Contains(signed, name) }
	if !isSigned("host") {
		return incompleteSignature("The header host is not signed.")
	}
	for name, values := range r.Header {
		name = strings.ToLower(name)
		required := name == "content-type" || strings.HasPrefix(name, "x-acs-")
		if required && !isSigned(name) {
			return incompleteSignature("A header content-type or x-acs-* is not signed.")
		}
		if isSigned(name) && len(values) != 1 {
			return incompleteSignature("A signed header is sent more than once.")
		}
	}
	for _, name := range signed {
		if name != "host" && r.Header.Values(name) == nil {
			return incompleteSignature("A signed header is not sent.")
		}
	}
	return nil
}

// parseQuery decodes the parameters. It refuses a repeated parameter, because its value would be ambiguous.
func parseQuery(raw string) (map[string]string, *APIError) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, invalidParameter("The query is malformed.")
	}
	params := make(map[string]string, len(values))
	for name, list := range values {
		if len(list) != 1 {
			return nil, invalidParameter("A parameter is sent more than once.")
		}
		params[name] = list[0]
	}
	return params, nil
}

// sign returns the signature that the request should have, in lower-case hex.
func sign(secret string, r *http.Request, params map[string]string, signed []string, bodyHash string) string {
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names)
	pairs := make([]string, len(names))
	for i, name := range names {
		pairs[i] = escape(name) + "=" + escape(params[name])
	}

	var canonical strings.Builder
	canonical.WriteString(r.Method + "\n" + r.URL.EscapedPath() + "\n" + strings.Join(pairs, "&") + "\n")
	for _, name := range signed {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		canonical.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	canonical.WriteString("\n" + strings.Join(signed, ";") + "\n" + bodyHash)

	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(algorithm + "\n" + hashHex([]byte(canonical.String()))))
	return hex.EncodeToString(mac.Sum(nil))
}

// escape percent-encodes by RFC 3986: all bytes but letters, digits and "-._~".
func escape(text string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}

func hashHex(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
