package realtime

import (
	"math"

	"twind/layers"
	"twind/spatial/tile"
)

// Window is a rectangle of tiles of one zoom. Columns count modulo 2^Z, so that
// a window may cross the 180th meridian. W = 0 is the empty window.
type Window struct {
	Z          uint8
	X, Y, W, H uint32
}

// Contains tells whether the window holds the tile x, y of its zoom.
func (w Window) Contains(x, y uint32) bool {
	return (x-w.X)&(1<<w.Z-1) < w.W && y-w.Y < w.H
}

// area is the number of tiles.
func (w Window) area() int { return int(w.W) * int(w.H) }

// valid tells whether the window lies in its zoom's tile matrix.
func (w Window) valid() bool {
	n := uint32(1) << w.Z
	return w.Z <= tile.MaxZoom && w.X < n && w.Y < n && w.W <= n && w.H <= n-w.Y
}

// BBox is a viewport in degrees: west, south, east, north. West may exceed east,
// or both 180, where it crosses the 180th meridian.
type BBox [4]float64

// check fails with layers.ErrInvalid.
func (b BBox) check() error {
	for _, v := range b {
		if math.IsNaN(v) || math.IsInf(v, 0) || math.Abs(v) > 1080 {
			return layers.Errorf(layers.ErrInvalid, "bbox holds %v: expected west, south, east, north in degrees", v)
		}
	}
	if b[1] > b[3] || b[1] < -90 || b[3] > 90 {
		return layers.Errorf(layers.ErrInvalid, "bbox from latitude %v to %v: expected −90 ≤ south ≤ north ≤ 90", b[1], b[3])
	}
	return nil
}

// window is the tiles of zoom z that the box touches, and ring more on each side.
func (b BBox) window(z uint8, ring uint32) Window {
	n := uint32(1) << z
	_, top := tile.WorldOf(0, b[3])
	_, bottom := tile.WorldOf(0, b[1])
	y0, y1 := top>>(32-z), bottom>>(32-z)
	if z == 0 {
		y0, y1 = 0, 0
	}
	y0, y1 = y0-min(ring, y0), min(y1+ring, n-1)
	w := Window{Z: z, Y: y0, H: y1 - y0 + 1}
	width := b[2] - b[0]
	if width < 0 {
		width += 360
	}
	if width >= 360 || n <= 2*ring+2 {
		w.W = n
		return w
	}
	column := func(lon float64) int64 { return int64(math.Floor((lon + 180) / 360 * float64(n))) }
	x0, x1 := column(b[0])-int64(ring), column(b[0]+width)+int64(ring)
	if x1-x0+1 >= int64(n) {
		w.W = n
		return w
	}
	w.X, w.W = uint32(x0)&(n-1), uint32(x1-x0+1)
	return w
}

// tileKey packs a tile of zoom ≤ 16.
type tileKey uint32

func keyOf(x, y uint32) tileKey      { return tileKey(x<<16 | y) }
func (k tileKey) xy() (x, y uint32)  { return uint32(k) >> 16, uint32(k) & 0xffff }
func (k tileKey) id(z uint8) tile.ID { x, y := k.xy(); return tile.ID{Z: z, X: x, Y: y} }
func (w Window) containsKey(k tileKey) bool {
	x, y := k.xy()
	return w.Contains(x, y)
}
