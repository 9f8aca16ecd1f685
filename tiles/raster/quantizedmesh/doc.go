// Package quantizedmesh makes terrain tiles of an elevation model: the format
// quantized-mesh-1.0 that CesiumJS reads, in the geographic grid of TMS.
//
//	level z: 2^(z+1) columns from −180°, 2^z rows from −90°, each 180°/2^z wide
//	                                                 and 64 steps of a lattice
//
//	heights of the tile and its eight neighbours ─▶ error of each point
//	    ─▶ triangles wherever the error passes the level's bound ─▶ bytes
//
// The mesh is a 4-8 mesh: a point is in it when leaving it out could move some
// height of the lattice by more than Bound. The error of a point on an edge is
// computed of the same heights in both tiles, so neighbours of a level have the
// same points along their edge, at the same heights to half a step of their
// quantisation: there are no cracks.
//
// Heights are above the ellipsoid: those of the model plus its offset. Where the
// model has none the zero of its datum stands for them.
//
// Sources: the quantized-mesh-1.0 specification (CesiumGS); W. Evans, D.
// Kirkpatrick, G. Townsend, Right-triangulated irregular networks, Algorithmica
// 30 (2001), for the mesh.
package quantizedmesh
