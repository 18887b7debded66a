package once_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"

	"tair_ssl_exporter/collector/tair/tairtest"
	"tair_ssl_exporter/internal/app"
	"tair_ssl_exporter/internal/apptest"
)

const (
	program = "tair_ssl_exporter"
	keyID   = "LTAI5tCANARYKEY9Xz4"
)

// now is the time of the scripts.
func now() time.Time { return time.Date(2026, time.June, 1, 0, 0, 0, 0, time.UTC) }

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){program: func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		context.AfterFunc(ctx, stop)
		os.Exit(app.RunAt(ctx, now, os.Args[1:], os.Stdout, os.Stderr))
	}})
}

// TestScripts runs the scripts in testdata against a fake API. Each file .yml of a script may name it as $API, and
// fleet.txt lists what it knows: an instance ID, a region, days until the expiry or "off", then a fault or nothing:
// "hang", or a status and a code. A line "many REGION" adds 1,000 instances without SSL.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: os.Getenv("UPDATE") != "",
		Setup: func(env *testscript.Env) error {
			api := tairtest.New(tairtest.Options{Now: now, Keys: []tairtest.Key{{
				Account: "main", AccessKeyID: keyID, AccessKeySecret: apptest.KeySecret,
			}}})
			if err := fill(api, filepath.Join(env.WorkDir, "fleet.txt")); err != nil {
				return err
			}
			server, err := tairtest.Start(api)
			if err != nil {
				return err
			}
			env.Defer(server.Close)
			env.Values["api"] = api
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
			return expand(env.WorkDir, server.URL)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "terminal": terminal, "hangs": hangs,
		},
	})
}

// fill makes an API know what a file lists, if it is there.
func fill(api *tairtest.API, path string) error {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if f[0] == "many" {
			for n := range 1000 {
				api.SetInstance(tairtest.Instance{ID: fmt.Sprintf("r-%s-%04d", f[1], n), Region: f[1], SSLEnabled: "Disable", Name: "订单缓存"})
			}
			continue
		}
		i := tairtest.Instance{ID: f[0], Region: f[1], SSLEnabled: "Disable"}
		if days, err := strconv.Atoi(f[2]); err == nil {
			i.SSLEnabled, i.ExpiresAt = "Enable", now().AddDate(0, 0, days)
		}
		api.SetInstance(i)
		switch {
		case len(f) == 4:
			api.SetFault(i.ID, tairtest.Fault{Hang: true})
		case len(f) == 5:
			status, _ := strconv.Atoi(f[3])
			api.SetFault(i.ID, tairtest.Fault{Error: &tairtest.APIError{Status: status, Code: f[4]}})
		}
	}
	return nil
}

// expand puts the URL of the API into the configurations of a script.
func expand(dir, url string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "*.yml"))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text = []byte(strings.NewReplacer("$API", url, "$KEY", keyID, "$SECRET", apptest.KeySecret).Replace(string(text)))
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
	}
	return err
}

// exits runs the program with flags, and fails unless it ends with a code: exits CODE FLAG...
func exits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(program, args[1:]...)
	var exit *exec.ExitError
	code := 0
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit %d, want %s", code, args[0])
	}
}

// terminal runs the program in a terminal and writes what it shows to stdout: terminal COLUMNS FLAG...
func terminal(ts *testscript.TestScript, _ bool, args []string) {
	columns, err := strconv.ParseUint(args[0], 10, 16)
	ts.Check(err)
	path := ""
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if candidate := filepath.Join(dir, program); path == "" {
			if _, err := os.Stat(candidate); err == nil {
				path = candidate
			}
		}
	}
	cmd := exec.Command(path, args[1:]...)
	for _, name := range []string{"HOME", "NO_COLOR", "ALIBABA_CLOUD_ECS_METADATA_DISABLED"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Dir = ts.Getenv("WORK")
	cmd.Stderr = ts.Stderr()
	screen, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: uint16(columns)})
	ts.Check(err)
	defer screen.Close()
	var shown strings.Builder
	buffer := make([]byte, 4096)
	for { // until the other side is closed, which is an error on Linux
		n, err := screen.Read(buffer)
		shown.Write(buffer[:n])
		if err != nil {
			break
		}
	}
	_ = cmd.Wait() // the code is for exits
	_, err = fmt.Fprint(ts.Stdout(), strings.ReplaceAll(shown.String(), "\r\n", "\n"))
	ts.Check(err)
}

// hangs waits until one request to the API has its answer and the next one hangs.
func hangs(ts *testscript.TestScript, _ bool, _ []string) {
	api := ts.Value("api").(*tairtest.API)
	limit := time.After(30 * time.Second)
	for api.InFlight() != 1 || len(api.Requests()) < 2 {
		select {
		case <-limit:
			ts.Fatalf("%d requests in flight", api.InFlight())
		case <-time.After(time.Millisecond):
		}
	}
}
