//go:build deploy

package main

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestDeployBadValuesAreRefused(t *testing.T) {
	for flag, want := range map[string]string{
		`shards=0`:                             "at '/shards': minimum: got 0, want 1",
		`shards="2"`:                           "at '/shards': got string, want integer",
		`shards=2,replicas=2`:                  "at '/replicas': value must be 1",
		`replicas=-1`:                          "at '/replicas': minimum: got -1, want 0",
		`unknown=1`:                            "additional properties 'unknown' not allowed",
		`image.name="x"`:                       "at '/image': additional properties 'name' not allowed",
		`image.digest="latest"`:                "at '/image/digest'",
		`image.pullPolicy="Sometimes"`:         "at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'",
		`configAs="File"`:                      "at '/configAs': value must be one of 'Secret', 'ConfigMap'",
		`config="x"`:                           "at '/config': got string, want object",
		`config.accounts=[]`:                   "at '/config/accounts': minItems: got 0, want 1",
		`existingSecrets=["a b"]`:              "at '/existingSecrets/0': 'a b' does not match pattern",
		`env=[{"value":"x"}]`:                  "at '/env/0': missing property 'name'",
		`extraArgs=["--shard=1"]`:              "extraArgs: --shard=1 is set by the other values or fixed",
		`extraArgs=["--web.listen-address"]`:   "extraArgs: --web.listen-address is set by the other values or fixed",
		`extraArgs=["debug"]`:                  "at '/extraArgs/0': 'debug' does not match pattern",
		`rrsa.enabled=true`:                    "at '/rrsa/roleName': minLength: got 0, want 1",
		`rrsa.roleName="acs:ram::1:role/x"`:    "at '/rrsa/roleName'",
		`webConfig.tls=true`:                   "at '/webConfig/existingSecret': minLength: got 0, want 1",
		`serviceMonitor.interval="1"`:          "at '/serviceMonitor/interval': '1' does not match pattern",
		`serviceMonitor.job="a\"b"`:            "at '/serviceMonitor/job'",
		`prometheusRule.extraLabels=["a b"]`:   "at '/prometheusRule/extraLabels/0': 'a b' does not match pattern",
		`prometheusRule.extraLabels=["name"]`:  "prometheusRule.extraLabels: name can be no custom label",
		`prometheusRule.extraLabels=["__x"]`:   "prometheusRule.extraLabels: __x can be no custom label",
		`prometheusRule.extraLabels="team"`:    "at '/prometheusRule/extraLabels': got string, want array",
		`prometheusRule.runbookUrlBase="wiki"`: "at '/prometheusRule/runbookUrlBase'",
		`podDisruptionBudget.maxUnavailable=0`: "at '/podDisruptionBudget/maxUnavailable'",
		`podLabels.a=1`:                        "at '/podLabels/a': got number, want string",
	} {
		var flags []string
		for part := range strings.SplitSeq(flag, ",") {
			flags = append(flags, "--set-json", part)
		}
		_, err := helm(t, releaseName, chart, flags...)
		mustSay(t, flag, err, want)
	}
}

func TestDeployGlobalValuesOfAParentChartAreAccepted(t *testing.T) {
	if _, err := helm(t, releaseName, chart, "--set", "global.registry=x"); err != nil {
		t.Error(err)
	}
}

// flat gives the values below a key by their paths; a list, or an object that the chart passes on, is one value.
func flat(prefix string, value any, into map[string]any) {
	m, isMap := value.(map[string]any)
	passedOn := []string{"config", "resources", "podSecurityContext", "securityContext", "dashboards.labels"}
	if !isMap || len(m) == 0 || slices.Contains(passedOn, prefix) {
		into[prefix] = value
		return
	}
	for key, v := range m {
		flat(strings.TrimPrefix(prefix+"."+key, "."), v, into)
	}
}

func chartValues(t *testing.T) map[string]any {
	t.Helper()
	var values map[string]any
	decode(t, chart+"/values.yaml", true, &values)
	all := make(map[string]any)
	flat("", values, all)
	return all
}

// The README lists the values there are, with the defaults they have.
func TestDeployREADMEListsTheValues(t *testing.T) {
	values := chartValues(t)
	listed := make(map[string]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]*) \\|").FindAllStringSubmatch(shipped(t, chart+"/README.md"), -1) {
		value, known := values[row[1]]
		if !known || listed[row[1]] {
			t.Errorf("%s is no value, or is there twice", row[1])
			continue
		}
		listed[row[1]] = true
		want := "see values.yaml"
		if m, isMap := value.(map[string]any); !isMap || len(m) == 0 {
			if l, isList := value.([]any); !isList || len(l) == 0 {
				text, err := json.Marshal(value)
				if err != nil {
					t.Fatal(err)
				}
				want = "`" + strings.Trim(string(text), `"`) + "`"
				if value == "" {
					want = ""
				}
			}
		}
		if row[2] != want {
			t.Errorf("%s: the README has the default %q, want %q", row[1], row[2], want)
		}
	}
	for name := range values {
		if !listed[name] {
			t.Errorf("the README does not list %s", name)
		}
	}
}

// The schema knows exactly the values there are: one that it has and values.yaml has not would do nothing.
func TestDeploySchemaHasTheValues(t *testing.T) {
	var schema, values map[string]any
	decode(t, chart+"/values.schema.json", true, &schema)
	decode(t, chart+"/values.yaml", true, &values)
	var compare func(path string, schema, values map[string]any)
	compare = func(path string, schema, values map[string]any) {
		properties := maps.Clone(dict(schema["properties"]))
		if path == "" {
			delete(properties, "global")
		}
		if schema["additionalProperties"] != false {
			return // passed on
		}
		if got, want := slices.Sorted(maps.Keys(properties)), slices.Sorted(maps.Keys(values)); !slices.Equal(got, want) {
			t.Errorf("%s: the schema has %q, values.yaml %q", path, got, want)
		}
		for name, s := range properties {
			compare(path+"/"+name, dict(s), dict(values[name]))
		}
	}
	compare("", schema, values)
}

func TestDeployREADMEExamplesAreValues(t *testing.T) {
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(shipped(t, chart+"/README.md"), -1)
	if len(examples) == 0 {
		t.Fatal("no example")
	}
	for _, m := range examples {
		if _, err := helm(t, releaseName, chart, "--values", file(t, "values.yaml", m[1])); err != nil {
			t.Errorf("%v in\n%s", err, m[1])
		}
	}
}
