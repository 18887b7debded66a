//go:build linux

// Package faults holds tests that break what the exporter talks to, and the exporter itself. They need Linux: they count the
// open files in /proc, fill a log with /dev/full and limit files by ulimit.
package faults

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/internal/app"
)

// Hosts that no loopback address stands for: the first is resolved by the resolver of the tests, the others are behind their
// proxy.
const (
	resolvedHost = "api.resolved.test"
	proxiedHost  = "api.proxied.test"
	cloudHost    = "r-kvstore.aliyuncs.com"
)

// The environment of all tests, which a process reads once.
var (
	trusted, foreign tls.Certificate
	proxy            = &connectProxy{to: make(map[string]string)}
	noDNS            atomic.Bool // no name can be resolved
)

func TestMain(m *testing.M) {
	http.DefaultTransport = creds.NewTransport() // as main does
	if os.Getenv("FAULTS_RUN") != "" {
		os.Exit(runProgram())
	}
	os.Exit(runTests(m))
}

// runProgram is main in the process of a test.
func runProgram() int {
	ctx, stop := notify()
	defer stop()
	return app.Run(ctx, os.Args[1:], os.Stdout, os.Stderr)
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "faults")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	trusted, foreign = newCertificate(), newCertificate()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: trusted.Certificate[0]})
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), authority, 0o600); err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := &http.Server{Handler: proxy}
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	for name, value := range map[string]string{
		"SSL_CERT_FILE": filepath.Join(dir, "ca.pem"), "SSL_CERT_DIR": dir,
		"HTTPS_PROXY": "http://" + l.Addr().String(), "HTTP_PROXY": "", "NO_PROXY": resolvedHost,
	} {
		_ = os.Setenv(name, value)
	}
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: resolve}
	return m.Run()
}

// newCertificate returns a certificate that is its own authority, for every host of the tests.
func newCertificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{resolvedHost, proxiedHost, cloudHost},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// resolve is a connection to a name server that has 127.0.0.1 for every name.
func resolve(context.Context, string, string) (net.Conn, error) {
	if noDNS.Load() {
		return nil, errors.New("no name server")
	}
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		for {
			var size uint16
			if binary.Read(server, binary.BigEndian, &size) != nil {
				return
			}
			query := make([]byte, size)
			if _, err := io.ReadFull(server, query); err != nil {
				return
			}
			end := 12 + bytes.IndexByte(query[12:], 0) + 5 // of the question
			answer := bytes.Clone(query[:end])
			copy(answer[2:], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0})
			if query[end-3] == 1 { // an IPv4 address is asked for
				answer[7] = 1
				answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1)
			}
			if _, err := server.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
				return
			}
		}
	}()
	return client, nil
}
