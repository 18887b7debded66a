// Package tairtest is a strict fake of the API of Alibaba Cloud Tair (Redis OSS-compatible), product R-kvstore, version
// 2015-01-01, over plain HTTP. Tests put a client in front of it, and the exporter's --demo serves a whole simulated fleet
// with it.
//
// It is strict where the cloud is strict: every request must carry a valid ACS3-HMAC-SHA256 signature, a fresh date and a
// nonce that was not used before. It recomputes the signature on its own and shares no code with any client, so that a
// mistake in a client cannot hide behind the same mistake here. On top of that it can be told to misbehave (see Fault) and
// to enforce a quota (see API.Limit).
//
// Everything that blocks does so on channels and timers, so a server and its client can both run inside a testing/synctest
// bubble: create the API, the PipeListener and the Server inside the bubble.
package tairtest
