//go:build deploy

package helm_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

func TestBadValuesAreRefused(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{ // the value that the refusal names, or our own text
		`shards=0`:                               "/shards",
		`shards="2"`:                             "/shards",
		`shards=2,replicas=2`:                    "/replicas",
		`replicas=-1`:                            "/replicas",
		`unknown=1`:                              "unknown",
		`image.name="x"`:                         "/image",
		`image.digest="latest"`:                  "/image/digest",
		`image.pullPolicy="Sometimes"`:           "/image/pullPolicy",
		`configAs="File"`:                        "/configAs",
		`config="x"`:                             "/config",
		`config.accounts=[]`:                     "/config/accounts",
		`existingSecrets=["a b"]`:                "/existingSecrets/0",
		`env=[{"value":"x"}]`:                    "/env/0",
		`extraArgs=["--shard=1"]`:                "extraArgs: --shard=1: other values set it, or nothing would be served",
		`extraArgs=["debug"]`:                    "/extraArgs/0",
		`extraArgs=["-h"]`:                       "/extraArgs/0",
		`fullnameOverride="a.b"`:                 "/fullnameOverride",
		`fullnameOverride="1x"`:                  "/fullnameOverride",
		`nameOverride="a.b"`:                     "/nameOverride",
		`rrsa.enabled=true`:                      "/rrsa/roleName",
		`rrsa.roleName="acs:ram::1:role/x"`:      "/rrsa/roleName",
		`webConfig.tls=true`:                     "/webConfig/existingSecret",
		`serviceMonitor.interval="1"`:            "/serviceMonitor/interval",
		`serviceMonitor.interval="30s1m"`:        "/serviceMonitor/interval",
		`serviceMonitor.interval=""`:             "/serviceMonitor/interval",
		`serviceMonitor.job="a\"b"`:              "/serviceMonitor/job",
		`prometheusRule.extraLabels={"a b":""}`:  "/prometheusRule/extraLabels",
		`prometheusRule.extraLabels={"__x":""}`:  "/prometheusRule/extraLabels",
		`prometheusRule.extraLabels={"name":""}`: "prometheusRule.extraLabels: name is a label of the rules",
		`prometheusRule.extraLabels=["team"]`:    "/prometheusRule/extraLabels",
		`prometheusRule.runbookUrlBase="wiki"`:   "/prometheusRule/runbookUrlBase",
		`podDisruptionBudget.maxUnavailable=0`:   "/podDisruptionBudget/maxUnavailable",
		`podLabels.a=1`:                          "/podLabels/a",
	} {
		var flags []string
		for part := range strings.SplitSeq(value, ",") {
			flags = append(flags, "--set-json", part)
		}
		_, err := helm(t, releaseName, chart, flags...)
		mustRefuse(t, value, err, want)
	}
	if _, err := helm(t, releaseName, chart, "--set", "global.registry=x"); err != nil {
		t.Errorf("global values of a parent chart: %v", err)
	}
}

// A new flag of the program is refused, unless it is added to free.
func TestFlagsThatTheChartSetsOrThatServeNothingAreRefused(t *testing.T) {
	free := []string{"log.format", "log.level", "scrape.timeout", "scrape.timeout-offset", "web.enable-lifecycle"}
	refused := []string{"once", "once.format", "version", "help", "help-long", "completion-bash"}
	_, help, _ := apptest.Run(t, "--help")
	for _, m := range regexp.MustCompile(`(?m)^ +(?:-h, )?--(?:\[no-\])?([a-z.-]+)`).FindAllStringSubmatch(help, -1) {
		if !slices.Contains(free, m[1]) {
			refused = append(refused, m[1])
		}
	}
	if len(refused) < 15 {
		t.Fatalf("only %q", refused)
	}
	variable := func(flag string) string {
		return "TAIR_SSL_EXPORTER_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(flag))
	}
	with := func(flags []string) error {
		var args, env []string
		for _, flag := range flags {
			args = append(args, strconv.Quote("--"+flag), strconv.Quote("--no-"+flag), strconv.Quote("--"+flag+"=1"))
			env = append(env, fmt.Sprintf(`{"name":%q,"value":"1"}`, variable(flag)))
		}
		_, err := helm(t, releaseName, chart, "--set", "shards=3", "--set-json", "extraArgs=["+strings.Join(args, ",")+"]",
			"--set-json", "env=["+strings.Join(env, ",")+"]")
		return err
	}
	if err := with(free); err != nil {
		t.Errorf("%q: %v", free, err)
	}
	err := with(refused)
	for _, flag := range refused {
		for _, form := range []string{"--" + flag, "--no-" + flag, "--" + flag + "=1"} {
			mustRefuse(t, form, err, "extraArgs: "+form+": other values set it")
		}
		if !strings.HasPrefix(flag, "help-") && !strings.HasPrefix(flag, "completion-") { // these two have no variable
			mustRefuse(t, flag, err, "env: "+variable(flag)+": other values set it")
		}
	}
}

// The operator refuses a scrape timeout above the interval, and reports it in its own log only.
func TestScrapeTimeoutIsNotLongerThanTheInterval(t *testing.T) {
	t.Parallel()
	for interval, timeouts := range map[string]map[string]bool{
		"15s":   {"30s": false, "15s": true, "15001ms": false, "15000ms": true},
		"1m30s": {"90s": true, "91s": false, "1m30s500ms": false, "1m": true},
		"1d":    {"23h59m": true, "25h": false},
	} {
		for timeout, fits := range timeouts {
			_, err := helm(t, releaseName, chart, "--set", "serviceMonitor.enabled=true,serviceMonitor.interval="+interval+",serviceMonitor.scrapeTimeout="+timeout)
			if fits && err != nil {
				t.Errorf("%s in %s: %v", timeout, interval, err)
			} else if !fits {
				mustRefuse(t, timeout+" in "+interval, err, "serviceMonitor: scrapeTimeout "+timeout+" is longer than interval "+interval)
			}
		}
	}
}

// Duplicate keys are no valid YAML, and readers differ in which one wins.
func TestKeysOfTheChartAreRefused(t *testing.T) {
	t.Parallel()
	const features = "rrsa.enabled=true,rrsa.roleName=x,serviceMonitor.enabled=true,prometheusRule.enabled=true,dashboards.enabled=true"
	labels := []string{"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"}
	for value, keys := range map[string][]string{
		"podLabels":                  append([]string{"pod-identity.alibabacloud.com/injection"}, labels[:3]...),
		"podAnnotations":             {"checksum/config"},
		"serviceAccount.annotations": {"pod-identity.alibabacloud.com/role-name"},
		"serviceMonitor.labels":      labels,
		"prometheusRule.labels":      labels,
		"dashboards.labels":          labels,
	} {
		var flags []string
		for _, key := range append(keys, "example.com/own") {
			flags = append(flags, value+"."+strings.ReplaceAll(key, ".", `\.`)+"=x")
		}
		_, err := helm(t, releaseName, chart, "--set", features, "--set", strings.Join(flags, ","))
		for _, key := range keys {
			mustRefuse(t, value, err, value+": "+key+" is set by the chart")
		}
		if err != nil && strings.Contains(err.Error(), "example.com/own") {
			t.Errorf("%s: %v", value, err)
		}
	}
	// What the chart does not set then is the user's to set.
	manifests(t, renderWith(t, "--set", `demo=true,podAnnotations.checksum/config=x,podLabels.pod-identity\.alibabacloud\.com/injection=on`))
}

// A null removes a value. Where it may be empty it is empty then; else the refusal names it.
func TestNullIsEmptyOrMissed(t *testing.T) {
	t.Parallel()
	empty := []string{"serviceMonitor.enabled=true", "prometheusRule.enabled=true", "dashboards.enabled=true", "networkPolicy.enabled=true", "demo=true"}
	missed := make(map[string]string) // the last key of each path
	miss := func(path string) { missed[path] = "'" + path[strings.LastIndex(path, ".")+1:] + "'" }
	for path, value := range chartValues(t) {
		_, isMap := value.(map[string]any)
		_, isList := value.([]any)
		if isMap || isList || value == "" {
			empty = append(empty, path+"=null")
		} else {
			miss(path)
		}
		if object, _, has := strings.Cut(path, "."); has {
			miss(object)
		}
	}
	if len(empty) < 30 || len(missed) < 30 {
		t.Errorf("only %q and %q", empty, missed)
	}
	text := renderWith(t, "--set", strings.Join(empty, ","))
	if found := regexp.MustCompile(`(?m)^.*(\bnull|<nil>|map\[\])$`).FindAllString(withoutBodies(t, text), -1); len(found) > 0 {
		t.Errorf("%q", found)
	}
	_, spec := only(t, manifests(t, text), "Deployment").pod()
	if resources := at(spec, "containers", 0, "resources"); len(dict(resources)) > 0 {
		t.Errorf("resources %v", resources)
	}
	for path, want := range missed {
		_, err := helm(t, releaseName, chart, "--set", path+"=null")
		mustRefuse(t, path, err, want)
	}
	_, err := helm(t, releaseName, chart, "--set", "config=null")
	mustRefuse(t, "config", err, "config: is missing, and neither demo nor existingConfigSecret is set")
}

// flat adds the values below a key by their paths. A list, or an object that the chart passes on, is one value.
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
	apptest.DecodeFile(t, chart+"/values.yaml", true, &values)
	all := make(map[string]any)
	flat("", values, all)
	return all
}

// The README lists every value with its default.
func TestREADMEListsTheValues(t *testing.T) {
	values := chartValues(t)
	listed := make(map[string]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]*) \\|").FindAllStringSubmatch(apptest.Read(t, chart+"/README.md"), -1) {
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

// The schema has exactly the values of values.yaml.
func TestSchemaHasTheValues(t *testing.T) {
	var schema, values map[string]any
	apptest.DecodeFile(t, chart+"/values.schema.json", true, &schema)
	apptest.DecodeFile(t, chart+"/values.yaml", true, &values)
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

func TestREADMEExamplesAreValues(t *testing.T) {
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(apptest.Read(t, chart+"/README.md"), -1)
	if len(examples) == 0 {
		t.Fatal("no example")
	}
	for _, m := range examples {
		if _, err := helm(t, releaseName, chart, "--values", apptest.File(t, "values.yaml", m[1])); err != nil {
			t.Errorf("%v in\n%s", err, m[1])
		}
	}
}

func TestInstallationsOfTheREADMEsRender(t *testing.T) {
	t.Parallel()
	values := apptest.File(t, "my-values.yaml", apptest.Read(t, valuesOf("monitoring")))
	installations := 0
	for _, path := range []string{"README.md", chart + "/README.md"} {
		for _, words := range apptest.ShellCommands(t, path) {
			if words[0] != "helm" || words[1] != "upgrade" {
				continue
			}
			installations++
			if !slices.Contains(words, "--wait") { // helm test needs a ready pod
				t.Errorf("%s: %q: no --wait", path, words)
			}
			var flags []string
			for _, word := range words[5:] { // after helm upgrade --install NAME CHART
				if word != "--wait" && word != "--create-namespace" {
					flags = append(flags, strings.Replace(word, "my-values.yaml", values, 1))
				}
			}
			if _, err := helm(t, words[3], words[4], flags...); err != nil {
				t.Errorf("%s: %q: %v", path, words, err)
			}
		}
	}
	if installations < 3 {
		t.Errorf("%d installations", installations)
	}
}
