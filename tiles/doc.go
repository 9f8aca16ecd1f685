// Package tiles turns published snapshots into the bytes of vector tiles, once
// per state of the city, and keeps them.
//
//	Tile(layers, z/x/y, options)
//	  │ views of the layers, revision of the tile's box in each
//	  ▼
//	key = layers · tile · tile revisions · policies · filter · properties ──▶ ETag
//	  │ cache? ──hit──▶ the form the client reads (identity, gzip, zstd)
//	  ▼ miss: one rendering a key, however many ask
//	search ─ filter ─ select by size ─ Encoder (package mvt) ─ compress ─▶ cache
//
// The key names the state that the bytes were made of, so an entry is never
// stale: a change makes another key, and only in the tiles that it touches.
package tiles

import "twind/spatial/tile"

// The grid of every tile: GridSize units wide, with Buffer units of the
// surroundings on each side.
const (
	GridSize = 4096
	Buffer   = 64
)

// pixel is the width of a pixel in grid units, for a tile drawn 512 pixels wide.
const pixel = GridSize / 512

// Box is what a tile shows, its buffer included: the box that is searched and
// whose last change is the tile's revision.
func Box(id tile.ID) tile.WorldBox { return id.World(Buffer, GridSize) }
