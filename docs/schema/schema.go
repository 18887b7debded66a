package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/config"
)

// schema is a JSON schema, draft 07: editors and Helm read it.
type schema struct {
	Schema      string `json:"$schema,omitempty"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`

	Ref       string   `json:"$ref,omitempty"`
	Type      any      `json:"type,omitempty"`
	Enum      []string `json:"enum,omitempty"`
	Const     any      `json:"const,omitempty"`
	MinLength int      `json:"minLength,omitempty"`
	Pattern   string   `json:"pattern,omitempty"`
	Minimum   *float64 `json:"minimum,omitempty"`
	Above     *float64 `json:"exclusiveMinimum,omitempty"`
	Maximum   *float64 `json:"maximum,omitempty"`

	MinItems    int     `json:"minItems,omitempty"`
	UniqueItems bool    `json:"uniqueItems,omitempty"`
	Items       *schema `json:"items,omitempty"`

	Required      []string   `json:"required,omitempty"`
	MaxProperties int        `json:"maxProperties,omitempty"`
	Names         *schema    `json:"propertyNames,omitempty"`
	Properties    properties `json:"properties,omitempty"`
	Additional    any        `json:"additionalProperties,omitempty"`

	AllOf []*schema `json:"allOf,omitempty"`
	AnyOf []*schema `json:"anyOf,omitempty"`
	OneOf []*schema `json:"oneOf,omitempty"`
	Not   *schema   `json:"not,omitempty"`
	If    *schema   `json:"if,omitempty"`
	Then  *schema   `json:"then,omitempty"`
	Else  *schema   `json:"else,omitempty"`

	Default     any        `json:"default,omitempty"`
	Examples    []any      `json:"examples,omitempty"`
	Definitions properties `json:"definitions,omitempty"`
}

// properties are named schemas, in the order of the Go fields.
type properties []property

type property struct {
	name  string
	value *schema
}

// MarshalJSON keeps the order.
func (p properties) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	for i, each := range p {
		value, err := json.Marshal(each.value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, "%q:%s", each.name, value)
	}
	return slices.Concat([]byte("{"), out.Bytes(), []byte("}")), nil
}

const (
	regionPattern   = `[a-z]{2}(-[a-z0-9]+)+`
	idPattern       = `^[A-Za-z0-9_-]{1,128}$`
	labelPattern    = `^([a-zA-Z]|_[a-zA-Z0-9])[a-zA-Z0-9_]*$|^_$`
	durationPattern = `^(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?$`
)

func definition(name string) *schema { return &schema{Ref: "#/definitions/" + name} }

func number(n float64) *float64 { return &n }

// file returns the schema of the configuration file.
func (s structs) file() *schema {
	root := s.object("Config", "accounts")
	root.Schema = "http://json-schema.org/draft-07/schema#"
	root.Title = "The configuration file of tair_ssl_exporter"
	instance := s.object("Instance", "id")
	account := s.object("Account")
	account.AnyOf = []*schema{{Required: []string{"instances"}}, {Required: []string{"discovery"}}}
	scalar := &schema{Type: []string{"string", "number", "boolean"}}
	root.Definitions = properties{
		{"duration", &schema{
			Description: "a duration such as 30s, 5m, 1h30m or 30d", Type: []string{"string", "integer"},
			MinLength: 1, Pattern: durationPattern + "|^0$", Minimum: number(0), Maximum: number(0),
		}},
		{"region", &schema{Type: "string", Pattern: "^" + regionPattern + "$"}},
		{"tags", &schema{Type: "object", Additional: scalar, Names: &schema{MinLength: 1}, MaxProperties: 20}},
		{"labels", &schema{Type: "object", Additional: scalar, Names: &schema{
			Pattern: labelPattern, Not: &schema{Enum: config.ReservedLabels()},
		}}},
		{"account", account},
		{"credentials", s.credentials()},
		{"instance", &schema{OneOf: []*schema{{Type: "string", Pattern: idPattern}, instance}}},
		{"discovery", s.object("Discovery", "regions")},
	}
	return root
}

// object returns the schema of a type, and refuses other keys.
func (s structs) object(name string, required ...string) *schema {
	o := &schema{Type: "object", Required: required, Additional: false}
	for _, k := range s[name] {
		o.Properties = append(o.Properties, property{k.name, s.value(k)})
	}
	return o
}

// value returns the schema of a key.
func (s structs) value(k key) *schema {
	v := s.byType(k)
	if from, to, isRange := strings.Cut(k.allowed, " to "); isRange && (v.Type == "integer" || v.Type == "number") {
		var low, high float64
		from, above := strings.CutPrefix(from, "above ")
		_, _ = fmt.Sscan(from+" "+to, &low, &high) // the test compares them with what the program accepts
		v.Minimum, v.Maximum = &low, &high
		if above {
			v.Minimum, v.Above = nil, &low
		}
	}
	v.Description, v.Default = k.meaning, k.fallback
	if k.allowed != "" {
		v.Description += " Allowed: " + k.allowed + "."
	}
	if k.example != nil {
		v.Examples = []any{k.example}
	}
	return v
}

// byType returns the schema of a key without its texts.
func (s structs) byType(k key) *schema {
	switch k.name {
	case "region":
		return definition("region")
	case "id":
		return &schema{Type: "string", Pattern: idPattern}
	case "regions":
		return &schema{Type: "array", MinItems: 1, UniqueItems: true, Items: &schema{Type: "string", Pattern: `^(\*|` + regionPattern + ")$"}}
	case "labels", "tag_labels":
		return definition("labels")
	case "tags":
		return definition("tags")
	case "type":
		return &schema{Enum: typeNames()}
	case "network":
		return &schema{Enum: []string{config.NetworkPublic, config.NetworkVPC}}
	case "endpoint":
		return &schema{Type: "string", Pattern: `^((https?://)?[^/@?#\s]+)?$`}
	case "sts_endpoint":
		return &schema{Type: "string", Pattern: `^[^/@?#\s]+$`}
	case "role_arn", "oidc_provider_arn":
		return &schema{Type: "string", Pattern: `^acs:ram::[!-~]+$`}
	case "role_session_name":
		return &schema{Type: "string", Pattern: `^[A-Za-z0-9.@_-]{2,64}$`}
	case "url":
		return &schema{Type: "string", Pattern: `^https?://[!-~]+$`}
	case "accounts":
		return &schema{Type: "array", MinItems: 1, Items: definition("account")}
	case "source":
		return definition("credentials")
	}
	switch k.goType {
	case reflect.TypeFor[model.Duration]():
		return definition("duration")
	case reflect.TypeFor[creds.Secret]():
		return &schema{Type: "string", MinLength: 1, Pattern: "^[!-~]*$"}
	}
	switch k.goType.Kind() {
	case reflect.Int:
		return &schema{Type: "integer"}
	case reflect.Float64:
		return &schema{Type: "number"}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Slice:
		return &schema{Type: "array", Items: definition(strings.ToLower(k.goType.Elem().Name()))}
	case reflect.Struct:
		if k.goType == reflect.TypeFor[creds.Config]() {
			return definition("credentials")
		}
		return s.object(k.goType.Name())
	}
	minLength := 1
	if k.name == "resource_group" {
		minLength = 0
	}
	return &schema{Type: "string", MinLength: minLength}
}

// credentials returns the schema of credentials: each type has its own keys.
func (s structs) credentials() *schema {
	all := s.object("Credentials", "type")
	for _, t := range creds.Types() {
		required, optional := strings.Fields(t.Required), strings.Fields(t.Optional)
		then := s.keysOf(required, optional)
		switch t.Name {
		case creds.TypeRAMRoleARN: // an access key instead of the source
			key := []string{"access_key_id", "access_key_secret"}
			optional = append(slices.DeleteFunc(optional, func(name string) bool { return name == "source" }), "security_token")
			then = &schema{
				If:   oneOfThese("access_key_id", "access_key_id_file", "access_key_secret", "access_key_secret_file", "security_token", "security_token_file"),
				Then: s.keysOf(append(key, required...), optional), Else: then,
			}
		case creds.TypeOIDCRoleARN: // all three or none
			then = &schema{If: oneOfThese(required...), Then: then, Else: s.keysOf(nil, append(required, optional...))}
		}
		all.AllOf = append(all.AllOf, &schema{
			If:   &schema{Required: []string{"type"}, Properties: properties{{"type", &schema{Const: t.Name}}}},
			Then: then,
		})
	}
	return all
}

// oneOfThese accepts a mapping that has at least one of the keys.
func oneOfThese(keys ...string) *schema {
	s := &schema{}
	for _, k := range keys {
		s.AnyOf = append(s.AnyOf, &schema{Required: []string{k}})
	}
	return s
}

func typeNames() (names []string) {
	for _, t := range creds.Types() {
		names = append(names, t.Name)
	}
	return names
}

// keysOf requires and allows keys of credentials. A key that can be in a file is there once.
func (s structs) keysOf(required, optional []string) *schema {
	o := &schema{Names: &schema{Enum: []string{"type"}}}
	for _, name := range slices.Concat(required, optional) {
		o.Names.Enum = append(o.Names.Enum, name)
		inFile := slices.ContainsFunc(s["Credentials"], func(k key) bool { return k.name == name+"_file" })
		if inFile {
			o.Names.Enum = append(o.Names.Enum, name+"_file")
		}
		switch {
		case inFile && slices.Contains(required, name):
			o.AllOf = append(o.AllOf, &schema{OneOf: []*schema{{Required: []string{name}}, {Required: []string{name + "_file"}}}})
		case inFile:
			o.AllOf = append(o.AllOf, &schema{Not: &schema{Required: []string{name, name + "_file"}}})
		case slices.Contains(required, name):
			o.Required = append(o.Required, name)
		}
	}
	return o
}
