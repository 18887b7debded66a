//go:build linux

package faults

import (
	"io"
	"net"
	"net/http"
	"sync"
)

// connectProxy is a proxy that knows few hosts, and keeps which ones it was asked for.
type connectProxy struct {
	mu    sync.Mutex
	to    map[string]string // host:port -> the address that stands for it
	asked []string
}

// route makes an address stand for a host; "": the host is refused.
func (p *connectProxy) route(host, address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.to[host] = address
}

func (p *connectProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Host)
	address := p.to[r.Host]
	p.mu.Unlock()
	if address == "" {
		http.Error(w, "refused", http.StatusForbidden)
		return
	}
	there, err := net.Dial("tcp", address)
	if err != nil {
		http.Error(w, "unreachable", http.StatusBadGateway)
		return
	}
	here, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		_ = there.Close()
		return
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	var both sync.WaitGroup
	for _, pair := range [][2]net.Conn{{here, there}, {there, here}} {
		both.Go(func() {
			_, _ = io.Copy(pair[0], pair[1])
			_ = pair[0].Close()
		})
	}
	both.Wait()
}
