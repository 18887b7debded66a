package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxFileSize bounds what is read of a configuration file.
const maxFileSize = 16 << 20

// Load reads the configuration file at path. Its error is of type Errors.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Errors{{File: path, Message: "cannot be read: " + reason(err)}}
	}
	defer f.Close()
	return Parse(f, path)
}

// Parse reads a configuration from r. The file names the source in errors,
// and the paths of secret and token files are relative to its directory.
// The error is of type Errors.
func Parse(r io.Reader, file string) (*Config, error) {
	return parse(r, file, os.LookupEnv)
}

// parse is Parse with the environment injected.
func parse(r io.Reader, file string, lookupEnv func(string) (string, bool)) (*Config, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFileSize+1))
	if err != nil {
		return nil, Errors{{File: file, Message: "cannot be read: " + reason(err)}}
	}
	if len(data) > maxFileSize {
		return nil, Errors{{File: file, Message: fmt.Sprintf("is too large, allowed: at most %d MiB", maxFileSize>>20)}}
	}

	root, problem := parseYAML(bytes.TrimPrefix(data, []byte("\ufeff")))
	if root == nil {
		problem.File = file
		return nil, Errors{*problem}
	}
	w := newWalker(file, baseDir(file), lookupEnv)
	if problem != nil {
		w.report(problem.Line, problem.Key, problem.Message)
	}
	cfg := w.config(w.value(root, ""))
	if errs := w.problems(); len(errs) > 0 {
		return nil, errs
	}
	return cfg, nil
}

// baseDir returns the absolute directory of file, so that paths mean the same
// wherever the configuration is shown.
func baseDir(file string) string {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return filepath.Dir(file)
	}
	return dir
}

// reason returns why a file could not be used, without the path: where a path
// is expected, a secret may have been pasted.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "no such file"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied"
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}
