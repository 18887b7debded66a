package tair

import (
	"io"
	"os"
	"strings"
)

// maxSecretFile is how much of a secret's file is read.
const maxSecretFile = 64 << 10

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
