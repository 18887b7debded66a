// Package tair asks the API of Alibaba Cloud Tair (Redis OSS-compatible; R-kvstore, version 2015-01-01) about the
// TLS certificates of its instances.
//
// A [Client] serves one region of one account, because the cloud has one quota for each. It signs every attempt
// (ACS3-HMAC-SHA256), limits its rate and lowers it while the API throttles, and returns each failure as an [*Error] with
// one of a closed set of reasons. It retries listings; the caller of [Client.Admit] decides on its own retries. The client
// logs nothing and has no metrics: it reports each attempt to an [Observer].
package tair
