// Command schema writes what follows from the Go types of the configuration: the JSON schema, its copy in the schema of the
// chart's values, and the tables of docs/configuration.md.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// The files that are written, or written in part, from the root of the repository.
const (
	schemaFile    = "docs/tair-ssl-exporter.schema.json"
	valuesFile    = "deploy/helm/tair-ssl-exporter/values.schema.json"
	referenceFile = "docs/configuration.md"
)

func main() {
	const root = "../.." // of the repository
	files, err := generate(root)
	for path, text := range files {
		if err == nil {
			err = os.WriteFile(filepath.Join(root, path), []byte(text), 0o644) //nolint:gosec // everybody may read it
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "schema:", err)
		os.Exit(1)
	}
}

// generate returns the text of each file, by its path below root.
func generate(root string) (map[string]string, error) {
	structs, err := readStructs(root)
	if err != nil {
		return nil, err
	}
	alone, err := encode(structs.file(), "")
	if err != nil {
		return nil, err
	}
	values, err := replacePart(root, valuesFile, `(?s)(\n    "exporterConfig": ).*(\n  \}\n\}\n)$`, func() (string, error) {
		within := structs.file()
		within.Schema, within.Title = "", ""
		text, err := encode(within, "    ")
		return strings.ReplaceAll(text, `"#/definitions/`, `"#/definitions/exporterConfig/definitions/`), err
	})
	if err != nil {
		return nil, err
	}
	reference, err := replacePart(root, referenceFile, `(?s)(<!-- generated -->\n\n).*(\n<!-- end of what is generated -->)`,
		func() (string, error) { return structs.reference(), nil })
	return map[string]string{schemaFile: alone + "\n", valuesFile: values, referenceFile: reference}, err
}

// encode returns a schema as JSON, whose lines after the first begin with the prefix.
func encode(s *schema, prefix string) (string, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent(prefix, "  ")
	err := encoder.Encode(s)
	return strings.TrimSpace(out.String()), err
}

// replacePart returns the text of a file with a new part between the two groups of an expression.
func replacePart(root, path, expression string, part func() (string, error)) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return "", err
	}
	at := regexp.MustCompile(expression).FindSubmatchIndex(text)
	if at == nil {
		return "", fmt.Errorf("%s: there is no place for what is generated", path)
	}
	generated, err := part()
	return string(text[:at[3]]) + generated + string(text[at[4]:]), err
}
