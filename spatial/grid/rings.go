// Package grid holds polygons on an integer grid: the plane of a tile, where
// coordinates are whole numbers and rounding can make a valid polygon invalid.
//
//	snapped rings ─ Clip* ─▶ rings ─ Checker.Valid? ─▶ yes: as they are
//	                                      └─ no ─▶ Repairer.Repair ─▶ valid polygons
//
// Axes are plain numbers; "positive" means that the surveyor's formula
// Σ(x₀y₁−x₁y₀) is positive, which is what MVT asks of an outer ring. All
// predicates are exact. The working structures keep their memory between calls
// and are not safe for concurrent use.
package grid

// MaxExtent bounds coordinates: every difference of two ordinates must be below
// it in size, so that cross products fit 64 bits.
const MaxExtent = 1 << 31

// Rings is a list of polygons as rings. Rings are open: the first vertex is not
// repeated at the end. A hole belongs to the last shell before it.
type Rings struct {
	XY   []int32 // 2 a vertex
	Ends []int32 // one a ring: exclusive end, in vertices
	Hole []bool  // one a ring
}

// Reset empties the list and keeps its memory.
func (r *Rings) Reset() { r.XY, r.Ends, r.Hole = r.XY[:0], r.Ends[:0], r.Hole[:0] }

// Len is the number of rings.
func (r *Rings) Len() int { return len(r.Ends) }

// Ring is ring i's coordinates, two a vertex; the slice is the list's own.
func (r *Rings) Ring(i int) []int32 {
	lo := int32(0)
	if i > 0 {
		lo = r.Ends[i-1]
	}
	return r.XY[2*lo : 2*r.Ends[i]]
}

// Close ends the ring whose vertices were appended to XY since the last one. It
// removes the last vertices while they repeat the first, and takes the whole
// ring back, reporting false, if fewer than three are left.
func (r *Rings) Close(hole bool) bool {
	lo := 0
	if n := len(r.Ends); n > 0 {
		lo = 2 * int(r.Ends[n-1])
	}
	for len(r.XY) >= lo+4 && r.XY[len(r.XY)-2] == r.XY[lo] && r.XY[len(r.XY)-1] == r.XY[lo+1] {
		r.XY = r.XY[:len(r.XY)-2]
	}
	if len(r.XY) < lo+6 {
		r.XY = r.XY[:lo]
		return false
	}
	r.Ends = append(r.Ends, int32(len(r.XY)/2))
	r.Hole = append(r.Hole, hole)
	return true
}

// Area2 is twice the signed area of an open ring, by the surveyor's formula.
func Area2(ring []int32) int64 {
	n := len(ring)
	if n < 6 {
		return 0
	}
	// Relative to the first vertex, so that the products stay small.
	x0, y0 := int64(ring[0]), int64(ring[1])
	var sum int64
	px, py := int64(ring[2])-x0, int64(ring[3])-y0
	for i := 4; i < n; i += 2 {
		x, y := int64(ring[i])-x0, int64(ring[i+1])-y0
		sum += px*y - x*py
		px, py = x, y
	}
	return sum
}

// cross is the orientation of c against the line a→b: positive when a, b, c turn
// in the positive sense.
func cross(ax, ay, bx, by, cx, cy int32) int64 {
	return (int64(bx)-int64(ax))*(int64(cy)-int64(ay)) - (int64(by)-int64(ay))*(int64(cx)-int64(ax))
}

// side is a position against a ring.
type side int8

const (
	outside side = iota
	onRing
	inside
)

// locate places (x, y) against an open ring, by crossings of the ray to +x.
func locate(ring []int32, x, y int32) side {
	n := len(ring)
	in := false
	ax, ay := ring[n-2], ring[n-1]
	for i := 0; i < n; i += 2 {
		bx, by := ring[i], ring[i+1]
		if (ay > y) != (by > y) {
			switch c := cross(ax, ay, bx, by, x, y); {
			case c == 0:
				return onRing
			case (c > 0) == (by > ay):
				in = !in
			}
		} else if y == ay && y == by && x >= min(ax, bx) && x <= max(ax, bx) || x == ax && y == ay {
			return onRing
		}
		ax, ay = bx, by
	}
	if in {
		return inside
	}
	return outside
}
