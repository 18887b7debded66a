package config

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxSecretFileSize bounds the file of a secret or token.
const maxSecretFileSize = 64 << 10

// secretFile reads the path of a file with a secret. The file must be usable
// now, but its content is not kept: it may be another at the next refresh.
func (w *walker) secretFile(v value, dst *string) {
	path, ok := v.text()
	if !ok {
		return
	}
	if path == "" {
		v.failf("is empty, allowed: the path of a file")
		return
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(w.dir, path)
	}
	if wrong := checkSecretFile(path); wrong != "" {
		v.failf("%s", wrong)
		return
	}
	*dst = path
}

// checkSecretFile returns what is wrong with the file, or "". It does not show
// the path: someone may have put the secret itself there.
func checkSecretFile(path string) string {
	const allowed = ", allowed: the path of a readable file, absolute or relative to the configuration file"
	// A look before opening, which would block on a named pipe.
	info, err := os.Stat(path)
	if err != nil {
		return "the file cannot be read: " + reason(err) + allowed
	}
	if !info.Mode().IsRegular() {
		return "is not a regular file" + allowed
	}
	f, err := os.Open(path)
	if err != nil {
		return "the file cannot be read: " + reason(err) + allowed
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSecretFileSize+1))
	switch {
	case err != nil:
		return "the file cannot be read: " + reason(err) + allowed
	case len(content) > maxSecretFileSize:
		return fmt.Sprintf("the file is too large, allowed: at most %d KiB", maxSecretFileSize>>10)
	case len(bytes.TrimSpace(content)) == 0:
		return "the file is empty, allowed: a file with the secret"
	}
	return ""
}
