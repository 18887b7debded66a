package creds

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	minRoleSession = 15 * time.Minute
	maxRoleSession = 12 * time.Hour
	maxSources     = 4 // sources of sources
)

// field is a field of Config as the configuration file names it.
type field struct {
	name  string
	given bool
}

// check refuses what the library would replace by the environment of the process: with a field missing,
// one account would silently be read as another.
func check(cfg Config, depth int) error {
	required, optional, err := fieldsOf(cfg)
	if err != nil {
		return err
	}
	var missing, foreign []string
	for _, f := range givenFields(cfg) {
		switch {
		case !f.given && slices.Contains(required, f.name):
			missing = append(missing, f.name)
		case f.given && !slices.Contains(required, f.name) && !slices.Contains(optional, f.name):
			foreign = append(foreign, f.name)
		}
	}
	switch {
	case missing != nil:
		return fmt.Errorf("credentials of type %s: missing: %s", cfg.Type, strings.Join(missing, ", "))
	case foreign != nil:
		return fmt.Errorf("credentials of type %s: not allowed here: %s", cfg.Type, strings.Join(foreign, ", "))
	}
	if err := checkValues(cfg); err != nil {
		return fmt.Errorf("credentials of type %s: %w", cfg.Type, err)
	}
	if cfg.Source == nil {
		return nil
	}
	if depth == maxSources {
		return fmt.Errorf("credentials of type %s: more than %d sources of sources", cfg.Type, maxSources)
	}
	if err := check(*cfg.Source, depth+1); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	return nil
}

// fieldsOf gives the names of the fields that cfg's type must and may have.
func fieldsOf(cfg Config) (required, optional []string, err error) {
	switch cfg.Type {
	case TypeDefault:
		return nil, nil, nil
	case TypeAccessKey:
		return []string{"access_key_id", "access_key_secret"}, nil, nil
	case TypeSTS:
		return []string{"access_key_id", "access_key_secret", "security_token"}, nil, nil
	case TypeRAMRoleARN:
		required = []string{"role_arn"}
		optional = []string{"role_session_name", "role_session_expiration", "external_id", "sts_endpoint"}
		if cfg.hasKeys() {
			return append(required, "access_key_id", "access_key_secret"), append(optional, "security_token"), nil
		}
		return required, append(optional, "source"), nil
	case TypeECSRAMRole:
		return []string{"role_name"}, []string{"disable_imds_v1"}, nil
	case TypeOIDCRoleARN:
		return []string{"role_arn", "oidc_provider_arn", "oidc_token_file"},
			[]string{"role_session_name", "role_session_expiration", "sts_endpoint"}, nil
	case TypeCredentialsURI:
		return []string{"url"}, nil, nil
	case "":
		return nil, nil, errors.New("credentials: type is missing")
	default:
		return nil, nil, fmt.Errorf("credentials: unknown type %.40q: use default, access_key, sts, ram_role_arn, "+
			"ecs_ram_role, oidc_role_arn or credentials_uri", cfg.Type)
	}
}

// givenFields tells of each field whether it is set.
func givenFields(cfg Config) []field {
	text := func(s string) bool { return strings.TrimSpace(s) != "" }
	secret := func(v SecretValue) bool { return text(v.Text) || text(v.File) }
	return []field{
		{"access_key_id", secret(cfg.AccessKeyID)},
		{"access_key_secret", secret(cfg.AccessKeySecret)},
		{"security_token", secret(cfg.SecurityToken)},
		{"external_id", secret(cfg.ExternalID)},
		{"role_arn", text(cfg.RoleARN)},
		{"role_session_name", text(cfg.RoleSessionName)},
		{"role_session_expiration", cfg.RoleSessionExpiration != 0},
		{"sts_endpoint", text(cfg.STSEndpoint)},
		{"oidc_provider_arn", text(cfg.OIDCProviderARN)},
		{"oidc_token_file", text(cfg.OIDCTokenFile)},
		{"role_name", text(cfg.RoleName)},
		{"disable_imds_v1", cfg.DisableIMDSv1},
		{"url", text(cfg.URL)},
		{"source", cfg.Source != nil},
	}
}

// hasKeys reports whether any part of an access key is given.
func (c Config) hasKeys() bool {
	none := SecretValue{}
	return c.AccessKeyID != none || c.AccessKeySecret != none || c.SecurityToken != none
}

// checkValues checks the values of fields that are given. No error repeats a value.
func checkValues(cfg Config) error {
	for _, s := range []struct {
		name  string
		value SecretValue
	}{
		{"access_key_id", cfg.AccessKeyID}, {"access_key_secret", cfg.AccessKeySecret},
		{"security_token", cfg.SecurityToken}, {"external_id", cfg.ExternalID},
	} {
		switch {
		case s.value.Text != "" && s.value.File != "":
			return fmt.Errorf("%s and %s_file exclude each other", s.name, s.name)
		case !printable(strings.TrimSpace(s.value.Text)):
			return fmt.Errorf("%s has white space or other unprintable characters in it", s.name)
		}
	}
	for _, s := range [][2]string{
		{"role_arn", cfg.RoleARN}, {"role_session_name", cfg.RoleSessionName},
		{"oidc_provider_arn", cfg.OIDCProviderARN}, {"role_name", cfg.RoleName}, {"url", cfg.URL},
	} {
		if !printable(s[1]) {
			return fmt.Errorf("%s has white space or other unprintable characters in it", s[0])
		}
	}
	if d := cfg.RoleSessionExpiration; d != 0 && (d < minRoleSession || d > maxRoleSession) {
		return errors.New("role_session_expiration must be between 15m and 12h")
	}
	if !printable(cfg.STSEndpoint) || strings.ContainsAny(cfg.STSEndpoint, "/?#@") {
		return errors.New("sts_endpoint must be a host or host:port, without https:// and path")
	}
	if cfg.URL == "" {
		return nil
	}
	if u, err := url.Parse(cfg.URL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("url must begin with http:// or https://")
	}
	return nil
}

// printable reports whether s is made of visible ASCII characters only, so that it can go into a header.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
