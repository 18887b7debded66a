package calendar

import (
	"fmt"
	"slices"
	"strings"
)

// filter is the accepted values of each custom label that the events must have.
type filter map[string][]string

// parseLabels reads the values of the parameter label.
func parseLabels(parameters, names []string) (filter, error) {
	f := make(filter)
	for _, p := range parameters {
		name, value, ok := strings.Cut(p, ":")
		switch {
		case !ok || name == "" || value == "":
			return nil, fmt.Errorf("label=%q: must be a label and its value, such as label=team:payments", p)
		case len(names) == 0:
			return nil, fmt.Errorf("label=%q: the configuration has no custom labels", p)
		case !slices.Contains(names, name):
			return nil, fmt.Errorf("label=%q: there is no custom label %q, only these: %s", p, name, strings.Join(names, ", "))
		}
		f[name] = append(f[name], value)
	}
	return f, nil
}

// take reports whether an instance with the labels is asked for.
func (f filter) take(labels map[string]string) bool {
	for name, values := range f {
		if !slices.Contains(values, labels[name]) {
			return false
		}
	}
	return true
}
