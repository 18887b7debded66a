package main

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/app"
	"tair_ssl_exporter/internal/apptest"
)

// ramActions are the actions that each policy allows. None of them changes anything.
func ramActions() map[string][]string {
	return map[string][]string{
		"policy-instances.json":    {"kvstore:DescribeInstanceSSL"},
		"policy-discovery.json":    {"kvstore:DescribeInstanceSSL", "kvstore:DescribeInstances", "kvstore:DescribeRegions"},
		"policy-assume-role.json":  {"sts:AssumeRole"},
		"trust-rrsa.json":          {"sts:AssumeRole"},
		"trust-cross-account.json": {"sts:AssumeRole"},
	}
}

// texts is a string of JSON or a list of them.
type texts []string

func (t *texts) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(t))
}

type ramPolicy struct {
	Version   string
	Statement []struct {
		Effect    string
		Action    texts
		Resource  texts
		Principal map[string]texts
		Condition map[string]map[string]texts
	}
}

// actions gives every action that a policy allows, sorted.
func (p ramPolicy) actions() []string {
	var all []string
	for _, s := range p.Statement {
		all = append(all, s.Action...)
	}
	slices.Sort(all)
	return all
}

// resources gives every resource of a policy.
func (p ramPolicy) resources() []string {
	var all []string
	for _, s := range p.Statement {
		all = append(all, s.Resource...)
	}
	return all
}

// ramPolicies reads every policy, by its file's name.
func ramPolicies(t *testing.T) map[string]ramPolicy {
	t.Helper()
	policies := make(map[string]ramPolicy)
	for _, path := range apptest.Glob(t, "deploy/ram/*.json") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var p ramPolicy
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&p); err != nil || d.More() {
			t.Fatalf("%s: %v", path, err)
		}
		// The decoder takes names in any case, RAM does not.
		for _, m := range regexp.MustCompile(`"(\w+)":`).FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains([]string{"Version", "Statement", "Effect", "Action", "Resource", "Principal", "Condition",
				"StringEquals", "RAM", "Federated"}, m[1]) {
				t.Errorf("%s: key %s", path, m[1])
			}
		}
		policies[filepath.Base(path)] = p
	}
	return policies
}

func TestRAMPoliciesAllowTheirActionsAndNothingElse(t *testing.T) {
	policies := ramPolicies(t)
	for name, want := range ramActions() {
		if got := policies[name].actions(); !slices.Equal(got, want) {
			t.Errorf("%s allows %q, want %q", name, got, want)
		}
	}
	for name, p := range policies {
		if _, listed := ramActions()[name]; !listed {
			t.Errorf("%s: it is not listed what it may allow", name)
		}
		if p.Version != "1" || len(p.Statement) == 0 {
			t.Errorf("%s: version %q, %d statements", name, p.Version, len(p.Statement))
		}
		for _, s := range p.Statement {
			if s.Effect != "Allow" {
				t.Errorf("%s: effect %q", name, s.Effect)
			}
		}
	}
}

func TestRAMPoliciesNameTheirResources(t *testing.T) {
	forms := map[string]string{
		"kvstore:DescribeInstanceSSL": `acs:kvstore:(\*|[a-z]+-[a-z0-9-]+):\d{16}:instance/(\*|r-[a-z0-9]+)`,
		"kvstore:DescribeInstances":   `acs:kvstore:(\*|[a-z]+-[a-z0-9-]+):\d{16}:instance/\*`,
		"kvstore:DescribeRegions":     `\*`,
		"sts:AssumeRole":              `acs:ram::\d{16}:role/[a-z-]+`,
	}
	for name, p := range ramPolicies(t) {
		if strings.HasPrefix(name, "trust-") {
			continue
		}
		for _, s := range p.Statement {
			if len(s.Resource) == 0 || s.Principal != nil {
				t.Errorf("%s: %d resources, principal %v", name, len(s.Resource), s.Principal)
			}
			for _, action := range s.Action {
				for _, resource := range s.Resource {
					if !regexp.MustCompile("^(" + forms[action] + ")$").MatchString(resource) {
						t.Errorf("%s: %s on %s", name, action, resource)
					}
				}
			}
		}
		if name == "policy-instances.json" && strings.Contains(strings.Join(p.resources(), " "), "*") {
			t.Errorf("%s: not every instance is named: %q", name, p.resources())
		}
	}
}

func TestRAMTrustIsForOneIdentityUnderConditions(t *testing.T) {
	const account = `^acs:ram::\d{16}:`
	want := map[string]struct {
		kind, principal string
		conditions      []string
	}{
		"trust-rrsa.json":          {"Federated", account + `oidc-provider/ack-rrsa-c[0-9a-f]{32}$`, []string{"oidc:aud", "oidc:iss", "oidc:sub"}},
		"trust-cross-account.json": {"RAM", account + `role/[a-z-]+$`, []string{"sts:ExternalId"}},
	}
	for name, p := range ramPolicies(t) {
		if !strings.HasPrefix(name, "trust-") {
			continue
		}
		w := want[name]
		for _, s := range p.Statement {
			if len(s.Principal) != 1 || len(s.Principal[w.kind]) != 1 || !regexp.MustCompile(w.principal).MatchString(s.Principal[w.kind][0]) {
				t.Errorf("%s: principal %v", name, s.Principal)
			}
			equals := s.Condition["StringEquals"]
			if got := slices.Sorted(maps.Keys(equals)); len(s.Condition) != 1 || !slices.Equal(got, w.conditions) {
				t.Errorf("%s: conditions %v", name, s.Condition)
			}
			for key, values := range equals {
				if len(values) != 1 || strings.Contains(values[0], "*") {
					t.Errorf("%s: %s is %q", name, key, values)
				}
			}
			if len(s.Resource) != 0 {
				t.Errorf("%s: resource %q", name, s.Resource)
			}
		}
	}
	rrsa := ramPolicies(t)["trust-rrsa.json"].Statement[0]
	_, cluster, _ := strings.Cut(rrsa.Principal["Federated"][0], "ack-rrsa-")
	equals := rrsa.Condition["StringEquals"]
	if !strings.HasSuffix(equals["oidc:iss"][0], "/"+cluster) || equals["oidc:aud"][0] != "sts.aliyuncs.com" ||
		!regexp.MustCompile(`^system:serviceaccount:[a-z-]+:[a-z-]+$`).MatchString(equals["oidc:sub"][0]) {
		t.Errorf("trust-rrsa.json: %v for cluster %s", equals, cluster)
	}
}

// clientOperations gives what the source of the client asks the API for: the action of each of its calls, which has to be
// a constant, so that none escapes.
func clientOperations(t *testing.T) []string {
	t.Helper()
	constants := make(map[string]string)
	var asked []ast.Expr
	inspect := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			for i, value := range n.Values {
				if literal, ok := value.(*ast.BasicLit); ok {
					constants[n.Names[i].Name] = strings.Trim(literal.Value, `"`)
				}
			}
		case *ast.CompositeLit:
			if kind, ok := n.Type.(*ast.Ident); ok && kind.Name == "call" {
				for _, field := range n.Elts {
					if field, ok := field.(*ast.KeyValueExpr); ok && field.Key.(*ast.Ident).Name == "action" {
						asked = append(asked, field.Value)
					}
				}
			}
		}
		return true
	}
	for _, path := range apptest.Glob(t, "collector/tair/*.go") {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		source, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(source, inspect)
	}
	var operations []string
	for _, action := range asked {
		name, ok := action.(*ast.Ident)
		if !ok || constants[name.Name] == "" {
			t.Errorf("the action of a call is no constant: %#v", action)
			continue
		}
		operations = append(operations, constants[name.Name])
	}
	slices.Sort(operations)
	return slices.Compact(operations)
}

func TestRAMPoliciesAllowWhatTheClientAsksFor(t *testing.T) {
	operations := clientOperations(t)
	var want []string
	for _, o := range operations {
		if !strings.HasPrefix(o, "Describe") {
			t.Errorf("%s does not only read", o)
		}
		want = append(want, "kvstore:"+o)
	}
	if got := ramPolicies(t)["policy-discovery.json"].actions(); !slices.Equal(got, want) {
		t.Errorf("allowed %q, asked for %q", got, want)
	}
}

// ramSections gives the sections of the README of the policies by the file that the heading names.
func ramSections(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("deploy/ram/README.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := make(map[string]string)
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		heading, _, _ := strings.Cut(section, "\n")
		name := regexp.MustCompile(`[a-z-]+\.json`).FindString(heading)
		if !strings.HasSuffix(heading, "["+name+"]("+name+")") || sections[name] != "" {
			t.Fatalf("a section that is of no file, or of one that has one:\n%s", section)
		}
		sections[name] = section
	}
	return sections
}

func TestRAMReadmeTellsOfEachPolicyHowToAttachIt(t *testing.T) {
	sections := ramSections(t)
	if files, told := slices.Sorted(maps.Keys(ramPolicies(t))), slices.Sorted(maps.Keys(sections)); !slices.Equal(files, told) {
		t.Errorf("files %q, sections %q", files, told)
	}
	created := make(map[string]bool)
	for _, section := range sections {
		for _, m := range regexp.MustCompile(`Create(Policy|User|Role) --\w+ (\S+)`).FindAllStringSubmatch(section, -1) {
			created[m[1]+" "+m[2]] = true
		}
	}
	for name, section := range sections {
		prose := strings.Split(section, "\n\n")
		if len(prose) < 2 || len(prose[1]) < 200 || strings.HasPrefix(prose[1], "```") {
			t.Errorf("%s: no paragraph", name)
		}
		commands := block(t, section, "sh")
		apptest.Contains(t, commands, `"$(cat `+name+`)"`)
		attached := regexp.MustCompile(`AttachPolicyTo(User|Role) --PolicyType Custom --PolicyName (\S+) --(?:User|Role)Name (\S+)`).FindAllStringSubmatch(commands, -1)
		if len(attached) != 1 || !created["Policy "+attached[0][2]] || !created[attached[0][1]+" "+attached[0][3]] {
			t.Errorf("%s: %q is attached, created are %v", name, attached, created)
		}
	}
}

func TestRAMReadmeConfigurationsAreValid(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"access_key_id", "access_key_secret", "token"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// What the webhook of RRSA puts into a pod.
	t.Setenv("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::6543210987654321:role/tair-ssl-exporter")
	t.Setenv("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", ramPolicies(t)["trust-rrsa.json"].Statement[0].Principal["Federated"][0])
	t.Setenv("ALIBABA_CLOUD_OIDC_TOKEN_FILE", filepath.Join(dir, "token"))
	for name, section := range ramSections(t) {
		text := strings.ReplaceAll(block(t, section, "yaml"), "/run/secrets/tair/", dir+"/")
		var out strings.Builder
		if code := app.Run(t.Context(), []string{"--config.check", "--config.file=" + apptest.File(t, "c.yml", text)}, &out, &out); code != 0 {
			t.Errorf("%s: %s", name, &out)
		}
	}
}

// TestRAMReadmeConfigurationsGoWithThePolicies compares what the two name.
func TestRAMReadmeConfigurationsGoWithThePolicies(t *testing.T) {
	policies, sections := ramPolicies(t), ramSections(t)
	var listed []string
	for _, m := range regexp.MustCompile(`\{id: (\S+), region: (\S+)\}`).FindAllStringSubmatch(sections["policy-instances.json"], -1) {
		listed = append(listed, "acs:kvstore:"+m[2]+":1234567890123456:instance/"+m[1])
	}
	if allowed := policies["policy-instances.json"].resources(); !slices.Equal(listed, allowed) {
		t.Errorf("listed %q, allowed %q", listed, allowed)
	}
	roles := policies["policy-assume-role.json"].resources()
	id := policies["trust-cross-account.json"].Statement[0].Condition["StringEquals"]["sts:ExternalId"][0]
	for _, name := range []string{"trust-cross-account.json", "policy-assume-role.json"} {
		text := block(t, sections[name], "yaml")
		apptest.Contains(t, text, "role_arn: "+roles[0]+"\n", "external_id: "+id+"\n")
	}
	trusted := policies["trust-cross-account.json"].Statement[0].Principal["RAM"][0]
	_, role, _ := strings.Cut(trusted, "role/")
	apptest.Contains(t, sections["trust-rrsa.json"], "CreateRole --RoleName "+role+" ", "role-name: "+role+"`")
	_, role, _ = strings.Cut(roles[0], "role/")
	apptest.Contains(t, sections["trust-cross-account.json"], "CreateRole --RoleName "+role+" ")
}

func TestRAMReadmeTellsWhatToReplace(t *testing.T) {
	readme, err := os.ReadFile("deploy/ram/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range apptest.Glob(t, "deploy/ram/*.json") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, placeholder := range regexp.MustCompile(`\b(\d{16}|c[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]+){4}|r-bp1\w+|cn-[a-z]+\b)`).FindAllString(string(text), -1) {
			row := regexp.MustCompile("(?m)^\\|[^|\n]*`" + placeholder + "`[^|\n]*\\|")
			if !row.Match(readme) {
				t.Errorf("%s: %s is in no row of what to replace", path, placeholder)
			}
		}
	}
}
