// Package tair asks the API of Alibaba Cloud Tair (Redis OSS-compatible; R-kvstore, version 2015-01-01) about the
// TLS certificates of its instances.
//
// A [Client] serves one region of one account, because that is how the cloud counts its quotas. It signs every
// attempt (ACS3-HMAC-SHA256), keeps to a rate that it lowers by itself while the API throttles, retries what can be
// retried and turns everything that goes wrong into an [*Error] with one of a closed set of reasons. It logs nothing
// and knows no metrics: an [Observer] is told of each attempt.
package tair
