package app

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/common/model"

	"tair_ssl_exporter/internal/words"
)

// durationValue is the value of a flag that takes days too, such as 30d.
type durationValue model.Duration

// Set is for kingpin.Value.
func (d *durationValue) Set(s string) error { return (*model.Duration)(d).Set(s) }

// String is for kingpin.Value.
func (d *durationValue) String() string { return (*model.Duration)(d).String() }

// namedValue is the value of a flag whose errors name the flag and what is allowed: those of kingpin do not.
type namedValue struct {
	kingpin.Value
	flag, variable string
}

// nameValues lets the errors of all flags name them, and returns their environment variables.
func nameValues(app *kingpin.Application) (variables []string) {
	for _, f := range app.Model().Flags {
		variable := variablePrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(f.Name))
		variables = append(variables, variable)
		app.GetFlag(f.Name).SetValue(&namedValue{Value: f.Value, flag: f.Name, variable: variable})
	}
	return variables
}

// Set is for kingpin.Value.
func (v *namedValue) Set(s string) error {
	if v.Value.Set(s) == nil {
		return nil
	}
	return fmt.Errorf("--%s (%s): %.64q is not allowed, allowed: %s", v.flag, v.variable, s, v.allowed())
}

// allowed returns what the flag takes.
func (v *namedValue) allowed() string {
	if _, ok := v.Value.(*durationValue); ok {
		return "a duration such as 30d or 12h"
	}
	if getter, ok := v.Value.(kingpin.Getter); ok {
		switch getter.Get().(type) {
		case bool:
			return "true or false"
		case int:
			return "a whole number such as 1"
		case time.Duration:
			return "a duration such as 10s or 1m"
		}
	}
	return "see --help"
}

// IsBoolFlag is for kingpin: the flag needs no value.
func (v *namedValue) IsBoolFlag() bool {
	b, ok := v.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// IsCumulative is for kingpin: the flag may be repeated.
func (v *namedValue) IsCumulative() bool {
	c, ok := v.Value.(interface{ IsCumulative() bool })
	return ok && c.IsCumulative()
}

// warnUnknownVariables logs the environment variables with the prefix of the exporter that stand for no flag. Kubernetes sets
// some of its own for a Service that has the name of the exporter.
func (o *options) warnUnknownVariables(logger log.Logger) {
	service := regexp.MustCompile(`^` + variablePrefix + `(SERVICE_(HOST|PORT.*)|PORT|PORT_.*)$`)
	var names []string // in small letters and without the prefix, which is no misspelling
	for _, variable := range o.variables {
		names = append(names, strings.ToLower(strings.TrimPrefix(variable, variablePrefix)))
	}
	for _, entry := range os.Environ() {
		variable, _, _ := strings.Cut(entry, "=")
		name, ours := strings.CutPrefix(variable, variablePrefix)
		if !ours || slices.Contains(o.variables, variable) || service.MatchString(variable) {
			continue
		}
		hint := ""
		if nearest := words.Nearest(name, names); nearest != "" {
			hint = "did you mean " + variablePrefix + strings.ToUpper(nearest) + "? "
		}
		_ = level.Warn(logger).Log("msg", "the environment variable stands for no flag", "variable", variable,
			"hint", hint+"--help lists the flags")
	}
}
