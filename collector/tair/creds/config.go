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
//
// The comments of the fields are texts of docs/configuration.md and of the JSON schema, and so are the tags allowed, default
// and example.
type Config struct {
	// Type is the type of credentials. It determines which other keys must and may be set.
	Type string `yaml:"type" example:"access_key"`

	// AccessKeyID is the ID of an access key.
	AccessKeyID Secret `yaml:"access_key_id,omitempty"`
	// AccessKeyIDFile is the path of a file with the ID of an access key. It is read at each refresh.
	AccessKeyIDFile string `yaml:"access_key_id_file,omitempty" example:"/run/secrets/tair/access_key_id"`
	// AccessKeySecret is the secret of the access key.
	AccessKeySecret Secret `yaml:"access_key_secret,omitempty"`
	// AccessKeySecretFile is the path of a file with the secret of the access key. It is read at each refresh.
	AccessKeySecretFile string `yaml:"access_key_secret_file,omitempty" example:"/run/secrets/tair/access_key_secret"`
	// SecurityToken is the token that belongs to a temporary key.
	SecurityToken Secret `yaml:"security_token,omitempty"`
	// SecurityTokenFile is the path of a file with the token that belongs to a temporary key. It is read at each refresh.
	SecurityTokenFile string `yaml:"security_token_file,omitempty" example:"/run/secrets/tair/security_token"`

	// RoleARN is the role to assume. It is a secret, because it has the ID of the account.
	RoleARN Secret `yaml:"role_arn,omitempty" allowed:"an ARN that begins with acs:ram::" example:"acs:ram::1234567890123456:role/tair-ssl-exporter-reader"`
	// RoleSessionName is the name of the session; ActionTrail shows it.
	RoleSessionName string `yaml:"role_session_name,omitempty" allowed:"2 to 64 letters, digits and any of . @ - _" example:"exporter@prod"`
	// RoleSessionExpiration is how long the keys of the session are valid.
	RoleSessionExpiration model.Duration `yaml:"role_session_expiration,omitempty" allowed:"15m to 12h" default:"1h" example:"2h"`
	// ExternalID is the external ID that the trust policy of the role asks for.
	ExternalID Secret `yaml:"external_id,omitempty" example:"2f1c7c1e-4a9b-4d51-9a2e-6f0c8a5b3d77"`
	// ExternalIDFile is the path of a file with the external ID. It is read at each refresh.
	ExternalIDFile string `yaml:"external_id_file,omitempty" example:"/run/secrets/tair/external_id"`
	// STSEndpoint is the endpoint of the token service; without it the library chooses.
	STSEndpoint string `yaml:"sts_endpoint,omitempty" allowed:"host or host:port" example:"sts.cn-hangzhou.aliyuncs.com"`

	// OIDCProviderARN is the OIDC provider of the cluster. Without it, role_arn and oidc_token_file, all three come from the
	// variables of ACK's RRSA. It is a secret, because it has the ID of the account.
	OIDCProviderARN Secret `yaml:"oidc_provider_arn,omitempty" allowed:"an ARN that begins with acs:ram::" example:"acs:ram::1234567890123456:oidc-provider/ack-rrsa-c0123456789abcdef0123456789abcdef"`
	// OIDCTokenFile is the path of the file with the OIDC token. It is read at each refresh.
	OIDCTokenFile string `yaml:"oidc_token_file,omitempty" example:"/var/run/secrets/ack.alibabacloud.com/rrsa-tokens/token"`

	// RoleName is the name of the RAM role of the ECS instance.
	RoleName string `yaml:"role_name,omitempty" example:"tair-ssl-exporter"`
	// DisableIMDSv1 is whether the metadata service may only be asked in its hardened mode.
	DisableIMDSv1 bool `yaml:"disable_imds_v1,omitempty" default:"false" example:"true"`

	// URL is the address of a local service that returns temporary keys. It is a secret, because such an address often
	// carries a token.
	URL Secret `yaml:"url,omitempty" allowed:"http://... or https://..." example:"http://127.0.0.1:8080/credentials"`

	// Source is the identity that assumes the role when no access key is set. It is nested at most three times; without it
	// that is the default chain.
	Source *Config `yaml:"source,omitempty" example:"{type: oidc_role_arn}"`
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
		{"role_arn", "ALIBABA_CLOUD_ROLE_ARN", (*string)(&c.RoleARN)},
		{"oidc_provider_arn", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", (*string)(&c.OIDCProviderARN)},
		{"oidc_token_file", "ALIBABA_CLOUD_OIDC_TOKEN_FILE", &c.OIDCTokenFile},
	}
}

// FillRRSA sets role_arn, oidc_provider_arn and oidc_token_file of type oidc_role_arn from the environment, when all three
// are left out and all three variables are set. It returns the name of the variable for each of these keys, and the
// variables that are not set. When it has nothing to do, it returns nil twice.
func (c *Config) FillRRSA(lookupEnv func(string) (string, bool)) (variables map[string]string, unset []string) {
	if c.Type != TypeOIDCRoleARN || string(c.RoleARN+c.OIDCProviderARN)+c.OIDCTokenFile != "" {
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
