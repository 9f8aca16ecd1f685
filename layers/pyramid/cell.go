package pyramid

import (
	"math"

	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/tile"
)

// Role says what a feature of a cell stands for.
type Role uint8

// The roles.
const (
	RoleFeature Role = iota // a feature of the layer, simplified
	RoleMerged              // a square with the area of several small polygons
	RoleJoined              // a line of several that follow each other
	RoleCluster             // a point of several
)

// The names of the properties that derived features have. They have no id.
const (
	Merged      = "twind:merged" // number of polygons
	Joined      = "twind:joined" // number of lines
	Count       = "twind:count"  // number of points
	CountPrefix = "twind:count:" // and of those of one class, the class's value follows
)

// Derived lists the properties that derived features of a geometry type have,
// counts by class left out.
func Derived(t spatial.Type) []string {
	switch t.Dimension() {
	case 0:
		return []string{Count}
	case 1:
		return []string{Joined}
	case 2:
		return []string{Merged}
	}
	return []string{Count, Joined, Merged}
}

// Cell is a generalised piece of a layer: what of it belongs to one tile of one
// zoom. It is immutable.
//
// Segment has no exact coordinates; the ids of derived features are empty. Its
// columns are named by Names: properties of the layer, then derived ones.
type Cell struct {
	ID      tile.ID
	Segment snapshot.Segment
	Names   []string
	Role    []Role        // one a feature
	Count   []uint32      // one a feature: of the layer's features that it stands for
	Area    []float64     // one a feature: of its polygons before simplification, square world units
	Pinned  []bool        // one a vertex: borders meet here
	Content tile.WorldBox // of all features; snapshot.EmptyBox without any
	Dropped uint32        // features of the layer in this cell that nothing stands for: lines below their zoom
	Total   uint32        // features of the layer in this cell
}

// Search appends to dst the features whose box intersects the box, in drawing order.
func (c *Cell) Search(box tile.WorldBox, dst []uint32) []uint32 {
	for i, b := range c.Segment.Box {
		if b.Intersects(box) {
			dst = append(dst, uint32(i))
		}
	}
	return dst
}

// Bytes is about the memory that the cell takes.
func (c *Cell) Bytes() int {
	s := &c.Segment
	return 512 + s.N*(16+1+1+4+1+4+8+8+1+4+8+4*len(c.Names)) + 9*len(s.World)/2 + 4*len(s.World) + 5*len(s.PathKinds) + len(s.Values) + 4*len(s.ValueOffset) + len(s.IDBytes)
}

// column is the number of a named column, or −1.
func (c *Cell) column(name string) int {
	for i, n := range c.Names {
		if n == name {
			return i
		}
	}
	return -1
}

// grow widens a box to hold another.
func grow(a *tile.WorldBox, b tile.WorldBox) {
	a.MinX, a.MinY, a.MaxX, a.MaxY = min(a.MinX, b.MinX), min(a.MinY, b.MinY), max(a.MaxX, b.MaxX), max(a.MaxY, b.MaxY)
}

// center is the world unit in the middle of a box, by which it belongs to a cell.
func center(b tile.WorldBox) (x, y uint32) {
	return uint32((uint64(b.MinX) + uint64(b.MaxX)) / 2), uint32((uint64(b.MinY) + uint64(b.MaxY)) / 2)
}

// cellAt is the tile of a zoom that a position lies in.
func cellAt(x, y uint32, z uint8) tile.ID {
	return tile.ID{Z: z, X: uint32(uint64(x) >> (32 - z)), Y: uint32(uint64(y) >> (32 - z))}
}

// boxOf is a cell's own box.
func boxOf(id tile.ID) tile.WorldBox {
	size := uint64(1) << (32 - id.Z)
	x, y := uint64(id.X)*size, uint64(id.Y)*size
	return tile.WorldBox{MinX: uint32(x), MinY: uint32(y), MaxX: uint32(x + size - 1), MaxY: uint32(y + size - 1)}
}

// ringArea is a closed ring's area in square world units, not negative.
func ringArea(xy []uint32) float64 {
	if len(xy) < 6 {
		return 0
	}
	x0, y0 := float64(xy[0]), float64(xy[1])
	var sum float64
	for i := 2; i+3 < len(xy); i += 2 {
		ax, ay := float64(xy[i])-x0, float64(xy[i+1])-y0
		bx, by := float64(xy[i+2])-x0, float64(xy[i+3])-y0
		sum += ax*by - ay*bx
	}
	return math.Abs(sum) / 2
}
