package tile

import (
	"math"

	"twind/spatial/grid"
)

// NeverSimple is what SimpleFrom answers for rings that no zoom makes valid.
const NeverSimple = 255

// lossless is the zoom from which a tile's grid of 4096 is at least as fine as
// the world units.
const lossless = 20

// Snap places a world ordinate on the grid of 4096 units a tile of zoom z: the
// nearest line, counted from the world's north-west corner, halves rounded up.
// Snapping does not depend on the tile.
func Snap(world uint32, z uint8) int64 {
	if z >= lossless {
		return int64(world) << (z - lossless)
	}
	s := lossless - z
	return (int64(world) + 1<<s>>1) >> s
}

// SimpleTester computes SimpleFrom. The zero value is ready; it keeps its memory
// between calls and is not safe for concurrent use.
type SimpleTester struct {
	rings grid.Rings
	check grid.Checker
}

// SimpleFrom is the first zoom from which on, at it and at every deeper one, the
// rings snapped to the tile grid of 4096 units are sure to be valid polygons
// without repair; NeverSimple if they are not even in world units. It errs to
// the safe side: rings that touch in a point count as not simple.
//
// world holds all rings' vertices in world units, two ordinates a vertex, the
// closing vertex included; ring i is the vertices from ends[i−1] (0 for the
// first) to ends[i]. hole[i] marks inner rings, which follow their shell.
func (t *SimpleTester) SimpleFrom(world []uint32, ends []uint32, hole []bool) uint8 {
	if len(ends) == 0 || len(world) < 6 {
		return NeverSimple
	}
	minX, minY, maxX, maxY := world[0], world[1], world[0], world[1]
	for i := 2; i+1 < len(world); i += 2 {
		minX, maxX = min(minX, world[i]), max(maxX, world[i])
		minY, maxY = min(minY, world[i+1]), max(maxY, world[i+1])
	}
	if maxX-minX >= grid.MaxExtent || maxY-minY >= grid.MaxExtent {
		return NeverSimple
	}
	sure := uint8(NeverSimple)
	apart := -1.0 // squared clearance, when it is known
	for z := lossless; z >= 0; z-- {
		// A box of fewer than two grid units cannot hold more than a dot.
		if s := uint(lossless - z); sure != NeverSimple && max(maxX-minX, maxY-minY)>>s < 2 {
			break
		}
		// Snapping moves a vertex by at most a grid unit over √2: what lies √2 units
		// apart cannot come to touch, and needs no test.
		if step := float64(uint64(1) << (lossless - z)); apart <= 2*step*step {
			if !t.snap(world, ends, hole, uint8(z), minX, minY) || !t.check.Valid(&t.rings) {
				break
			}
			if z == lossless && len(world) <= 2*clearanceVertices {
				apart = clearance2(world, ends)
			}
		}
		sure = uint8(z)
	}
	return sure
}

// clearanceVertices bounds the rings whose clearance is computed: its cost grows with
// the square of their vertices.
const clearanceVertices = 32

// clearance2 is the square of the least distance, in world units, between a vertex
// and an edge that does not end in it, of closed rings that do not touch.
func clearance2(world []uint32, ends []uint32) float64 {
	least := math.Inf(1)
	lo := uint32(0)
	for _, hi := range ends {
		for v := lo; v+1 < hi; v++ { // the closing vertex is the first
			x, y := world[2*v], world[2*v+1]
			first := uint32(0)
			for _, last := range ends {
				for e := first; e+1 < last; e++ {
					if first == lo && (e == v || e+1 == v || v == lo && e+2 == hi) {
						continue
					}
					ax, ay := float64(world[2*e])-float64(x), float64(world[2*e+1])-float64(y)
					dx, dy := float64(world[2*e+2])-float64(world[2*e]), float64(world[2*e+3])-float64(world[2*e+1])
					if d := dx*dx + dy*dy; d > 0 {
						t := max(0, min(1, -(ax*dx+ay*dy)/d))
						ax, ay = ax+t*dx, ay+t*dy
					}
					least = min(least, ax*ax+ay*ay)
				}
				first = last
			}
		}
		lo = hi
	}
	return least * (1 - 1e-9)
}

// snap fills t.rings with the rings on the grid of zoom z, relative to a corner;
// it reports false when one of them collapses.
func (t *SimpleTester) snap(world []uint32, ends []uint32, hole []bool, z uint8, minX, minY uint32) bool {
	r := &t.rings
	r.Reset()
	x0, y0 := Snap(minX, z), Snap(minY, z)
	lo := uint32(0)
	for i, hi := range ends {
		begin := len(r.XY)
		for v := lo; v < hi; v++ {
			x, y := int32(Snap(world[2*v], z)-x0), int32(Snap(world[2*v+1], z)-y0)
			if n := len(r.XY); n == begin || x != r.XY[n-2] || y != r.XY[n-1] {
				r.XY = append(r.XY, x, y)
			}
		}
		if !r.Close(hole[i]) {
			return false
		}
		lo = hi
	}
	return true
}
