package spatial

import "math"

// Intersects tells whether two geometries share a position in the plane, borders
// included; decisions are exact. An empty geometry intersects nothing. Its time
// is at most the product of the numbers of vertices.
func (g Geometry) Intersects(o Geometry) bool {
	if g.Type == GeometryCollection {
		for i := range g.Members {
			if g.Members[i].Intersects(o) {
				return true
			}
		}
		return false
	}
	if o.Type == GeometryCollection {
		return o.Intersects(g)
	}
	if g.Type.Dimension() > o.Type.Dimension() {
		g, o = o, g
	}
	box := o.Envelope()
	if !g.Envelope().Intersects(box) {
		return false
	}
	if g.Type.Dimension() <= 0 {
		return o.coversAny(g.XY)
	}
	if segmentsMeet(&g, &o, box) {
		return true
	}
	// No segments meet: each path of one lies in one face of the other.
	if o.Type.Dimension() < 2 {
		return false
	}
	if o.coversAny(g.starts()) {
		return true
	}
	return g.Type.Dimension() == 2 && g.coversAny(o.starts())
}

// starts is the first vertex of each line or polygon.
func (g *Geometry) starts() []float64 {
	var xy []float64
	add := func(path int) {
		if p, _ := g.Path(path); len(p) > 0 {
			xy = append(xy, p[0], p[1])
		}
	}
	if g.Type.Dimension() == 2 {
		for p := range g.NumPolygons() {
			if lo, hi := g.PolygonPaths(p); lo < hi {
				add(lo)
			}
		}
		return xy
	}
	for i := range g.Ends {
		add(i)
	}
	return xy
}

// segmentsMeet tells whether segments of lines or rings of the two share a
// position; box is the envelope of o.
func segmentsMeet(g, o *Geometry, box Envelope) bool {
	for i := range g.Ends {
		a, _ := g.Path(i)
		for k := 2; k+1 < len(a); k += 2 {
			s := segment{a[k-2], a[k-1], a[k], a[k+1]}
			e := s.envelope()
			if !e.Intersects(box) {
				continue
			}
			for j := range o.Ends {
				b, _ := o.Path(j)
				for m := 2; m+1 < len(b); m += 2 {
					if t := (segment{b[m-2], b[m-1], b[m], b[m+1]}); e.Intersects(t.envelope()) && s.meets(t) {
						return true
					}
				}
			}
		}
	}
	return false
}

// segment is a straight line from a to b, possibly of no length.
type segment struct{ ax, ay, bx, by float64 }

func (s segment) envelope() Envelope {
	return Envelope{math.Min(s.ax, s.bx), math.Min(s.ay, s.by), math.Max(s.ax, s.bx), math.Max(s.ay, s.by)}
}

// meets tells whether two segments whose envelopes intersect share a position.
func (s segment) meets(t segment) bool {
	return Orientation(s.ax, s.ay, s.bx, s.by, t.ax, t.ay)*Orientation(s.ax, s.ay, s.bx, s.by, t.bx, t.by) <= 0 &&
		Orientation(t.ax, t.ay, t.bx, t.by, s.ax, s.ay)*Orientation(t.ax, t.ay, t.bx, t.by, s.bx, s.by) <= 0
}

// holds tells whether a position lies on the segment.
func (s segment) holds(x, y float64) bool {
	return s.envelope().ContainsPoint(x, y) && Orientation(s.ax, s.ay, s.bx, s.by, x, y) == 0
}

// coversAny tells whether one of the positions lies in the geometry, which is not
// a collection, or on its border.
func (g *Geometry) coversAny(xy []float64) bool {
	for i := 0; i+1 < len(xy); i += 2 {
		if g.covers(xy[i], xy[i+1]) {
			return true
		}
	}
	return false
}

func (g *Geometry) covers(x, y float64) bool {
	if g.Type.Dimension() == 0 {
		for i := 0; i+1 < len(g.XY); i += 2 {
			if g.XY[i] == x && g.XY[i+1] == y {
				return true
			}
		}
		return false
	}
	for i := range g.Ends {
		p, _ := g.Path(i)
		for k := 2; k+1 < len(p); k += 2 {
			if (segment{p[k-2], p[k-1], p[k], p[k+1]}).holds(x, y) {
				return true
			}
		}
	}
	for i := range g.NumPolygons() {
		lo, hi := g.PolygonPaths(i)
		odd := false
		for r := lo; r < hi; r++ {
			if p, _ := g.Path(r); encloses(p, x, y) {
				odd = !odd
			}
		}
		if odd {
			return true
		}
	}
	return false
}
