package tair

import (
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aliyun/credentials-go/credentials"
	"github.com/aliyun/credentials-go/credentials/providers"
)

const (
	defaultRoleSessionName = "tair_ssl_exporter"
	defaultRoleSession     = time.Hour
	maxSecretFile          = 64 << 10
)

// credentialsLibrary fetches credentials with credentials-go. It is used by one goroutine at a time.
type credentialsLibrary struct {
	cfg CredentialsConfig

	object  credentials.Credential // nil: to be built
	secrets *credentialsSecrets    // what object was built with
}

// fetch asks the library's object, which is kept as long as it works (so are the sessions of roles that it holds)
// and as long as the files it was built with stay the same. After any failure the next fetch builds a new one: the
// default chain would stick to the last provider it tried. The library panics on some answers.
func (l *credentialsLibrary) fetch(anew bool) (got Credentials, failed *CredentialsError) {
	defer func() {
		if recover() != nil {
			failed = &CredentialsError{Class: classPanic}
		}
		if failed != nil {
			l.object, l.secrets, got = nil, nil, Credentials{}
			failed.Type = l.cfg.Type
		}
	}()
	secrets, err := readCredentialsSecrets(l.cfg)
	if err != nil {
		return Credentials{}, classifyCredentials(err)
	}
	if anew || l.object == nil || !secrets.equal(l.secrets) {
		if l.object, err = newCredentialsObject(l.cfg, secrets); err != nil {
			return Credentials{}, classifyCredentials(err)
		}
		l.secrets = secrets
	}
	model, err := l.object.GetCredential()
	if err != nil {
		return Credentials{}, classifyCredentials(err)
	}
	return credentialsOf(model)
}

// credentialsOf takes what can sign a request out of the library's answer.
func credentialsOf(model *credentials.CredentialModel) (Credentials, *CredentialsError) {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	if model == nil {
		return Credentials{}, &CredentialsError{Class: classIncomplete}
	}
	c := Credentials{
		AccessKeyID:     text(model.AccessKeyId),
		AccessKeySecret: text(model.AccessKeySecret),
		SecurityToken:   text(model.SecurityToken),
	}
	switch {
	case c.AccessKeyID == "" || c.AccessKeySecret == "":
		return Credentials{}, &CredentialsError{Class: classIncomplete}
	case !printable(c.AccessKeyID) || !printable(c.SecurityToken):
		return Credentials{}, &CredentialsError{Class: classMalformed}
	}
	return c, nil
}

// newCredentialsObject builds the library's object for cfg.
func newCredentialsObject(cfg CredentialsConfig, secrets *credentialsSecrets) (credentials.Credential, error) {
	if cfg.Type == CredentialsDefault {
		return credentials.NewCredential(nil)
	}
	provider, err := newLibraryProvider(cfg, secrets)
	if err != nil {
		return nil, err
	}
	return credentials.FromCredentialsProvider(cfg.Type, provider), nil
}

// newLibraryProvider builds the library's provider for cfg with every field set, so that none is taken from the
// environment. The exported builders are used because NewCredential cannot assume a role from another identity.
func newLibraryProvider(cfg CredentialsConfig, secrets *credentialsSecrets) (providers.CredentialsProvider, error) {
	switch cfg.Type {
	case CredentialsDefault:
		return providers.NewDefaultCredentialsProvider(), nil
	case CredentialsAccessKey, CredentialsSTS:
		return newStaticProvider(secrets)
	case CredentialsRAMRole:
		return newRAMRoleProvider(cfg, secrets)
	case CredentialsECSRole:
		return providers.NewECSRAMRoleCredentialsProviderBuilder().
			WithRoleName(cfg.RoleName).
			WithDisableIMDSv1(cfg.DisableIMDSv1).
			Build()
	case CredentialsOIDCRole:
		return providers.NewOIDCCredentialsProviderBuilder().
			WithOIDCProviderARN(cfg.OIDCProviderARN).
			WithOIDCToken(secrets.oidcToken). // not the path: a token in the environment would win over it
			WithRoleArn(cfg.RoleARN).
			WithRoleSessionName(roleSessionName(cfg)).
			WithDurationSeconds(roleSessionSeconds(cfg)).
			WithSTSEndpoint(cfg.STSEndpoint).
			Build()
	case CredentialsURI:
		return providers.NewURLCredentialsProviderBuilder().WithUrl(cfg.URL).Build()
	default:
		return nil, errors.New("unknown type")
	}
}

// newStaticProvider builds the library's provider for a key with or without a token.
func newStaticProvider(secrets *credentialsSecrets) (providers.CredentialsProvider, error) {
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
func newRAMRoleProvider(cfg CredentialsConfig, secrets *credentialsSecrets) (providers.CredentialsProvider, error) {
	var source providers.CredentialsProvider
	var err error
	switch {
	case cfg.hasKeys():
		source, err = newStaticProvider(secrets)
	case cfg.Source != nil:
		source, err = newLibraryProvider(*cfg.Source, secrets.source)
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

func roleSessionName(cfg CredentialsConfig) string {
	if cfg.RoleSessionName == "" {
		return defaultRoleSessionName
	}
	return cfg.RoleSessionName
}

func roleSessionSeconds(cfg CredentialsConfig) int {
	if cfg.RoleSessionExpiration == 0 {
		return int(defaultRoleSession / time.Second)
	}
	return int(cfg.RoleSessionExpiration / time.Second)
}

// credentialsSecrets is what the secret fields and files of a CredentialsConfig hold at one moment.
type credentialsSecrets struct {
	accessKeyID, accessKeySecret, securityToken, externalID, oidcToken string

	source *credentialsSecrets
}

// equal reports whether s and o hold the same.
func (s *credentialsSecrets) equal(o *credentialsSecrets) bool {
	if s == nil || o == nil {
		return s == o
	}
	a, b := *s, *o
	a.source, b.source = nil, nil
	return a == b && s.source.equal(o.source)
}

// readCredentialsSecrets reads the secrets of cfg and of its sources. A file that holds nothing is an error: the
// library would take the value from the environment.
func readCredentialsSecrets(cfg CredentialsConfig) (*credentialsSecrets, error) {
	var s credentialsSecrets
	for _, f := range []struct {
		value SecretValue
		to    *string
	}{
		{cfg.AccessKeyID, &s.accessKeyID},
		{cfg.AccessKeySecret, &s.accessKeySecret},
		{cfg.SecurityToken, &s.securityToken},
		{cfg.ExternalID, &s.externalID},
		{SecretValue{File: cfg.OIDCTokenFile}, &s.oidcToken},
	} {
		text, err := f.value.read()
		if err != nil {
			return nil, err
		}
		*f.to = text
	}
	if cfg.Source != nil {
		source, err := readCredentialsSecrets(*cfg.Source)
		if err != nil {
			return nil, err
		}
		s.source = source
	}
	return &s, nil
}

// read gives the text or what the file holds now.
func (v SecretValue) read() (string, error) {
	if v.File == "" {
		return strings.TrimSpace(v.Text), nil
	}
	file, err := os.Open(v.File)
	if err != nil {
		return "", &CredentialsError{Class: classFile}
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxSecretFile))
	if err != nil {
		return "", &CredentialsError{Class: classFile}
	}
	text := strings.TrimSpace(string(content))
	switch {
	case text == "":
		return "", &CredentialsError{Class: classIncomplete}
	case !printable(text):
		return "", &CredentialsError{Class: classMalformed}
	}
	return text, nil
}
