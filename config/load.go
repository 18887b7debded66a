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
	"strings"
)

// maxFileSize bounds what is read of a configuration file.
const maxFileSize = 16 << 20

// Load reads the configuration file at path. The paths of secret and token files in it are relative to its directory.
// The error is of type Errors.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Errors{{File: path, Message: "cannot be read: " + reason(err)}}
	}
	defer f.Close()
	return parse(f, path, os.LookupEnv)
}

// parse reads a configuration from r, and names it file.
func parse(r io.Reader, file string, lookupEnv func(string) (string, bool)) (*Config, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFileSize+1))
	dir, dirErr := filepath.Abs(filepath.Dir(file)) // so that a path is the same wherever the configuration is shown
	if err := errors.Join(err, dirErr); err != nil {
		return nil, Errors{{File: file, Message: "cannot be read: " + reason(err)}}
	}
	if len(data) > maxFileSize {
		return nil, Errors{{File: file, Message: fmt.Sprintf("is too large, allowed: at most %d MiB", maxFileSize>>20)}}
	}
	found := &problems{file: file, places: map[string]place{}, found: map[string]bool{}}
	cfg := decode(bytes.TrimPrefix(data, []byte("\ufeff")), found, maxVisits)
	if cfg != nil {
		v := validator{problems: found, dir: dir, lookupEnv: lookupEnv, accounts: map[string]int{}, instances: map[string]int{}}
		v.config(cfg)
	}
	found.explain(strings.Split(string(data), "\n"))
	if len(found.errs) > 0 {
		return nil, found.sorted()
	}
	return cfg, nil
}

// decode returns the Config in data without the values that have a problem, or nil when nothing is left to validate.
// It reads so many YAML nodes at most.
func decode(data []byte, found *problems, visits int) *Config {
	root := parseYAML(data, found)
	if root == nil {
		return nil
	}
	found.places[""] = place{line: root.Line}
	w, cfg := walker{found, visits}, Default()
	switch clean := w.value(root, reflect.TypeFor[Config](), ""); {
	case w.visits <= 0:
		found.errs = Errors{{File: found.file, Line: 1, Message: "is too large with its YAML aliases expanded, use fewer aliases"}}
	case clean == nil:
	case clean.Decode(&cfg) != nil: // the error is not shown, because it may quote a secret
		found.addAt(1, "", "cannot be decoded")
	default:
		return &cfg
	}
	return nil
}

// reason returns why a file cannot be read, without its path, which the error names already.
func reason(err error) string {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err.Error()
	}
	return err.Error()
}
