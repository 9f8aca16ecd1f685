// Package tile names tiles and places them in the world.
//
// World coordinates are the unit of every tile computation: Web Mercator
// (EPSG:3857) scaled so that the square world is [0, 2³²) on each axis, x to the
// east and y to the south:
//
//	(0,0) ─────────▶ x      tile z/x/y covers
//	  │   north-west        [x·2^(32−z), (x+1)·2^(32−z))
//	  ▼ y
//
// One unit is 9.3 mm at the equator. Latitudes beyond ±85.0511° have no place in
// it; they are clamped to the border.
package tile

import (
	"errors"
	"fmt"
	"math"

	"twind/spatial"
)

// MaxZoom is the deepest zoom served; at it a tile is 2⁸ … 2³² world units wide.
const MaxZoom = 24

// WorldSize is the width of the world in world units.
const WorldSize = 1 << 32

// MaxLatitude is the latitude, in degrees, of the northern border of Web Mercator.
const MaxLatitude = 85.05112877980659

// ID names a tile of WebMercatorQuad: zoom (tileMatrix), column x from the west
// and row y from the north.
type ID struct {
	Z    uint8
	X, Y uint32
}

// ErrRange is wrapped when a tile lies outside the tile matrix set.
var ErrRange = errors.New("tile: out of range")

// New checks the three numbers; it fails with ErrRange.
func New(z, x, y int64) (ID, error) {
	if z < 0 || z > MaxZoom {
		return ID{}, fmt.Errorf("%w: zoom %d is not in 0 to %d", ErrRange, z, MaxZoom)
	}
	n := int64(1) << z
	if x < 0 || x >= n || y < 0 || y >= n {
		return ID{}, fmt.Errorf("%w: column %d, row %d; zoom %d has 0 to %d", ErrRange, x, y, z, n-1)
	}
	return ID{uint8(z), uint32(x), uint32(y)}, nil
}

// String is "z/x/y", the order of XYZ URLs.
func (t ID) String() string { return fmt.Sprintf("%d/%d/%d", t.Z, t.X, t.Y) }

// WorldBox is a box in world units, borders included.
type WorldBox struct{ MinX, MinY, MaxX, MaxY uint32 }

// World is the tile's box in world units, grown on each side by buffer/gridSize
// of its width and clamped to the world. gridSize is MVT's extent (4096).
func (t ID) World(buffer, gridSize int) WorldBox {
	size := int64(1) << (32 - t.Z)
	b := (size*int64(buffer) + int64(gridSize) - 1) / int64(gridSize)
	clamp := func(v int64) uint32 { return uint32(max(0, min(v, WorldSize-1))) }
	x, y := int64(t.X)*size, int64(t.Y)*size
	return WorldBox{clamp(x - b), clamp(y - b), clamp(x + size - 1 + b), clamp(y + size - 1 + b)}
}

// Intersects tells whether the two boxes share a unit.
func (b WorldBox) Intersects(o WorldBox) bool {
	return b.MinX <= o.MaxX && b.MaxX >= o.MinX && b.MinY <= o.MaxY && b.MaxY >= o.MinY
}

// Envelope is the tile's box in degrees of longitude and latitude.
func (t ID) Envelope() spatial.Envelope {
	n := float64(uint64(1) << t.Z)
	lat := func(y float64) float64 {
		return math.Atan(math.Sinh(math.Pi*(1-2*y/n))) * 180 / math.Pi
	}
	x, y := float64(t.X), float64(t.Y)
	return spatial.Envelope{MinX: x/n*360 - 180, MinY: lat(y + 1), MaxX: (x+1)/n*360 - 180, MaxY: lat(y)}
}

// Of is the tile at zoom z that holds a position in degrees.
func Of(lon, lat float64, z uint8) ID {
	x, y := WorldOf(lon, lat)
	return ID{z, uint32(uint64(x) >> (32 - z)), uint32(uint64(y) >> (32 - z))}
}

// WorldOf places a position in degrees, rounded to the nearest world unit and
// clamped to the world.
func WorldOf(lon, lat float64) (x, y uint32) {
	fx, fy := WorldFloat(lon, lat)
	return clampRound(fx), clampRound(fy)
}

func clampRound(v float64) uint32 {
	v = math.Round(v)
	if !(v > 0) {
		return 0
	}
	if v >= WorldSize {
		return math.MaxUint32
	}
	return uint32(v)
}

// WorldFloat places a position in degrees without rounding or clamping of x;
// latitude is clamped to ±MaxLatitude.
func WorldFloat(lon, lat float64) (x, y float64) {
	lat = max(-MaxLatitude, min(MaxLatitude, lat))
	s := math.Sin(lat * math.Pi / 180)
	x = (lon + 180) / 360 * WorldSize
	y = (0.5 - math.Log((1+s)/(1-s))/(4*math.Pi)) * WorldSize
	return x, y
}

// LonLat is the inverse of WorldFloat, in degrees.
func LonLat(x, y float64) (lon, lat float64) {
	lon = x/WorldSize*360 - 180
	lat = math.Atan(math.Sinh(math.Pi*(1-2*y/WorldSize))) * 180 / math.Pi
	return lon, lat
}
