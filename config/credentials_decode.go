package config

import (
	"slices"
	"time"

	"github.com/prometheus/common/model"
)

// maxSources is how many identities may stand behind each other.
const maxSources = 3

// The variables in which the cloud's Kubernetes gives a pod its identity.
const (
	envRoleARN         = "ALIBABA_CLOUD_ROLE_ARN"
	envOIDCProviderARN = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"
	envOIDCTokenFile   = "ALIBABA_CLOUD_OIDC_TOKEN_FILE"
)

// credentials reads the credentials of an account or, with depth above 0, the
// source of others. No error shows a value.
func (w *walker) credentials(v value, depth int) Credentials {
	if depth > maxSources {
		v.failf("is nested too deep, allowed: %d levels of source", maxSources)
		return Credentials{}
	}
	v.secretive = true
	entries, ok := v.mapping("a mapping with the key type")
	if !ok {
		return Credentials{}
	}
	var c Credentials
	kind, known := w.credentialsType(v, entries)
	given := w.credentialsKeys(v, entries, kind, known, &c, depth)
	if !known {
		return c
	}
	c.Type = kind.name
	w.requireKeys(v, given, kind)
	w.refuseKeyAndFile(given, kind)
	switch kind.name {
	case typeRAMRoleARN:
		w.roleIdentity(v, given, kind, &c)
	case typeOIDCRoleARN:
		w.oidcIdentity(v, given, &c)
	}
	if c.RoleSessionName == "" && slices.Contains(kind.optional, "role_session_name") {
		c.RoleSessionName = DefaultRoleSessionName
	}
	return c
}

// credentialsType finds the type among the entries.
func (w *walker) credentialsType(v value, entries []entry) (credentialsType, bool) {
	types := credentialsTypes()
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.name
	}
	i := slices.IndexFunc(entries, func(e entry) bool { return e.key == "type" && !e.empty() })
	if i < 0 {
		v.missing("type", "allowed: "+sentence(names))
		return credentialsType{}, false
	}
	at := entries[i].value
	name, ok := at.text()
	if !ok {
		return credentialsType{}, false
	}
	if i := slices.Index(names, name); i >= 0 {
		return types[i], true
	}
	hint := ""
	if near := nearest(name, names); near != "" {
		hint = "did you mean " + near + "? "
	}
	at.failf("unknown type, %sallowed: %s", hint, sentence(names))
	return credentialsType{}, false
}

// credentialsKeys reads the keys into c, refuses those the type does not take
// and returns the others.
func (w *walker) credentialsKeys(v value, entries []entry, kind credentialsType, known bool, c *Credentials, depth int) present {
	allowed := credentialKeys()
	if known {
		allowed = append([]string{"type"}, kind.keys()...)
	}
	given := present{}
	for _, e := range entries {
		switch {
		case slices.Contains(allowed, e.key):
			if !e.empty() {
				given[e.key] = e.value
				w.credentialsKey(e, c, depth)
			}
		case slices.Contains(credentialKeys(), e.key):
			w.report(e.line, v.child(e.key), "does not belong to type "+kind.name+", allowed: "+sentence(allowed))
		default:
			v.refuse(e, allowed)
		}
	}
	return given
}

// credentialsKey reads one known key into c.
func (w *walker) credentialsKey(e entry, c *Credentials, depth int) {
	const shortest, longest = model.Duration(15 * time.Minute), model.Duration(12 * time.Hour)
	v := e.value
	switch e.key {
	case "access_key_id":
		secretInto(&c.AccessKeyID)(v)
	case "access_key_secret":
		secretInto(&c.AccessKeySecret)(v)
	case "security_token":
		secretInto(&c.SecurityToken)(v)
	case "external_id":
		secretInto(&c.ExternalID)(v)
	case "access_key_id_file":
		w.secretFile(v, &c.AccessKeyIDFile)
	case "access_key_secret_file":
		w.secretFile(v, &c.AccessKeySecretFile)
	case "security_token_file":
		w.secretFile(v, &c.SecurityTokenFile)
	case "external_id_file":
		w.secretFile(v, &c.ExternalIDFile)
	case "oidc_token_file":
		w.secretFile(v, &c.OIDCTokenFile)
	case "role_arn":
		textMatching(&c.RoleARN, checkRAMARN)(v)
	case "oidc_provider_arn":
		textMatching(&c.OIDCProviderARN, checkRAMARN)(v)
	case "role_session_name":
		textMatching(&c.RoleSessionName, checkSessionName)(v)
	case "role_session_expiration":
		durationOrZero(&c.RoleSessionExpiration, shortest, longest)(v)
	case "sts_endpoint":
		textMatching(&c.STSEndpoint, checkSTSEndpoint)(v)
	case "role_name":
		textMatching(&c.RoleName, checkVisible)(v)
	case "disable_imds_v1":
		boolean(&c.DisableIMDSv1)(v)
	case "url":
		textMatching((*string)(&c.URL), checkCredentialsURL)(v)
	case "source":
		source := w.credentials(v, depth+1)
		c.Source = &source
	}
}

// secretInto reads a secret.
func secretInto(dst *Secret) func(value) { return textMatching((*string)(dst), checkVisible) }

// givenAs reports whether the key or its file is given.
func (p present) givenAs(key string) bool {
	return p.has(key) || isSecretKey(key) && p.has(key+"_file")
}

// requireKeys reports the required keys that are missing.
func (w *walker) requireKeys(v value, given present, kind credentialsType) {
	for _, key := range kind.required {
		if !given.givenAs(key) {
			v.missing(key, "type "+kind.name+" allows: "+sentence(append([]string{"type"}, kind.keys()...)))
		}
	}
}

// refuseKeyAndFile reports secrets that are given twice.
func (w *walker) refuseKeyAndFile(given present, kind credentialsType) {
	for _, key := range kind.keys() {
		if at, ok := given[key+"_file"]; ok && given.has(key) {
			at.failf("%s is given too, allowed: one of the two", key)
		}
	}
}

// roleIdentity checks who assumes the role: an access key or the source.
func (w *walker) roleIdentity(v value, given present, kind credentialsType, c *Credentials) {
	withKey := given.givenAs("access_key_id") || given.givenAs("access_key_secret") || given.givenAs("security_token")
	switch source, withSource := given["source"]; {
	case withSource && withKey:
		source.failf("an access key is given too, allowed: either source or access_key_id and access_key_secret")
	case withKey:
		kind.required = []string{"access_key_id", "access_key_secret"}
		kind.optional = append([]string{"role_arn"}, slices.DeleteFunc(slices.Clone(kind.optional), func(key string) bool {
			return slices.Contains(kind.required, key)
		})...)
		w.requireKeys(v, given, kind)
	case !withSource:
		c.Source = &Credentials{Type: typeDefault}
	}
}

// oidcIdentity checks that the identity of the pod is given in full, or takes
// it in full from the environment.
func (w *walker) oidcIdentity(v value, given present, c *Credentials) {
	keys := []string{"role_arn", "oidc_provider_arn", "oidc_token_file"}
	missing := slices.DeleteFunc(slices.Clone(keys), given.has)
	switch len(missing) {
	case 0:
	case len(keys):
		w.oidcFromEnv(v, c)
	default:
		for _, key := range missing {
			v.missing(key, "allowed: all of "+sentence(keys)+", or none to take them from the environment")
		}
	}
}

// oidcFromEnv fills in what Kubernetes gave the pod.
func (w *walker) oidcFromEnv(v value, c *Credentials) {
	var missing []string
	get := func(name string) string {
		text, _ := w.lookupEnv(name)
		if text == "" {
			missing = append(missing, name)
		}
		return text
	}
	role, provider, token := get(envRoleARN), get(envOIDCProviderARN), get(envOIDCTokenFile)
	if len(missing) > 0 {
		v.failf("role_arn, oidc_provider_arn and oidc_token_file are left out, but the environment lacks %s, give the keys or set the variables", sentence(missing))
		return
	}
	check := func(name, wrong string) {
		if wrong != "" {
			v.failf("the environment variable %s is wrong: %s", name, wrong)
		}
	}
	check(envRoleARN, checkRAMARN(role))
	check(envOIDCProviderARN, checkRAMARN(provider))
	check(envOIDCTokenFile, checkSecretFile(token))
	c.RoleARN, c.OIDCProviderARN, c.OIDCTokenFile = role, provider, token
}
