package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"tair_ssl_exporter/config"
)

const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestGeneratedFilesAreUpToDate(t *testing.T) {
	files, err := generate(root)
	if err != nil || len(files) != 3 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for path, want := range files {
		if read(t, path) != want {
			t.Errorf("%s is not what the types say: run go generate ./config", path)
		}
	}
}

// compiled returns the schema of the configuration file, or the one that the chart has for it.
func compiled(t *testing.T, path, pointer string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	s, err := c.Compile(filepath.Join(root, path) + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate returns what a schema says of a YAML text.
func validate(s *jsonschema.Schema, text string) error {
	var document any
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return err
	}
	asJSON, err := json.Marshal(document)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		return err
	}
	return s.Validate(value)
}

// configurations returns the example configurations of the repository, by where they are.
func configurations(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, path := range []string{
		"deploy/kubernetes/tair-ssl-exporter.yml", "deploy/compose/tair-ssl-exporter.yml", "config/testdata/good/defaults.yml",
	} {
		all[path] = read(t, path)
	}
	blocks := regexp.MustCompile("(?s)```ya?ml\n(.*?)```")
	for _, pattern := range []string{"*.md", "docs/*.md", "deploy/*/README.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			path = strings.TrimPrefix(path, root+"/")
			for n, m := range blocks.FindAllStringSubmatch(read(t, path), -1) {
				if regexp.MustCompile(`(?m)^accounts:`).MatchString(m[1]) {
					all[fmt.Sprintf("%s, block %d", path, n+1)] = m[1]
				}
			}
		}
	}
	return all
}

func TestSchemasAcceptTheExamples(t *testing.T) {
	for _, s := range []*jsonschema.Schema{compiled(t, schemaFile, ""), compiled(t, valuesFile, "#/properties/config")} {
		all := configurations(t)
		for where, text := range all {
			if err := validate(s, text); err != nil {
				t.Errorf("%s: %v", where, err)
			}
		}
		if len(all) < 12 {
			t.Errorf("%d examples", len(all))
		}
	}
}

// TestSchemaRefusesWhatTheProgramRefuses names the files whose mistakes a schema cannot express: ranges of durations, what is
// unique or fits together, files and variables that are not there, and the form of YAML.
func TestSchemaRefusesWhatTheProgramRefuses(t *testing.T) {
	beyond := []string{
		"account_name_missing", "account_name_twice", "api_attempts_octal", "api_timeout", "broken_second_document",
		"credentials_file_directory", "credentials_file_empty", "credentials_file_missing", "credentials_oidc_environment",
		"discovery_interval_too_short", "instance_id_twice", "instance_region_missing", "refresh_interval_too_long", "tag",
		"two_documents", "windows",
	}
	s := compiled(t, schemaFile, "")
	paths, err := filepath.Glob(root + "/config/testdata/bad/*.yml")
	if err != nil || len(paths) < 50 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	var accepted []string
	for _, path := range paths {
		if validate(s, read(t, strings.TrimPrefix(path, root+"/"))) == nil {
			accepted = append(accepted, strings.TrimSuffix(filepath.Base(path), ".yml"))
		}
	}
	if !slices.Equal(accepted, beyond) {
		t.Errorf("accepted are\n%q\nexpected\n%q", accepted, beyond)
	}
}

// TestRangesAreThoseOfTheProgram loads files with the ends of each range, which are allowed, and with values beyond them.
func TestRangesAreThoseOfTheProgram(t *testing.T) {
	types, err := readStructs(root)
	if err != nil {
		t.Fatal(err)
	}
	accepted := func(typeName, key, value string) error {
		type mapping = map[string]any
		instance, discovery := mapping{"id": "r-a", "region": "cn-a"}, mapping{"regions": []string{"cn-a"}}
		credentials := mapping{"type": "ram_role_arn", "role_arn": "acs:ram::1:role/a"}
		account := mapping{"credentials": credentials, "instances": []any{instance}, "discovery": []any{discovery}}
		api := mapping{}
		file := mapping{"expiry_critical": "1h", "expiry_warning": "10y", "api": api, "accounts": []any{account}}
		mapping{
			"Config": file, "API": api, "Account": account, "Instance": instance, "Discovery": discovery, "Credentials": credentials,
		}[typeName].(mapping)[key] = &yaml.Node{Kind: yaml.ScalarNode, Value: value}
		text, err := yaml.Marshal(file)
		path := filepath.Join(t.TempDir(), "c.yml")
		if err := errors.Join(err, os.WriteFile(path, text, 0o600)); err != nil {
			t.Fatal(err)
		}
		_, err = config.Load(path)
		return err
	}
	ranges := 0
	for typeName, keys := range types {
		for _, k := range keys {
			from, to, isRange := strings.Cut(strings.TrimPrefix(k.allowed, "above "), " to ")
			if !isRange || strings.Contains(to, " ") {
				continue
			}
			ranges++
			for value, want := range map[string]bool{
				from: !strings.HasPrefix(k.allowed, "above "), to: true, beyond(t, from, -1): false, beyond(t, to, 1): false,
			} {
				if err := accepted(typeName, k.name, value); (err == nil) != want {
					t.Errorf("%s %s: %s: %v", typeName, k.name, value, err)
				}
			}
		}
	}
	if ranges != 15 {
		t.Errorf("%d ranges", ranges)
	}
}

// beyond returns a value a little below or above another one.
func beyond(t *testing.T, value string, by int) string {
	t.Helper()
	if n, err := strconv.Atoi(value); err == nil {
		return strconv.Itoa(n + by)
	}
	d, err := model.ParseDuration(value)
	if err != nil {
		t.Fatal(err)
	}
	return (d + model.Duration(by)*model.Duration(time.Millisecond)).String()
}
