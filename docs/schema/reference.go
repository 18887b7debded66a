package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/prometheus/common/model"

	"tair_ssl_exporter/collector/tair/creds"
)

// reference returns the tables of every key as Markdown.
func (s structs) reference() string {
	var out strings.Builder
	for _, section := range [][2]string{
		{"Config", "At the top of the file"}, {"API", "api"}, {"Account", "accounts[]"},
		{"Instance", "accounts[].instances[]"}, {"Discovery", "accounts[].discovery[]"}, {"Credentials", "accounts[].credentials"},
	} {
		fmt.Fprintf(&out, "### %s\n\n", section[1])
		if section[0] == "Credentials" {
			out.WriteString(typesTable())
		}
		out.WriteString("| key | type | default | allowed | meaning | example |\n|---|---|---|---|---|---|\n")
		for _, k := range s[section[0]] {
			fmt.Fprintf(&out, "| `%s` | %s | %s | %s | %s | %s |\n", k.name, typeName(k.goType), code(k.fallback), allowed(k), k.meaning, code(k.example))
		}
		out.WriteByte('\n')
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// typesTable returns the keys of each type of credentials.
func typesTable() string {
	var out strings.Builder
	out.WriteString("| type | needs | may have |\n|---|---|---|\n")
	keys := func(names string) string {
		if names == "" {
			return ""
		}
		return "`" + strings.ReplaceAll(names, " ", "`, `") + "`"
	}
	for _, t := range creds.Types() {
		optional := keys(t.Optional)
		switch t.Name {
		case creds.TypeRAMRoleARN:
			optional += "; in the place of `source`: `access_key_id`, `access_key_secret`, `security_token`"
		case creds.TypeOIDCRoleARN:
			optional += "; without all three that it needs, they come from the variables of ACK's RRSA"
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s |\n", t.Name, keys(t.Required), optional)
	}
	return out.String() + "\n"
}

// typeName returns the type of a value in words.
func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[model.Duration]():
		return "duration"
	case reflect.TypeFor[creds.Secret]():
		return "secret text"
	}
	switch t.Kind() {
	case reflect.Int:
		return "whole number"
	case reflect.Float64:
		return "number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "list"
	case reflect.Map, reflect.Struct, reflect.Pointer:
		return "mapping"
	}
	return "text"
}

func allowed(k key) string {
	switch k.name {
	case "network":
		return "`public`, `vpc`"
	case "type":
		return "a type of the table above"
	}
	return k.allowed
}

// code returns a value in flow YAML, as code.
func code(v any) string {
	if v == nil {
		return ""
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error() // the drift test shows it
	}
	flow := strings.NewReplacer(`":"`, ": ", `":`, ": ", `"`, "", ",", ", ").Replace(string(text))
	return "`" + flow + "`"
}
