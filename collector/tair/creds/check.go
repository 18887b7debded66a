package creds

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

const (
	minRoleSession = model.Duration(15 * time.Minute)
	maxRoleSession = model.Duration(12 * time.Hour)
	maxSources     = 3 // levels of Source
)

var (
	sessionNameForm = regexp.MustCompile(`^[A-Za-z0-9.@_-]{2,64}$`)
	hostForm        = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*$`)
)

// Problem is one error in a Config.
type Problem struct {
	Key     string // the key as in the configuration file, such as source.role_arn
	Message string // what is wrong and what is allowed; it shows no value
}

// Validate returns every problem of c and its sources. A missing field is one: the library would replace it by a
// variable of the environment, and read one account as another.
func (c Config) Validate() []Problem { return c.validate(0) }

func (c Config) validate(depth int) []Problem {
	required, optional, known := c.keys()
	switch {
	case c.Type == "":
		return []Problem{{"type", "is missing, allowed: " + strings.Join(types(), ", ")}}
	case !known:
		return []Problem{{"type", "is not a type of credentials, allowed: " + strings.Join(types(), ", ")}}
	}
	var problems []Problem
	report := func(key, message string) { problems = append(problems, Problem{key, message}) }
	for _, f := range c.fields() {
		set := f.text != "" || f.file != ""
		switch {
		case !set && slices.Contains(required, f.key):
			report(f.key, "is missing, type "+c.Type+" needs: "+strings.Join(required, ", "))
		case !set:
		case f.key == "source" && c.Type == TypeRAMRoleARN && c.hasAccessKey():
			report(f.key, "cannot be combined with an access key, allowed: one of the two")
		case !slices.Contains(required, f.key) && !slices.Contains(optional, f.key):
			report(f.name(), "does not belong to type "+c.Type+", allowed: "+strings.Join(slices.Concat([]string{"type"}, required, optional), ", "))
		case f.text != "" && f.file != "":
			report(f.key+"_file", "cannot be combined with "+f.key+", allowed: one of the two")
		case f.text != "" && f.check != nil:
			if wrong := f.check(f.text); wrong != "" {
				report(f.key, wrong)
			}
		}
	}
	switch {
	case c.Source == nil:
	case depth == maxSources:
		report("source", "is nested too deep, allowed: "+strconv.Itoa(maxSources)+" levels of source")
	default:
		for _, p := range c.Source.validate(depth + 1) {
			report("source."+p.Key, p.Message)
		}
	}
	return problems
}

func types() []string {
	return []string{
		TypeDefault, TypeAccessKey, TypeSTS, TypeRAMRoleARN, TypeECSRAMRole, TypeOIDCRoleARN, TypeCredentialsURI,
	}
}

// keys returns the keys that the type of c requires and allows. A secret may also be set by its file.
func (c Config) keys() (required, optional []string, known bool) {
	switch c.Type {
	case TypeDefault:
	case TypeAccessKey:
		required = []string{"access_key_id", "access_key_secret"}
	case TypeSTS:
		required = []string{"access_key_id", "access_key_secret", "security_token"}
	case TypeRAMRoleARN:
		required = []string{"role_arn"}
		optional = []string{"role_session_name", "role_session_expiration", "external_id", "sts_endpoint", "source"}
		if c.hasAccessKey() {
			required = append(required, "access_key_id", "access_key_secret")
			optional = append(optional, "security_token")
		}
	case TypeECSRAMRole:
		required, optional = []string{"role_name"}, []string{"disable_imds_v1"}
	case TypeOIDCRoleARN:
		required = []string{"role_arn", "oidc_provider_arn", "oidc_token_file"}
		optional = []string{"role_session_name", "sts_endpoint"}
	case TypeCredentialsURI:
		required = []string{"url"}
	default:
		return nil, nil, false
	}
	return required, optional, true
}

// field is a field of a Config. Text is "" when it is not set.
type field struct {
	key, text string
	file      string                   // of a secret
	check     func(text string) string // what is wrong with text, or ""; nil: nothing can be
}

// name returns the key that is set.
func (f field) name() string {
	if f.text == "" {
		return f.key + "_file"
	}
	return f.key
}

func (c Config) fields() []field {
	secret := func(key string, s Secret, file string) field { return field{key, string(s), file, checkVisible} }
	text := func(key, s string, check func(string) string) field { return field{key: key, text: s, check: check} }
	flag := func(key string, set bool, check func(string) string) field {
		return field{key: key, text: map[bool]string{true: "set"}[set], check: check}
	}
	return []field{
		secret("access_key_id", c.AccessKeyID, c.AccessKeyIDFile),
		secret("access_key_secret", c.AccessKeySecret, c.AccessKeySecretFile),
		secret("security_token", c.SecurityToken, c.SecurityTokenFile),
		text("role_arn", c.RoleARN, checkRAMARN),
		text("role_session_name", c.RoleSessionName, checkSessionName),
		flag("role_session_expiration", c.RoleSessionExpiration != 0, func(string) string {
			if d := c.RoleSessionExpiration; d >= minRoleSession && d <= maxRoleSession {
				return ""
			}
			return "is out of range, allowed: " + minRoleSession.String() + " to " + maxRoleSession.String()
		}),
		secret("external_id", c.ExternalID, c.ExternalIDFile),
		text("sts_endpoint", c.STSEndpoint, checkSTSEndpoint),
		text("oidc_provider_arn", c.OIDCProviderARN, checkRAMARN),
		text("oidc_token_file", c.OIDCTokenFile, nil),
		text("role_name", c.RoleName, checkVisible),
		flag("disable_imds_v1", c.DisableIMDSv1, nil),
		text("url", string(c.URL), checkURL),
		flag("source", c.Source != nil, nil),
	}
}

// checkVisible allows what can be sent in a header or a URL.
func checkVisible(s string) string {
	if visible(s) {
		return ""
	}
	return "has white space or unprintable characters, allowed: visible ASCII characters"
}

func checkRAMARN(s string) string {
	const prefix = "acs:ram::"
	if strings.HasPrefix(s, prefix) && s != prefix && visible(s) {
		return ""
	}
	return "is not an ARN of RAM, allowed: one that begins with " + prefix
}

func checkSessionName(s string) string {
	if sessionNameForm.MatchString(s) {
		return ""
	}
	return "is not a session name, allowed: 2 to 64 letters, digits and any of . @ - _"
}

func checkSTSEndpoint(s string) string {
	if IsHostPort(s) {
		return ""
	}
	return "is not an endpoint, allowed: host or host:port, without http(s)://, such as sts.cn-hangzhou.aliyuncs.com"
}

func checkURL(s string) string {
	u, err := url.Parse(s)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && visible(s) {
		return ""
	}
	return "is not a URL, allowed: http://... or https://..."
}

// visible reports whether s has visible ASCII characters only.
func visible(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// IsHostPort reports whether s is host or host:port, with a port from 1 to 65535. An IPv6 address is in brackets.
func IsHostPort(s string) bool {
	host := s
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		host = s[:i]
		if port, err := strconv.ParseUint(s[i+1:], 10, 16); err != nil || port == 0 {
			return false
		}
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return err == nil && addr.Is6() && addr.Zone() == "" && strings.HasSuffix(inner, "]")
	}
	return len(host) <= 253 && hostForm.MatchString(host)
}
