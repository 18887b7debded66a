// Command vectors prints fixed vectors for the signature ACS3-HMAC-SHA256, made with the cloud's own implementation
// (GetAuthorization of darabonba-openapi). The product's tests hold its signer against them, so that the product itself
// needs none of the official modules.
//
//	go run ./vectors > ../collector/tair/testdata/signatures.json
//	go run ./vectors -check ../collector/tair/testdata/signatures.json
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
)

const (
	algorithm = "ACS3-HMAC-SHA256"
	version   = "2015-01-01"
	date      = "2026-01-02T03:04:05Z"
	nonce     = "3156853299f313e23d1673dc12e1703d"
	host      = "r-kvstore.aliyuncs.com"

	// Neither is anybody's key.
	keyID     = "exampleAccessKeyId"
	keySecret = "exampleAccessKeySecret"
	token     = "exampleSecurityToken/with+signs=="
)

// vector is one request and what the official implementation signs it with.
type vector struct {
	Name            string            `json:"name"`
	AccessKeyID     string            `json:"access_key_id"`
	AccessKeySecret string            `json:"access_key_secret"`
	SecurityToken   string            `json:"security_token"`
	Method          string            `json:"method"`
	Host            string            `json:"host"`
	Path            string            `json:"path"`
	Action          string            `json:"action"`
	Version         string            `json:"version"`
	Date            string            `json:"date"`
	Nonce           string            `json:"nonce"`
	Query           map[string]string `json:"query"`
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	Authorization   string            `json:"authorization"`
}

// requests are signed once with an access key and once with temporary credentials.
func requests() []vector {
	return []vector{
		{Name: "plain", Action: "DescribeInstanceSSL", Query: map[string]string{
			"InstanceId": "r-bp1zxszhcgatnx", "RegionId": "cn-hangzhou",
		}},
		{Name: "other host", Action: "DescribeInstanceSSL", Host: "r-kvstore-vpc.ap-southeast-1.aliyuncs.com:8443", Query: map[string]string{
			"InstanceId": "r-t4n0123456789", "RegionId": "ap-southeast-1",
		}},
		{Name: "reserved characters", Action: "DescribeInstances", Query: map[string]string{
			"RegionId":  "cn-hangzhou",
			"SearchKey": "a b*c~d/e+f%g=h&i&&j?k#l:m@n,o;p'q\"r(s)t!u$v[w]x{y}z|_-.^`<>\\",
			"Leading":   " both ends ",
			"Escaped":   "%2A%20%7E%2B",
			"Control":   "tab\tline\nnul\x00del\x7f",
			"Letters":   "AZaz09",
		}},
		{Name: "not ASCII", Action: "DescribeInstances", Query: map[string]string{
			"RegionId": "cn-hangzhou", "SearchKey": "缓存 生产~环境", "Emoji": "é🔐",
		}},
		{Name: "empty value", Action: "DescribeInstances", Query: map[string]string{
			"RegionId": "cn-hangzhou", "ResourceGroupId": "", "SearchKey": "",
		}},
		{Name: "no query", Action: "DescribeRegions", Query: map[string]string{}},
		{Name: "tags and pages", Action: "DescribeInstances", Query: map[string]string{
			"RegionId": "cn-shanghai", "PageNumber": "2", "PageSize": "50", "ResourceGroupId": "rg-acfmyiu4ekp",
			"Tag.1.Key": "env", "Tag.1.Value": "prod", "Tag.2.Key": "团队", "Tag.2.Value": "支付 & 清算",
			"Tag.10.Key": "last", "Tag.10.Value": "",
		}},
	}
}

func vectors() []vector {
	var all []vector
	for _, temporary := range []bool{false, true} {
		for _, v := range requests() {
			v.AccessKeyID, v.AccessKeySecret = keyID, keySecret
			v.Name += ", access key"
			if temporary {
				v.SecurityToken = token
				v.Name = v.Name[:len(v.Name)-len("access key")] + "temporary credentials"
			}
			v.Method, v.Path, v.Version, v.Date, v.Nonce = "POST", "/", version, date, nonce
			if v.Host == "" {
				v.Host = host
			}
			sign(&v)
			all = append(all, v)
		}
	}
	return all
}

// sign fills in what the official client sends with the request.
func sign(v *vector) {
	sum := sha256.Sum256([]byte(v.Body))
	payload := hex.EncodeToString(sum[:])
	v.Headers = map[string]string{
		"host":                  v.Host,
		"x-acs-action":          v.Action,
		"x-acs-content-sha256":  payload,
		"x-acs-date":            v.Date,
		"x-acs-signature-nonce": v.Nonce,
		"x-acs-version":         v.Version,
	}
	if v.SecurityToken != "" {
		v.Headers["x-acs-accesskey-id"] = v.AccessKeyID
		v.Headers["x-acs-security-token"] = v.SecurityToken
	}
	request := &dara.Request{
		Method:   dara.String(v.Method),
		Pathname: dara.String(v.Path),
		Headers:  pointers(v.Headers),
		Query:    pointers(v.Query),
	}
	v.Authorization = dara.StringValue(openapiutil.GetAuthorization(request, dara.String(algorithm), dara.String(payload),
		dara.String(v.AccessKeyID), dara.String(v.AccessKeySecret)))
}

func pointers(m map[string]string) map[string]*string {
	out := make(map[string]*string, len(m))
	for k, v := range m {
		out[k] = dara.String(v)
	}
	return out
}

func encoded() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(vectors())
	return b.Bytes(), err
}

func run() error {
	check := flag.String("check", "", "compare with this `file` instead of printing")
	flag.Parse()
	want, err := encoded()
	if err != nil {
		return err
	}
	if *check == "" {
		_, err = os.Stdout.Write(want)
		return err
	}
	got, err := os.ReadFile(*check)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s differs from what the official implementation signs: run `go run ./vectors` in bench", *check)
	}
	fmt.Printf("%d vectors are as the official implementation signs them\n", len(vectors()))
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "vectors:", err)
		os.Exit(1)
	}
}
