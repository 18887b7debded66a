package app

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tair_ssl_exporter/collector"
)

// serveWith serves a handler with other timeouts, and returns the address.
func serveWith(t *testing.T, handler http.Handler, read, write time.Duration) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(handler, slog.New(slog.DiscardHandler))
	if server.ReadTimeout != readTimeout || server.WriteTimeout != writeTimeout {
		t.Errorf("timeouts %s and %s", server.ReadTimeout, server.WriteTimeout)
	}
	server.ReadTimeout, server.WriteTimeout = read, write
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

func TestAClientThatDoesNotReadIsLetGo(t *testing.T) {
	ended := make(chan error, 1)
	address := serveWith(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for block := make([]byte, 1<<20); ; { // more than the buffers of a connection hold
			if _, err := w.Write(block); err != nil {
				ended <- err
				return
			}
		}
	}), time.Minute, 50*time.Millisecond)
	client, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	fmt.Fprint(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if err := <-ended; err == nil {
		t.Error("no error")
	}
}

// raw opens a connection, sends a text and returns what comes back until the server closes the connection.
func raw(t *testing.T, address, text string) string {
	t.Helper()
	client, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	fmt.Fprint(client, text)
	got, err := io.ReadAll(client)
	if err != nil {
		t.Errorf("%.40q: %v", text, err)
	}
	return string(got)
}

func TestAClientThatDoesNotSendIsLetGo(t *testing.T) {
	address := serveWith(t, http.NotFoundHandler(), 50*time.Millisecond, time.Minute)
	for _, sent := range []string{"", "GET", "GET / HTTP/1.1\r\n"} {
		raw(t, address, sent)
	}
}

func TestBodiesAndLargeHeadersAreRefusedAtOnce(t *testing.T) {
	address := serveWith(t, http.NotFoundHandler(), time.Hour, time.Minute)
	for sent, status := range map[string]string{
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n":             "413",
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n":     "413",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n":    "413",
		"GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("a", 2*maxHeader): "431",
		"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":              "404",
	} {
		if got := raw(t, address, sent); !strings.HasPrefix(got, "HTTP/1.1 "+status+" ") {
			t.Errorf("%.60q: %.40q, want %s", sent, got, status)
		}
	}
}

func TestStopClosesWhatIsLeftAfterItsGrace(t *testing.T) {
	server := newServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), slog.New(slog.DiscardHandler))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	inside := make(chan struct{})
	server.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateActive {
			close(inside)
		}
	}
	var all sync.WaitGroup
	all.Go(func() { _ = server.Serve(l) })
	all.Go(func() { raw(t, l.Addr().String(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n") }) // returns when the server closes it
	<-inside
	if err := stopServer(server, 50*time.Millisecond); err != nil {
		t.Error(err)
	}
	all.Wait()
}

func TestAScrapeOutlivesTheWriteTimeout(t *testing.T) {
	a := &app{options: &options{scrapeTimeout: collector.ScrapeTimeout{Default: time.Minute}}}
	address := serveWith(t, a.scrapeHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, "metrics")
	})), time.Minute, time.Nanosecond)
	resp, err := http.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "metrics" {
		t.Errorf("%q, %v", body, err)
	}
}

// recorder keeps the deadline that a handler sets.
type recorder struct {
	http.ResponseWriter
	deadline time.Time
}

func (r *recorder) SetWriteDeadline(t time.Time) error { r.deadline = t; return nil }

func TestTheDeadlineOfAScrapeIsThatOfItsRequest(t *testing.T) {
	a := &app{options: &options{scrapeTimeout: collector.ScrapeTimeout{Default: 10 * time.Second, Offset: time.Second}}}
	for header, want := range map[string]time.Duration{"": 39 * time.Second, "60": 89 * time.Second} {
		r, _ := http.NewRequest(http.MethodGet, "/metrics", http.NoBody)
		r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", header)
		w, before := &recorder{}, time.Now()
		a.scrapeHandler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
		if w.deadline.Before(before.Add(want)) || w.deadline.After(time.Now().Add(want)) {
			t.Errorf("header %q: until %s, want %s after %s", header, w.deadline, want, before)
		}
	}
}
