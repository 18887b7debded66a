package creds

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const canary = "canary/7f3A+" // no code, request ID or class can hold it

// assertNoCanary prints v in every way.
func assertNoCanary(t *testing.T, v any) {
	t.Helper()
	encoded, err := json.Marshal(v)
	if err != nil {
		t.Error(err)
	}
	texts := []string{string(encoded)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, v), fmt.Sprintf(verb, []any{v}), fmt.Sprintf(verb, &v))
	}
	for _, text := range texts {
		for _, secret := range []string{canary, url.QueryEscape(canary), fmt.Sprintf("%x", canary)} {
			if strings.Contains(text, secret) {
				t.Errorf("%T prints the secret", v)
			}
		}
	}
}

// Trap 6: the library's errors carry answers, keys, signed URLs and local paths.
func TestErrorsCarryNoSecret(t *testing.T) {
	cleanEnv(t)
	const id = "1B2C3D4E-0000-4000-8000-123456789ABC"
	refusal := `{"RequestId":"` + id + `","Code":"NoPermission","Message":"` + canary + `","AccessKeyId":"` + canary + `"}`
	expired := keyFor("one", time.Hour)
	expired["Expiration"] = canary
	closed := newURIServer(t, nil)
	closed.Close()
	role := func(host string) Config {
		return Config{
			Type: TypeRAMRoleARN, RoleARN: "acs:ram::1:role/r", STSEndpoint: host,
			AccessKeyID: canary, AccessKeySecret: canary, SecurityToken: canary,
		}
	}
	uri := func(base string) Config {
		return Config{Type: TypeCredentialsURI, URL: Secret(base + "/" + canary + "?token=" + url.QueryEscape(canary))}
	}
	for name, c := range map[string]struct {
		role, uri http.HandlerFunc
		cfg       Config
		want      Error
	}{
		"sts refuses":          {role: failWith(403, refusal), want: Error{Class: classSTS, Code: "NoPermission", RequestID: id}},
		"sts with odd code":    {role: failWith(403, `{"Code":"`+canary+`","RequestId":"`+canary+`"}`), want: Error{Class: classHTTP}},
		"sts with long code":   {role: failWith(403, `{"Code":"`+strings.Repeat("x", 65)+`"}`), want: Error{Class: classHTTP}},
		"sts answers no JSON":  {role: failWith(502, "<html>"+canary), want: Error{Class: classHTTP}},
		"sts answers 200 text": {role: failWith(200, canary), want: Error{Class: classMalformed}},
		"sts gives nothing":    {role: failWith(200, `{"x":"`+canary+`"}`), want: Error{Class: classIncomplete}},
		"sts not there":        {cfg: role(strings.TrimPrefix(closed.URL, "http://")), want: Error{Class: classNetwork}},
		"uri refuses":          {uri: failWith(403, refusal), want: Error{Class: classHTTP}},
		"uri answers text":     {uri: failWith(200, canary), want: Error{Class: classMalformed}},
		"uri gives half a key": {uri: failWith(200, `{"AccessKeyId":"`+canary+`"}`), want: Error{Class: classIncomplete}},
		"uri gives odd expiry": {uri: func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, expired) }, want: Error{Class: classMalformed}},
		"uri gives odd key":    {uri: respondWith(canary+"\n", time.Hour), want: Error{Class: classMalformed}},
		"uri gives empty key": {
			uri:  failWith(200, `{"AccessKeyId":"","AccessKeySecret":"","SecurityToken":"","Expiration":"2099-01-01T00:00:00Z"}`),
			want: Error{Class: classIncomplete},
		},
		"uri not there": {cfg: uri(closed.URL), want: Error{Class: classNetwork}},
		"no file": {
			cfg: Config{
				Type: TypeAccessKey, AccessKeyID: "id", AccessKeySecretFile: filepath.Join(t.TempDir(), canary),
			},
			want: Error{Class: classFile},
		},
	} {
		t.Run(name, func(t *testing.T) {
			switch {
			case c.role != nil:
				s := newSTSServer(t)
				s.answer(c.role)
				c.cfg = role(s.host())
			case c.uri != nil:
				c.cfg = uri(newURIServer(t, c.uri).URL)
			}
			p, err := New(c.cfg, Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := fetcher(p.(*cache).fetch).wantError(t, c.want.Class)
			c.want.Type = c.cfg.Type
			if *got != c.want {
				t.Errorf("got %#v, want %#v", *got, c.want)
			}
			if errors.Unwrap(got) != nil {
				t.Error("the library's error can be reached")
			}
			for _, v := range []any{got, *got, p, Credentials{canary, canary, canary}} {
				assertNoCanary(t, v)
			}
		})
	}
}

func TestUntrustedCertificateIsTLS(t *testing.T) {
	s := newSTSServer(t) // its certificate does not hold for this name
	host := strings.Replace(s.host(), "127.0.0.1", "localhost", 1)
	newFetcher(t, keyRole(host)).wantError(t, classTLS)
}

func TestErrorText(t *testing.T) {
	for want, e := range map[string]*Error{
		"cannot obtain credentials: class=sts code=NoPermission request_id=id": {Type: TypeSTS, Class: classSTS, Code: "NoPermission", RequestID: "id"},
		"cannot obtain credentials: class=panic":                               {Class: classPanic},
	} {
		if got := e.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestErrorClasses(t *testing.T) {
	const chain = "unable to get credentials from any of the providers in the chain: "
	for _, c := range []struct {
		err  error
		want Error
	}{
		{errors.New("anything " + canary), Error{Class: classOther}},
		{&url.Error{Op: "Post", URL: canary, Err: os.ErrDeadlineExceeded}, Error{Class: classTimeout}},
		{&url.Error{Op: "Post", URL: canary, Err: os.ErrPermission}, Error{Class: classNetwork}}, // a firewall
		{os.ErrDeadlineExceeded, Error{Class: classTimeout}},
		{&fs.PathError{Op: "open", Path: canary, Err: fs.ErrPermission}, Error{Class: classFile}},
		{errors.New("IMDS credentials is disabled"), Error{Class: classDisabled}},
		{errors.New("get role name failed: GET http://100.100.100.200/x 404"), Error{Class: classHTTP}},
		{errors.New("refresh Ecs sts token err, httpStatus: 404, message = " + canary), Error{Class: classHTTP}},
		{errors.New("refresh Ecs sts token err: dial tcp: connection refused"), Error{Class: classNetwork}},
		{errors.New("get metadata token failed: x (Client.Timeout exceeded)"), Error{Class: classTimeout}},
		{errors.New("refresh Ecs sts token err, json.Unmarshal fail: x"), Error{Class: classMalformed}},
		{errors.New("refresh Ecs sts token err, Code is not Success"), Error{Class: classIncomplete}},
		{errors.New(chain + canary), Error{Class: classChain}},
		{
			errors.New(chain + `a, get session token failed: {"Code":"AuthenticationFail.OIDCToken.Expired"}, b {"Code":"x"}`),
			Error{Class: classSTS, Code: "AuthenticationFail.OIDCToken.Expired"},
		},
	} {
		if got := classify(c.err); *got != c.want {
			t.Errorf("%v: got %#v, want %#v", c.err, *got, c.want)
		}
	}
}
