package config

import "github.com/prometheus/common/model"

// The types of credentials.
const (
	typeDefault        = "default"
	typeAccessKey      = "access_key"
	typeSTS            = "sts"
	typeRAMRoleARN     = "ram_role_arn"
	typeECSRAMRole     = "ecs_ram_role"
	typeOIDCRoleARN    = "oidc_role_arn"
	typeCredentialsURI = "credentials_uri"
)

// DefaultRoleSessionName is the session name of an assumed role that gives
// none. It is always filled in: the credentials library would take an empty
// one from the environment.
const DefaultRoleSessionName = "tair_ssl_exporter"

// Credentials says how the credentials of an account are got. The Type tells
// which of the other fields are set; all that the type requires are.
//
// A secret is set either in the field of its name or, as the path of a file
// that is to be read again at each refresh, in the field ending in File.
type Credentials struct {
	// Type is one of default, access_key, sts, ram_role_arn, ecs_ram_role, oidc_role_arn, credentials_uri.
	Type string `yaml:"type"`

	AccessKeyID         Secret `yaml:"access_key_id,omitempty"`
	AccessKeyIDFile     string `yaml:"access_key_id_file,omitempty"`
	AccessKeySecret     Secret `yaml:"access_key_secret,omitempty"`
	AccessKeySecretFile string `yaml:"access_key_secret_file,omitempty"`
	SecurityToken       Secret `yaml:"security_token,omitempty"`
	SecurityTokenFile   string `yaml:"security_token_file,omitempty"`

	RoleARN string `yaml:"role_arn,omitempty"`
	// RoleSessionName is never empty where a role is assumed.
	RoleSessionName string `yaml:"role_session_name,omitempty"`
	// RoleSessionExpiration is how long an assumed role lasts; 0 leaves it to the cloud.
	RoleSessionExpiration model.Duration `yaml:"role_session_expiration,omitempty"`
	ExternalID            Secret         `yaml:"external_id,omitempty"`
	ExternalIDFile        string         `yaml:"external_id_file,omitempty"`
	STSEndpoint           string         `yaml:"sts_endpoint,omitempty"`

	OIDCProviderARN string `yaml:"oidc_provider_arn,omitempty"`
	OIDCTokenFile   string `yaml:"oidc_token_file,omitempty"`

	// RoleName is the role of an ECS instance.
	RoleName      string `yaml:"role_name,omitempty"`
	DisableIMDSv1 bool   `yaml:"disable_imds_v1,omitempty"`

	// URL is a secret because such URLs often carry a token.
	URL Secret `yaml:"url,omitempty"`

	// Source is the identity that assumes RoleARN. It is nil when the access
	// key above does, and never nil otherwise for type ram_role_arn.
	Source *Credentials `yaml:"source,omitempty"`
}

// credentialsType says which keys a type of credentials takes. A secret may
// also be given as a file, which is not listed here.
type credentialsType struct {
	name     string
	required []string
	optional []string
}

// credentialsTypes returns the types in the order in which errors list them.
func credentialsTypes() []credentialsType {
	return []credentialsType{
		{name: typeDefault},
		{name: typeAccessKey, required: []string{"access_key_id", "access_key_secret"}},
		{name: typeSTS, required: []string{"access_key_id", "access_key_secret", "security_token"}},
		{
			name:     typeRAMRoleARN,
			required: []string{"role_arn"},
			optional: []string{
				"role_session_name", "role_session_expiration", "external_id", "sts_endpoint",
				"access_key_id", "access_key_secret", "security_token", "source",
			},
		},
		{name: typeECSRAMRole, required: []string{"role_name"}, optional: []string{"disable_imds_v1"}},
		{
			// The first three are required too, but may come from the environment.
			name:     typeOIDCRoleARN,
			optional: []string{"role_arn", "oidc_provider_arn", "oidc_token_file", "role_session_name", "sts_endpoint"},
		},
		{name: typeCredentialsURI, required: []string{"url"}},
	}
}

// keys returns every key the type allows, without type itself.
func (t credentialsType) keys() []string {
	var keys []string
	for _, list := range [][]string{t.required, t.optional} {
		for _, key := range list {
			keys = append(keys, key)
			if isSecretKey(key) {
				keys = append(keys, key+"_file")
			}
		}
	}
	return keys
}

// isSecretKey reports whether the key holds a secret that may be given as a file.
func isSecretKey(key string) bool {
	switch key {
	case "access_key_id", "access_key_secret", "security_token", "external_id":
		return true
	}
	return false
}

// credentialKeys returns the keys of all types.
func credentialKeys() []string {
	return []string{
		"type",
		"access_key_id", "access_key_id_file", "access_key_secret", "access_key_secret_file",
		"security_token", "security_token_file",
		"role_arn", "role_session_name", "role_session_expiration", "external_id", "external_id_file", "sts_endpoint",
		"oidc_provider_arn", "oidc_token_file", "role_name", "disable_imds_v1", "url", "source",
	}
}
