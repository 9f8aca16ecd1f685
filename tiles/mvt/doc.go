// Package mvt encodes tiles from the columns of snapshot segments, and decodes
// them for tests and imports, after Mapbox Vector Tile 2.1
// (https://github.com/mapbox/vector-tile-spec/tree/master/2.1).
//
//	tile    ─┬─ layer ─┬─ name, version 2, extent 4096
//	         │         ├─ features: id, tags (key, value)…, type, commands
//	         │         ├─ keys    in order of first use
//	         │         └─ values  in order of first use, copied from the segment
//	         └─ layer …
//
// A polygon's way into a tile, all in whole numbers:
//
//	world units ─ snap to the grid, drop repeated and straight vertices
//	  ├─ inside the tile, zoom ≥ SimpleFrom ─▶ written: sure to be valid
//	  └─ else clip ─ Checker.Valid? ─ no ─▶ Repairer ─▶ written
//
// Snapping is the same for every tile, so what crosses a seam fits on both sides.
package mvt

// Numbers of vector_tile.proto: field<<3 | wire type.
const (
	tileLayer = 3<<3 | 2

	layerName    = 1<<3 | 2
	layerFeature = 2<<3 | 2
	layerKey     = 3<<3 | 2
	layerValue   = 4<<3 | 2
	layerExtent  = 5 << 3
	layerVersion = 15 << 3

	featureID       = 1 << 3
	featureTags     = 2<<3 | 2
	featureType     = 3 << 3
	featureGeometry = 4<<3 | 2

	valueString = 1<<3 | 2
	valueFloat  = 2<<3 | 5
	valueDouble = 3<<3 | 1
	valueInt    = 4 << 3
	valueUint   = 5 << 3
	valueSint   = 6 << 3
	valueBool   = 7 << 3
)

// Geometry commands: count<<3 | command.
const (
	moveTo    = 1
	lineTo    = 2
	closePath = 7
)

// Type is a feature's geometry type.
type Type uint8

// The geometry types. Each may have several parts.
const (
	Unknown    Type = 0
	Point      Type = 1
	LineString Type = 2
	Polygon    Type = 3
)

// String is "Unknown", "Point", "LineString" or "Polygon".
func (t Type) String() string {
	if t > Polygon {
		t = Unknown
	}
	return [...]string{"Unknown", "Point", "LineString", "Polygon"}[t]
}
