package tiles3d

import (
	"fmt"
	"math"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
)

// Levels of the quadtree that hold cells.
const (
	TopLevel    = 10 // 19.5 km from north to south
	BottomLevel = 17 // 153 m
)

// Cell is a node of a quadtree over the whole earth: level 0 is all of it, from
// 180° west and 90° south; a level halves the degrees of both axes. X counts
// eastwards and Y northwards, as in implicit tiling of 3D Tiles 1.1 over a region.
type Cell struct {
	Level uint8
	X, Y  uint32
}

// ParseCell checks the numbers of a request; it fails with layers.ErrInvalid.
func ParseCell(level, x, y int64) (Cell, error) {
	if level < 0 || level > BottomLevel {
		return Cell{}, layers.Errorf(layers.ErrInvalid, "level %d: cells have levels 0 to %d", level, BottomLevel)
	}
	if n := int64(1) << level; x < 0 || x >= n || y < 0 || y >= n {
		return Cell{}, layers.Errorf(layers.ErrInvalid, "cell %d/%d/%d: columns and rows of level %d run from 0 to %d", level, x, y, level, n-1)
	}
	return Cell{uint8(level), uint32(x), uint32(y)}, nil
}

// CellAt is the cell of a level that holds a position in degrees; positions off
// the earth go to its border.
func CellAt(lon, lat float64, level uint8) Cell {
	n := float64(uint32(1) << level)
	place := func(share float64) uint32 { return uint32(max(0, min(n-1, math.Floor(share*n)))) }
	return Cell{level, place((lon + 180) / 360), place((lat + 90) / 180)}
}

// Envelope is the cell's box in degrees.
func (c Cell) Envelope() spatial.Envelope {
	n := float64(uint32(1) << c.Level)
	return spatial.Envelope{
		MinX: float64(c.X)/n*360 - 180, MaxX: float64(c.X+1)/n*360 - 180,
		MinY: float64(c.Y)/n*180 - 90, MaxY: float64(c.Y+1)/n*180 - 90,
	}
}

// Parent is the cell above; that of level 0 is itself.
func (c Cell) Parent() Cell {
	if c.Level == 0 {
		return c
	}
	return Cell{c.Level - 1, c.X / 2, c.Y / 2}
}

// Error is the geometric error of a cell's tile in metres: what is smaller is left
// to the levels below. It halves from level to level, 16 m at level 15.
func (c Cell) Error() float64 { return math.Ldexp(1, 19-int(c.Level)) }

// String is level/x/y, as in addresses.
func (c Cell) String() string { return fmt.Sprintf("%d/%d/%d", c.Level, c.X, c.Y) }

// key orders cells by level, column and row.
func (c Cell) key() uint64 { return uint64(c.Level)<<56 | uint64(c.X)<<28 | uint64(c.Y) }

func cellOfKey(k uint64) Cell {
	return Cell{uint8(k >> 56), uint32(k>>28) & (1<<28 - 1), uint32(k) & (1<<28 - 1)}
}

// levelOf is the first level whose error is not above a size in metres, within
// bounds.
func levelOf(size float64, first, last uint8) uint8 {
	level := first
	for level < last && math.Ldexp(1, 19-int(level)) > size {
		level++
	}
	return level
}

// centre is the middle of a box in degrees.
func centre(b tile.WorldBox) (lon, lat float64) {
	return tile.LonLat((float64(b.MinX)+float64(b.MaxX))/2, (float64(b.MinY)+float64(b.MaxY))/2)
}
