package mvt

import (
	"twind/layers/snapshot"
	"twind/spatial/grid"
	"twind/spatial/tile"
	"twind/tiles"
)

// frame places vertices on a tile's grid. Positions are rounded to the nearest
// unit (halves up), of the whole world's grid, so that they do not depend on the
// tile; coarsened ones to a multiple of 2^coarsen units. Tiles of the Mercator
// grid are drawn from world units, the others as geographic.go says.
type frame struct {
	z         uint8
	down, up  uint8 // world units are shifted right, then left
	half      int64
	x, y      int64 // of the tile's corner on the world's grid
	inner     innerBox
	perDegree float64 // see newGeographicFrame; 0 in the Mercator grid
}

// lossless is the zoom from which on the grid is as fine as world units.
const lossless = 20

// innerBox is the box in world units in which nothing leaves the tile and its
// buffer when it is rounded, borders included.
type innerBox struct{ minX, minY, maxX, maxY int64 }

// clipBox is what a tile shows, buffer included.
var clipBox = grid.Box{MinX: -tiles.Buffer, MinY: -tiles.Buffer, MaxX: tiles.GridSize + tiles.Buffer, MaxY: tiles.GridSize + tiles.Buffer}

func newFrame(id tile.ID, coarsen uint8) frame {
	if id.Grid == tile.Geographic {
		return newGeographicFrame(id, coarsen)
	}
	f := frame{z: id.Z, x: int64(id.X) * tiles.GridSize, y: int64(id.Y) * tiles.GridSize}
	size := int64(1) << (32 - id.Z)
	x, y, buffer := int64(id.X)*size, int64(id.Y)*size, size*tiles.Buffer/tiles.GridSize
	f.inner = innerBox{x - buffer, y - buffer, x + size + buffer, y + size + buffer}
	if id.Z <= lossless {
		f.down, f.up = lossless-id.Z+coarsen, coarsen
		f.half = 1 << f.down >> 1
	} else {
		f.up = id.Z - lossless
	}
	return f
}

// at is vertex v of a segment on the tile's grid.
func (f *frame) at(seg *snapshot.Segment, v uint32) (x, y int64) {
	if f.perDegree != 0 {
		return f.geographic(seg, v)
	}
	return f.world(seg.World[2*v], seg.World[2*v+1])
}

// world is a position in world units on the tile's grid.
func (f *frame) world(wx, wy uint32) (x, y int64) {
	return (int64(wx)+f.half)>>f.down<<f.up - f.x, (int64(wy)+f.half)>>f.down<<f.up - f.y
}

// shift gives what places a position in world units on the tile's grid up to zoom
// lossless, as world does: int32((w+o)>>down)&kept, o being ox or oy.
func (f *frame) shift() (down uint8, kept int32, ox, oy int64) {
	down = (f.down - f.up) & 63
	return down, -1 << (f.up & 31), f.half - f.x<<down, f.half - f.y<<down
}

// holds tells whether a box lies within the tile and its buffer, and stays there
// when it is rounded.
func (f *frame) holds(b *tile.WorldBox) bool {
	return int64(b.MinX) >= f.inner.minX && int64(b.MaxX) <= f.inner.maxX &&
		int64(b.MinY) >= f.inner.minY && int64(b.MaxY) <= f.inner.maxY
}

// simple tells whether rings that snap validly from a zoom of the Mercator grid on
// are sure to be valid here. Coarsening by a bit rounds to the grid of the zoom above.
func (f *frame) simple(from, coarsen uint8) bool {
	return f.perDegree == 0 && int(f.z)-int(coarsen) >= int(from)
}
