package creds

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/aliyun/credentials-go/credentials/providers"
)

// library fetches credentials with credentials-go. Only one goroutine at a time may use it.
type library struct {
	cfg Config

	provider  providers.CredentialsProvider // nil: the next fetch builds it
	builtWith *secrets                      // the secrets in provider
}

// fetch returns credentials of the library's provider. The provider holds the session of a role, so it is kept while it
// works and the secrets in files stay the same. After a failure the next fetch builds a new one, because the default chain
// stays with the last provider that it tried. It also recovers, because the library panics on some answers.
func (l *library) fetch(fresh bool) (got Credentials, failed *Error) {
	defer func() {
		if recover() != nil {
			failed = &Error{Class: ClassPanic}
		}
		if failed != nil {
			l.provider, l.builtWith, got = nil, nil, Credentials{}
			failed.Type = l.cfg.Type
		}
	}()
	current, failed := readSecrets(l.cfg)
	if failed != nil {
		return Credentials{}, failed
	}
	var err error
	if fresh || l.provider == nil || !reflect.DeepEqual(current, l.builtWith) {
		if l.provider, err = newProvider(l.cfg, current); err != nil {
			return Credentials{}, classify(err)
		}
		l.builtWith = current
	}
	answer, err := l.provider.GetCredentials()
	if err != nil {
		return Credentials{}, classify(err)
	}
	if l.passedOver(answer.ProviderName) {
		l.provider = nil
	}
	got = Credentials{AccessKeyID: answer.AccessKeyId, AccessKeySecret: answer.AccessKeySecret, SecurityToken: answer.SecurityToken}
	if l.cfg.Type == TypeDefault {
		got.Source = strings.TrimPrefix(answer.ProviderName, "default/")
	}
	switch {
	case got.AccessKeyID == "" || got.AccessKeySecret == "":
		return Credentials{}, &Error{Class: ClassIncomplete}
	case !visible(got.AccessKeyID) || !visible(got.SecurityToken):
		return Credentials{}, &Error{Class: ClassMalformed}
	}
	return got, nil
}

// passedOver reports whether the default chain skipped the RRSA identity of the environment and used a later one, such
// as the role of the node. The library then stays with the later one. A new provider starts the chain again.
func (l *library) passedOver(providerName string) bool {
	if l.cfg.Type != TypeDefault {
		return false
	}
	for _, r := range l.cfg.rrsa() {
		if os.Getenv(r.variable) == "" {
			return false
		}
	}
	return providerName != "default/env" && providerName != "default/oidc_role_arn"
}

// newProvider builds the library's provider for cfg. It sets every field, because the library takes a missing one from
// the environment. It uses the builders, because the library's NewCredential can assume a role with a static key only.
func newProvider(cfg Config, s *secrets) (providers.CredentialsProvider, error) {
	switch cfg.Type {
	case TypeDefault:
		return newChain(), nil
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
			WithOIDCProviderARN(string(cfg.OIDCProviderARN)).
			WithOIDCToken(s.oidcToken). // not the path: a token in the environment would win over it
			WithRoleArn(string(cfg.RoleARN)).
			WithRoleSessionName(cfg.RoleSessionName).
			WithSTSEndpoint(cfg.STSEndpoint).
			Build()
	case TypeCredentialsURI:
		return &uriProvider{url: string(cfg.URL)}, nil
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
func newRAMRoleProvider(cfg Config, s *secrets) (source providers.CredentialsProvider, err error) {
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
		WithRoleArn(string(cfg.RoleARN)).
		WithRoleSessionName(cfg.RoleSessionName).
		WithDurationSeconds(int(time.Duration(cfg.RoleSessionExpiration) / time.Second)). // 0: an hour
		WithExternalId(s.externalID).
		WithStsEndpoint(cfg.STSEndpoint).
		Build()
}
