package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/config"
)

// structs holds the types of the configuration with their fields, by the name of the type.
type structs map[string][]key

// key is a field of a type: a key of the configuration file.
type key struct {
	name     string
	goType   reflect.Type
	meaning  string // a sentence or more
	allowed  string // the values in words, such as "1 to 10"; "": any
	fallback any    // the default; nil: none
	example  any
}

// readStructs returns the types of the configuration. The meanings come from the comments of the fields.
func readStructs(root string) (structs, error) {
	comments := make(map[string]string)
	for _, path := range []string{"config/config.go", "collector/tair/creds/config.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		readComments(file, comments)
	}
	defaults, err := defaults()
	if err != nil {
		return nil, err
	}
	all := make(structs)
	for _, value := range defaults {
		t := value.Type()
		name := t.Name()
		if t == reflect.TypeFor[creds.Config]() {
			name = "Credentials"
		}
		for i := range t.NumField() {
			field := t.Field(i)
			k := key{goType: field.Type}
			k.name, _, _ = strings.Cut(field.Tag.Get("yaml"), ",")
			where := t.String() + "." + field.Name
			if err := k.read(field, comments[where]); err != nil {
				return nil, fmt.Errorf("%s: %w", where, err)
			}
			v := value.Field(i)
			optional := strings.HasSuffix(field.Tag.Get("yaml"), ",omitempty")
			if k.fallback == nil && isScalar(v.Kind()) && (!v.IsZero() || v.Kind() == reflect.Int64 && !optional) {
				k.fallback = plain(v.Interface())
			}
			all[name] = append(all[name], k)
		}
	}
	return all, nil
}

// readComments collects the comments of the fields of every type in a file, as package.Type.Field.
func readComments(file *ast.File, comments map[string]string) {
	ast.Inspect(file, func(n ast.Node) bool {
		spec, isType := n.(*ast.TypeSpec)
		if !isType {
			return true
		}
		if fields, isStruct := spec.Type.(*ast.StructType); isStruct {
			for _, f := range fields.Fields.List {
				for _, name := range f.Names {
					comments[file.Name.Name+"."+spec.Name.Name+"."+name.Name] = f.Doc.Text()
				}
			}
		}
		return false
	})
}

// read takes the comment and the tags of a field.
func (k *key) read(field reflect.StructField, comment string) error {
	k.allowed = field.Tag.Get("allowed")
	for tag, value := range map[string]*any{"default": &k.fallback, "example": &k.example} {
		if err := yaml.Unmarshal([]byte(field.Tag.Get(tag)), value); err != nil {
			return fmt.Errorf("the tag %s: %w", tag, err)
		}
	}
	text, named := strings.CutPrefix(strings.Join(strings.Fields(comment), " "), field.Name+" ")
	if !named {
		return fmt.Errorf("the comment does not begin with the name of the field: %q", comment)
	}
	for _, verb := range []string{"is ", "are "} {
		text = strings.TrimPrefix(text, verb)
	}
	k.meaning = strings.ToUpper(text[:1]) + text[1:]
	return nil
}

// defaults returns a value of each type that holds the defaults.
func defaults() ([]reflect.Value, error) {
	dir, err := os.MkdirTemp("", "schema")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "least.yml")
	least := "accounts: [{credentials: {type: ram_role_arn, role_arn: 'acs:ram::1:role/a'}, " +
		"instances: [{id: r-a, region: cn-a}], discovery: [{regions: [cn-a]}]}]"
	if err := os.WriteFile(path, []byte(least), 0o600); err != nil {
		return nil, err
	}
	c, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	account := c.Accounts[0]
	account.Credentials.Type, account.Credentials.RoleARN = creds.TypeDefault, ""
	return []reflect.Value{
		reflect.ValueOf(*c), reflect.ValueOf(c.API), reflect.ValueOf(account), reflect.ValueOf(account.Credentials),
		reflect.ValueOf(config.Instance{}), reflect.ValueOf(config.Discovery{}),
	}, nil
}

func isScalar(k reflect.Kind) bool {
	return k != reflect.Struct && k != reflect.Slice && k != reflect.Map && k != reflect.Pointer
}

// plain returns a value as it is written in YAML. Weeks are written as days, as the other defaults are.
func plain(v any) any {
	d, isDuration := v.(model.Duration)
	const day = model.Duration(24 * time.Hour)
	switch {
	case !isDuration:
		return v
	case d > 0 && d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	}
	return d.String()
}
