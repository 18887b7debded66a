package tairtest

import (
	"context"
	"net"
	"sync"
)

// PipeListener is a net.Listener in memory. Its connections are the two ends of a net.Pipe and need no system call, so a
// server and its clients can run in a testing/synctest bubble. Create it inside the bubble.
type PipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// NewPipeListener returns an open listener, for Serve.
func NewPipeListener() *PipeListener {
	return &PipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept waits for the next DialContext. After Close it returns a *net.OpError that wraps net.ErrClosed.
func (l *PipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, l.opError("accept", net.ErrClosed)
	}
}

// DialContext connects to the listener and ignores the network and the address; use it as http.Transport.DialContext. It
// returns a *net.OpError that wraps the error of ctx, or net.ErrClosed after Close.
func (l *PipeListener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, l.opError("dial", err)
	}
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, l.opError("dial", ctx.Err())
	case <-l.closed:
		return nil, l.opError("dial", net.ErrClosed)
	}
}

// Close makes Accept and DialContext fail. Open connections stay open. The error is always nil.
func (l *PipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr returns a fixed host name, which is valid in a URL.
func (l *PipeListener) Addr() net.Addr { return pipeAddr{} }

func (l *PipeListener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "pipe", Addr: pipeAddr{}, Err: err}
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "tair.pipe" }
