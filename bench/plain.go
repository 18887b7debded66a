package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// plainServer answers every request without a look at its signature, which takes as long as the client takes for the call.
type plainServer struct {
	listener    net.Listener
	connections atomic.Int64 // that were ever accepted
}

// startPlain starts a server with the bytes of the answer to a request, which has no body.
func startPlain(answerTo func(request []byte) []byte) (*plainServer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &plainServer{listener: l}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.connections.Add(1)
			go answerAll(conn, answerTo)
		}
	}()
	return s, nil
}

func (s *plainServer) addr() string { return s.listener.Addr().String() }
func (s *plainServer) close()       { _ = s.listener.Close() }

func answerAll(conn net.Conn, answerTo func(request []byte) []byte) {
	defer func() { _ = conn.Close() }()
	buffer, end := make([]byte, 64<<10), 0
	for {
		n, err := conn.Read(buffer[end:])
		if err != nil {
			return
		}
		if end += n; !bytes.HasSuffix(buffer[:end], []byte("\r\n\r\n")) {
			continue
		}
		if _, err := conn.Write(answerTo(buffer[:end])); err != nil {
			return
		}
		end = 0
	}
}

// answer returns the HTTP answer for an instance with a certificate.
func answer(instance string) []byte {
	now := time.Now().UTC()
	body := fmt.Appendf(nil, `{"InstanceId":%q,"RequestId":"02260F96-913E-4655-9BA5-A3651CAF0000","SSLEnabled":"Enable",`+
		`"SSLExpiredTime":%q,"CertCommonName":"%s.redis.rds.aliyuncs.com","CertDownloadURL":"https://example.com/ca.zip"}`,
		instance, now.AddDate(1, 0, 0).Format(time.RFC3339), instance)
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=utf-8\r\nDate: %s\r\n"+
		"Content-Length: %d\r\n\r\n%s", now.Format(http.TimeFormat), len(body), body)
}

// instanceIn returns the value of the parameter InstanceId of a request.
func instanceIn(request []byte) string {
	_, rest, _ := bytes.Cut(request, []byte("InstanceId="))
	end := bytes.IndexAny(rest, "& ")
	return string(rest[:max(end, 0)])
}
