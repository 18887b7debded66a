package collector

import (
	"context"
	"maps"
	"sync"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"tair_ssl_exporter/collector/tair"
)

// authState is what is known of the credentials of one account, for each region, so that a failure is logged once and
// not by each scrape, listing and region that meets it.
type authState struct {
	account string
	logger  log.Logger

	mu       sync.Mutex
	regions  map[string]bool        // that are watched
	failures map[string]authFailure // by region; only those where the latest call failed by the credentials
	working  context.Context        // ends, with the failure as its cause, when no credentials can be obtained
	end      context.CancelCauseFunc
}

// authFailure is why the credentials do not work in a region.
type authFailure struct {
	*tair.Error
	elsewhere bool // the credentials have worked in another region since
}

func newAuthState(account string, logger log.Logger) *authState {
	s := &authState{account: account, logger: logger, failures: make(map[string]authFailure)}
	s.working, s.end = context.WithCancelCause(context.Background())
	return s
}

// untilCredentialsFail returns a context that ends with ctx, or as soon as a region of the account gets no credentials.
func (s *authState) untilCredentialsFail(ctx context.Context) (waiting context.Context, stop func()) {
	s.mu.Lock()
	working := s.working
	s.mu.Unlock()
	waiting, end := context.WithCancelCause(ctx)
	unregister := context.AfterFunc(working, func() { end(context.Cause(working)) })
	return waiting, func() {
		unregister()
		end(nil)
	}
}

// credentialsFailed ends the waiting of every region: none gets credentials now.
func (s *authState) credentialsFailed(failure *tair.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(failure)
	s.working, s.end = context.WithCancelCause(context.Background())
}

// concernsCredentials reports whether a failure is one of the credentials: none could be obtained, or the API refuses them.
func concernsCredentials(failure *tair.Error) bool {
	return failure.Reason == tair.ReasonCredentials || failure.RefusesCredentials()
}

// learn notes how a call in a region has ended; nil: with success. Failures that show nothing of the credentials are
// ignored.
func (s *authState) learn(region string, failure *tair.Error) {
	switch {
	case failure != nil && concernsCredentials(failure):
		s.failed(region, failure)
	case failure == nil, failure.Reason == tair.ReasonNotFound, failure.Reason == tair.ReasonForbidden:
		// The API answers so only to credentials that it accepts.
		s.worked(region)
	}
}

func (s *authState) failed(region string, failure *tair.Error) {
	if s.noteFailure(region, failure) {
		_ = level.Error(s.logger).Log(append([]any{"msg", "the account cannot be read", "account", s.account,
			"region", region}, failureDetails(failure)...)...)
	}
}

// noteFailure reports whether a failure is news: neither the region has it already, nor another region while the
// credentials work nowhere.
func (s *authState) noteFailure(region string, failure *tair.Error) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.regions[region] {
		return false // it has left
	}
	news = true
	for at, known := range s.failures {
		if known.Same(failure) && (at == region || !known.elsewhere) {
			news = false
		}
	}
	s.failures[region] = authFailure{Error: failure, elsewhere: s.failures[region].elsewhere}
	return news
}

func (s *authState) worked(region string) {
	if ended := s.noteSuccess(region); ended != nil {
		_ = level.Info(s.logger).Log("msg", "the account can be read again", "account", s.account, "was", ended.Reason)
	}
}

// noteSuccess returns the failure whose end is the end of all failures of the account; nil: there was none, or another
// region still fails.
func (s *authState) noteSuccess(region string) (ended *tair.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, failed := s.failures[region]
	delete(s.failures, region)
	for at, standing := range s.failures {
		standing.elsewhere = true
		s.failures[at] = standing
	}
	if failed && len(s.failures) == 0 {
		return known.Error
	}
	return nil
}

// failure returns why the credentials do not work in a region; nil: they do, or it is not known.
func (s *authState) failure(region string) *tair.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failures[region].Error
}

// watch sets the regions that are watched, and forgets the others.
func (s *authState) watch(regions map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.regions = regions
	maps.DeleteFunc(s.failures, func(region string, _ authFailure) bool { return !regions[region] })
}

// failureDetails returns the key-value pairs that a log line has of a failure. None can hold a secret: see [tair.Error].
func failureDetails(e *tair.Error) []any {
	pairs := []any{"reason", e.Reason}
	add := func(key, value string) {
		if value != "" {
			pairs = append(pairs, key, value)
		}
	}
	add("code", e.Code)
	if e.Status != 0 {
		pairs = append(pairs, "status", e.Status)
	}
	add("request_id", e.RequestID)
	add("detail", e.Detail)
	return pairs
}
