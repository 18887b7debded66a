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

func (j *journal) failed(at place, id string, e *tair.Error) {
	_ = level.Warn(j.logger).Log(append([]any{"msg", "cannot read the SSL state", "instance_id", id,
		"account", at.account, "region", at.region}, details(e)...)...)
}

func (j *journal) answered(at place, id string, ended *tair.Error) {
	if ended == nil || ended.AccountWide() {
		return
	}
	_ = level.Info(j.logger).Log("msg", "the SSL state can be read again", "instance_id", id,
		"account", at.account, "region", at.region, "was", ended.Reason)
}

func (j *journal) accountFailed(at place, e *tair.Error) {
	_ = level.Error(j.logger).Log(append([]any{"msg", "the account cannot be asked", "account", at.account,
		"region", at.region}, details(e)...)...)
}

func (j *journal) accountRecovered(at place, ended *tair.Error) {
	_ = level.Info(j.logger).Log("msg", "the account can be asked again", "account", at.account, "was", ended.Reason)
}

// listingFailed is told once, not at each try.
func (j *journal) listingFailed(at place, e *tair.Error) {
	msg, action, instead := "cannot list the instances", tair.ActionDescribeInstances, ""
	if at.region == AllRegions {
		msg, action, instead = "cannot list the regions", tair.ActionDescribeRegions, `, or name the regions instead of "*"`
	}
	pairs := append([]any{"msg", msg, "account", at.account, "region", at.region}, details(e)...)
	if e.Reason == tair.ReasonForbidden {
		pairs = append(pairs, "hint", "allow kvstore:"+action+" to the identity"+instead)
	}
	_ = level.Warn(j.logger).Log(pairs...)
}

func (j *journal) listingSucceeded(at place, ended *tair.Error) {
	if ended == nil || ended.AccountWide() {
		return
	}
	msg := "the instances can be listed again"
	if at.region == AllRegions {
		msg = "the regions can be listed again"
	}
	_ = level.Info(j.logger).Log("msg", msg, "account", at.account, "region", at.region, "was", ended.Reason)
}

// listChanged tells what discovery found new and what it found no more.
func (j *journal) listChanged(at place, instances, came, left int) {
	_ = level.Info(j.logger).Log("msg", "the list of instances has changed", "account", at.account, "region", at.region,
		"instances", instances, "came", came, "left", left)
}

// namedTwice says that a source found instances that come first elsewhere.
func (j *journal) namedTwice(account string, instances int, example string) {
	_ = level.Warn(j.logger).Log("msg", "instances are named more than once; the list, then the first discovery entry counts",
		"account", account, "instances", instances, "example", example)
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
