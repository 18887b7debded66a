package creds

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A provider that takes longer to fail than a scrape has time must come to light as a failure, not as one that never
// answers.
func TestThatAreSlowToFailAreToldAsFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cache{
			now: time.Now, onFailure: func(*Error) {},
			fetch: func(bool) (Credentials, *Error) {
				<-time.After(11 * time.Second)
				return Credentials{}, &Error{Class: "timeout"}
			},
		}
		ask := func() (time.Duration, error) {
			ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
			defer cancel()
			began := time.Now()
			_, err := c.Credentials(ctx)
			return time.Since(began), err
		}
		if _, err := ask(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("before the first refresh has failed: %v", err)
		}
		<-time.After(10 * time.Second)
		var failed *Error
		if took, err := ask(); !errors.As(err, &failed) || took != 2*time.Second {
			t.Errorf("after the first refresh has failed: %v after %s, want its error after 2s", err, took)
		}
		<-time.After(time.Minute) // the refresh under way ends
	})
}
