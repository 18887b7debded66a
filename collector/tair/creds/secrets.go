package creds

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// hiddenSecret is shown instead of a secret.
const hiddenSecret = "<secret>"

// maxSecretFile is the size in bytes up to which a file with a secret is read.
const maxSecretFile = 64 << 10

// Secret is a text that is never shown: every way to print or encode it writes "<secret>", or "" when it is empty.
type Secret string

// String returns "<secret>", or "" for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hiddenSecret
}

// Format hides the secret from every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText hides the secret from encoders and structured logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// secrets holds the secrets of a Config at one moment, with the content of the files.
type secrets struct {
	accessKeyID, accessKeySecret, securityToken, externalID, oidcToken string

	source *secrets
}

// readSecrets reads the secrets of cfg and of its sources.
func readSecrets(cfg Config) (*secrets, *Error) {
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
			*f.to = string(f.text)
			continue
		}
		text, err := readSecretFile(f.file)
		if err != nil {
			return nil, err
		}
		*f.to = text
	}
	if cfg.Source == nil {
		return &s, nil
	}
	source, err := readSecrets(*cfg.Source)
	s.source = source
	return &s, err
}

// readSecretFile returns the content of a file without the white space around it. An empty file is an error: the
// library would take the value from the environment.
func readSecretFile(path string) (string, *Error) {
	file, err := os.Open(path)
	if err != nil {
		return "", &Error{Class: ClassFile}
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxSecretFile))
	if err != nil {
		return "", &Error{Class: ClassFile}
	}
	text := strings.TrimSpace(string(content))
	switch {
	case text == "":
		return "", &Error{Class: ClassIncomplete}
	case !visible(text):
		return "", &Error{Class: ClassMalformed}
	}
	return text, nil
}

// SecretFiles returns pointers to the fields of c that hold the path of a file, by their key. It leaves out the sources.
func (c *Config) SecretFiles() map[string]*string {
	return map[string]*string{
		"access_key_id_file":     &c.AccessKeyIDFile,
		"access_key_secret_file": &c.AccessKeySecretFile,
		"security_token_file":    &c.SecurityTokenFile,
		"external_id_file":       &c.ExternalIDFile,
		"oidc_token_file":        &c.OIDCTokenFile,
	}
}

// CheckSecretFile returns what is wrong with the file of a secret and what is allowed, or "". The text does not show the
// path: a user may write the secret itself there by mistake.
func CheckSecretFile(path string) string {
	const allowed = ", allowed: the path of a readable file, absolute or relative to the configuration file"
	info, err := os.Stat(path) // first, because reading blocks on a named pipe
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
