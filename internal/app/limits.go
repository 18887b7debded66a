package app

import (
	"context"
	"net/http"
	"time"
)

// maxHeader bounds the header of a request, in bytes. Prometheus sends less than 1 KiB.
const maxHeader = 32 << 10

// withoutBody refuses requests with a body: no route takes one. It does not wait for the body.
func withoutBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now()) // else the server reads what is left of the body
			w.Header().Set("Connection", "close")
			http.Error(w, "a request must not have a body", http.StatusRequestEntityTooLarge)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// stopServer lets the requests in flight end within the grace, and then closes their connections.
func stopServer(server *http.Server, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return server.Close()
	}
	return nil
}
