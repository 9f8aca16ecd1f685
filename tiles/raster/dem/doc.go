// Package dem answers heights of an elevation model in a GeoTIFF: at a position,
// and as tiles of colours that code them, or of shaded relief.
//
//	geotiff.File ─▶ pyramid: levels in chunks of 256 × 256 heights, bounded
//	                  │ bilinear, at positions of a lattice
//	                  ├─▶ Height(lon, lat)
//	                  ├─▶ Terrain-RGB, terrarium     {id}
//	                  ├─▶ hillshade, relief          {id}-hillshade, {id}-relief
//	                  └─▶ Grid(…) for meshes         package quantizedmesh
//
// What a tile shows at a place follows from the zoom and the place alone, never
// from the tile: neighbours have no seams.
//
// Heights are metres above the zero of the model's vertical datum, as the file
// has them; the offset to the ellipsoid is a fact beside them (Options.Offset).
// A file that is replaced is noticed.
package dem
