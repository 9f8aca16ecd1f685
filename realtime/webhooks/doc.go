// Package webhooks posts events to other systems, each at least once and in order.
//
//	log of events ─▶ a goroutine a hook: read after its position ─▶ POST, signed ─▶ 2xx: position = number
//	                                        └─ else: wait 1 s, 2 s, … 10 min, with jitter, and again
//	positions.json ◀── once a second, and at the end
//
// A hook is data: an address, a secret, which events. A receiver that is down
// misses nothing that the log still has; what it has no more is counted and told.
// The signature is that of Standard Webhooks 1.0: HMAC-SHA256 over id, timestamp
// and body.
package webhooks
