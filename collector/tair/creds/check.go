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

// The messages for values that are not allowed.
const (
	wrongText     = "has white space or unprintable characters, allowed: visible ASCII characters"
	wrongARN      = "is not an ARN of RAM, allowed: one that begins with acs:ram::"
	wrongName     = "is not a session name, allowed: 2 to 64 letters, digits and any of . @ - _"
	wrongDuration = "is out of range, allowed: 15m to 12h"
	wrongEndpoint = "is not an endpoint, allowed: host or host:port, without http(s)://, such as sts.cn-hangzhou.aliyuncs.com"
	wrongURL      = "is not a URL, allowed: http://... or https://..."
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

// Validate returns every problem of c and its sources. A missing field is a problem, because the library takes it from
// the environment and so reads one account as another.
func (c Config) Validate() []Problem { return c.validate(0) }

func (c Config) validate(depth int) []Problem {
	required, optional, known := c.keys()
	if !known {
		wrong, names := "is not a type of credentials", []string{}
		if c.Type == "" {
			wrong = "is missing"
		}
		for _, t := range Types() {
			names = append(names, t.Name)
		}
		return []Problem{{"type", wrong + ", allowed: " + strings.Join(names, ", ")}}
	}
	var problems []Problem
	report := func(key, message string) { problems = append(problems, Problem{key, message}) }
	for _, f := range c.fields() {
		inFile := f.file != ""
		switch {
		case !f.set && !inFile && slices.Contains(required, f.key):
			report(f.key, "is missing, type "+c.Type+" needs: "+strings.Join(required, ", "))
		case !f.set && !inFile:
		case f.key == "source" && c.Type == TypeRAMRoleARN && c.hasAccessKey():
			report(f.key, "cannot be combined with an access key, allowed: one of the two")
		case !slices.Contains(required, f.key) && !slices.Contains(optional, f.key):
			key := f.key
			if !f.set {
				key += "_file"
			}
			report(key, "does not belong to type "+c.Type+", allowed: "+strings.Join(slices.Concat([]string{"type"}, required, optional), ", "))
		case f.set && inFile:
			report(f.key+"_file", "cannot be combined with "+f.key+", allowed: one of the two")
		case f.set && !f.valid:
			report(f.key, f.wrong)
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

// TypeKeys holds the keys that a type of credentials requires and allows, separated by spaces. The key of a secret stands
// for the key of its file too.
type TypeKeys struct{ Name, Required, Optional string }

// Types returns the types of credentials. With TypeRAMRoleARN, an access key may take the place of the source.
func Types() []TypeKeys {
	return []TypeKeys{
		{TypeDefault, "", ""},
		{TypeAccessKey, "access_key_id access_key_secret", ""},
		{TypeSTS, "access_key_id access_key_secret security_token", ""},
		{TypeRAMRoleARN, "role_arn", "role_session_name role_session_expiration external_id sts_endpoint source"},
		{TypeECSRAMRole, "role_name", "disable_imds_v1"},
		{TypeOIDCRoleARN, "role_arn oidc_provider_arn oidc_token_file", "role_session_name sts_endpoint"},
		{TypeCredentialsURI, "url", ""},
	}
}

// keys returns the keys that c requires and allows, and whether its type is known.
func (c Config) keys() (required, optional []string, known bool) {
	for _, t := range Types() {
		if t.Name == c.Type {
			required, optional, known = strings.Fields(t.Required), strings.Fields(t.Optional), true
		}
	}
	if c.Type == TypeRAMRoleARN && c.hasAccessKey() {
		required = append(required, "access_key_id", "access_key_secret")
		optional = append(optional, "security_token")
	}
	return required, optional, known
}

// field is a field of a Config.
type field struct {
	key   string
	set   bool   // the field has a value
	file  string // the path of the file that holds the value instead; for secrets only
	valid bool   // the value is allowed; without a value it means nothing
	wrong string // the message for a value that is not allowed
}

func (c Config) fields() []field {
	secret := func(key string, s Secret, file string) field {
		return field{key, s != "", file, visible(string(s)), wrongText}
	}
	duration := c.RoleSessionExpiration
	return []field{
		secret("access_key_id", c.AccessKeyID, c.AccessKeyIDFile),
		secret("access_key_secret", c.AccessKeySecret, c.AccessKeySecretFile),
		secret("security_token", c.SecurityToken, c.SecurityTokenFile),
		{"role_arn", c.RoleARN != "", "", isRAMARN(string(c.RoleARN)), wrongARN},
		{"role_session_name", c.RoleSessionName != "", "", sessionNameForm.MatchString(c.RoleSessionName), wrongName},
		{"role_session_expiration", duration != 0, "", duration >= minRoleSession && duration <= maxRoleSession, wrongDuration},
		secret("external_id", c.ExternalID, c.ExternalIDFile),
		{"sts_endpoint", c.STSEndpoint != "", "", IsHostPort(c.STSEndpoint), wrongEndpoint},
		{"oidc_provider_arn", c.OIDCProviderARN != "", "", isRAMARN(string(c.OIDCProviderARN)), wrongARN},
		{"oidc_token_file", c.OIDCTokenFile != "", "", true, ""},
		{"role_name", c.RoleName != "", "", visible(c.RoleName), wrongText},
		{"disable_imds_v1", c.DisableIMDSv1, "", true, ""},
		{"url", c.URL != "", "", isHTTPURL(string(c.URL)), wrongURL},
		{"source", c.Source != nil, "", true, ""},
	}
}

// visible reports whether s has visible ASCII characters only, so that a header or a URL can hold it.
func visible(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func isRAMARN(s string) bool {
	name, ok := strings.CutPrefix(s, "acs:ram::")
	return ok && name != "" && visible(name)
}

func isHTTPURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && visible(s)
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
