package creds

import (
	"errors"
	"os"
	"time"

	"github.com/aliyun/credentials-go/credentials"
	"github.com/aliyun/credentials-go/credentials/providers"
)

const (
	defaultRoleSessionName = "tair_ssl_exporter"
	defaultRoleSession     = time.Hour
)

// library fetches credentials with credentials-go. It is used by one goroutine at a time.
type library struct {
	cfg Config

	object  credentials.Credential // nil: to be built
	secrets *secrets               // what object was built with
}

// fetch asks the library's object, which is kept as long as it works (so are the sessions of roles that it holds)
// and as long as the files it was built with stay the same. After any failure the next fetch builds a new one: the
// default chain would stick to the last provider it tried. The library panics on some answers.
func (l *library) fetch(anew bool) (got Credentials, failed *Error) {
	defer func() {
		if recover() != nil {
			failed = &Error{Class: classPanic}
		}
		if failed != nil {
			l.object, l.secrets, got = nil, nil, Credentials{}
			failed.Type = l.cfg.Type
		}
	}()
	secrets, err := readSecrets(l.cfg)
	if err != nil {
		return Credentials{}, classify(err)
	}
	if anew || l.object == nil || !secrets.equal(l.secrets) {
		if l.object, err = newObject(l.cfg, secrets); err != nil {
			return Credentials{}, classify(err)
		}
		l.secrets = secrets
	}
	model, err := l.object.GetCredential()
	if err != nil {
		return Credentials{}, classify(err)
	}
	if l.passedOver(model) {
		l.object = nil
	}
	return credentialsOf(model)
}

// passedOver reports whether the default chain went past the RRSA identity that the environment gives to the
// process, down to another one such as the role of the node. The library would stay there for good; with a new object
// the next refresh tries the chain from its start.
func (l *library) passedOver(model *credentials.CredentialModel) bool {
	if l.cfg.Type != TypeDefault || model == nil || model.ProviderName == nil {
		return false
	}
	for _, name := range []string{
		"ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
	} {
		if os.Getenv(name) == "" {
			return false
		}
	}
	return *model.ProviderName != "default/env" && *model.ProviderName != "default/oidc_role_arn"
}

// credentialsOf takes what can sign a request out of the library's answer.
func credentialsOf(model *credentials.CredentialModel) (Credentials, *Error) {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	if model == nil {
		return Credentials{}, &Error{Class: classIncomplete}
	}
	c := Credentials{
		AccessKeyID:     text(model.AccessKeyId),
		AccessKeySecret: text(model.AccessKeySecret),
		SecurityToken:   text(model.SecurityToken),
	}
	switch {
	case c.AccessKeyID == "" || c.AccessKeySecret == "":
		return Credentials{}, &Error{Class: classIncomplete}
	case !printable(c.AccessKeyID) || !printable(c.SecurityToken):
		return Credentials{}, &Error{Class: classMalformed}
	}
	return c, nil
}

// newObject builds the library's object for cfg.
func newObject(cfg Config, secrets *secrets) (credentials.Credential, error) {
	if cfg.Type == TypeDefault {
		return credentials.NewCredential(nil)
	}
	provider, err := newProvider(cfg, secrets)
	if err != nil {
		return nil, err
	}
	return credentials.FromCredentialsProvider(cfg.Type, provider), nil
}

// newProvider builds the library's provider for cfg with every field set, so that none is taken from the
// environment. The exported builders are used because NewCredential cannot assume a role from another identity.
func newProvider(cfg Config, secrets *secrets) (providers.CredentialsProvider, error) {
	switch cfg.Type {
	case TypeDefault:
		return providers.NewDefaultCredentialsProvider(), nil
	case TypeAccessKey, TypeSTS:
		return newStaticProvider(secrets)
	case TypeRAMRoleARN:
		return newRAMRoleProvider(cfg, secrets)
	case TypeECSRAMRole:
		return providers.NewECSRAMRoleCredentialsProviderBuilder().
			WithRoleName(cfg.RoleName).
			WithDisableIMDSv1(cfg.DisableIMDSv1).
			Build()
	case TypeOIDCRoleARN:
		return providers.NewOIDCCredentialsProviderBuilder().
			WithOIDCProviderARN(cfg.OIDCProviderARN).
			WithOIDCToken(secrets.oidcToken). // not the path: a token in the environment would win over it
			WithRoleArn(cfg.RoleARN).
			WithRoleSessionName(roleSessionName(cfg)).
			WithDurationSeconds(roleSessionSeconds(cfg)).
			WithSTSEndpoint(cfg.STSEndpoint).
			Build()
	case TypeCredentialsURI:
		return providers.NewURLCredentialsProviderBuilder().WithUrl(cfg.URL).Build()
	default:
		return nil, errors.New("unknown type")
	}
}

// newStaticProvider builds the library's provider for a key with or without a token.
func newStaticProvider(secrets *secrets) (providers.CredentialsProvider, error) {
	if secrets.securityToken == "" {
		return providers.NewStaticAKCredentialsProviderBuilder().
			WithAccessKeyId(secrets.accessKeyID).
			WithAccessKeySecret(secrets.accessKeySecret).
			Build()
	}
	return providers.NewStaticSTSCredentialsProviderBuilder().
		WithAccessKeyId(secrets.accessKeyID).
		WithAccessKeySecret(secrets.accessKeySecret).
		WithSecurityToken(secrets.securityToken).
		Build()
}

// newRAMRoleProvider builds the library's provider for a role that is assumed with a key or a source's credentials.
func newRAMRoleProvider(cfg Config, secrets *secrets) (providers.CredentialsProvider, error) {
	var source providers.CredentialsProvider
	var err error
	switch {
	case cfg.hasKeys():
		source, err = newStaticProvider(secrets)
	case cfg.Source != nil:
		source, err = newProvider(*cfg.Source, secrets.source)
	default:
		source = providers.NewDefaultCredentialsProvider()
	}
	if err != nil {
		return nil, err
	}
	return providers.NewRAMRoleARNCredentialsProviderBuilder().
		WithCredentialsProvider(source).
		WithRoleArn(cfg.RoleARN).
		WithRoleSessionName(roleSessionName(cfg)).
		WithDurationSeconds(roleSessionSeconds(cfg)).
		WithExternalId(secrets.externalID).
		WithStsEndpoint(cfg.STSEndpoint).
		Build()
}

func roleSessionName(cfg Config) string {
	if cfg.RoleSessionName == "" {
		return defaultRoleSessionName
	}
	return cfg.RoleSessionName
}

func roleSessionSeconds(cfg Config) int {
	if cfg.RoleSessionExpiration == 0 {
		return int(defaultRoleSession / time.Second)
	}
	return int(cfg.RoleSessionExpiration / time.Second)
}
