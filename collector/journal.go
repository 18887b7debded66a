package collector

import (
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"tair_ssl_exporter/collector/tair"
)

// journal logs changes of state: an instance's failure once, not once a scrape, and a failure of the credentials once
// for the account, not for each instance.
type journal struct {
	logger log.Logger
}

func (j *journal) failed(i Instance, e *tair.Error) {
	_ = level.Warn(j.logger).Log(append([]any{"msg", "cannot read the SSL state", "instance_id", i.ID,
		"account", i.Account, "region", i.Region}, details(e)...)...)
}

func (j *journal) answered(i Instance, ended *tair.Error) {
	if ended == nil || ended.AccountWide() {
		return
	}
	_ = level.Info(j.logger).Log("msg", "the SSL state can be read again", "instance_id", i.ID,
		"account", i.Account, "region", i.Region, "was", ended.Reason)
}

func (j *journal) accountFailed(at place, e *tair.Error) {
	_ = level.Error(j.logger).Log(append([]any{"msg", "the account cannot be asked", "account", at.account,
		"region", at.region}, details(e)...)...)
}

func (j *journal) accountRecovered(at place, ended *tair.Error) {
	_ = level.Info(j.logger).Log("msg", "the account can be asked again", "account", at.account, "was", ended.Reason)
}

// details gives the pairs of a failure that are known. None of them can hold a secret: see [tair.Error].
func details(e *tair.Error) []any {
	pairs := []any{"reason", e.Reason}
	if e.Code != "" {
		pairs = append(pairs, "code", e.Code)
	}
	if e.Status != 0 {
		pairs = append(pairs, "status", e.Status)
	}
	if e.RequestID != "" {
		pairs = append(pairs, "request_id", e.RequestID)
	}
	if e.Detail != "" {
		pairs = append(pairs, "detail", e.Detail)
	}
	return pairs
}
