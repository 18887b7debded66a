package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"go.yaml.in/yaml/v3"
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

// Parse reads a configuration from r. The file names the source in errors; the paths of secret and token files are
// relative to its directory. The error is of type Errors.
func Parse(r io.Reader, file string) (*Config, error) { return parseExplained(r, file, os.LookupEnv) }

func parse(r io.Reader, file string, lookupEnv func(string) (string, bool)) (*Config, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFileSize+1))
	switch {
	case err != nil:
		return nil, Errors{{File: file, Message: "cannot be read: " + reason(err)}}
	case len(data) > maxFileSize:
		return nil, Errors{{File: file, Message: fmt.Sprintf("is too large, allowed: at most %d MiB", maxFileSize>>20)}}
	}
	root, problem := parseYAML(bytes.TrimPrefix(data, []byte("\ufeff")))
	if root == nil {
		problem.File = file
		return nil, Errors{*problem}
	}
	found := &problems{file: file, places: map[string]place{"": {line: root.Line}}, found: map[string]bool{}}
	if problem != nil {
		found.addAt(problem.Line, "", "%s", problem.Message)
	}
	cfg, err := decode(root, found, maxVisits)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(file)) // so that a path is the same wherever the configuration is shown
	if err != nil {
		return nil, Errors{{File: file, Message: reason(err)}}
	}
	v := validator{problems: found, dir: dir, lookupEnv: lookupEnv, accounts: map[string]int{}, instances: map[string]int{}}
	v.config(cfg)
	if errs := found.sorted(); len(errs) > 0 {
		return nil, errs
	}
	return cfg, nil
}

// decode returns the Config of a file without the values that have a problem. The error is of type Errors, when nothing
// is left to validate.
func decode(root *yaml.Node, found *problems, visits int) (*Config, error) {
	cfg := Default()
	w := walker{problems: found, visits: visits}
	clean := w.value(root, reflect.TypeFor[Config](), "")
	switch {
	case w.visits <= 0:
		return nil, Errors{{File: found.file, Line: 1, Message: "is too large with its YAML aliases expanded, use fewer aliases"}}
	case clean == nil:
		return nil, found.sorted()
	}
	if err := clean.Decode(&cfg); err != nil { // not shown, because it may quote a secret
		return nil, Errors{{File: found.file, Line: 1, Message: "cannot be decoded"}}
	}
	return &cfg, nil
}

// reason returns why a file cannot be read, without its path, which the error names already.
func reason(err error) string {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}
