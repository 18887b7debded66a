package tairtest

import (
	"context"
	"net"
	"sync"
)

// PipeListener is a listener in memory, whose connections are the two ends of a net.Pipe. As no system call is involved,
// a server on it and its clients can run inside a testing/synctest bubble; create it in there.
type PipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// NewPipeListener returns a listener for Serve.
func NewPipeListener() *PipeListener {
	return &PipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept waits for the next DialContext. After Close the error is net.ErrClosed.
func (l *PipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, l.refused("accept", net.ErrClosed)
	}
}

// DialContext connects to the listener, whatever the network and address; it fits http.Transport.DialContext. The error,
// a *net.OpError, wraps that of the context, or net.ErrClosed after Close.
func (l *PipeListener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, l.refused("dial", err)
	}
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, l.refused("dial", ctx.Err())
	case <-l.closed:
		return nil, l.refused("dial", net.ErrClosed)
	}
}

// Close makes Accept and DialContext fail. Connections stay open.
func (l *PipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is a made-up host name, so that "http://" before it is a valid URL.
func (l *PipeListener) Addr() net.Addr { return pipeAddr{} }

func (l *PipeListener) refused(op string, err error) error {
	return &net.OpError{Op: op, Net: "pipe", Addr: pipeAddr{}, Err: err}
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "tair.pipe" }
