package mvt

import (
	"math"

	"twind/layers/snapshot"
	"twind/spatial/tile"
	"twind/tiles"
)

// Tiles of the Geographic grid, where y is linear in latitude: their vertices are
// placed by the exact coordinates in degrees, which costs no more than placing
// world units and neither rounds twice nor ends at 85° (see
// docs/decisions/2026-11-21-geographic-tiles.md). SimpleFrom is of the Mercator
// grid, so every polygon is checked.

// newGeographicFrame is the frame of a tile of the Geographic grid.
func newGeographicFrame(id tile.ID, coarsen uint8) frame {
	f := frame{z: id.Z, up: coarsen, x: int64(id.X) * tiles.GridSize, y: int64(id.Y) * tiles.GridSize}
	f.perDegree = math.Ldexp(tiles.GridSize, int(id.Z)-int(coarsen)) / 360 // units, coarsened, in a degree
	size := int64(1) << (32 - id.Z)
	x, buffer := int64(id.X)*size, size*tiles.Buffer/tiles.GridSize
	box := tiles.Box(id) // rounded outward, and clamped where Web Mercator ends
	f.inner = innerBox{x - buffer, int64(box.MinY) + 1, x + size + buffer, int64(box.MaxY) - 1}
	return f
}

// geographic is vertex v of a segment on the grid of a Geographic tile.
func (f *frame) geographic(seg *snapshot.Segment, v uint32) (x, y int64) {
	exact := seg.Exact()
	if len(exact) == 0 {
		return f.fromWorld(seg.World[2*v], seg.World[2*v+1])
	}
	return f.degrees(exact[2*v], exact[2*v+1])
}

// degrees is a position in degrees, of longitude ±180 and latitude ±90, on the
// grid of a Geographic tile. The products are rounded apart from the sums, so that
// all processors give the same.
func (f *frame) degrees(lon, lat float64) (x, y int64) {
	return int64(float64((lon+180)*f.perDegree)+0.5)<<f.up - f.x, int64(float64((90-lat)*f.perDegree)+0.5)<<f.up - f.y
}

// fromWorld is a position in world units on the grid of a Geographic tile, for
// generalised geometry, which has no exact coordinates: half a world unit of error
// is nothing at the zooms that it is drawn at.
func (f *frame) fromWorld(wx, wy uint32) (x, y int64) {
	return f.degrees(tile.LonLat(float64(wx), float64(wy)))
}

// snapGeographic is snap for a tile of the Geographic grid.
func (e *Encoder) snapGeographic(dst []int32, seg *snapshot.Segment, lo, hi uint32) []int32 {
	e.snapFar(seg, lo, hi)
	begin := len(dst)
	for i := 0; i < len(e.far); i += 2 {
		x, y := int32(e.far[i]), int32(e.far[i+1])
		if n := len(dst); n >= begin+4 {
			dx, dy := dst[n-2]-dst[n-4], dst[n-1]-dst[n-3]
			nx, ny := x-dst[n-2], y-dst[n-1]
			if dx*ny == dy*nx && dx*nx+dy*ny > 0 {
				dst[n-2], dst[n-1] = x, y
				continue
			}
		}
		dst = append(dst, x, y)
	}
	return dst
}
