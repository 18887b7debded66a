package tair

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// hiddenSecret is printed instead of a secret.
const hiddenSecret = "<secret>"

// Credentials is what a request is signed with. SecurityToken is "" for long-lived keys. However it is printed or
// marshalled, it shows nothing.
type Credentials struct{ AccessKeyID, AccessKeySecret, SecurityToken string }

// String hides the credentials.
func (Credentials) String() string { return hiddenSecret }

// GoString hides the credentials.
func (Credentials) GoString() string { return hiddenSecret }

// Format hides the credentials from every verb.
func (Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hiddenSecret) }

// MarshalText hides the credentials from encoders and structured logs.
func (Credentials) MarshalText() ([]byte, error) { return []byte(hiddenSecret), nil }

// CredentialsProvider gives the credentials of one account. It is safe for concurrent use.
type CredentialsProvider interface {
	// Credentials gives the current credentials. It waits for a refresh only when there are none to give, no longer than
	// ctx allows and, when the latest refresh failed, for two seconds at most. The error is a *CredentialsError
	// when they cannot be obtained, and context.Cause(ctx) when ctx ended first.
	Credentials(ctx context.Context) (Credentials, error)
	// Reject says that the API refused c: it is not given out again unless a refresh that begins later yields it.
	// Rejecting anything but the current credentials does nothing.
	Reject(c Credentials)
}

// The types of credentials, as CredentialsConfig.Type names them.
const (
	CredentialsDefault   = "default"         // the default chain: environment, RRSA, CLI profile, ECS role, URI
	CredentialsAccessKey = "access_key"      // a long-lived key
	CredentialsSTS       = "sts"             // a temporary key with its token
	CredentialsRAMRole   = "ram_role_arn"    // a role assumed with a key or with the credentials of a source
	CredentialsECSRole   = "ecs_ram_role"    // the role of the ECS instance
	CredentialsOIDCRole  = "oidc_role_arn"   // a role assumed with an OIDC token (RRSA)
	CredentialsURI       = "credentials_uri" // a local service that hands out temporary keys
)

// CredentialsConfig says where the credentials of an account come from. Which fields must and may be set depends on
// Type; NewCredentials refuses any other. However it is printed or marshalled, it shows its type alone.
type CredentialsConfig struct {
	Type string // one of the constants above

	AccessKeyID     SecretValue // access_key, sts, ram_role_arn
	AccessKeySecret SecretValue // access_key, sts, ram_role_arn
	SecurityToken   SecretValue // sts, ram_role_arn
	ExternalID      SecretValue // ram_role_arn

	RoleARN               string        // ram_role_arn, oidc_role_arn
	RoleSessionName       string        // ram_role_arn, oidc_role_arn; "" is "tair_ssl_exporter"
	RoleSessionExpiration time.Duration // ram_role_arn, oidc_role_arn; 15m to 12h, 0 is 1h
	STSEndpoint           string        // ram_role_arn, oidc_role_arn; host or host:port, "" is the default one
	OIDCProviderARN       string        // oidc_role_arn
	OIDCTokenFile         string        // oidc_role_arn; re-read at each refresh
	RoleName              string        // ecs_ram_role
	DisableIMDSv1         bool          // ecs_ram_role
	URL                   string        // credentials_uri

	// Source is who assumes the role of ram_role_arn when no access key is given; nil is the default chain.
	Source *CredentialsConfig
}

// String tells the type only.
func (c CredentialsConfig) String() string { return "credentials of type " + c.Type }

// GoString tells the type only.
func (c CredentialsConfig) GoString() string { return c.String() }

// Format tells the type only, with every verb.
func (c CredentialsConfig) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// MarshalText tells the type only.
func (c CredentialsConfig) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// SecretValue is a text, or the content of a file that is re-read at each refresh, without the white space around
// it. However it is printed or marshalled, it shows nothing.
type SecretValue struct{ Text, File string }

// String hides the value.
func (SecretValue) String() string { return hiddenSecret }

// GoString hides the value.
func (SecretValue) GoString() string { return hiddenSecret }

// Format hides the value from every verb.
func (SecretValue) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hiddenSecret) }

// MarshalText hides the value from encoders and structured logs.
func (SecretValue) MarshalText() ([]byte, error) { return []byte(hiddenSecret), nil }

// CredentialsOptions are the optional settings of NewCredentials.
type CredentialsOptions struct {
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// OnRefreshFailure, unless nil, is called once for each failed refresh, before those who wait for the refresh
	// get the error, and never by two refreshes at a time. It must not call the provider.
	OnRefreshFailure func(*CredentialsError)
}

// NewCredentials checks cfg and gives a provider for it. Nothing is read or fetched before the first call of
// Credentials. The error names the fields that are missing, wrong or foreign to the type, and no value but the type.
func NewCredentials(cfg CredentialsConfig, options CredentialsOptions) (CredentialsProvider, error) {
	if err := checkCredentials(cfg, 0); err != nil {
		return nil, err
	}
	library := &credentialsLibrary{cfg: cfg.clone()}
	cache := &credentialsCache{fetch: library.fetch, now: options.Now, onFailure: options.OnRefreshFailure}
	if cache.now == nil {
		cache.now = time.Now
	}
	if cache.onFailure == nil {
		cache.onFailure = func(*CredentialsError) {}
	}
	return cache, nil
}

// CheckDebug refuses an environment whose variable DEBUG makes the credentials library print requests with their
// tokens. The library reads it before main runs, so that nothing but a restart without it helps.
func CheckDebug(getenv func(string) string) error {
	if strings.Contains(strings.ToLower(getenv("DEBUG")), "credential") {
		return errors.New(`the environment variable DEBUG contains "credential", which prints tokens and keys: unset it and start again`)
	}
	return nil
}

// clone copies c with its sources, so that later changes by the caller have no effect.
func (c CredentialsConfig) clone() CredentialsConfig {
	if c.Source != nil {
		source := c.Source.clone()
		c.Source = &source
	}
	return c
}
