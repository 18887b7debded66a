//go:build linux

package faults

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

// notify is the context of main.
func notify() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
}

// process is the exporter in a process of its own.
type process struct {
	*exec.Cmd
	url string
}

// startProcess runs the program, behind a shell command unless that is "", until it is healthy. Its log goes to stderr.
func startProcess(t *testing.T, stderr io.Writer, shell string, args ...string) *process {
	t.Helper()
	address := apptest.FreeAddress(t)
	args = append(args, "--web.listen-address="+address, "--web.enable-lifecycle")
	p := &process{exec.Command(os.Args[0], args...), "http://" + address}
	if shell != "" {
		p.Cmd = exec.Command("sh", append([]string{"-c", shell + `; exec "$0" "$@"`, os.Args[0]}, args...)...)
	}
	p.Env, p.Stderr = append(os.Environ(), "FAULTS_RUN=1"), stderr
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Process.Kill()
		_ = p.Wait()
	})
	apptest.WaitUntil(t, func() bool {
		resp, err := http.Get(p.url + "/-/healthy")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil && resp.StatusCode == http.StatusOK
	})
	return p
}

// signal sends a signal.
func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// reload reloads by HTTP and returns the status.
func (p *process) reload(t *testing.T) int {
	t.Helper()
	status, _ := apptest.Ask(t, http.DefaultClient, http.MethodPost, p.url+"/-/reload")
	return status
}

// wantExit0 ends the program by SIGTERM.
func (p *process) wantExit0(t *testing.T) {
	t.Helper()
	p.signal(t, syscall.SIGTERM)
	p.wantEnd(t)
}

// wantEnd waits for the end, which has the exit code 0.
func (p *process) wantEnd(t *testing.T) {
	t.Helper()
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}
