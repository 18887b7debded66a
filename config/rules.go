package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
)

var (
	regionForm      = regexp.MustCompile(`^[a-z]{2}(-[a-z0-9]+)+$`)
	instanceIDForm  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
	sessionNameForm = regexp.MustCompile(`^[A-Za-z0-9.@_-]{2,64}$`)
	hostForm        = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*$`)
)

// Every rule returns "" or what is wrong and what is allowed. Rules about keys
// that may hold a secret do not show the text.

func checkRegion(s string) string {
	if regionForm.MatchString(s) {
		return ""
	}
	return quote(s) + " is not a region ID, allowed: one such as cn-hangzhou or us-east-1"
}

func checkInstanceID(s string) string {
	if instanceIDForm.MatchString(s) {
		return ""
	}
	return quote(s) + " is not an instance ID, allowed: 1 to 128 letters, digits, '-' and '_', such as r-bp1zxszhcgatnx"
}

func checkNetwork(s string) string {
	if s == NetworkPublic || s == NetworkVPC {
		return ""
	}
	return quote(s) + " is not a network, allowed: " + NetworkPublic + ", " + NetworkVPC
}

// checkEndpoint allows an empty text too, which is the default.
func checkEndpoint(s string) string {
	rest := s
	for _, scheme := range []string{"http://", "https://"} {
		if after, ok := strings.CutPrefix(s, scheme); ok {
			rest = after
		}
	}
	if s == "" || isHostPort(rest) {
		return ""
	}
	return "is not an endpoint, allowed: host, host:port or http(s)://host:port, without user, path or query, port 1 to 65535"
}

func checkSTSEndpoint(s string) string {
	if isHostPort(s) {
		return ""
	}
	return "is not an endpoint, allowed: host or host:port, without http(s)://, such as sts.cn-hangzhou.aliyuncs.com"
}

// isHostPort reports whether s is host or host:port; an IPv6 address stands in brackets.
func isHostPort(s string) bool {
	host, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		host, port = s[:i], s[i+1:]
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return false
		}
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return err == nil && addr.Is6() && addr.Zone() == "" && strings.HasSuffix(inner, "]")
	}
	return len(host) <= 253 && hostForm.MatchString(host)
}

// checkLabelName allows what every series of the info metric can carry.
func checkLabelName(s string) string {
	switch s {
	case "instance_id", "account", "region", "name":
		return quote(s) + " is a label of the exporter itself, allowed: any other label name"
	}
	if !model.LegacyValidation.IsValidLabelName(s) || strings.HasPrefix(s, "__") {
		return quote(s) + " is not a label name, allowed: letters, digits and '_', beginning with a letter or one '_'"
	}
	return ""
}

// checkVisible allows what can go into a header or a URL. It never repeats the text: that may be a secret.
func checkVisible(s string) string {
	switch {
	case s == "":
		return "is empty, give a text or leave the key out"
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "has white space or unprintable characters, allowed: visible ASCII characters"
	}
	return ""
}

func checkRAMARN(s string) string {
	const prefix = "acs:ram::"
	if strings.HasPrefix(s, prefix) && len(s) > len(prefix) && checkVisible(s) == "" {
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

func checkCredentialsURL(s string) string {
	u, err := url.Parse(s)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && checkVisible(s) == "" {
		return ""
	}
	return "is not a URL, allowed: http://... or https://..."
}
