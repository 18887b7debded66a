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
)

const canary = "canary/7f3A+" // no code, request ID or class can hold it

// assertNoCanary prints and encodes v in every way.
func assertNoCanary(t *testing.T, v any) {
	t.Helper()
	encoded, err := json.Marshal(v)
	text := string(encoded)
	for _, x := range []any{v, []any{v}, &v} {
		text += fmt.Sprintf("%[1]v %+[1]v %#[1]v %[1]s %[1]q %[1]x %[1]d", x)
	}
	for _, secret := range []string{canary, url.QueryEscape(canary), fmt.Sprintf("%x", canary)} {
		if err != nil || strings.Contains(text, secret) {
			t.Errorf("%T prints the secret, or error %v", v, err)
		}
	}
}

// Trap 6: the library's errors carry answers, keys, signed URLs and local paths.
func TestErrorsCarryNoSecret(t *testing.T) {
	cleanEnv(t)
	const id = "1B2C3D4E-0000-4000-8000-123456789ABC"
	refusal := `{"RequestId":"` + id + `","Code":"NoPermission","Message":"` + canary + `","AccessKeyId":"` + canary + `"}`
	expired := keyFor("one")
	expired["Expiration"] = canary
	closed := newURIServer(t, nil)
	closed.Close()
	role := func(host string) Config {
		return Config{
			Type: TypeRAMRoleARN, RoleARN: "acs:ram::1:role/r", STSEndpoint: host,
			AccessKeyID: canary, AccessKeySecret: canary, SecurityToken: canary,
		}
	}
	url := func(base string) Config {
		return Config{Type: TypeCredentialsURI, URL: Secret(base + "/" + canary + "?token=" + url.QueryEscape(canary))}
	}
	sts := func(status int, body string) Config {
		s := newSTSServer(t)
		s.answer(failWith(status, body))
		return role(s.host())
	}
	uri := func(h http.HandlerFunc) Config { return url(newURIServer(t, h).URL) }
	for name, c := range map[string]struct {
		cfg  Config
		want Error
	}{
		"sts refuses":            {sts(403, refusal), Error{Class: ClassSTS, Code: "NoPermission", RequestID: id}},
		"sts with odd code":      {sts(403, `{"Code":"`+canary+`","RequestId":"`+canary+`"}`), Error{Class: ClassHTTP}},
		"sts with long code":     {sts(403, `{"Code":"`+strings.Repeat("x", 65)+`"}`), Error{Class: ClassHTTP}},
		"sts answers no JSON":    {sts(502, "<html>"+canary), Error{Class: ClassHTTP}},
		"sts answers 200 text":   {sts(200, canary), Error{Class: ClassMalformed}},
		"sts returns nothing":    {sts(200, `{"x":"`+canary+`"}`), Error{Class: ClassIncomplete}},
		"sts not there":          {role(strings.TrimPrefix(closed.URL, "http://")), Error{Class: ClassNetwork}},
		"sts not trusted":        {role(strings.Replace(newSTSServer(t).host(), "127.0.0.1", "localhost", 1)), Error{Class: ClassTLS}},
		"uri refuses":            {uri(failWith(403, refusal)), Error{Class: ClassHTTP}},
		"uri answers text":       {uri(failWith(200, canary)), Error{Class: ClassMalformed}},
		"uri returns half a key": {uri(failWith(200, `{"AccessKeyId":"`+canary+`"}`)), Error{Class: ClassIncomplete}},
		"uri returns odd expiry": {uri(func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, expired) }), Error{Class: ClassMalformed}},
		"uri returns odd key":    {uri(respondWith(canary + "\n")), Error{Class: ClassMalformed}},
		"uri returns empty key": {
			uri(failWith(200, `{"AccessKeyId":"","AccessKeySecret":"","SecurityToken":"","Expiration":"2099-01-01T00:00:00Z"}`)),
			Error{Class: ClassIncomplete},
		},
		"uri not there": {url(closed.URL), Error{Class: ClassNetwork}},
		"no file": {
			Config{Type: TypeAccessKey, AccessKeyID: "id", AccessKeySecretFile: filepath.Join(t.TempDir(), canary)},
			Error{Class: ClassFile},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := New(c.cfg, Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := fetcher(p.(*cache).fetch).wantError(t, c.want.Class)
			c.want.Type = c.cfg.Type
			if *got != c.want || errors.Unwrap(got) != nil {
				t.Errorf("got %#v, which wraps %v, want %#v", *got, errors.Unwrap(got), c.want)
			}
			for _, v := range []any{got, *got, p, Credentials{AccessKeyID: canary, AccessKeySecret: canary, SecurityToken: canary}} {
				assertNoCanary(t, v)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	for want, e := range map[string]*Error{
		"cannot obtain credentials: class=sts code=NoPermission request_id=id": {Type: TypeSTS, Class: ClassSTS, Code: "NoPermission", RequestID: "id"},
		"cannot obtain credentials: class=chain, tried: the variables ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET, RRSA (OIDC), the profile of the aliyun CLI, " +
			"the file ~/.alibabacloud/credentials, the role of the ECS instance, ALIBABA_CLOUD_CREDENTIALS_URI; none has a key": {Class: ClassChain},
		"cannot obtain credentials: class=panic": {Class: ClassPanic},
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
		{errors.New("anything " + canary), Error{Class: ClassOther}},
		{&url.Error{Op: "Post", URL: canary, Err: os.ErrDeadlineExceeded}, Error{Class: ClassTimeout}},
		{&url.Error{Op: "Post", URL: canary, Err: os.ErrPermission}, Error{Class: ClassNetwork}}, // a firewall
		{os.ErrDeadlineExceeded, Error{Class: ClassTimeout}},
		{&fs.PathError{Op: "open", Path: canary, Err: fs.ErrPermission}, Error{Class: ClassFile}},
		{errors.New("IMDS credentials is disabled"), Error{Class: ClassDisabled}},
		{errors.New("get role name failed: GET http://100.100.100.200/x 404"), Error{Class: ClassHTTP}},
		{errors.New("refresh Ecs sts token err, httpStatus: 404, message = " + canary), Error{Class: ClassHTTP}},
		{errors.New("refresh Ecs sts token err: dial tcp: connection refused"), Error{Class: ClassNetwork}},
		{errors.New("get metadata token failed: x (Client.Timeout exceeded)"), Error{Class: ClassTimeout}},
		{errors.New("refresh Ecs sts token err, json.Unmarshal fail: x"), Error{Class: ClassMalformed}},
		{errors.New("refresh Ecs sts token err, Code is not Success"), Error{Class: ClassIncomplete}},
		{errors.New(chain + canary), Error{Class: ClassChain}},
		{
			errors.New(chain + `a, get session token failed: {"Code":"AuthenticationFail.OIDCToken.Expired"}, b {"Code":"x"}`),
			Error{Class: ClassSTS, Code: "AuthenticationFail.OIDCToken.Expired"},
		},
	} {
		if got := classify(c.err); *got != c.want {
			t.Errorf("%v: got %#v, want %#v", c.err, *got, c.want)
		}
	}
}
