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

const (
	readme = "deploy/ram/README.md"

	// The roles and IDs that the README and the policies name.
	account    = "1234567890123456"
	reader     = "acs:ram::" + account + ":role/tair-ssl-exporter-reader"
	ownRole    = "acs:ram::6543210987654321:role/tair-ssl-exporter"
	cluster    = "c0123456789abcdef0123456789abcdef"
	provider   = "acs:ram::6543210987654321:oidc-provider/ack-rrsa-" + cluster
	externalID = "2f1c7c1e-4a9b-4d51-9a2e-6f0c8a5b3d77"
)

// policies returns what each policy must be, by the name of its file. Each allows its actions on its resources, for one
// identity where it is a trust policy, and nothing else.
func policies() map[string]string {
	document := func(statements ...string) string {
		return `{"Version":"1","Statement":[` + strings.Join(statements, ",") + `]}`
	}
	instances := `"acs:kvstore:cn-hangzhou:` + account + `:instance/r-bp1zxszhcgatnx",` +
		`"acs:kvstore:cn-shanghai:` + account + `:instance/r-bp1yyyyyyyyyyy"`
	return map[string]string{
		"policy-instances.json": document(
			`{"Effect":"Allow","Action":"kvstore:DescribeInstanceSSL","Resource":[` + instances + `]}`),
		"policy-discovery.json": document(
			`{"Effect":"Allow","Action":["kvstore:DescribeInstanceSSL","kvstore:DescribeInstances"],`+
				`"Resource":"acs:kvstore:*:`+account+`:instance/*"}`,
			`{"Effect":"Allow","Action":"kvstore:DescribeRegions","Resource":"*"}`),
		"policy-renewals.json": document(
			`{"Effect":"Allow","Action":"kvstore:DescribeActiveOperationTasks","Resource":"*"}`),
		"policy-assume-role.json": document(
			`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"` + reader + `"}`),
		"trust-cross-account.json": document(
			`{"Effect":"Allow","Principal":{"RAM":"` + ownRole + `"},"Action":"sts:AssumeRole",` +
				`"Condition":{"StringEquals":{"sts:ExternalId":"` + externalID + `"}}}`),
		"trust-rrsa.json": document(
			`{"Effect":"Allow","Principal":{"Federated":"` + provider + `"},"Action":"sts:AssumeRole",` +
				`"Condition":{"StringEquals":{` +
				`"oidc:iss":"https://oidc-ack-cn-hangzhou.oss-cn-hangzhou.aliyuncs.com/` + cluster + `",` +
				`"oidc:aud":"sts.aliyuncs.com",` +
				`"oidc:sub":"system:serviceaccount:monitoring:tair-ssl-exporter"}}}`),
	}
}

func TestPolicies(t *testing.T) {
	got := make(map[string]string)
	for _, path := range apptest.Glob(t, "deploy/ram/*.json") {
		var text bytes.Buffer
		if err := json.Compact(&text, []byte(apptest.Read(t, path))); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		got[filepath.Base(path)] = strings.TrimSpace(text.String())
	}
	want := policies()
	if !maps.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestPoliciesAllowTheOperationsOfTheClient(t *testing.T) {
	var client strings.Builder
	for _, path := range apptest.Glob(t, "collector/tair/*.go") {
		if !strings.HasSuffix(path, "_test.go") {
			client.WriteString(apptest.Read(t, path))
		}
	}
	calls := apptest.MatchesIn(t, "the client", client.String(), `"((?:Describe|List|Get|Create|Modify|Update|Delete)[A-Z]\w+)"`)
	all := policies()
	allowed := apptest.MatchesIn(t, "policies", all["policy-discovery.json"]+all["policy-renewals.json"], `"kvstore:(\w+)"`)
	slices.Sort(calls)
	slices.Sort(allowed)
	if !slices.Equal(allowed, slices.Compact(calls)) {
		t.Errorf("allowed %q, the client calls %q", allowed, calls)
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
	if got, want := slices.Sorted(maps.Keys(all)), slices.Sorted(maps.Keys(policies())); !slices.Equal(got, want) {
		t.Fatalf("sections %q, want %q", got, want)
	}
	return all
}

func TestREADMECreatesAndAttachesThePolicies(t *testing.T) {
	text := apptest.Read(t, readme)
	for name, section := range sections(t) {
		commands := apptest.Blocks(t, readme, section, "sh")[0]
		apptest.Contains(t, commands, `"$(cat `+name+`)"`)
		attached := regexp.MustCompile(`AttachPolicyTo(User|Role) --PolicyType Custom --PolicyName (\S+) --(?:User|Role)Name (\S+)`).
			FindAllStringSubmatch(commands, -1)
		if len(attached) != 1 {
			t.Errorf("%s: attached are %q", name, attached)
			continue
		}
		kind, policy, to := attached[0][1], attached[0][2], attached[0][3]
		for _, created := range []string{"CreatePolicy --PolicyName " + policy, "Create" + kind + " --" + kind + "Name " + to} {
			if !regexp.MustCompile(regexp.QuoteMeta(created) + `\s`).MatchString(text) {
				t.Errorf("%s: there is no %q", name, created)
			}
		}
	}
}

func TestREADMEConfigurationsAreValid(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"access_key_id", "access_key_secret", "token"} {
		apptest.Write(t, filepath.Join(dir, name), "x")
	}
	// What the webhook of RRSA adds to a pod.
	t.Setenv("ALIBABA_CLOUD_ROLE_ARN", ownRole)
	t.Setenv("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", provider)
	t.Setenv("ALIBABA_CLOUD_OIDC_TOKEN_FILE", filepath.Join(dir, "token"))
	for _, section := range sections(t) {
		text := strings.ReplaceAll(apptest.Blocks(t, readme, section, "yaml")[0], "/run/secrets/tair/", dir+"/")
		apptest.CheckConfig(t, "--config.file="+apptest.File(t, "c.yml", text))
	}
}

// TestREADMEAgreesWithThePolicies compares the instances, roles and IDs that both name.
func TestREADMEAgreesWithThePolicies(t *testing.T) {
	all := sections(t)
	var listed []string
	for _, m := range regexp.MustCompile(`\{id: (\S+), region: (\S+)\}`).FindAllStringSubmatch(all["policy-instances.json"], -1) {
		listed = append(listed, `"acs:kvstore:`+m[2]+":"+account+":instance/"+m[1]+`"`)
	}
	if want := policies()["policy-instances.json"]; !strings.Contains(want, "["+strings.Join(listed, ",")+"]") {
		t.Errorf("listed %q, the policy is %s", listed, want)
	}
	for _, name := range []string{"trust-cross-account.json", "policy-assume-role.json"} {
		apptest.Contains(t, apptest.Blocks(t, readme, all[name], "yaml")[0], "role_arn: "+reader+"\n", "external_id: "+externalID+"\n")
	}
	_, role, _ := strings.Cut(ownRole, "role/")
	apptest.Contains(t, all["trust-rrsa.json"], "CreateRole --RoleName "+role+" ", "role-name: "+role+"`")
	_, role, _ = strings.Cut(reader, "role/")
	apptest.Contains(t, all["trust-cross-account.json"], "CreateRole --RoleName "+role+" ")
}

func TestREADMEListsWhatToReplace(t *testing.T) {
	text := apptest.Read(t, readme)
	placeholders := regexp.MustCompile(`\b(\d{16}|c[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]+){4}|r-bp1\w+|cn-[a-z]+\b)`)
	for name, policy := range policies() {
		for _, placeholder := range placeholders.FindAllString(policy, -1) {
			if !regexp.MustCompile("(?m)^\\|[^|\n]*`" + placeholder + "`[^|\n]*\\|").MatchString(text) {
				t.Errorf("%s: no row of the table names %s", name, placeholder)
			}
		}
	}
}
