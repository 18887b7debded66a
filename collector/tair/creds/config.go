package creds

import (
	"fmt"
	"io"

	"github.com/prometheus/common/model"
)

// The types of credentials, as Config.Type names them.
const (
	TypeDefault        = "default"         // the default chain: environment, RRSA, CLI profile, ECS role, URI
	TypeAccessKey      = "access_key"      // a long-lived key
	TypeSTS            = "sts"             // a temporary key with its token
	TypeRAMRoleARN     = "ram_role_arn"    // a role, assumed with a key or with the credentials of a source
	TypeECSRAMRole     = "ecs_ram_role"    // the role of the ECS instance
	TypeOIDCRoleARN    = "oidc_role_arn"   // a role, assumed with an OIDC token (RRSA)
	TypeCredentialsURI = "credentials_uri" // a local service that returns temporary keys
)

// DefaultRoleSessionName is the session name of an assumed role. A name is always sent, because the library takes a
// missing one from the environment.
const DefaultRoleSessionName = "tair_ssl_exporter"

// Config holds where the credentials of an account come from, as in the configuration file. Type determines which other
// fields must and may be set; Validate checks them.
//
// A secret is either in the field with its name or in a file, whose path is in the field with the ending File. Such a
// file is read at each refresh, without the white space around its content.
type Config struct {
	Type string `yaml:"type"` // one of the constants above

	AccessKeyID         Secret `yaml:"access_key_id,omitempty"` // access_key, sts, ram_role_arn
	AccessKeyIDFile     string `yaml:"access_key_id_file,omitempty"`
	AccessKeySecret     Secret `yaml:"access_key_secret,omitempty"` // access_key, sts, ram_role_arn
	AccessKeySecretFile string `yaml:"access_key_secret_file,omitempty"`
	SecurityToken       Secret `yaml:"security_token,omitempty"` // sts, ram_role_arn
	SecurityTokenFile   string `yaml:"security_token_file,omitempty"`

	RoleARN               string         `yaml:"role_arn,omitempty"`                // ram_role_arn, oidc_role_arn
	RoleSessionName       string         `yaml:"role_session_name,omitempty"`       // ram_role_arn, oidc_role_arn; "" is DefaultRoleSessionName
	RoleSessionExpiration model.Duration `yaml:"role_session_expiration,omitempty"` // ram_role_arn; 15m to 12h, 0 is 1h
	ExternalID            Secret         `yaml:"external_id,omitempty"`             // ram_role_arn
	ExternalIDFile        string         `yaml:"external_id_file,omitempty"`
	STSEndpoint           string         `yaml:"sts_endpoint,omitempty"` // ram_role_arn, oidc_role_arn; host or host:port, "" is the library's

	OIDCProviderARN string `yaml:"oidc_provider_arn,omitempty"` // oidc_role_arn
	OIDCTokenFile   string `yaml:"oidc_token_file,omitempty"`   // oidc_role_arn; read at each refresh

	RoleName      string `yaml:"role_name,omitempty"`       // ecs_ram_role
	DisableIMDSv1 bool   `yaml:"disable_imds_v1,omitempty"` // ecs_ram_role

	// URL is for credentials_uri. It is a secret because such URLs often carry a token.
	URL Secret `yaml:"url,omitempty"`

	// Source is the identity that assumes the role of ram_role_arn when no access key is set; nil is the default chain.
	Source *Config `yaml:"source,omitempty"`
}

// Format hides everything from every verb: fmt calls no methods of the value behind a pointer such as Source.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "credentials "+hiddenSecret) }

// WithDefaults returns a deep copy of c with the session name and the source of an assumed role filled in.
func (c Config) WithDefaults() Config {
	if c.RoleSessionName == "" && (c.Type == TypeRAMRoleARN || c.Type == TypeOIDCRoleARN) {
		c.RoleSessionName = DefaultRoleSessionName
	}
	switch {
	case c.Source != nil:
		source := c.Source.WithDefaults()
		c.Source = &source
	case c.Type == TypeRAMRoleARN && !c.hasAccessKey():
		c.Source = &Config{Type: TypeDefault}
	}
	return c
}

// rrsa is a field of oidc_role_arn and the variable in which ACK passes it to a pod (RRSA).
type rrsa struct {
	key, variable string
	field         *string
}

func (c *Config) rrsa() []rrsa {
	return []rrsa{
		{"role_arn", "ALIBABA_CLOUD_ROLE_ARN", &c.RoleARN},
		{"oidc_provider_arn", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", &c.OIDCProviderARN},
		{"oidc_token_file", "ALIBABA_CLOUD_OIDC_TOKEN_FILE", &c.OIDCTokenFile},
	}
}

// FillRRSA sets role_arn, oidc_provider_arn and oidc_token_file of type oidc_role_arn from the environment, when all three
// are left out and all three variables are set. It returns the name of the variable for each of these keys, and the
// variables that are not set. When it has nothing to do, it returns nil twice.
func (c *Config) FillRRSA(lookupEnv func(string) (string, bool)) (variables map[string]string, unset []string) {
	if c.Type != TypeOIDCRoleARN || c.RoleARN+c.OIDCProviderARN+c.OIDCTokenFile != "" {
		return nil, nil
	}
	variables = map[string]string{}
	filled := *c
	for _, r := range filled.rrsa() {
		variables[r.key] = r.variable
		if *r.field, _ = lookupEnv(r.variable); *r.field == "" {
			unset = append(unset, r.variable)
		}
	}
	if unset == nil {
		*c = filled
	}
	return variables, unset
}

// hasAccessKey reports whether any part of an access key is set.
func (c Config) hasAccessKey() bool {
	return c.AccessKeyID+c.AccessKeySecret+c.SecurityToken != "" ||
		c.AccessKeyIDFile+c.AccessKeySecretFile+c.SecurityTokenFile != ""
}
