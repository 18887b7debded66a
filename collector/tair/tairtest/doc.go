// Package tairtest is a strict fake of the API of Alibaba Cloud Tair (Redis OSS-compatible), product R-kvstore, version
// 2015-01-01, over plain HTTP. Tests run a client against it. The exporter's --demo reads simulated instances from it.
//
// It is as strict as the cloud: every request needs a valid ACS3-HMAC-SHA256 signature, a fresh date and a nonce that was
// not used before. It computes the signature itself and shares no code with any client, so the same mistake cannot be on
// both sides. It can also fail on purpose (see Fault) and enforce a quota (see API.Limit).
//
// It blocks only on channels and timers, so a server and its client can run in a testing/synctest bubble. Create the API,
// the PipeListener and the Server inside the bubble.
package tairtest
