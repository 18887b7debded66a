package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// askHealth asks the exporter that listens on the address. Any status below 500 is healthy: 401 comes from basic
// authentication, 400 from a TLS listener, which is asked without TLS so that its certificate does not matter.
func askHealth(ctx context.Context, address string) error {
	url := "http://" + localAddress(address) + "/-/healthy"
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("--health-check: --web.listen-address=%s: %w", address, err)
	}
	client := &http.Client{Transport: &http.Transport{}} // never through a proxy
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("--health-check: %w", err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("--health-check: %s answers %s", url, resp.Status)
	}
	return nil
}

// localAddress returns the host:port that reaches a listener of this machine.
func localAddress(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
