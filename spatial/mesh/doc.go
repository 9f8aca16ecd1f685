// Package mesh makes triangles of city objects: footprints become solids with
// roofs, polylines become pipes and ducts, points become models of real size.
//
//	footprint ─ Triangulator ┐
//	                         ├ Extruder ─→ Mesh{Roof, Wall, Floor}
//	heights, roof shape ─────┘
//	polyline + Section ─┬─ Lofter ──→ Mesh        (near: bends, joints, caps)
//	                    └─ Instances ─→ transforms of unit models (far)
//	part + sizes ────────── Pieces ─→ Instances of models, BuildModel ─→ Mesh
//
// # Coordinates
//
// All of the package works in a local metric frame, right-handed and z-up:
// x east, y north, z up, in metres from an origin the caller chose (it should
// lie within some kilometres, for the columns of a Mesh are float32). What is
// y-up (glTF) is mapped by the writer of that format. Triangles are wound
// counter-clockwise as seen from outside, or from above for a surface.
//
// # Memory
//
// Everything appends to columns that the caller owns and resets; the builders
// keep their scratch. In the steady state nothing is allocated. No value of
// this package may be used by two goroutines at once; distinct values may.
package mesh
