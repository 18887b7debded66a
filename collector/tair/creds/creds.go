// Package creds obtains the credentials that requests are signed with. It hides credentials-go behind a Provider. That
// library takes no context, is not safe for concurrent use, takes missing fields from the environment of the process,
// and prints secrets in its errors.
package creds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Credentials is the key that signs a request. SecurityToken is "" for a long-lived key. Every way to print or encode it writes
// "<secret>".
type Credentials struct {
	AccessKeyID, AccessKeySecret, SecurityToken string

	Source string // of the default chain: where it found them, such as env or oidc_role_arn; else ""
}

// Format hides the credentials from every verb.
func (Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hiddenSecret) }

// MarshalText hides the credentials from encoders and structured logs.
func (Credentials) MarshalText() ([]byte, error) { return []byte(hiddenSecret), nil }

// Provider returns the credentials of one account. It is safe for concurrent use.
type Provider interface {
	// Credentials returns the current credentials. When there are none, it waits for a refresh until ctx ends, and
	// after a failed refresh for two seconds at most. The error is an *Error when no credentials can be obtained, and
	// context.Cause(ctx) when ctx ends first.
	Credentials(ctx context.Context) (Credentials, error)
	// Reject reports that the API refused c. They are not returned again, unless a refresh that begins later obtains
	// them again. When c are not the current credentials, it does nothing.
	Reject(c Credentials)
}

// Options are the optional settings of New.
type Options struct {
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// OnRefreshFailure, unless nil, is called once for each failed refresh, before the callers that wait for it
	// return. Its calls never overlap. It must not call the provider.
	OnRefreshFailure func(*Error)
}

// New validates cfg and returns a provider for it. Nothing is read or fetched before the first call of Credentials.
// The error is one line with every wrong key. It shows no value but a known type.
func New(cfg Config, options Options) (Provider, error) {
	if problems := cfg.Validate(); len(problems) > 0 {
		texts := make([]string, len(problems))
		for i, p := range problems {
			texts[i] = p.Key + " " + p.Message
		}
		return nil, errors.New("credentials: " + strings.Join(texts, "; "))
	}
	l := &library{cfg: cfg.WithDefaults()}
	c := &cache{fetch: l.fetch, now: options.Now, onFailure: options.OnRefreshFailure}
	if c.now == nil {
		c.now = time.Now
	}
	if c.onFailure == nil {
		c.onFailure = func(*Error) {}
	}
	return c, nil
}

// CheckDebug returns an error when the variable DEBUG makes the library print requests with their tokens. The library
// reads it before main runs, so the process must be started again without it.
func CheckDebug(getenv func(string) string) error {
	if strings.Contains(strings.ToLower(getenv("DEBUG")), "credential") {
		return errors.New(`the environment variable DEBUG contains "credential", which prints tokens and keys: unset it and start again`)
	}
	return nil
}
