// Package tiles3d turns published snapshots into 3D Tiles 1.1: tilesets and
// contents (GLB), each made once for a state of the city when it is first asked
// for, and kept.
//
//	view ─▶ state: every feature in its cell ─▶ tileset.json ─▶ t/13/x/y.json …
//	          │ level by size, column and row by the centre
//	          └▶ cell: revision, region ─────▶ c/{level}/{x}/{y}.glb?r={revision}
//	                features ─ mesh ─ glTF ─ tiles.Answers (cache, compression)
//
// Cells are those of a quadtree over the whole earth in degrees (see Cell), so
// that an edit elsewhere never moves a feature to another cell. A feature stands in
// the first level whose geometric error is not above its size, in the cell that
// holds the centre of its box; pipes stand in two, as instances seen from afar and
// as tubes seen from near, which replace them. An edit changes these contents and
// the tilesets above them, nothing else: a cell's revision is made of the ids and
// revisions of what stands in it.
//
// Contents are y-up glTF in a local frame of the cell's own, right to a millimetre
// and better; heights are above the WGS 84 ellipsoid, made from the layer's by its
// offset (layers.Heights).
package tiles3d
