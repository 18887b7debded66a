package ram_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

func TestMain(m *testing.M) { apptest.AtRoot(m) }

const readme = "deploy/ram/README.md"

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

type statement struct {
	Effect    string
	Action    texts
	Resource  texts
	Principal map[string]texts
	Condition map[string]map[string]texts
}

type policy struct {
	Version   string
	Statement []statement
}

// actions returns every action that the policy allows, sorted.
func (p policy) actions() []string {
	var all []string
	for _, s := range p.Statement {
		all = append(all, s.Action...)
	}
	slices.Sort(all)
	return all
}

// policies reads every policy, by the name of its file.
func policies(t *testing.T) map[string]policy {
	t.Helper()
	all := make(map[string]policy)
	for _, path := range apptest.Glob(t, "deploy/ram/*.json") {
		text := apptest.Read(t, path)
		var p policy
		d := json.NewDecoder(bytes.NewReader([]byte(text)))
		d.DisallowUnknownFields()
		if err := d.Decode(&p); err != nil || d.More() {
			t.Fatalf("%s: %v", path, err)
		}
		// The decoder accepts names in any case, RAM does not.
		for _, key := range apptest.MatchesIn(t, path, text, `"(\w+)":`) {
			if !slices.Contains([]string{"Version", "Statement", "Effect", "Action", "Resource", "Principal", "Condition",
				"StringEquals", "RAM", "Federated"}, key) {
				t.Errorf("%s: key %s", path, key)
			}
		}
		all[filepath.Base(path)] = p
	}
	return all
}

// TestPolicies: each allows its actions on resources of their form, for one identity where it is a trust policy, and
// nothing else.
func TestPolicies(t *testing.T) {
	const assume = "sts:AssumeRole"
	forms := map[string]string{ // of the resource of an action; regions and instances may be *
		"kvstore:DescribeInstanceSSL": `acs:kvstore:(\*|[a-z]+-[a-z0-9-]+):\d{16}:instance/(\*|r-[a-z0-9]+)`,
		"kvstore:DescribeInstances":   `acs:kvstore:(\*|[a-z]+-[a-z0-9-]+):\d{16}:instance/\*`,
		"kvstore:DescribeRegions":     `\*`,

		"kvstore:DescribeActiveOperationTasks": `\*`,
		assume:                                 `acs:ram::\d{16}:role/[a-z-]+`,
	}
	type expectation struct {
		actions    []string
		kind       string // of the principal of a trust policy
		principal  string
		conditions []string
	}
	want := map[string]expectation{
		"policy-instances.json":   {actions: []string{"kvstore:DescribeInstanceSSL"}},
		"policy-discovery.json":   {actions: []string{"kvstore:DescribeInstanceSSL", "kvstore:DescribeInstances", "kvstore:DescribeRegions"}},
		"policy-renewals.json":    {actions: []string{"kvstore:DescribeActiveOperationTasks"}},
		"policy-assume-role.json": {actions: []string{assume}},
		"trust-rrsa.json": {[]string{assume}, "Federated", `acs:ram::\d{16}:oidc-provider/ack-rrsa-c[0-9a-f]{32}`,
			[]string{"oidc:aud", "oidc:iss", "oidc:sub"}},
		"trust-cross-account.json": {[]string{assume}, "RAM", `acs:ram::\d{16}:role/[a-z-]+`, []string{"sts:ExternalId"}},
	}
	all := policies(t)
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
		t.Errorf("policies %q", got)
	}
	is := func(form, text string) bool { return regexp.MustCompile("^(?:" + form + ")$").MatchString(text) }
	for name, p := range all {
		w := want[name]
		if p.Version != "1" || !slices.Equal(p.actions(), w.actions) {
			t.Errorf("%s: version %q, allows %q, want %q", name, p.Version, p.actions(), w.actions)
		}
		for _, s := range p.Statement {
			if s.Effect != "Allow" || len(s.Resource) == 0 == (w.kind == "") {
				t.Errorf("%s: effect %q, resources %q", name, s.Effect, s.Resource)
			}
			for _, action := range s.Action {
				for _, resource := range s.Resource {
					if !is(forms[action], resource) || name == "policy-instances.json" && strings.Contains(resource, "*") {
						t.Errorf("%s: %s on %s", name, action, resource)
					}
				}
			}
			if w.kind == "" {
				if s.Principal != nil {
					t.Errorf("%s: principal %v", name, s.Principal)
				}
				continue
			}
			if len(s.Principal) != 1 || len(s.Principal[w.kind]) != 1 || !is(w.principal, s.Principal[w.kind][0]) {
				t.Errorf("%s: principal %v", name, s.Principal)
			}
			equals := s.Condition["StringEquals"]
			if len(s.Condition) != 1 || !slices.Equal(slices.Sorted(maps.Keys(equals)), w.conditions) {
				t.Errorf("%s: conditions %v", name, s.Condition)
			}
			for key, values := range equals {
				if len(values) != 1 || strings.Contains(values[0], "*") {
					t.Errorf("%s: %s is %q", name, key, values)
				}
			}
		}
	}
	rrsa := all["trust-rrsa.json"].Statement[0]
	_, cluster, _ := strings.Cut(rrsa.Principal["Federated"][0], "ack-rrsa-")
	equals := rrsa.Condition["StringEquals"]
	if !strings.HasSuffix(equals["oidc:iss"][0], "/"+cluster) || equals["oidc:aud"][0] != "sts.aliyuncs.com" ||
		!is(`system:serviceaccount:[a-z-]+:[a-z-]+`, equals["oidc:sub"][0]) {
		t.Errorf("trust-rrsa.json: %v for cluster %s", equals, cluster)
	}
}

func TestPoliciesAllowTheOperationsOfTheClient(t *testing.T) {
	var want []string
	for _, path := range apptest.Glob(t, "collector/tair/*.go") {
		if !strings.HasSuffix(path, "_test.go") {
			for _, m := range regexp.MustCompile(`"((?:Describe|List|Get|Create|Modify|Update|Delete)[A-Z]\w+)"`).FindAllStringSubmatch(apptest.Read(t, path), -1) {
				want = append(want, "kvstore:"+m[1])
			}
		}
	}
	slices.Sort(want)
	all := policies(t)
	got := append(all["policy-discovery.json"].actions(), all["policy-renewals.json"].actions()...)
	slices.Sort(got)
	if !slices.Equal(got, slices.Compact(want)) {
		t.Errorf("allowed %q, the client calls %q", got, want)
	}
}

// sections returns the sections of the README by the file of their heading: one for each policy.
func sections(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, section := range strings.Split(apptest.Read(t, readme), "\n## ")[1:] {
		heading, _, _ := strings.Cut(section, "\n")
		name := regexp.MustCompile(`[a-z-]+\.json`).FindString(heading)
		if !strings.HasSuffix(heading, "["+name+"]("+name+")") || all[name] != "" {
			t.Fatalf("the heading %q has no file, or one that has a section", heading)
		}
		all[name] = section
	}
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, slices.Sorted(maps.Keys(policies(t)))) {
		t.Fatalf("sections %q", got)
	}
	return all
}

func TestREADMECreatesAndAttachesThePolicies(t *testing.T) {
	all := sections(t)
	created := make(map[string]bool)
	for _, section := range all {
		for _, m := range regexp.MustCompile(`Create(Policy|User|Role) --(?:PolicyName|UserName|RoleName) (\S+)`).FindAllStringSubmatch(section, -1) {
			created[m[1]+" "+m[2]] = true
		}
	}
	for name, section := range all {
		commands := apptest.Blocks(t, readme, section, "sh")[0]
		apptest.Contains(t, commands, `"$(cat `+name+`)"`)
		attached := regexp.MustCompile(`AttachPolicyTo(User|Role) --PolicyType Custom --PolicyName (\S+) --(?:User|Role)Name (\S+)`).FindAllStringSubmatch(commands, -1)
		if len(attached) != 1 || !created["Policy "+attached[0][2]] || !created[attached[0][1]+" "+attached[0][3]] {
			t.Errorf("%s: %q is attached, created are %v", name, attached, created)
		}
	}
}

func TestREADMEConfigurationsAreValid(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"access_key_id", "access_key_secret", "token"} {
		apptest.Write(t, filepath.Join(dir, name), "x")
	}
	// What the webhook of RRSA adds to a pod.
	t.Setenv("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::6543210987654321:role/tair-ssl-exporter")
	t.Setenv("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", policies(t)["trust-rrsa.json"].Statement[0].Principal["Federated"][0])
	t.Setenv("ALIBABA_CLOUD_OIDC_TOKEN_FILE", filepath.Join(dir, "token"))
	for _, section := range sections(t) {
		text := strings.ReplaceAll(apptest.Blocks(t, readme, section, "yaml")[0], "/run/secrets/tair/", dir+"/")
		apptest.CheckConfig(t, "--config.file="+apptest.File(t, "c.yml", text))
	}
}

// TestREADMEAgreesWithThePolicies compares the instances, roles and IDs that both name.
func TestREADMEAgreesWithThePolicies(t *testing.T) {
	all, texts := policies(t), sections(t)
	var listed []string
	for _, m := range regexp.MustCompile(`\{id: (\S+), region: (\S+)\}`).FindAllStringSubmatch(texts["policy-instances.json"], -1) {
		listed = append(listed, "acs:kvstore:"+m[2]+":1234567890123456:instance/"+m[1])
	}
	if allowed := all["policy-instances.json"].Statement[0].Resource; !slices.Equal(listed, allowed) {
		t.Errorf("listed %q, allowed %q", listed, allowed)
	}
	trust := all["trust-cross-account.json"].Statement[0]
	reader := all["policy-assume-role.json"].Statement[0].Resource[0]
	for _, name := range []string{"trust-cross-account.json", "policy-assume-role.json"} {
		apptest.Contains(t, apptest.Blocks(t, readme, texts[name], "yaml")[0],
			"role_arn: "+reader+"\n", "external_id: "+trust.Condition["StringEquals"]["sts:ExternalId"][0]+"\n")
	}
	_, role, _ := strings.Cut(trust.Principal["RAM"][0], "role/")
	apptest.Contains(t, texts["trust-rrsa.json"], "CreateRole --RoleName "+role+" ", "role-name: "+role+"`")
	_, role, _ = strings.Cut(reader, "role/")
	apptest.Contains(t, texts["trust-cross-account.json"], "CreateRole --RoleName "+role+" ")
}

func TestREADMEListsWhatToReplace(t *testing.T) {
	text := apptest.Read(t, readme)
	for _, path := range apptest.Glob(t, "deploy/ram/*.json") {
		placeholders := regexp.MustCompile(`\b(\d{16}|c[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]+){4}|r-bp1\w+|cn-[a-z]+\b)`)
		for _, placeholder := range placeholders.FindAllString(apptest.Read(t, path), -1) {
			if !regexp.MustCompile("(?m)^\\|[^|\n]*`" + placeholder + "`[^|\n]*\\|").MatchString(text) {
				t.Errorf("%s: no row of the table names %s", path, placeholder)
			}
		}
	}
}
