// Package realtime keeps the latest state of everything that moves and shows
// each viewer the part of it in view.
//
//	positions ──Apply──▶ layer (one lock, columns by slot) ──▶ views (policy, filter)
//	                                                             │ tiles of zoom 14
//	every tick, under the layer's lock                           ▼
//	 close the sequence ─ age live ▸ stale ▸ offline ▸ gone ─ encode each tile that
//	 a viewer needs once ─ the viewers' messages share those bytes
//	                                                             ▼
//	           Viewer.Next ──▶ one message ──▶ WebSocket, or any other transport
//
// There is no queue of updates. A viewer is a window of tiles and the sequence
// up to which it knows them; when its connection is free it gets, of each tile,
// what changed since, merged to the newest. Tiles remember who left them for
// Options.Resume, so a viewer that was away for less resumes from its sequence;
// after more it gets keyframes. There is nothing between the two.
//
// Two lanes go beside: EventLane tells cases and alarms from their log, each once
// and in order, acknowledged; ReadingsLane tells the latest readings of city
// objects, as state, encoded once for all.
//
// Package wire is the binary form of the frames; its SPEC.md describes the
// protocol. Package replay feeds recorded positions to a server.
package realtime
