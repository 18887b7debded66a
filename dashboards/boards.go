// Package dashboards holds the Grafana dashboards. Its code is for tests alone: it reads the boards and gives every
// query in them, for the linter in lint/ and for the end-to-end test.
package dashboards

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed *.json
var files embed.FS

// All reads every board.
func All() ([]Board, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	boards := make([]Board, 0, len(entries))
	for _, entry := range entries {
		text, err := files.ReadFile(entry.Name())
		if err != nil {
			return nil, err
		}
		board, err := Parse(entry.Name(), text)
		if err != nil {
			return nil, err
		}
		boards = append(boards, board)
	}
	return boards, nil
}

// Parse reads one board.
func Parse(name string, text []byte) (Board, error) {
	b := Board{File: name, Text: string(text)}
	if err := json.Unmarshal(text, &b); err != nil {
		return Board{}, fmt.Errorf("%s: %w", name, err)
	}
	if err := json.Unmarshal(text, &b.Raw); err != nil {
		return Board{}, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

// Board is what of Grafana's classic model the boards use and the tests look at.
type Board struct {
	File string         `json:"-"`
	Text string         `json:"-"`
	Raw  map[string]any `json:"-"` // all of it

	ID            *int     `json:"id"`
	UID           string   `json:"uid"`
	Title         string   `json:"title"`
	Description   string   `json:"description"`
	Tags          []string `json:"tags"`
	SchemaVersion int      `json:"schemaVersion"`
	Editable      *bool    `json:"editable"`
	Timezone      string   `json:"timezone"`
	Links         []Link   `json:"links"`
	Panels        []Panel  `json:"panels"`
	Templating    struct {
		List []Variable `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []Annotation `json:"list"`
	} `json:"annotations"`
}

// Link leads to another board.
type Link struct {
	Type        string `json:"type"`
	URL         string `json:"url"`
	IncludeVars bool   `json:"includeVars"`
	KeepTime    bool   `json:"keepTime"`
}

// Variable is a drop-down at the top of a board.
type Variable struct {
	Name       string          `json:"name"`
	Label      string          `json:"label"`
	Type       string          `json:"type"`
	Definition string          `json:"definition"`
	Query      json.RawMessage `json:"query"` // an object; for a data source its type
	Refresh    int             `json:"refresh"`
	Multi      bool            `json:"multi"`
	IncludeAll bool            `json:"includeAll"`
	AllValue   string          `json:"allValue"`
}

// Annotation marks times in the panels.
type Annotation struct {
	Name       string `json:"name"`
	Expr       string `json:"expr"`
	TextFormat string `json:"textFormat"`
	TagKeys    string `json:"tagKeys"`
}

// Panel is one panel, or a row with what is folded into it.
type Panel struct {
	ID              int                        `json:"id"`
	Type            string                     `json:"type"`
	Title           string                     `json:"title"`
	Description     string                     `json:"description"`
	GridPos         GridPos                    `json:"gridPos"`
	Panels          []Panel                    `json:"panels"`
	Targets         []Target                   `json:"targets"`
	Options         map[string]json.RawMessage `json:"options"`
	Transformations []Transformation           `json:"transformations"`
	FieldConfig     struct {
		Defaults  FieldConfig `json:"defaults"`
		Overrides []Override  `json:"overrides"`
	} `json:"fieldConfig"`
}

// Transformation changes what queries answered before it is shown.
type Transformation struct {
	ID      string `json:"id"`
	Options struct {
		ExcludeByName map[string]bool `json:"excludeByName"`
	} `json:"options"`
}

// GridPos is where a panel lies, on a grid of 24 columns.
type GridPos struct{ X, Y, W, H int }

// Target is a query of a panel.
type Target struct {
	RefID        string `json:"refId"`
	Expr         string `json:"expr"`
	LegendFormat string `json:"legendFormat"`
	Format       string `json:"format"`
	Instant      bool   `json:"instant"`
	Range        bool   `json:"range"`
}

// FieldConfig tells how values are shown.
type FieldConfig struct {
	Unit       string     `json:"unit"`
	NoValue    string     `json:"noValue"`
	Mappings   []Mapping  `json:"mappings"`
	Thresholds Thresholds `json:"thresholds"`
	Color      Color      `json:"color"`
}

// Color is the one colour of what is not coloured by its value.
type Color struct {
	Mode       string `json:"mode"`
	FixedColor string `json:"fixedColor"`
}

// Mapping shows some values as a text.
type Mapping struct {
	Type    string          `json:"type"`
	Options json.RawMessage `json:"options"`
}

// Thresholds colour values; the first step has no value.
type Thresholds struct {
	Steps []struct {
		Color string   `json:"color"`
		Value *float64 `json:"value"`
	} `json:"steps"`
}

// Override changes how the values of some fields are shown.
type Override struct {
	Matcher struct {
		ID      string `json:"id"`
		Options string `json:"options"`
	} `json:"matcher"`
	Properties []struct {
		ID    string          `json:"id"`
		Value json.RawMessage `json:"value"`
	} `json:"properties"`
}

// AllPanels gives the panels without the rows, folded ones included.
func (b Board) AllPanels() []Panel {
	var panels []Panel
	for _, p := range b.Panels {
		if p.Type == "row" {
			panels = append(panels, p.Panels...)
		} else {
			panels = append(panels, p)
		}
	}
	return panels
}

// Slug is the name of the file without its ending, which is the uid too.
func (b Board) Slug() string { return strings.TrimSuffix(b.File, ".json") }
