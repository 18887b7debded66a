// Command tair_ssl_exporter is a Prometheus exporter for the TLS certificates of Alibaba Cloud Tair (Redis
// OSS-compatible) instances.
package main

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/internal/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(75) // a page of 10,000 instances leaves less garbage behind, for a little more CPU time
	}
	http.DefaultTransport = creds.NewTransport() // credentials-go copies it for its own requests
	os.Exit(app.Run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
