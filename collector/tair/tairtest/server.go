package tairtest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// Server serves an API on a listener until it is closed.
type Server struct {
	// URL is the address as a client's endpoint takes it, "http://127.0.0.1:port" for Start.
	URL string
	// Addr is the address of the listener, "127.0.0.1:port" for Start.
	Addr string

	http   *http.Server
	cancel context.CancelFunc
	loop   chan struct{}  // closed when no connection is accepted any more
	conns  sync.WaitGroup // the open connections
	total  atomic.Int64
	open   atomic.Int64
}

// Start serves the API on a free port of the loopback interface. The error is that of listening.
func Start(api *API) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return Serve(api, l), nil
}

// Serve serves the API on any listener, which then belongs to the Server.
func Serve(api *API, l net.Listener) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		URL:    "http://" + l.Addr().String(),
		Addr:   l.Addr().String(),
		cancel: cancel,
		loop:   make(chan struct{}),
	}
	// No timeouts: the clients are tests and ours, and in a bubble with a fake clock a timeout passes in no time at all.
	s.http = &http.Server{
		Handler:     api,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnState:   s.track,
	}
	go func() {
		defer close(s.loop)
		_ = s.http.Serve(l) // always an error, that of closing
	}()
	return s
}

// track counts connections; net/http calls it for each in order, with StateNew before any of its requests.
func (s *Server) track(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1)
		s.total.Add(1)
		s.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.open.Add(-1)
		s.conns.Done()
	}
}

// Connections is how many connections clients have opened so far.
func (s *Server) Connections() int { return int(s.total.Load()) }

// OpenConnections is how many connections are open now.
func (s *Server) OpenConnections() int { return int(s.open.Load()) }

// Close stops listening, closes every connection, ends the requests that hang or are held back, and waits for all of
// that. The API lives on and can be served again. Closing twice is allowed.
func (s *Server) Close() {
	s.cancel()
	_ = s.http.Close()
	<-s.loop
	_ = s.http.Close() // again, for a connection accepted while the first one ran
	s.conns.Wait()
}
