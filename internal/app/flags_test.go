package app_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tair_ssl_exporter/internal/app"
	"tair_ssl_exporter/internal/apptest"
)

// TestBadInputGivesOneClearLine starts the program the wrong way: it must end at once with exit code 1 and say in one
// line where the mistake is and what is allowed.
func TestBadInputGivesOneClearLine(t *testing.T) {
	t.Chdir(t.TempDir())
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	write := func(name, text string) string {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	account := func(lines string) string {
		return write("c.yml", "accounts:\n  - region: cn-hangzhou\n"+lines)
	}
	const instances = "    instances: [r-bp1a]\n"
	for _, c := range []struct {
		name string
		args []string
		file string // the whole of c.yml below its account, when the case is about the file
		want []string
	}{
		{name: "nothing to watch", want: []string{"tair-ssl-exporter.yml", "--config.file", "--instance=REGION/ID", "--demo"}},
		{name: "no shard", args: []string{"--demo", "--total-shards=0"}, want: []string{"--total-shards=0", "at least 1"}},
		{name: "shard out of range", args: []string{"--demo", "--shard=3", "--total-shards=3"}, want: []string{"--shard=3", "0 to 2"}},
		{name: "no such file", args: []string{"--config.file=missing.yml"}, want: []string{"missing.yml", "no such file"}},
		{name: "unknown flag", args: []string{"--nonsense"}, want: []string{"--nonsense", "--help"}},
		{name: "wrong level", args: []string{"--demo", "--log.level=loud"}, want: []string{"--log.level=loud", "debug, info, warn or error"}},
		{name: "bad duration of a flag", args: []string{"--demo", "--scrape.timeout=soon"}, want: []string{"--scrape.timeout", "TAIR_SSL_EXPORTER_SCRAPE_TIMEOUT", `"soon"`, "10s or 1m"}},
		{name: "bad number", args: []string{"--shard=abc"}, want: []string{"--shard", "TAIR_SSL_EXPORTER_SHARD", `"abc"`, "whole number"}},
		{name: "bad window", args: []string{"--once", "--once.warn=soon"}, want: []string{"--once.warn", `"soon"`, "30d"}},
		{name: "no path", args: []string{"--config.file="}, want: []string{"--config.file", "is empty"}},
		{name: "no time", args: []string{"--demo", "--scrape.timeout=0s"}, want: []string{"--scrape.timeout", "above 0s"}},
		{name: "negative offset", args: []string{"--demo", "--scrape.timeout-offset=-1s"}, want: []string{"--scrape.timeout-offset"}},
		{name: "negative number of requests", args: []string{"--demo", "--web.max-requests=-1"}, want: []string{"--web.max-requests=-1", "0 for no limit"}},
		{name: "bad path", args: []string{"--demo", "--web.telemetry-path=metrics"}, want: []string{"--web.telemetry-path=metrics", "begins with /"}},
		{name: "unclean path", args: []string{"--demo", "--web.telemetry-path=/metrics/"}, want: []string{"--web.telemetry-path=/metrics/", "clean path"}},
		{name: "path with an escape", args: []string{"--demo", "--web.telemetry-path=/%zz"}, want: []string{"--web.telemetry-path", "clean path"}},
		{name: "taken path", args: []string{"--demo", "--web.telemetry-path=/config"}, want: []string{"--web.telemetry-path", "taken"}},
		{name: "path of the calendar", args: []string{"--demo", "--web.telemetry-path=/calendar.ics"}, want: []string{"--web.telemetry-path", "taken"}},
		{name: "path of the assets", args: []string{"--demo", "--web.telemetry-path=/assets"}, want: []string{"--web.telemetry-path", "taken"}},
		{name: "path below the assets", args: []string{"--demo", "--web.telemetry-path=/assets/page.js"}, want: []string{"--web.telemetry-path", "taken"}},
		{name: "demo and file", args: []string{"--demo", "--config.file=c.yml"}, want: []string{"--demo", "cannot be combined"}},
		{name: "file and instance", args: []string{"--instance=cn-hangzhou/r-bp1a", "--config.file=c.yml"}, want: []string{"--instance", "cannot be combined"}},
		{name: "bad instance", args: []string{"--instance=r-bp1a"}, want: []string{"--instance", "REGION/ID"}},
		{name: "port in use", args: []string{"--demo", "--web.listen-address=" + busy.Addr().String()}, want: []string{"--web.listen-address=" + busy.Addr().String(), "address already in use"}},
		{name: "no web config", args: []string{"--demo", "--web.config.file=missing.yml"}, want: []string{"--web.config.file=missing.yml", "no such file"}},
		{name: "bad web config", args: []string{"--demo", "--web.config.file=" + write("web.yml", "tls: 1\n")}, want: []string{"--web.config.file=web.yml", "tls"}},
		{name: "password in a bad web config", args: []string{"--demo", "--web.config.file=" + write("users.yml", "basic_auth_users: \"p`CANARY\"\n")}, want: []string{"--web.config.file=users.yml", "line 1", "<hidden>"}},
		{name: "password that is an alias", args: []string{"--demo", "--web.config.file=" + write("alias.yml", "basic_auth_users: {prom: *CANARY}\n")}, want: []string{"--web.config.file=alias.yml", "unknown anchor <hidden>"}},
		{name: "secret with white space", file: instances + "    credentials: {type: access_key, access_key_id: CANARY KEY, access_key_secret: x}\n", want: []string{"c.yml:4", "access_key_id", "white space"}},
		{name: "unknown key", file: instances + "    regoin: x\n", want: []string{"c.yml:4", "regoin", "region"}},
		{name: "wrong type", file: "    instances: 5\n", want: []string{"c.yml:3", "accounts[0].instances"}},
		{name: "duplicate instance", file: "    instances: [r-bp1a, r-bp1a]\n", want: []string{"c.yml:3", "r-bp1a", "accounts[0].instances[1]"}},
		{name: "bad duration", file: instances + "refresh_interval: soon\n", want: []string{"c.yml:4", "refresh_interval", "1h"}},
		{name: "missing secret file", file: instances + "    credentials: {type: access_key, access_key_id: a, access_key_secret_file: gone}\n", want: []string{"c.yml:4", "access_key_secret_file"}},
		{name: "unknown type", file: instances + "    credentials: {type: magic}\n", want: []string{"c.yml:4", "credentials.type", "ram_role_arn"}},
		{name: "missing key", file: instances + "    credentials: {type: access_key, access_key_id: CANARY}\n", want: []string{"c.yml:4", "access_key_secret"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := c.args
			if c.file != "" {
				args = append(args, "--config.file="+account(c.file))
			}
			var stdout, stderr strings.Builder
			if code := app.Run(t.Context(), args, &stdout, &stderr); code != 1 {
				t.Errorf("exit code %d", code)
			}
			text := stderr.String()
			lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
			last := lines[len(lines)-1]
			if !strings.HasPrefix(last, "tair_ssl_exporter: error: ") || strings.Count(text, ": error: ") != 1 {
				t.Errorf("not one line of error:\n%s", text)
			}
			apptest.Contains(t, last, c.want...)
			if strings.Contains(text, "goroutine") || strings.Contains(text, "CANARY") {
				t.Errorf("a stack trace or a secret:\n%s", text)
			}
		})
	}
}

func TestEveryErrorOfAFileIsToldAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yml")
	text := "bogus: 1\nkeep_last: soon\naccounts:\n  - instances: [r-bp1a]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	if code := app.Run(t.Context(), []string{"--config.check", "--config.file=" + path}, &stderr, &stderr); code != 1 {
		t.Errorf("exit code %d", code)
	}
	for line, key := range map[int]string{1: "bogus", 2: "keep_last", 4: "accounts[0].instances[0]"} {
		apptest.Contains(t, stderr.String(), fmt.Sprintf("tair_ssl_exporter: error: %s:%d: %s", path, line, key))
	}
}

func TestConfigCheck(t *testing.T) {
	var stdout, stderr strings.Builder
	code := app.Run(t.Context(), []string{"--config.check", "--instance=cn-hangzhou/r-bp1a", "--instance=cn-shanghai/r-bp1b"}, &stdout, &stderr)
	if want := "OK: --instance is valid (accounts: 1, instances: 2, discovery entries: 0)\n" +
		"Watched: 2 instances, in cn-hangzhou, cn-shanghai\n" +
		"API calls: 2,880 calls a day at one scrape a minute; with refresh_interval: 1h 48\n"; code != 0 || stdout.String() != want {
		t.Errorf("exit %d, stdout %q, stderr %q; want 0, %q", code, stdout.String(), stderr.String(), want)
	}
}

func TestEveryFlagHasAnEnvironmentVariable(t *testing.T) {
	t.Setenv("TAIR_SSL_EXPORTER_INSTANCE", "cn-hangzhou/r-bp1a\ncn-shanghai/r-bp1b")
	t.Setenv("TAIR_SSL_EXPORTER_CONFIG_CHECK", "true")
	var stdout strings.Builder
	if code := app.Run(t.Context(), nil, &stdout, &stdout); code != 0 {
		t.Errorf("exit %d: %s", code, stdout.String())
	}
	apptest.Contains(t, stdout.String(), "instances: 2")
}

func TestVariablesThatAreWrong(t *testing.T) {
	for name, value := range map[string]string{
		"TAIR_SSL_EXPORTER_LOG_LEVL": "debug", "TAIR_SSL_EXPORTER_NONSENSE": "x",
		"TAIR_SSL_EXPORTER_SERVICE_HOST": "10.0.0.1", "TAIR_SSL_EXPORTER_PORT_10219_TCP": "x", // Kubernetes sets these
	} {
		t.Setenv(name, value)
	}
	_, _, stderr := apptest.Run(t, "--config.check", "--instance=cn-hangzhou/r-bp1a")
	apptest.Contains(t, stderr, `variable=TAIR_SSL_EXPORTER_LOG_LEVL hint="did you mean TAIR_SSL_EXPORTER_LOG_LEVEL? --help lists the flags"`,
		`variable=TAIR_SSL_EXPORTER_NONSENSE hint="--help lists the flags"`)
	if n := strings.Count(stderr, "\n"); n != 2 {
		t.Errorf("%d lines, want 2:\n%s", n, stderr)
	}

	t.Setenv("TAIR_SSL_EXPORTER_DEMO", "yes")
	code, _, stderr := apptest.Run(t)
	if code != 1 {
		t.Errorf("exit %d", code)
	}
	apptest.Contains(t, stderr, `--demo (TAIR_SSL_EXPORTER_DEMO): "yes" is not allowed, allowed: true or false`)
}

// A first start shows the same file as --config.example, which is valid.
func TestTheExampleConfiguration(t *testing.T) {
	code, example, _ := apptest.Run(t, "--config.example")
	if code != 0 {
		t.Errorf("exit %d", code)
	}
	if got := apptest.CheckConfig(t, "--config.file="+apptest.File(t, "c.yml", example)); got != "(accounts: 1, instances: 1, discovery entries: 0)" {
		t.Error(got)
	}
	t.Chdir(t.TempDir())
	_, _, stderr := apptest.Run(t)
	apptest.Contains(t, stderr, example)
}

func TestAFileNamedByTheEnvironmentCountsAsNamed(t *testing.T) {
	t.Setenv("TAIR_SSL_EXPORTER_CONFIG_FILE", "/nonexistent.yml")
	for _, c := range []struct{ flag, want string }{
		{"--demo", "cannot be combined"}, {"--config.check", "/nonexistent.yml: "},
	} {
		var stderr strings.Builder
		if code := app.Run(t.Context(), []string{c.flag}, &stderr, &stderr); code != 1 {
			t.Errorf("%s: exit %d", c.flag, code)
		}
		apptest.Contains(t, stderr.String(), c.want)
	}
}

func TestAskingForVersionOrHelpEndsWell(t *testing.T) {
	for _, flag := range []string{"--version", "--help"} {
		var stdout, stderr strings.Builder
		if code := app.Run(t.Context(), []string{flag}, &stdout, &stderr); code != 0 || stderr.Len() > 0 {
			t.Errorf("%s: exit %d, stderr %q", flag, code, stderr.String())
		}
		apptest.Contains(t, stdout.String(), "tair_ssl_exporter")
	}
}

func TestTheVersionIsNeverEmpty(t *testing.T) {
	_, printed, _ := apptest.Run(t, "--version")
	_, page := apptest.Start(t, "--demo").Get(t, "/")
	for text, form := range map[string]string{
		printed: `, version \S+ \(branch: \S+, revision: \S+\)`,
		page:    `<dd>\S+, revision \S+</dd>`,
	} {
		if !regexp.MustCompile(form).MatchString(text) {
			t.Errorf("nothing like %s in\n%s", form, text)
		}
	}
}

func TestDebuggingCredentialsIsRefused(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // a program that starts ends at once
	for _, value := range []string{"credential", "http,credential"} {
		t.Setenv("DEBUG", value)
		for _, mode := range []string{"--log.level=debug", "--once", "--config.check"} {
			var output strings.Builder
			code := app.Run(ctx, []string{"--demo", "--web.listen-address=127.0.0.1:0", mode}, &output, &output)
			if text := output.String(); code != 1 || strings.Count(text, "\n") != 1 || !strings.Contains(text, "DEBUG") {
				t.Errorf("DEBUG=%s %s: exit %d: %s", value, mode, code, text)
			}
		}
	}
}
