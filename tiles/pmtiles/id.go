package pmtiles

import (
	"math/bits"

	"twind/spatial/tile"
)

// firstID is the id of the first tile of a zoom: the number of tiles of all
// zooms above it, (4^z − 1) / 3.
func firstID(z uint8) uint64 { return (uint64(1)<<(2*z) - 1) / 3 }

// TileID is the place of a tile on the Hilbert curves of all zooms.
func TileID(t tile.ID) uint64 { return firstID(t.Z) + hilbert(t.Z, t.X, t.Y) }

// TileOf is the inverse of TileID; it reports false for an id beyond tile.MaxZoom.
func TileOf(id uint64) (tile.ID, bool) {
	if id >= firstID(tile.MaxZoom+1) {
		return tile.ID{}, false
	}
	z := uint8((bits.Len64(3*id+1) - 1) / 2)
	x, y := unhilbert(z, id-firstID(z))
	return tile.ID{Z: z, X: x, Y: y}, true
}

// hilbert is the position of a cell on the Hilbert curve of order z. The four
// children of position d are 4d … 4d+3.
func hilbert(z uint8, x, y uint32) (d uint64) {
	for s := uint32(1) << z >> 1; s > 0; s >>= 1 {
		rx, ry := x&s, y&s
		switch {
		case rx == 0 && ry != 0:
			d |= 1
		case rx != 0 && ry != 0:
			d |= 2
		case rx != 0:
			d |= 3
		}
		x, y = turn(s, x&(s-1), y&(s-1), rx, ry)
		if s > 1 {
			d <<= 2
		}
	}
	return d
}

// unhilbert is the inverse of hilbert.
func unhilbert(z uint8, d uint64) (x, y uint32) {
	for s := uint32(1); s < 1<<z; s <<= 1 {
		var rx, ry uint32
		switch d & 3 {
		case 1:
			ry = s
		case 2:
			rx, ry = s, s
		case 3:
			rx = s
		}
		x, y = turn(s, x, y, rx, ry)
		x, y = x|rx, y|ry
		d >>= 2
	}
	return x, y
}

// turn rotates a quadrant of width s so that the curve goes on.
func turn(s, x, y, rx, ry uint32) (tx, ty uint32) {
	if ry != 0 {
		return x, y
	}
	if rx != 0 {
		x, y = s-1-x, s-1-y
	}
	return y, x
}
