package creds

import (
	"fmt"
	"io"
	"os"
	"strings"
)

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

// maxSecretFile is how much of a secret's file is read.
const maxSecretFile = 64 << 10

// secrets is what the secret fields and files of a Config hold at one moment.
type secrets struct {
	accessKeyID, accessKeySecret, securityToken, externalID, oidcToken string

	source *secrets
}

// equal reports whether s and o hold the same.
func (s *secrets) equal(o *secrets) bool {
	if s == nil || o == nil {
		return s == o
	}
	a, b := *s, *o
	a.source, b.source = nil, nil
	return a == b && s.source.equal(o.source)
}

// readSecrets reads the secrets of cfg and of its sources. A file that holds nothing is an error: the
// library would take the value from the environment.
func readSecrets(cfg Config) (*secrets, error) {
	var s secrets
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
		source, err := readSecrets(*cfg.Source)
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
		return "", &Error{Class: classFile}
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxSecretFile))
	if err != nil {
		return "", &Error{Class: classFile}
	}
	text := strings.TrimSpace(string(content))
	switch {
	case text == "":
		return "", &Error{Class: classIncomplete}
	case !printable(text):
		return "", &Error{Class: classMalformed}
	}
	return text, nil
}
