package tair

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

const credCanary = "canary/7f3A+" // no code, request ID or class can hold it

// assertNoCredCanary prints v in every way.
func assertNoCredCanary(t *testing.T, v any) {
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
		for _, secret := range []string{credCanary, url.QueryEscape(credCanary), fmt.Sprintf("%x", credCanary)} {
			if strings.Contains(text, secret) {
				t.Errorf("%T prints the secret", v)
			}
		}
	}
}

// Trap 6: the library's errors carry answers, keys, signed URLs and local paths.
func TestCredentialsErrorsCarryNoSecret(t *testing.T) {
	cleanCredentialsEnv(t)
	const id = "1B2C3D4E-0000-4000-8000-123456789ABC"
	refusal := `{"RequestId":"` + id + `","Code":"NoPermission","Message":"` + credCanary + `","AccessKeyId":"` + credCanary + `"}`
	expired := credKeyFor("one", time.Hour)
	expired["Expiration"] = credCanary
	closed := newURIServer(t, nil)
	closed.Close()
	role := func(host string) CredentialsConfig {
		return CredentialsConfig{
			Type: CredentialsRAMRole, RoleARN: "acs:ram::1:role/r", STSEndpoint: host, AccessKeyID: SecretValue{Text: credCanary},
			AccessKeySecret: SecretValue{Text: credCanary}, SecurityToken: SecretValue{Text: credCanary},
		}
	}
	uri := func(base string) CredentialsConfig {
		return CredentialsConfig{Type: CredentialsURI, URL: base + "/" + credCanary + "?token=" + url.QueryEscape(credCanary)}
	}
	for name, c := range map[string]struct {
		role, uri http.HandlerFunc
		cfg       CredentialsConfig
		want      CredentialsError
	}{
		"sts refuses":          {role: credFail(403, refusal), want: CredentialsError{Class: classSTS, Code: "NoPermission", RequestID: id}},
		"sts with odd code":    {role: credFail(403, `{"Code":"`+credCanary+`","RequestId":"`+credCanary+`"}`), want: CredentialsError{Class: classHTTP}},
		"sts with long code":   {role: credFail(403, `{"Code":"`+strings.Repeat("x", 65)+`"}`), want: CredentialsError{Class: classHTTP}},
		"sts answers no JSON":  {role: credFail(502, "<html>"+credCanary), want: CredentialsError{Class: classHTTP}},
		"sts answers 200 text": {role: credFail(200, credCanary), want: CredentialsError{Class: classMalformed}},
		"sts gives nothing":    {role: credFail(200, `{"x":"`+credCanary+`"}`), want: CredentialsError{Class: classIncomplete}},
		"sts not there":        {cfg: role(strings.TrimPrefix(closed.URL, "http://")), want: CredentialsError{Class: classNetwork}},
		"uri refuses":          {uri: credFail(403, refusal), want: CredentialsError{Class: classHTTP}},
		"uri answers text":     {uri: credFail(200, credCanary), want: CredentialsError{Class: classMalformed}},
		"uri gives half a key": {uri: credFail(200, `{"AccessKeyId":"`+credCanary+`"}`), want: CredentialsError{Class: classIncomplete}},
		"uri gives odd expiry": {uri: func(w http.ResponseWriter, _ *http.Request) { writeCredJSON(w, expired) }, want: CredentialsError{Class: classMalformed}},
		"uri gives odd key":    {uri: credGive(credCanary+"\n", time.Hour), want: CredentialsError{Class: classMalformed}},
		"uri gives empty key": {
			uri:  credFail(200, `{"AccessKeyId":"","AccessKeySecret":"","SecurityToken":"","Expiration":"2099-01-01T00:00:00Z"}`),
			want: CredentialsError{Class: classIncomplete},
		},
		"uri not there": {cfg: uri(closed.URL), want: CredentialsError{Class: classNetwork}},
		"no file": {
			cfg: CredentialsConfig{
				Type: CredentialsAccessKey, AccessKeyID: SecretValue{Text: "id"},
				AccessKeySecret: SecretValue{File: filepath.Join(t.TempDir(), credCanary)},
			},
			want: CredentialsError{Class: classFile},
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
			p := newTestCredentials(t, c.cfg)
			got := p.wantError(t, c.want.Class)
			c.want.Type = c.cfg.Type
			if *got != c.want {
				t.Errorf("got %#v, want %#v", *got, c.want)
			}
			if errors.Unwrap(got) != nil {
				t.Error("the library's error can be reached")
			}
			for _, v := range []any{got, *got, c.cfg, &c.cfg, p.credentialsCache, Credentials{credCanary, credCanary, credCanary}, c.cfg.AccessKeyID} {
				assertNoCredCanary(t, v)
			}
		})
	}
}

func TestCredentialsUntrustedCertificateIsTLS(t *testing.T) {
	s := newSTSServer(t) // its certificate does not hold for this name
	host := strings.Replace(s.host(), "127.0.0.1", "localhost", 1)
	c := newTestCredentials(t, credKeyRole(host))
	c.wantError(t, classTLS)
}

func TestCredentialsErrorText(t *testing.T) {
	e := &CredentialsError{Type: CredentialsRAMRole, Class: classSTS, Code: "NoPermission", RequestID: "id"}
	if got, want := e.Error(), "cannot obtain credentials: class=sts code=NoPermission request_id=id"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	e = &CredentialsError{Class: classPanic}
	if got, want := e.Error(), "cannot obtain credentials: class=panic"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCredentialsErrorClasses(t *testing.T) {
	const chain = "unable to get credentials from any of the providers in the chain: "
	for _, c := range []struct {
		err  error
		want CredentialsError
	}{
		{errors.New("anything " + credCanary), CredentialsError{Class: classOther}},
		{&url.Error{Op: "Post", URL: credCanary, Err: os.ErrDeadlineExceeded}, CredentialsError{Class: classTimeout}},
		{&url.Error{Op: "Post", URL: credCanary, Err: os.ErrPermission}, CredentialsError{Class: classNetwork}}, // a firewall
		{os.ErrDeadlineExceeded, CredentialsError{Class: classTimeout}},
		{&fs.PathError{Op: "open", Path: credCanary, Err: fs.ErrPermission}, CredentialsError{Class: classFile}},
		{errors.New("IMDS credentials is disabled"), CredentialsError{Class: classDisabled}},
		{errors.New("get role name failed: GET http://100.100.100.200/x 404"), CredentialsError{Class: classHTTP}},
		{errors.New("refresh Ecs sts token err, httpStatus: 404, message = " + credCanary), CredentialsError{Class: classHTTP}},
		{errors.New("refresh Ecs sts token err: dial tcp: connection refused"), CredentialsError{Class: classNetwork}},
		{errors.New("get metadata token failed: x (Client.Timeout exceeded)"), CredentialsError{Class: classTimeout}},
		{errors.New("refresh Ecs sts token err, json.Unmarshal fail: x"), CredentialsError{Class: classMalformed}},
		{errors.New("refresh Ecs sts token err, Code is not Success"), CredentialsError{Class: classIncomplete}},
		{errors.New(chain + credCanary), CredentialsError{Class: classChain}},
		{
			errors.New(chain + `a, get session token failed: {"Code":"AuthenticationFail.OIDCToken.Expired"}, b {"Code":"x"}`),
			CredentialsError{Class: classSTS, Code: "AuthenticationFail.OIDCToken.Expired"},
		},
	} {
		if got := classifyCredentials(c.err); *got != c.want {
			t.Errorf("%v: got %#v, want %#v", c.err, *got, c.want)
		}
	}
}
