// Package rules watches what is live: fences that entities enter, leave, stay in
// or speed through, and thresholds that properties and readings cross.
//
//	hub.Watch ─▶ Positions ─┐  R-tree of zones, hysteresis        ┌─▶ realtime.Event, numbered, on disk
//	Observatory ▶ Observations ─▶ outcomes ─▶ Run ─▶ Alarms.admit ─┤
//	Put, Delete ─▶ rules.json                                      └─▶ alarms: new ▸ acknowledged ▸ closed
//
// Rules are evaluated where positions are accepted, in the caller's goroutine. An
// outcome waits for the disk in a bounded list; while that is full no state
// changes, so that the next position finds the same outcome again: outcomes come
// late, but none is lost. Time is that of the positions and readings themselves:
// what says nothing is not known to be anywhere.
//
// The alarms, and which outcome each rule had last, are read from the event log
// at the start; where entities stand is learned from the hub, without outcomes.
package rules
