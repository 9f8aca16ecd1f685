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
// it; they are clamped to the border. The quads of degrees have a plane of their
// own, see Grid.
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

// ID names a tile of a grid: zoom, column x from the west and row y from the
// north. The zero Grid is Mercator, whose zoom is the tileMatrix of WebMercatorQuad.
type ID struct {
	Z    uint8
	Grid Grid
	X, Y uint32
}

// ErrRange is wrapped when a tile lies outside the tile matrix set.
var ErrRange = errors.New("tile: out of range")

// New names a tile of the Mercator grid; it fails with ErrRange.
func New(z, x, y int64) (ID, error) { return Mercator.Tile(z, x, y) }

// String is "z/x/y", the order of XYZ URLs, with the grid before it unless that
// is Mercator.
func (t ID) String() string {
	if t.Grid == Geographic {
		return fmt.Sprintf("geographic/%d/%d/%d", t.Z, t.X, t.Y)
	}
	return fmt.Sprintf("%d/%d/%d", t.Z, t.X, t.Y)
}

// WorldBox is a box in world units, borders included.
type WorldBox struct{ MinX, MinY, MaxX, MaxY uint32 }

// World is the tile's box in world units, grown on each side by buffer/gridSize
// of its width and clamped to the world. gridSize is MVT's extent (4096). The
// rows of a Geographic tile are rounded outward.
func (t ID) World(buffer, gridSize int) WorldBox {
	size := int64(1) << (32 - t.Z)
	b := (size*int64(buffer) + int64(gridSize) - 1) / int64(gridSize)
	clamp := func(v int64) uint32 { return uint32(max(0, min(v, WorldSize-1))) }
	x, y := int64(t.X)*size, int64(t.Y)*size
	box := WorldBox{MinX: clamp(x - b), MinY: clamp(y - b), MaxX: clamp(x + size - 1 + b), MaxY: clamp(y + size - 1 + b)}
	if t.Grid == Geographic {
		box.MinY, box.MaxY = worldRows(y-b, y+size+b)
	}
	return box
}

// Intersects tells whether the two boxes share a unit.
func (b WorldBox) Intersects(o WorldBox) bool {
	return b.MinX <= o.MaxX && b.MaxX >= o.MinX && b.MinY <= o.MaxY && b.MaxY >= o.MinY
}

// Envelope is the tile's box in degrees of longitude and latitude.
func (t ID) Envelope() spatial.Envelope {
	size := float64(uint64(1) << (32 - t.Z))
	x, y := float64(t.X)*size, float64(t.Y)*size
	west, north := t.Grid.degrees(x, y)
	east, south := t.Grid.degrees(x+size, y+size)
	return spatial.Envelope{MinX: west, MinY: south, MaxX: east, MaxY: north}
}

// Of is the tile of the Mercator grid at zoom z that holds a position in degrees.
func Of(lon, lat float64, z uint8) ID { return Mercator.Of(lon, lat, z) }

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
