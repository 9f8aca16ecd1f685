// Package spatial holds the one geometry type, the one envelope, and the
// plane arithmetic on them. It opens no files, starts no goroutines and imports
// nothing else of twind.
//
// A geometry is flat:
//
//	XY     x0 y0 x1 y1 x2 y2 …           two float64 a vertex
//	Z      z0    z1    z2    …           one float64 a vertex, or nil
//	Ends   ├── path 0 ──┤├─ path 1 ─┤    vertex index where each path ends
//	Parts  ├──── polygon 0 ─────────┤    path index where each polygon ends
//
// Coordinates are x = longitude (or easting), y = latitude (or northing),
// whatever order the coordinate reference system's authority gives: the order
// of an authority is a matter of the edge (package crs and the HTTP API).
package spatial
