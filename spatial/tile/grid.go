package tile

import (
	"fmt"
	"math"
)

// Grid is a plane that is cut into tiles. At zoom z a tile is 2^(32−z) units
// wide in either, so a zoom has the same scale denominator in both.
type Grid uint8

// The grids.
const (
	// Mercator is the plane of WebMercatorQuad, 2³² units wide and high: one tile at
	// zoom 0. Its units are world coordinates.
	Mercator Grid = iota
	// Geographic is the plane of longitude and latitude, 2³² units wide and 2³¹
	// high: two tiles side by side at zoom 1, its first. One unit is 360/2³² degrees
	// on both axes. Zoom z is tile matrix z−1 of WorldCRS84Quad and z of CGCS2000Quad.
	Geographic
)

// FirstZoom is the least zoom of the grid: 0, or 1 for Geographic.
func (g Grid) FirstZoom() uint8 {
	if g == Geographic {
		return 1
	}
	return 0
}

// Size is the number of columns and rows of a zoom from FirstZoom to MaxZoom.
func (g Grid) Size(z uint8) (columns, rows uint32) {
	columns = uint32(1) << z
	if g == Geographic {
		return columns, columns / 2
	}
	return columns, columns
}

// Tile names a tile of the grid; it fails with ErrRange.
func (g Grid) Tile(z, x, y int64) (ID, error) {
	if first := int64(g.FirstZoom()); z < first || z > MaxZoom {
		return ID{}, fmt.Errorf("%w: zoom %d is not in %d to %d", ErrRange, z, first, MaxZoom)
	}
	columns, rows := g.Size(uint8(z))
	if x < 0 || x >= int64(columns) || y < 0 || y >= int64(rows) {
		if columns == rows {
			return ID{}, fmt.Errorf("%w: column %d, row %d; zoom %d has 0 to %d", ErrRange, x, y, z, columns-1)
		}
		return ID{}, fmt.Errorf("%w: column %d, row %d; zoom %d has columns 0 to %d and rows 0 to %d", ErrRange, x, y, z, columns-1, rows-1)
	}
	return ID{Z: uint8(z), Grid: g, X: uint32(x), Y: uint32(y)}, nil
}

// Of is the tile at zoom z that holds a position in degrees, rounded to a unit;
// what lies beyond the grid is in the tile at its border.
func (g Grid) Of(lon, lat float64, z uint8) ID {
	x, y := g.at(lon, lat)
	columns, rows := g.Size(z)
	index := func(v float64, n uint32) uint32 { return min(uint32(uint64(clampRound(v))>>(32-z)), n-1) }
	return ID{Z: z, Grid: g, X: index(x, columns), Y: index(y, rows)}
}

// UnitsPerDegree is the number of units of the Geographic grid in a degree.
const UnitsPerDegree = WorldSize / 360.0

// at places a position in degrees in the grid's plane, not rounded.
func (g Grid) at(lon, lat float64) (x, y float64) {
	if g == Geographic {
		return (lon + 180) * UnitsPerDegree, (90 - lat) * UnitsPerDegree
	}
	return WorldFloat(lon, lat)
}

// degrees is the inverse of at.
func (g Grid) degrees(x, y float64) (lon, lat float64) {
	if g == Geographic {
		return x/UnitsPerDegree - 180, 90 - y/UnitsPerDegree
	}
	return LonLat(x, y)
}

// worldRows are the world coordinates between two ordinates of the Geographic
// plane, rounded outward. Beyond Web Mercator they are its border, where world
// coordinates keep what lies there.
func worldRows(north, south int64) (minY, maxY uint32) {
	_, top := WorldFloat(0, 90-float64(north)/UnitsPerDegree)
	_, bottom := WorldFloat(0, 90-float64(south)/UnitsPerDegree)
	clamp := func(v float64) uint32 { return uint32(max(0, min(v, WorldSize-1))) }
	return clamp(math.Floor(top)), clamp(math.Ceil(bottom))
}
