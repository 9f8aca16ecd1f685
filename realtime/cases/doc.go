// Package cases keeps the current version of every event that has a life: cases
// that were reported, and the alarms of rules.
//
//	POST /live/events ─▶ Take ─┐ one version each         ┌─▶ Register: current versions
//	Run: a deadline passed ────┤─▶ log of events, on disk ─┤
//	rules, /live/alarms ───────┘                           └─▶ lane of viewers, webhooks
//
// The log is the only state: at the start the register is read from it, and
// whoever writes sees its version here once it is on disk.
package cases
