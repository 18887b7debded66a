// Package apptest holds what the tests of several packages share: the program in the test's process, a fake API with one
// instance, and the files of the repository. Only tests import it.
package apptest

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tair_ssl_exporter/internal/app"
)

// Exporter is the program, running in the test's process.
type Exporter struct {
	URL  string
	Stop func() int // ends it as SIGTERM does and returns the exit code

	log *logBuffer
}

// logBuffer keeps what is logged and reports the address that the program listens on.
type logBuffer struct {
	mu      sync.Mutex
	text    strings.Builder
	address chan string
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Write(p)
	if strings.Contains(string(p), "Listening on") {
		if m := regexp.MustCompile(`"?address"?[=:]"?([^\s",]+)`).FindSubmatch(p); m != nil {
			select {
			case b.address <- string(m[1]):
			default: // more than one listener
			}
		}
	}
	return len(p), nil
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Start runs the program with the flags on a free port of loopback until the test ends.
func Start(t *testing.T, args ...string) *Exporter {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	e := &Exporter{log: &logBuffer{address: make(chan string, 1)}}
	exit := make(chan int, 1)
	go func() { exit <- app.Run(ctx, append(args, "--web.listen-address=127.0.0.1:0"), io.Discard, e.log) }()
	select {
	case address := <-e.log.address:
		e.URL = "http://" + address
	case code := <-exit:
		cancel()
		t.Fatalf("the exporter ended with %d:\n%s", code, e.log)
	}
	e.Stop = sync.OnceValue(func() int {
		cancel()
		return <-exit
	})
	t.Cleanup(func() { e.Stop() })
	return e
}

// Log returns what has been logged.
func (e *Exporter) Log() string { return e.log.String() }

// Address returns the host:port that the exporter listens on.
func (e *Exporter) Address() string { return strings.TrimPrefix(e.URL, "http://") }

// Get returns the status and the body of a route.
func (e *Exporter) Get(t *testing.T, path string) (int, string) {
	t.Helper()
	return Ask(t, http.DefaultClient, http.MethodGet, e.URL+path)
}

// Post returns the status and the body of a route that is asked by POST.
func (e *Exporter) Post(t *testing.T, path string) (int, string) {
	t.Helper()
	return Ask(t, http.DefaultClient, http.MethodPost, e.URL+path)
}

// Ask returns the status and the body of a URL.
func Ask(t *testing.T, client *http.Client, method, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// Run runs the program to its end and returns the exit code and what it printed.
func Run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = app.Run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// CheckConfig fails unless the program finds its configuration valid, and returns how much it watches.
func CheckConfig(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := Run(t, append(args, "--config.check")...)
	result, _, _ := strings.Cut(stdout, "\n")
	_, counts, ok := strings.Cut(result, " is valid ")
	if code != 0 || !ok {
		t.Errorf("%q: exit %d: %s%s", args, code, stdout, stderr)
	}
	return counts
}

// Contains fails for each part that is missing in a text.
func Contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}

// WaitUntil waits for what other goroutines do. The limit is well below the time after which idle connections end by
// themselves, so that none can leak unseen.
func WaitUntil(t *testing.T, holds func() bool) {
	t.Helper()
	Within(t, 30*time.Second, time.Millisecond, holds)
}

// Within waits at most d until something holds, and asks at each tick.
func Within(t *testing.T, d, tick time.Duration, holds func() bool) {
	t.Helper()
	limit := time.After(d)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-limit:
			t.Fatalf("it did not come to hold within %s", d)
		case <-ticker.C:
		}
	}
}

// Flag returns the value of a flag that is written as --name=value, "" when it is not there.
func Flag(args []string, name string) string {
	for _, arg := range args {
		if value, is := strings.CutPrefix(arg, "--"+name+"="); is {
			return value
		}
	}
	return ""
}
