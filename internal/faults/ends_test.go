//go:build linux

package faults

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tair_ssl_exporter/internal/apptest"
)

// newFleet returns a site that is whole and its configuration.
func newFleet(t *testing.T, instances int) (s *site, config string) {
	t.Helper()
	s = newSite(t, 0, fault{}, spread{"all", instances, func(string, int64) bool { return true }})
	return s, "api: {concurrency: 50, qps: 1000}\naccounts:\n" + s.config()
}

func TestStopInTheMiddleOfAScrapeAndKill(t *testing.T) {
	t.Parallel()
	s, config := newFleet(t, 1)
	file := "--config.file=" + apptest.File(t, "c.yml", config)
	p := startProcess(t, os.Stderr, "", file)
	s.checkWhole(t, "at the beginning", scrape(t, p.url))
	_ = p.Process.Kill()
	_ = p.Wait()

	p = startProcess(t, os.Stderr, "", file)
	inside, stopping := make(chan struct{}), make(chan struct{})
	s.gateway.broken.Store(&breaking{hits: s.hits, serve: func(w http.ResponseWriter, r *http.Request) {
		close(inside)
		<-stopping
		s.gateway.api.ServeHTTP(w, r)
	}})
	got := make(chan page, 1)
	go func() { got <- scrape(t, p.url) }()
	<-inside
	p.signal(t, syscall.SIGTERM)
	apptest.WaitUntil(t, func() bool { // the end begins before the answer: nobody listens any more
		c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	close(stopping)
	p.wantEnd(t)
	s.checkWhole(t, "one scrape after a kill, while the program stops", <-got)
}

func TestManyReloadSignals(t *testing.T) {
	t.Parallel()
	s, config := newFleet(t, 1)
	p := startProcess(t, io.Discard, "", "--config.file="+apptest.File(t, "c.yml", config))
	pace := time.NewTicker(10 * time.Millisecond) // 200 in two seconds: signals that come at once count as one
	defer pace.Stop()
	for range 200 {
		<-pace.C
		p.signal(t, syscall.SIGHUP)
	}
	s.checkWhole(t, "after 200 signals", scrape(t, p.url))
	p.wantExit0(t)
}

// The file is swapped as Kubernetes does it, and is bad, cut or gone in between: the old one runs on.
func TestConfigurationIsSwappedAndLost(t *testing.T) {
	t.Parallel()
	s, config := newFleet(t, 3)
	dir := t.TempDir()
	file := filepath.Join(dir, "c.yml")
	swap := func(version, text string) {
		apptest.Write(t, filepath.Join(dir, version, "c.yml"), text)
		if err := errors.Join(os.Symlink(version, filepath.Join(dir, "next")), os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "data"))); err != nil {
			t.Fatal(err)
		}
	}
	swap("v1", config)
	if err := os.Symlink("data/c.yml", file); err != nil {
		t.Fatal(err)
	}
	p := startProcess(t, io.Discard, "", "--config.file="+file)
	for n, c := range []struct {
		text   string
		status int
	}{
		{config + "keep_last: 1h\n", 200}, {"", 500}, {config[:len(config)/2], 500}, {config + "bogus: 1\n", 500}, {"\x00", 500}, {config, 200},
	} {
		swap(fmt.Sprintf("v%d", n+2), c.text)
		if status := p.reload(t); status != c.status {
			t.Errorf("version %d: status %d", n+2, status)
		}
		s.checkWhole(t, fmt.Sprintf("with version %d", n+2), scrape(t, p.url))
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if status := p.reload(t); status != http.StatusInternalServerError {
		t.Errorf("deleted: status %d", status)
	}
	s.checkWhole(t, "with the file deleted", scrape(t, p.url))
	p.wantExit0(t)
}

// The log has no reader any more, is never read, or is on a full disk.
func TestLogThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = full.Close() })
	for name, open := range map[string]func() (stderr *os.File, started func()){
		"full disk": func() (*os.File, func()) { return full, func() {} },
		"not read": func() (*os.File, func()) {
			r, w, _ := os.Pipe()
			t.Cleanup(func() { _ = r.Close() })
			return w, func() {}
		},
		"reader gone": func() (*os.File, func()) {
			r, w, _ := os.Pipe()
			return w, func() { _ = r.Close() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, config := newFleet(t, 50)
			stderr, started := open()
			p := startProcess(t, stderr, "", "--config.file="+apptest.File(t, "c.yml", config), "--log.level=debug")
			started()
			for n := range 30 { // each line of these is several KiB
				_ = p.reload(t)
				s.gateway.broken.Store(&breaking{hits: s.hits, serve: func(w http.ResponseWriter, _ *http.Request) {
					http.Error(w, fmt.Sprintf(`{"Code":"Odd.%d"}`, n), http.StatusBadRequest)
				}})
				scrape(t, p.url)
			}
			s.gateway.broken.Store(nil)
			time.Sleep(pause)
			s.checkWhole(t, "without a log", scrape(t, p.url))
			p.wantExit0(t)
		})
	}
}

// With few descriptors a scrape is still served, and what could not be called then is known later.
func TestFewFileDescriptors(t *testing.T) {
	t.Parallel()
	s, config := newFleet(t, 100)
	p := startProcess(t, io.Discard, "ulimit -n 64", "--config.file="+apptest.File(t, "c.yml", config))
	for range 3 {
		scrape(t, p.url)
		time.Sleep(pause)
	}
	s.checkWhole(t, "with 64 descriptors", scrape(t, p.url))
	p.wantExit0(t)
}

// Clients that hold connections, send slowly or send nonsense do not keep a scrape from its answer.
func TestBadClientsBesideAScrape(t *testing.T) {
	t.Parallel()
	s, config := newFleet(t, 50)
	p := startProcess(t, io.Discard, "", "--config.file="+apptest.File(t, "c.yml", config))
	address := strings.TrimPrefix(p.url, "http://")
	var conns []net.Conn
	var mu sync.Mutex
	var all sync.WaitGroup
	for n := range 300 {
		all.Go(func() {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			_, _ = io.WriteString(conn, []string{
				"", "GET /metrics HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("a", 1<<20),
				"BREW /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\x02", "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
			}[n%6])
		})
	}
	all.Wait()
	s.checkWhole(t, "beside 300 bad clients", scrape(t, p.url))
	p.wantExit0(t)
	for _, conn := range conns {
		_ = conn.Close()
	}
}
