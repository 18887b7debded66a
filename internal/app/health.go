package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// askHealth asks the exporter that listens on the address. An answer of any kind below 500 says that it serves: 401 is
// its basic authentication, 400 its TLS listener to a client without TLS, whose certificate is not what is asked about.
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

// localAddress gives the address to reach a listener of this machine at.
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
