package mvt

import (
	"twind/spatial/grid"
	"twind/spatial/tile"
	"twind/tiles"
)

// frame places world units on a tile's grid. Positions are rounded to the
// nearest unit (halves up), of the whole world's grid, so that they do not depend
// on the tile; coarsened ones to a multiple of 2^coarsen units.
type frame struct {
	z              uint8
	down, up       uint8 // world units are shifted right, then left
	half           int64
	x, y           int64 // of the tile's corner on the world's grid
	worldX, worldY int64 // of the tile's corner
	worldSize      int64
	worldBuffer    int64
}

// clipBox is what a tile shows, buffer included.
var clipBox = grid.Box{MinX: -tiles.Buffer, MinY: -tiles.Buffer, MaxX: tiles.GridSize + tiles.Buffer, MaxY: tiles.GridSize + tiles.Buffer}

func newFrame(id tile.ID, coarsen uint8) frame {
	f := frame{z: id.Z, x: int64(id.X) * tiles.GridSize, y: int64(id.Y) * tiles.GridSize}
	f.worldSize = 1 << (32 - id.Z)
	f.worldX, f.worldY = int64(id.X)*f.worldSize, int64(id.Y)*f.worldSize
	f.worldBuffer = f.worldSize * tiles.Buffer / tiles.GridSize
	const lossless = 20 // from which zoom on the grid is as fine as world units
	if id.Z <= lossless {
		f.down, f.up = lossless-id.Z+coarsen, coarsen
		f.half = 1 << f.down >> 1
	} else {
		f.up = id.Z - lossless
	}
	return f
}

// at is a position on the tile's grid.
func (f *frame) at(wx, wy uint32) (x, y int64) {
	return (int64(wx)+f.half)>>f.down<<f.up - f.x, (int64(wy)+f.half)>>f.down<<f.up - f.y
}

// holds tells whether a box lies within the tile and its buffer, and stays there
// when it is rounded.
func (f *frame) holds(b *tile.WorldBox) bool {
	return int64(b.MinX) >= f.worldX-f.worldBuffer && int64(b.MaxX) <= f.worldX+f.worldSize+f.worldBuffer &&
		int64(b.MinY) >= f.worldY-f.worldBuffer && int64(b.MaxY) <= f.worldY+f.worldSize+f.worldBuffer
}
