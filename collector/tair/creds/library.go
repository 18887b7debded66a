package creds

import (
	"errors"
	"os"
	"time"

	"github.com/aliyun/credentials-go/credentials"
	"github.com/aliyun/credentials-go/credentials/providers"
)

const defaultRoleSession = time.Hour

// library fetches credentials with credentials-go. Only one goroutine at a time may use it.
type library struct {
	cfg Config

	object    credentials.Credential // nil: to be built
	builtWith *secrets               // the secrets in object
}

// fetch asks the library's object. The object, which holds the session of a role, is kept as long as it works and the
// secrets in files stay the same. After a failure the next fetch builds a new one, because the default chain stays
// with the last provider that it tried. The library panics on some answers.
func (l *library) fetch(anew bool) (got Credentials, failed *Error) {
	defer func() {
		if recover() != nil {
			failed = &Error{Class: classPanic}
		}
		if failed != nil {
			l.object, l.builtWith, got = nil, nil, Credentials{}
			failed.Type = l.cfg.Type
		}
	}()
	current, err := readSecrets(l.cfg)
	if err != nil {
		return Credentials{}, classify(err)
	}
	if anew || l.object == nil || !current.equal(l.builtWith) {
		if l.object, err = newObject(l.cfg, current); err != nil {
			return Credentials{}, classify(err)
		}
		l.builtWith = current
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

// passedOver reports whether the default chain skipped the RRSA identity of the environment and used a later one, such
// as the role of the node. The library then stays with that one; a new object starts the chain again.
func (l *library) passedOver(model *credentials.CredentialModel) bool {
	if l.cfg.Type != TypeDefault || model == nil || model.ProviderName == nil {
		return false
	}
	for _, r := range l.cfg.rrsa() {
		if os.Getenv(r.variable) == "" {
			return false
		}
	}
	return *model.ProviderName != "default/env" && *model.ProviderName != "default/oidc_role_arn"
}

// credentialsOf returns the credentials in the library's answer, if a request can be signed with them.
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
	case !visible(c.AccessKeyID) || !visible(c.SecurityToken):
		return Credentials{}, &Error{Class: classMalformed}
	}
	return c, nil
}

// newObject builds the library's object for cfg.
func newObject(cfg Config, s *secrets) (credentials.Credential, error) {
	if cfg.Type == TypeDefault {
		return credentials.NewCredential(nil)
	}
	provider, err := newProvider(cfg, s)
	if err != nil {
		return nil, err
	}
	return credentials.FromCredentialsProvider(cfg.Type, provider), nil
}

// newProvider builds the library's provider for cfg with every field set, so that none is taken from the
// environment. It uses the exported builders because NewCredential can assume a role with a static key only.
func newProvider(cfg Config, s *secrets) (providers.CredentialsProvider, error) {
	switch cfg.Type {
	case TypeDefault:
		return providers.NewDefaultCredentialsProvider(), nil
	case TypeAccessKey, TypeSTS:
		return newStaticProvider(s)
	case TypeRAMRoleARN:
		return newRAMRoleProvider(cfg, s)
	case TypeECSRAMRole:
		return providers.NewECSRAMRoleCredentialsProviderBuilder().
			WithRoleName(cfg.RoleName).
			WithDisableIMDSv1(cfg.DisableIMDSv1).
			Build()
	case TypeOIDCRoleARN:
		return providers.NewOIDCCredentialsProviderBuilder().
			WithOIDCProviderARN(cfg.OIDCProviderARN).
			WithOIDCToken(s.oidcToken). // not the path: a token in the environment would win over it
			WithRoleArn(cfg.RoleARN).
			WithRoleSessionName(cfg.RoleSessionName).
			WithDurationSeconds(sessionSeconds(cfg)).
			WithSTSEndpoint(cfg.STSEndpoint).
			Build()
	case TypeCredentialsURI:
		return providers.NewURLCredentialsProviderBuilder().WithUrl(cfg.URL.Value()).Build()
	default:
		return nil, errors.New("unknown type")
	}
}

// newStaticProvider builds the library's provider for a key, with or without a token.
func newStaticProvider(s *secrets) (providers.CredentialsProvider, error) {
	if s.securityToken == "" {
		return providers.NewStaticAKCredentialsProviderBuilder().
			WithAccessKeyId(s.accessKeyID).
			WithAccessKeySecret(s.accessKeySecret).
			Build()
	}
	return providers.NewStaticSTSCredentialsProviderBuilder().
		WithAccessKeyId(s.accessKeyID).
		WithAccessKeySecret(s.accessKeySecret).
		WithSecurityToken(s.securityToken).
		Build()
}

// newRAMRoleProvider builds the library's provider for a role, assumed with a key or with the credentials of a source.
func newRAMRoleProvider(cfg Config, s *secrets) (providers.CredentialsProvider, error) {
	var source providers.CredentialsProvider
	var err error
	if cfg.Source != nil {
		source, err = newProvider(*cfg.Source, s.source)
	} else {
		source, err = newStaticProvider(s)
	}
	if err != nil {
		return nil, err
	}
	return providers.NewRAMRoleARNCredentialsProviderBuilder().
		WithCredentialsProvider(source).
		WithRoleArn(cfg.RoleARN).
		WithRoleSessionName(cfg.RoleSessionName).
		WithDurationSeconds(sessionSeconds(cfg)).
		WithExternalId(s.externalID).
		WithStsEndpoint(cfg.STSEndpoint).
		Build()
}

// sessionSeconds returns how long an assumed role lasts.
func sessionSeconds(cfg Config) int {
	if cfg.RoleSessionExpiration == 0 {
		return int(defaultRoleSession / time.Second)
	}
	return int(time.Duration(cfg.RoleSessionExpiration) / time.Second)
}
