package creds

import (
	"fmt"
	"io"
	"time"
)

// The types of credentials, as Config.Type names them.
const (
	TypeDefault        = "default"         // the default chain: environment, RRSA, CLI profile, ECS role, URI
	TypeAccessKey      = "access_key"      // a long-lived key
	TypeSTS            = "sts"             // a temporary key with its token
	TypeRAMRoleARN     = "ram_role_arn"    // a role assumed with a key or with the credentials of a source
	TypeECSRAMRole     = "ecs_ram_role"    // the role of the ECS instance
	TypeOIDCRoleARN    = "oidc_role_arn"   // a role assumed with an OIDC token (RRSA)
	TypeCredentialsURI = "credentials_uri" // a local service that hands out temporary keys
)

// Config says where the credentials of an account come from. Which fields must and may be set depends on
// Type; New refuses any other. However it is printed or marshalled, it shows its type alone.
type Config struct {
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
	Source *Config
}

// String tells the type only.
func (c Config) String() string { return "credentials of type " + c.Type }

// GoString tells the type only.
func (c Config) GoString() string { return c.String() }

// Format tells the type only, with every verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// MarshalText tells the type only.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// clone copies c with its sources, so that later changes by the caller have no effect.
func (c Config) clone() Config {
	if c.Source != nil {
		source := c.Source.clone()
		c.Source = &source
	}
	return c
}
