package collector

import (
	"time"

	"github.com/go-kit/log/level"

	"tair_ssl_exporter/collector/tair"
)

// maxForbiddenWait bounds how long the log line about forbidden instances waits for more of them.
const maxForbiddenWait = time.Minute

// forbiddenInstances are the instances of an account and region that have become forbidden since the last log line about
// such ones. A missing policy concerns many, so one line counts them.
type forbiddenInstances struct {
	counted
	failure *tair.Error // of the latest
	since   time.Time   // of the first
}

func (f *forbiddenInstances) add(id string, failure *tair.Error, now time.Time) {
	if f.n == 0 {
		f.since = now
	}
	f.counted.add(id)
	f.failure = failure
}

// takeForbidden returns what logs the forbidden instances once nothing is under way, but after a minute at the latest. s.mu
// is held.
func (s *scheduler) takeForbidden() (report func()) {
	if s.forbidden.n == 0 || len(s.tasks) > 0 && s.now().Sub(s.forbidden.since) < maxForbiddenWait {
		return func() {}
	}
	all := s.forbidden
	s.forbidden = forbiddenInstances{}
	return func() {
		which := []any{"instance_id", all.example}
		if all.n > 1 {
			which = []any{"instances", all.n, "example", all.example}
		}
		pairs := append([]any{"msg", "cannot read the SSL state"}, which...)
		pairs = append(pairs, "account", s.at.account, "region", s.at.region)
		pairs = append(pairs, failureDetails(all.failure)...)
		pairs = append(pairs, "hint", "allow kvstore:"+tair.ActionDescribeInstanceSSL+" to the identity; deploy/ram has the policies")
		_ = level.Warn(s.logger).Log(pairs...)
	}
}
