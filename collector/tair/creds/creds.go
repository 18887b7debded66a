package creds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// hiddenSecret is printed instead of a secret.
const hiddenSecret = "<secret>"

// Credentials is what a request is signed with. SecurityToken is "" for long-lived keys. However it is printed or
// marshalled, it shows nothing.
type Credentials struct{ AccessKeyID, AccessKeySecret, SecurityToken string }

// String hides the credentials.
func (Credentials) String() string { return hiddenSecret }

// GoString hides the credentials.
func (Credentials) GoString() string { return hiddenSecret }

// Format hides the credentials from every verb.
func (Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hiddenSecret) }

// MarshalText hides the credentials from encoders and structured logs.
func (Credentials) MarshalText() ([]byte, error) { return []byte(hiddenSecret), nil }

// Provider gives the credentials of one account. It is safe for concurrent use.
type Provider interface {
	// Credentials gives the current credentials. It waits for a refresh only when there are none to give, no longer than
	// ctx allows and, when the latest refresh failed, for two seconds at most. The error is a *Error
	// when they cannot be obtained, and context.Cause(ctx) when ctx ended first.
	Credentials(ctx context.Context) (Credentials, error)
	// Reject says that the API refused c: it is not given out again unless a refresh that begins later yields it.
	// Rejecting anything but the current credentials does nothing.
	Reject(c Credentials)
}

// Options are the optional settings of New.
type Options struct {
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// OnRefreshFailure, unless nil, is called once for each failed refresh, before those who wait for the refresh
	// get the error, and never by two refreshes at a time. It must not call the provider.
	OnRefreshFailure func(*Error)
}

// New checks cfg and gives a provider for it. Nothing is read or fetched before the first call of
// Credentials. The error names the fields that are missing, wrong or foreign to the type, and no value but the type.
func New(cfg Config, options Options) (Provider, error) {
	if err := check(cfg, 0); err != nil {
		return nil, err
	}
	l := &library{cfg: cfg.clone()}
	c := &cache{fetch: l.fetch, now: options.Now, onFailure: options.OnRefreshFailure}
	if c.now == nil {
		c.now = time.Now
	}
	if c.onFailure == nil {
		c.onFailure = func(*Error) {}
	}
	return c, nil
}

// CheckDebug refuses an environment whose variable DEBUG makes the credentials library print requests with their
// tokens. The library reads it before main runs, so that nothing but a restart without it helps.
func CheckDebug(getenv func(string) string) error {
	if strings.Contains(strings.ToLower(getenv("DEBUG")), "credential") {
		return errors.New(`the environment variable DEBUG contains "credential", which prints tokens and keys: unset it and start again`)
	}
	return nil
}
