// Package rig builds the exporter and runs it as a process of its own, as it runs in production.
package rig

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// KeepToLoopback drops the proxies from the environment, so that nothing leaves the machine.
func KeepToLoopback() error {
	for _, name := range os.Environ() {
		name, _, _ = strings.Cut(name, "=")
		if strings.HasSuffix(strings.ToLower(name), "_proxy") {
			if err := os.Unsetenv(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// Build builds the exporter into a directory and gives the path of the binary.
func Build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "tair_ssl_exporter")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", binary, ".") //nolint:gosec // binary is in our own directory
	build.Dir = ".."                                                                                    // the product's module
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the exporter: %w\n%s", err, out)
	}
	return binary, nil
}

// Exporter is the binary at work.
type Exporter struct {
	Address string // host:port
	PID     int
	// Stop ends the process.
	Stop func()
}

// Start runs the binary with a configuration, which it writes into the binary's directory, and with flags, and waits
// until it is ready.
func Start(ctx context.Context, binary string, config []byte, patience time.Duration, flags ...string) (*Exporter, error) {
	file := filepath.Join(filepath.Dir(binary), "config.yml")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // a free port; the binary takes it a moment later
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, err
	}
	var logs bytes.Buffer
	flags = append(flags, "--config.file="+file, "--web.listen-address="+address, "--log.level=warn")
	process := exec.CommandContext(ctx, binary, flags...) //nolint:gosec // what was just built
	process.Stdout, process.Stderr = &logs, &logs
	if err := process.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = process.Wait()
		close(ended)
	}()
	exporter := &Exporter{Address: address, PID: process.Process.Pid, Stop: func() {
		_ = process.Process.Kill()
		<-ended
	}}
	ready, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if err = isReady(ready, address); err == nil {
			return exporter, nil
		}
		select {
		case <-ended:
			return nil, fmt.Errorf("the exporter ended: %s", logs.String())
		case <-ready.Done():
			exporter.Stop()
			return nil, fmt.Errorf("the exporter is not ready after %s: %w: %s", patience, err, logs.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func isReady(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/-/ready", http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(response.Body)
		return fmt.Errorf("%s: %s", response.Status, bytes.TrimSpace(body))
	}
	return nil
}
