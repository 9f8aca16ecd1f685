package spatial

import (
	"math"
	"math/big"
)

// IntersectsEnvelope tells whether the geometry and the box share a position in
// the plane, borders included; decisions are exact. An empty geometry or
// envelope intersects nothing.
func (g Geometry) IntersectsEnvelope(e Envelope) bool {
	t := NewBoxTest(e)
	if e.IsEmpty() {
		return false
	}
	switch g.Type.Dimension() {
	case 0:
		t.Points(g.XY)
	case 1:
		for i := range g.Ends {
			xy, _ := g.Path(i)
			t.Line(xy)
		}
	case 2:
		for p := range g.NumPolygons() {
			lo, hi := g.PolygonPaths(p)
			for r := lo; r < hi; r++ {
				xy, _ := g.Path(r)
				if r == lo {
					t.Shell(xy)
				} else {
					t.Hole(xy)
				}
			}
		}
	default:
		for i := range g.Members {
			if g.Members[i].IntersectsEnvelope(e) {
				return true
			}
		}
	}
	return t.Intersects()
}

// BoxTest decides whether a geometry that is fed path by path shares a position
// with a box that is not empty. The paths are not kept.
type BoxTest struct {
	box Envelope
	hit bool
	odd bool // the box's corner is within an odd number of the polygon's rings
}

// NewBoxTest begins a test.
func NewBoxTest(box Envelope) BoxTest { return BoxTest{box: box} }

// Points feeds positions.
func (t *BoxTest) Points(xy []float64) {
	for i := 0; i+1 < len(xy) && !t.hit; i += 2 {
		t.hit = t.box.ContainsPoint(xy[i], xy[i+1])
	}
}

// Line feeds a line.
func (t *BoxTest) Line(xy []float64) {
	t.Points(xy)
	for i := 2; i+1 < len(xy) && !t.hit; i += 2 {
		t.hit = t.box.crossesSegment(xy[i-2], xy[i-1], xy[i], xy[i+1])
	}
}

// Shell feeds a polygon's outer ring and ends the polygon before it.
func (t *BoxTest) Shell(xy []float64) {
	t.endPolygon()
	t.Line(xy)
	t.odd = !t.hit && encloses(xy, t.box.MinX, t.box.MinY)
}

// Hole feeds an inner ring of the last shell's polygon.
func (t *BoxTest) Hole(xy []float64) {
	t.Line(xy)
	if !t.hit && encloses(xy, t.box.MinX, t.box.MinY) {
		t.odd = !t.odd
	}
}

func (t *BoxTest) endPolygon() {
	t.hit = t.hit || t.odd
	t.odd = false
}

// Intersects is the answer for all that was fed.
func (t *BoxTest) Intersects() bool {
	t.endPolygon()
	return t.hit
}

// crossesSegment tells whether a segment whose ends lie outside shares a position with the box.
func (e Envelope) crossesSegment(ax, ay, bx, by float64) bool {
	if math.Max(ax, bx) < e.MinX || math.Min(ax, bx) > e.MaxX || math.Max(ay, by) < e.MinY || math.Min(ay, by) > e.MaxY {
		return false
	}
	// The segment's box meets the box: they share a position unless all corners
	// lie strictly on one side of the segment's line.
	s := Orientation(ax, ay, bx, by, e.MinX, e.MinY)
	return s == 0 ||
		Orientation(ax, ay, bx, by, e.MinX, e.MaxY) != s ||
		Orientation(ax, ay, bx, by, e.MaxX, e.MinY) != s ||
		Orientation(ax, ay, bx, by, e.MaxX, e.MaxY) != s
}

// encloses tells whether a position that is not on the ring is inside it.
func encloses(ring []float64, x, y float64) (odd bool) {
	for i := 2; i+1 < len(ring); i += 2 {
		ax, ay, bx, by := ring[i-2], ring[i-1], ring[i], ring[i+1]
		if (ay > y) == (by > y) || math.Max(ax, bx) < x {
			continue
		}
		// The edge crosses the ray to the east if the position is to its left going up.
		if math.Min(ax, bx) > x || (Orientation(ax, ay, bx, by, x, y) > 0) == (by > ay) {
			odd = !odd
		}
	}
	return odd
}

// Orientation is +1 when c lies to the left of the line from a to b (in a plane
// with x to the right and y up), −1 to the right, 0 on it; exact for all finite
// coordinates.
func Orientation(ax, ay, bx, by, cx, cy float64) int {
	l, r := (ax-cx)*(by-cy), (ay-cy)*(bx-cx)
	det := l - r
	// The error bound of two subtractions, two products and one difference.
	if bound := (math.Abs(l) + math.Abs(r)) * 3.3306690738754716e-16; det > bound || -det > bound {
		if det > 0 {
			return 1
		}
		return -1
	}
	f := func(v float64) *big.Rat { return new(big.Rat).SetFloat64(v) }
	if f(ax) == nil || f(ay) == nil || f(bx) == nil || f(by) == nil || f(cx) == nil || f(cy) == nil {
		return 0
	}
	sub := func(a, b float64) *big.Rat { return new(big.Rat).Sub(f(a), f(b)) }
	mul := func(a, b *big.Rat) *big.Rat { return new(big.Rat).Mul(a, b) }
	return mul(sub(ax, cx), sub(by, cy)).Cmp(mul(sub(ay, cy), sub(bx, cx)))
}
