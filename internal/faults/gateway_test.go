//go:build linux

package faults

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
)

// gateway stands in front of a fake API and breaks what passes.
type gateway struct {
	api      *tairtest.API
	address  string
	listener net.Listener
	server   *http.Server
	ended    chan struct{} // closed at the end: what hangs goes on

	broken atomic.Pointer[breaking]
	tls    bool
	conns  sync.Map // open connections
	n      atomic.Int64
	serves sync.WaitGroup
}

// breaking is what a gateway does to what passes; nil functions let it pass.
type breaking struct {
	hits   func(id string, n int64) bool // whether a request or, with accept, a connection is concerned
	serve  func(w http.ResponseWriter, r *http.Request)
	accept func(conn net.Conn) // takes a new connection
	cert   *tls.Certificate
}

func newGateway(t *testing.T, api *tairtest.API, withTLS bool) *gateway {
	t.Helper()
	g := &gateway{api: api, tls: withTLS, ended: make(chan struct{})}
	g.server = &http.Server{Handler: g, ErrorLog: log.New(io.Discard, "", 0)}
	g.listen(t, "127.0.0.1:0")
	t.Cleanup(func() {
		close(g.ended)
		g.closeConns()
		_ = g.server.Close()
		g.serves.Wait()
		g.api.Close()
	})
	return g
}

func (g *gateway) listen(t *testing.T, address string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	g.address, g.listener = l.Addr().String(), l
	served := net.Listener(&breakingListener{l, g})
	if g.tls {
		served = tls.NewListener(served, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if b := g.broken.Load(); b != nil && b.cert != nil {
				return b.cert, nil
			}
			return &trusted, nil
		}})
	}
	g.serves.Go(func() { _ = g.server.Serve(served) })
}

// closeConns closes what is open, so that a fault of new connections shows.
func (g *gateway) closeConns() {
	g.conns.Range(func(conn, _ any) bool {
		_ = conn.(net.Conn).Close()
		g.conns.Delete(conn)
		return true
	})
}

type breakingListener struct {
	net.Listener
	g *gateway
}

// Accept is for net.Listener.
func (l *breakingListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		l.g.conns.Store(conn, nil)
		b := l.g.broken.Load()
		if b == nil || b.accept == nil || !b.hits("", l.g.n.Add(1)) {
			return conn, nil
		}
		b.accept(conn)
	}
}

// ServeHTTP is for http.Handler.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b := g.broken.Load()
	if b == nil || b.serve == nil || !b.hits(r.URL.Query().Get("InstanceId"), g.n.Add(1)) {
		g.api.ServeHTTP(w, r)
		return
	}
	b.serve(w, r)
}

// hijack takes the connection of a request.
func hijack(w http.ResponseWriter) net.Conn {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return conn
}

// reset ends a connection with a reset.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// drip sends a byte a second until the client leaves or the gateway ends.
func (g *gateway) drip(w http.ResponseWriter, text string) {
	w.WriteHeader(http.StatusOK)
	for _, b := range []byte(text) {
		if _, err := w.Write([]byte{b}); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-g.ended:
			return
		case <-time.After(time.Second):
		}
	}
}
