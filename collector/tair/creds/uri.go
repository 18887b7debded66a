package creds

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aliyun/credentials-go/credentials/providers"
)

const (
	maxAnswer     = 64 << 10         // of a credentials URI, in bytes
	uriTimeout    = 15 * time.Second // as in the library
	refreshBefore = 3 * time.Minute  // before the expiry, as in the library
)

// uriProvider fetches temporary keys from a URL. It takes the place of the library's provider, which reads an answer of any
// size and follows redirects.
type uriProvider struct {
	url     string
	got     *providers.Credentials // nil: none yet
	expires time.Time
}

// GetProviderName implements providers.CredentialsProvider.
func (p *uriProvider) GetProviderName() string { return "credential_uri" }

// GetCredentials implements providers.CredentialsProvider.
func (p *uriProvider) GetCredentials() (*providers.Credentials, error) {
	if p.got != nil && time.Until(p.expires) > refreshBefore {
		return p.got, nil
	}
	client := &http.Client{
		Timeout:       uriTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequest(http.MethodGet, p.url, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	req.Close = true
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetching: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, &Error{Class: ClassHTTP}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	var answer struct {
		AccessKeyID                                *string `json:"AccessKeyId"`
		AccessKeySecret, SecurityToken, Expiration *string
	}
	if json.Unmarshal(body, &answer) != nil {
		return nil, &Error{Class: ClassMalformed}
	}
	if answer.AccessKeyID == nil || answer.AccessKeySecret == nil || answer.SecurityToken == nil || answer.Expiration == nil {
		return nil, &Error{Class: ClassIncomplete}
	}
	if p.expires, err = time.Parse(time.RFC3339, *answer.Expiration); err != nil {
		return nil, &Error{Class: ClassMalformed}
	}
	p.got = &providers.Credentials{
		AccessKeyId: *answer.AccessKeyID, AccessKeySecret: *answer.AccessKeySecret, SecurityToken: *answer.SecurityToken,
		ProviderName: p.GetProviderName(),
	}
	return p.got, nil
}
