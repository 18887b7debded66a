// Package dashboards holds the Grafana dashboards. Its code serves tests only: the end-to-end tests send the queries of
// the boards to Prometheus, and lint/ checks the boards.
package dashboards

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

//go:embed *.json
var files embed.FS

// All returns every board, ordered by file name.
func All() ([]Board, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	boards := make([]Board, len(entries))
	for i, entry := range entries {
		text, err := files.ReadFile(entry.Name())
		if err != nil {
			return nil, err
		}
		if boards[i], err = Parse(entry.Name(), string(text)); err != nil {
			return nil, err
		}
	}
	return boards, nil
}

// Parse decodes the JSON of a board. The error names the file.
func Parse(file, text string) (Board, error) {
	b := Board{File: file, Text: text}
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		return Board{}, fmt.Errorf("decode %s: %w", file, err)
	}
	for _, p := range b.AllPanels() {
		for i := range p.FieldConfig.Overrides {
			if _, err := p.settings(p.FieldConfig.Overrides[i : i+1]); err != nil {
				return Board{}, fmt.Errorf("decode %s: settings of %q: %w", file, p.Title, err)
			}
		}
	}
	return b, nil
}

// Board is a dashboard: the part of Grafana's JSON model that the tests use.
type Board struct {
	File string `json:"-"` // for example tair-ssl-overview.json
	Text string `json:"-"` // the JSON

	UID        string
	Links      []Link
	Panels     []Panel
	Templating struct {
		List []Variable
	}
	Annotations struct {
		List []Annotation
	}
}

// Link is a link in the head of a board.
type Link struct {
	URL         string
	IncludeVars bool
	KeepTime    bool
}

// Variable is a drop-down list, a text box or a hidden constant in the head of a board.
type Variable struct {
	Name    string
	Type    string
	Query   any    // the type of the data source, the choices, or an object that holds the query
	Regex   string // its groups text and value are what is displayed and what is used
	Current struct{ Value any }
}

// Annotation is a query whose answers are marked in the time series.
type Annotation struct {
	Name       string
	Expr       string
	TextFormat string // with labels as {{label}}
}

// Panel is a panel, or a row, which holds the panels folded into it.
type Panel struct {
	Type            string
	Title           string
	Description     string
	GridPos         GridPos
	Panels          []Panel
	Targets         []Target
	Transformations []Transformation
	Options         struct {
		SortBy []struct {
			DisplayName string
			Desc        bool
		}
		ReduceOptions struct{ Fields string }
		Legend        struct{ Placement string }
	}
	FieldConfig struct {
		Defaults  map[string]json.RawMessage // settings by name
		Overrides []Override
	}
}

// GridPos is the place of a panel on a grid of 24 columns.
type GridPos struct{ X, Y, W, H int }

// Target is a query of a panel.
type Target struct {
	RefID        string
	Expr         string
	LegendFormat string // with labels as {{label}}
	Format       string
	Instant      bool
	Range        bool
}

// Transformation changes the answers of the queries before they are displayed.
type Transformation struct {
	Options struct {
		ExcludeByName map[string]bool // fields that are not displayed
	}
}

// Override changes settings of the fields that match.
type Override struct {
	Matcher    struct{ ID, Options string }
	Properties []Property
}

// Property is a setting in an override.
type Property struct {
	ID    string
	Value json.RawMessage
}

// Settings is how values are displayed.
type Settings struct {
	DisplayName string
	Unit        string
	NoValue     string
	Decimals    *int
	Color       struct{ Mode, FixedColor string }
	Custom      struct { // of time series and state timelines
		AxisSoftMax     float64
		FillOpacity     int
		ThresholdsStyle struct{ Mode string }
	}
	Width       float64               `json:"custom.width"`
	CellOptions struct{ Type string } `json:"custom.cellOptions"`
	Mappings    []Mapping
	Thresholds  struct {
		Steps []struct {
			Color string
			Value *float64 // nil in the first step
		}
	}
}

// Mapping displays a value as a text.
type Mapping struct {
	Type    string
	Options struct { // of a special mapping, or one by a pattern
		Match  string
		Result struct{ Text, Color string }
	}
}

// Settings returns the defaults of the panel, changed by the overrides that match. A nil match matches none.
func (p Panel) Settings(match func(Override) bool) Settings {
	var overrides []Override
	for _, o := range p.FieldConfig.Overrides {
		if match != nil && match(o) {
			overrides = append(overrides, o)
		}
	}
	merged, _ := p.settings(overrides) // Parse has checked them
	return merged
}

func (p Panel) settings(overrides []Override) (Settings, error) {
	raw := maps.Clone(p.FieldConfig.Defaults)
	for _, o := range overrides {
		for _, property := range o.Properties {
			raw[property.ID] = property.Value
		}
	}
	text, err := json.Marshal(raw)
	if err != nil {
		return Settings{}, err
	}
	var merged Settings
	err = json.Unmarshal(text, &merged)
	return merged, err
}

// AllPanels returns the panels without the rows, folded ones included.
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

// Slug returns the file name without its extension.
func (b Board) Slug() string { return strings.TrimSuffix(b.File, ".json") }
