// Package creds obtains the credentials that requests are signed with. It hides credentials-go behind a Provider:
// that library takes no context, is not safe for concurrent use, falls back to the environment of the process where a
// field is missing, and prints secrets in its errors.
package creds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Credentials is what a request is signed with. SecurityToken is "" for a long-lived key. However it is printed or
// encoded, it shows nothing.
type Credentials struct{ AccessKeyID, AccessKeySecret, SecurityToken string }

// String hides the credentials.
func (Credentials) String() string { return hiddenSecret }

// GoString hides the credentials.
func (Credentials) GoString() string { return hiddenSecret }

// Format hides the credentials from every verb.
func (Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hiddenSecret) }

// MarshalText hides the credentials from encoders and structured logs.
func (Credentials) MarshalText() ([]byte, error) { return []byte(hiddenSecret), nil }

// Provider returns the credentials of one account. It is safe for concurrent use.
type Provider interface {
	// Credentials returns the current credentials. It waits for a refresh only when there are none to return, at
	// most until ctx ends and, after a failed refresh, for two seconds at most. The error is an *Error when no
	// credentials can be obtained, and context.Cause(ctx) when ctx ends first.
	Credentials(ctx context.Context) (Credentials, error)
	// Reject reports that the API refused c. It is not returned again, unless a refresh that begins later obtains it
	// again. Rejecting other than the current credentials does nothing.
	Reject(c Credentials)
}

// Options are the optional settings of New.
type Options struct {
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// OnRefreshFailure, unless nil, is called once for each failed refresh, before its waiting callers return. Its
	// calls never overlap. It must not call the provider.
	OnRefreshFailure func(*Error)
}

// New validates cfg and returns a provider for it. Nothing is read or fetched before the first call of Credentials.
// The error is one line that names every wrong key, and shows no value but a known type.
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

// CheckDebug refuses an environment whose variable DEBUG makes the library print requests with their tokens. The
// library reads it before main runs, so the process must be started again without it.
func CheckDebug(getenv func(string) string) error {
	if strings.Contains(strings.ToLower(getenv("DEBUG")), "credential") {
		return errors.New(`the environment variable DEBUG contains "credential", which prints tokens and keys: unset it and start again`)
	}
	return nil
}
