package creds

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// hiddenSecret is shown instead of a secret.
const hiddenSecret = "<secret>"

// maxSecretFile is how much of a file with a secret is read, in bytes.
const maxSecretFile = 64 << 10

// Secret is a text that is never shown: it is printed and encoded as "<secret>", or as "" when it is empty.
type Secret string

// Value returns the secret itself.
func (s Secret) Value() string { return string(s) }

// String returns "<secret>", or "" for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hiddenSecret
}

// GoString returns the same as String, for %#v.
func (s Secret) GoString() string { return s.String() }

// Format writes the same as String, for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalYAML encodes the same as String.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// MarshalJSON encodes the same as String.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// secrets holds the secrets of a Config, those in files as they are at one moment.
type secrets struct {
	accessKeyID, accessKeySecret, securityToken, externalID, oidcToken string

	source *secrets
}

// equal reports whether s and o hold the same secrets.
func (s *secrets) equal(o *secrets) bool {
	if s == nil || o == nil {
		return s == o
	}
	a, b := *s, *o
	a.source, b.source = nil, nil
	return a == b && s.source.equal(o.source)
}

// readSecrets reads the secrets of cfg and of its sources.
func readSecrets(cfg Config) (*secrets, error) {
	var s secrets
	for _, f := range []struct {
		text Secret
		file string
		to   *string
	}{
		{cfg.AccessKeyID, cfg.AccessKeyIDFile, &s.accessKeyID},
		{cfg.AccessKeySecret, cfg.AccessKeySecretFile, &s.accessKeySecret},
		{cfg.SecurityToken, cfg.SecurityTokenFile, &s.securityToken},
		{cfg.ExternalID, cfg.ExternalIDFile, &s.externalID},
		{"", cfg.OIDCTokenFile, &s.oidcToken},
	} {
		if f.file == "" {
			*f.to = f.text.Value()
			continue
		}
		text, err := readSecretFile(f.file)
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

// readSecretFile returns the content of a file without the white space around it. An empty file is an error: the
// library would take the value from the environment.
func readSecretFile(path string) (string, error) {
	file, err := os.Open(path)
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
	case !visible(text):
		return "", &Error{Class: classMalformed}
	}
	return text, nil
}

// SecretFiles returns the fields of c that have the path of a file, by key.
func (c *Config) SecretFiles() map[string]*string {
	return map[string]*string{
		"access_key_id_file":     &c.AccessKeyIDFile,
		"access_key_secret_file": &c.AccessKeySecretFile,
		"security_token_file":    &c.SecurityTokenFile,
		"external_id_file":       &c.ExternalIDFile,
		"oidc_token_file":        &c.OIDCTokenFile,
	}
}

// CheckSecretFile returns what is wrong with the file of a secret and what is allowed, or "". It does not show the path,
// which may be the secret itself by mistake.
func CheckSecretFile(path string) string {
	const allowed = ", allowed: the path of a readable file, absolute or relative to the configuration file"
	info, err := os.Stat(path) // before reading, which blocks on a named pipe
	var content []byte
	if err == nil && info.Mode().IsRegular() && info.Size() <= maxSecretFile {
		content, err = os.ReadFile(path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "the file cannot be read: no such file" + allowed
	case errors.Is(err, fs.ErrPermission):
		return "the file cannot be read: permission denied" + allowed
	case err != nil:
		return "the file cannot be read" + allowed
	case !info.Mode().IsRegular():
		return "is not a regular file" + allowed
	case info.Size() > maxSecretFile:
		return fmt.Sprintf("the file is too large, allowed: at most %d KiB", maxSecretFile>>10)
	case len(bytes.TrimSpace(content)) == 0:
		return "the file is empty, allowed: a file with the secret"
	}
	return ""
}
