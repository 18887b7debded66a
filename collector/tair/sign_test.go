package tair

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/creds"
)

// TestSignedMatchesTheOfficialSDK holds the signature against vectors made by the official SDK.
func TestSignedMatchesTheOfficialSDK(t *testing.T) {
	data, err := os.ReadFile("testdata/signatures.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name, Host, Action, Nonce, Authorization string

		AccessKeyID     string `json:"access_key_id"`
		AccessKeySecret string `json:"access_key_secret"`
		SecurityToken   string `json:"security_token"`
		Date            time.Time
		Query, Headers  map[string]string
	}
	if err := json.Unmarshal(data, &vectors); err != nil || len(vectors) == 0 {
		t.Fatalf("%d vectors, error %v", len(vectors), err)
	}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			var params []param // in the random order of a map
			for name, value := range v.Query {
				params = append(params, param{name, value})
			}
			date := v.Date.In(time.FixedZone("east", 8*60*60)).Add(999) // sent in UTC and whole seconds
			got := signed(
				attempt{host: v.Host, action: v.Action, query: canonicalQuery(params), nonce: v.Nonce, date: date},
				creds.Credentials{AccessKeyID: v.AccessKeyID, AccessKeySecret: v.AccessKeySecret, SecurityToken: v.SecurityToken},
			)
			want := http.Header{"Authorization": {v.Authorization}, "Accept": {"application/json"}}
			for name, value := range v.Headers {
				if name != "host" { // net/http sets it
					want[name] = []string{value}
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestCanonicalQuery(t *testing.T) {
	for _, c := range []struct {
		name   string
		params []param
		want   string
	}{
		{"none", nil, ""},
		{"empty value", []param{{"a", ""}}, "a="},
		{"sorted by name, byte by byte", []param{{"b", "1"}, {"a", "2"}, {"Z", "3"}, {"Tag.2", "4"}, {"Tag.10", "5"}}, "Tag.10=5&Tag.2=4&Z=3&a=2&b=1"},
		{"not escaped", []param{{"k", "AZaz09-_.~"}}, "k=AZaz09-_.~"},
		{"where query escapings differ", []param{{"k", " *~+"}}, "k=%20%2A~%2B"},
		{"reserved", []param{{"k&=", "a=b&c/d?e%"}}, "k%26%3D=a%3Db%26c%2Fd%3Fe%25"},
		{"not ASCII, in upper case", []param{{"k", "缓é"}}, "k=%E7%BC%93%C3%A9"},
		{"not printable", []param{{"k", "\x00\n\x7f\xff"}}, "k=%00%0A%7F%FF"},
	} {
		if got := canonicalQuery(c.params); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// The fake recomputes the signature on its own and refuses what the cloud refuses.
func TestSignedCallIsAccepted(t *testing.T) {
	for _, key := range []creds.Credentials{testKey, tokenKey} {
		r := onLoopback(t, ClientConfig{})
		r.keys.chain = []creds.Credentials{key}
		r.wantSSL()
		r.wantSSL()
		r.wantRequests(2)
		for _, q := range r.api.Requests() {
			if q.Code != "OK" || q.AccessKeyID != key.AccessKeyID || q.Region != testRegion || q.Action != "DescribeInstanceSSL" {
				t.Errorf("the API saw %+v", q)
			}
		}
	}
}

func TestSignedCallIsRefused(t *testing.T) {
	const wrongToken = "the temporary credentials have expired or their token is not valid"
	key := func(id, secret, token string) creds.Credentials {
		return creds.Credentials{AccessKeyID: id, AccessKeySecret: secret, SecurityToken: token}
	}
	for _, c := range []struct {
		name   string
		creds  creds.Credentials
		ahead  time.Duration // of the client's clock
		status int
		code   string
		detail string
	}{
		{"unknown key", key("LTAIunknown", "s", ""), 0, 404, "InvalidAccessKeyId.NotFound", "the access key does not exist or is disabled"},
		{"wrong secret", key(testKey.AccessKeyID, "s", ""), 0, 400, "SignatureDoesNotMatch", "the access key secret does not belong to the access key ID"},
		{"no token", key(tokenKey.AccessKeyID, tokenKey.AccessKeySecret, ""), 0, 400, "InvalidSecurityToken.Malformed", wrongToken},
		{"wrong token", key(tokenKey.AccessKeyID, tokenKey.AccessKeySecret, "t"), 0, 400, "InvalidSecurityToken.MismatchWithAccessKey", wrongToken},
		{"clock ahead", testKey, 16 * time.Minute, 400, "InvalidTimeStamp.Expired", "the clock of this machine is 16m0s ahead of the API's"},
		{"clock behind", testKey, -20 * time.Minute, 400, "InvalidTimeStamp.Expired", "the clock of this machine is 20m0s behind the API's"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := onLoopback(t, ClientConfig{Now: func() time.Time { return time.Now().Add(c.ahead) }})
			r.keys.chain = []creds.Credentials{c.creds}
			_, err := r.ask()
			wantError(t, err, Error{Reason: ReasonUnauthorized, Status: c.status, Code: c.code, RequestID: anyRequestID, Detail: c.detail})
			r.wantRequests(1)
		})
	}
}

// The fake checks neither the unsigned headers nor that nothing else is sent.
func TestRequestOnTheWire(t *testing.T) {
	var got *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }))
	defer server.Close()
	r := onLoopback(t, ClientConfig{Endpoint: server.URL + "/"})
	_, _ = r.ask() // an empty answer
	if got == nil {
		t.Fatal("no request")
	}
	if want := "POST /?InstanceId=r-bp1zxszhcgatnx&RegionId=cn-hangzhou"; got.Method+" "+got.RequestURI != want {
		t.Errorf("%s %s, want %s", got.Method, got.RequestURI, want)
	}
	if host := strings.TrimPrefix(server.URL, "http://"); got.Host != host || r.client.URL() != server.URL {
		t.Errorf("host %s, URL() %s, want %s", got.Host, r.client.URL(), server.URL)
	}
	for _, name := range []string{"Authorization", "X-Acs-Date", "X-Acs-Signature-Nonce"} { // new each time
		got.Header.Del(name)
	}
	want := http.Header{
		"Accept": {"application/json"}, "User-Agent": {"tair_ssl_exporter/test"}, "Content-Length": {"0"},
		"X-Acs-Action": {"DescribeInstanceSSL"}, "X-Acs-Version": {"2015-01-01"},
		"X-Acs-Content-Sha256": {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	}
	if !reflect.DeepEqual(got.Header, want) {
		t.Errorf("headers %q\nwant %q", got.Header, want)
	}
}
