package tiles

import (
	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial/tile"
)

// Encoder makes the bytes of one tile; package mvt has it. An Encoder keeps
// working memory between calls and is used by one goroutine at a time.
type Encoder interface {
	// AppendTile appends a tile with the sources in their order, whose names
	// must differ. Sources without anything to draw in the tile are left out, so
	// nothing is appended for an empty tile.
	AppendTile(dst []byte, id tile.ID, sources []Source) ([]byte, Stats)
}

// Source is one layer's part of a tile.
type Source struct {
	Name   string            // of the tile's layer: the layer's id
	Schema []layers.Property // the columns of the segments
	// Columns are the numbers of the columns that the tile carries, ascending.
	Columns []int
	Runs    []Run
	// Coarsen rounds coordinates to 2^Coarsen grid units; edges that two
	// features share stay shared. 0 keeps the full grid.
	Coarsen uint8
}

// Run names features of one segment, in drawing order.
type Run struct {
	Segment  *snapshot.Segment
	Features []uint32
}

// Stats counts what a tile holds.
type Stats struct {
	Features int // MVT features: a collection may give several, a degenerate one none
	Repaired int // polygons that rounding or clipping had made invalid
}
