package tairtest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// Server serves an API on a listener until Close.
type Server struct {
	// URL is the endpoint for clients, "http://127.0.0.1:port" after Start.
	URL string
	// Addr is the address of the listener, "127.0.0.1:port" after Start.
	Addr string

	http   *http.Server
	cancel context.CancelFunc
	done   chan struct{}  // closed when the server accepts no more connections
	conns  sync.WaitGroup // open connections
	total  atomic.Int64
	open   atomic.Int64
}

// Start serves the API on a free port of the loopback interface. It returns an error if it cannot listen.
func Start(api *API) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return Serve(api, l), nil
}

// Serve serves the API on a listener. The Server closes the listener.
func Serve(api *API, l net.Listener) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		URL:    "http://" + l.Addr().String(),
		Addr:   l.Addr().String(),
		cancel: cancel,
		done:   make(chan struct{}),
	}
	// The server has no timeouts, because in a bubble they would pass at once.
	s.http = &http.Server{
		Handler:     api,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnState:   s.track,
	}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(l) // returns an error after Close
	}()
	return s
}

// track counts connections. net/http calls it with StateNew before the first request of a connection.
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

// Connections returns the number of connections that clients have opened so far.
func (s *Server) Connections() int { return int(s.total.Load()) }

// OpenConnections returns the number of connections that are open now.
func (s *Server) OpenConnections() int { return int(s.open.Load()) }

// Close closes the listener and all connections, ends the requests that hang or are delayed, and waits for all of them.
// The API can be served again. A second Close does nothing.
func (s *Server) Close() {
	s.cancel()
	_ = s.http.Close()
	<-s.done
	_ = s.http.Close() // again, for a connection accepted during the first Close
	s.conns.Wait()
}
