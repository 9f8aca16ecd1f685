// Package pmtiles reads and writes PMTiles version 3: a file of finished tiles
// that is read by byte ranges, from disk or over HTTP.
//
//	0        127                                     ≤ 16384
//	┌────────┬────────────────┬──────────┬──────────────────┬───────────┐
//	│ header │ root directory │ metadata │ leaf directories │ tile data │
//	└────────┴────────────────┴──────────┴──────────────────┴───────────┘
//	             │ tile id → offset, length, run            ▲       ▲
//	             ├──────────────── run = 0 ─────────────────┘       │
//	             └──────────────── run ≥ 1 ─────────────────────────┘
//
// A tile id counts the tiles of all zooms along Hilbert curves. Directories and
// metadata are compressed by themselves; tiles are stored as they are served.
//
// Nothing that a file says is believed before it is checked: each length is
// capped, each range must lie in its section, ids must rise, and leaf
// directories nest at most MaxDepth deep. Faults are layers.ErrCorrupt.
//
// Source: PMTiles Version 3 Specification, github.com/protomaps/PMTiles.
package pmtiles
