// Package load measures the live part of a server under the load of a city: a
// server in a process of its own, real sockets, and everything that sends and
// watches in the process of the benchmark.
//
//	this process                          bin/twind serve
//	 drivers  ── POST /live/positions ──▶  hub, history ─┐
//	          ── MQTT ──────────────────▶                │ tick
//	 viewers  ◀── WebSocket frames ──────────────────────┘
//	 /proc, profiles ◀── what it costs there
//
// scripts/bench.sh 'City|Ingest|GEOSEARCH' runs it.
//
// TestBadInputHarmsNobody does to the same server what is bad.
package load
