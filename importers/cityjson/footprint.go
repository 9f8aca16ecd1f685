package cityjson

import (
	"errors"
	"math"
	"slices"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/grid"
)

// method is how a footprint was found.
type method uint8

const (
	asIs      method = iota // points and lines
	byGround                // the faces called GroundSurface
	byLowest                // the lowest faces that lie nearly level
	byOutline               // all faces, seen from above
	byHull                  // convex hull
)

// steps is how many steps of the grid the wider side of a footprint takes at
// most: those of 1 mm up to 131 m.
const steps = 1 << 17

// shaper makes flat geometries of bodies. The zero value is ready.
type shaper struct {
	repairer     grid.Repairer
	rings, union grid.Rings
	x0, y0       float64
	stepX, stepY float64 // units of the file in a step of the grid
	metres       [2]float64
	picked       []bool
}

// shape is the flat geometry of a body, in its own coordinate system.
func (s *shaper) shape(b *body) (spatial.Geometry, method, error) {
	switch b.dim {
	case 0:
		return points(b), asIs, nil
	case 1:
		g, err := lines(b)
		return g, asIs, err
	}
	s.fit(b)
	s.picked = s.picked[:0]
	for _, c := range b.classes {
		s.picked = append(s.picked, c == layers.GroundSurface)
	}
	if slices.Contains(s.picked, true) && s.unite(b, s.picked) {
		return s.geometry(), byGround, nil
	}
	all := s.unite(b, nil)
	whole := 0.0
	if all {
		whole = s.area()
	}
	// Faces that cover little of what is seen from above are no footprint.
	if s.lowest(b) && s.unite(b, s.picked) && s.area() >= whole/2 {
		return s.geometry(), byLowest, nil
	}
	if all && s.unite(b, nil) {
		return s.geometry(), byOutline, nil
	}
	if g, ok := hull(b); ok {
		return g, byHull, nil
	}
	return spatial.Geometry{}, asIs, errors.New("seen from above it has no area")
}

// fit lays the grid over a body.
func (s *shaper) fit(b *body) {
	x0, y0, x1, y1 := b.box()
	s.x0, s.y0 = x0, y0
	s.metres = metresOf(x0, y0, x1, y1)
	step := max(0.001, (x1-x0)*s.metres[0]/steps, (y1-y0)*s.metres[1]/steps)
	s.stepX, s.stepY = step/s.metres[0], step/s.metres[1]
}

// box is that of all corners, seen from above.
func (b *body) box() (x0, y0, x1, y1 float64) {
	x0, y0, x1, y1 = math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for i := 0; i < len(b.xyz); i += 3 {
		x0, x1 = min(x0, b.xyz[i]), max(x1, b.xyz[i])
		y0, y1 = min(y0, b.xyz[i+1]), max(y1, b.xyz[i+1])
	}
	return x0, y0, x1, y1
}

// metresOf is the length of a unit of x and y where the coordinates are those of a
// box: degrees, if they can be.
func metresOf(x0, y0, x1, y1 float64) [2]float64 {
	if x0 >= -180 && x1 <= 180 && y0 >= -90 && y1 <= 90 {
		return [2]float64{111_320 * max(0.01, math.Cos(y0*math.Pi/180)), 111_320}
	}
	return [2]float64{1, 1}
}

// eachRing gives the rings of a face, as spans of corners.
func (b *body) eachRing(face int, f func(lo, hi int32, hole bool)) {
	first := int32(0)
	if face > 0 {
		first = b.faces[face-1]
	}
	for r := first; r < b.faces[face]; r++ {
		lo := int32(0)
		if r > 0 {
			lo = b.ends[r-1]
		}
		f(lo, b.ends[r], r > first)
	}
}

// unite makes polygons of the faces picked (nil: all) as seen from above. It
// reports false where they enclose nothing or cross too often.
func (s *shaper) unite(b *body, picked []bool) bool {
	s.rings.Reset()
	s.union.Reset()
	for i := range b.faces {
		if picked != nil && !picked[i] {
			continue
		}
		shell := false
		b.eachRing(i, func(lo, hi int32, hole bool) {
			if hi-lo < 3 || hole && !shell {
				return
			}
			from := len(s.rings.XY)
			for k := 3 * lo; k < 3*hi; k += 3 {
				s.rings.XY = append(s.rings.XY, int32(math.Round((b.xyz[k]-s.x0)/s.stepX)), int32(math.Round((b.xyz[k+1]-s.y0)/s.stepY)))
			}
			if grid.Area2(s.rings.XY[from:]) == 0 { // stands upright
				s.rings.XY = s.rings.XY[:from]
				return
			}
			shell = true
			s.rings.Close(hole)
		})
	}
	return s.rings.Len() > 0 && s.repairer.Repair(&s.union, &s.rings) && s.union.Len() > 0
}

// area is that of the union, in steps².
func (s *shaper) area() (a float64) {
	for i := range s.union.Len() {
		a += float64(grid.Area2(s.union.Ring(i))) / 2
	}
	return a
}

// lowest picks the faces that lie nearly level near the bottom.
func (s *shaper) lowest(b *body) bool {
	const level = 0.9 // cosine of the steepest slope
	reach := b.loZ + max(0.5, (b.hiZ-b.loZ)/10)
	found := false
	for i := range b.faces {
		top, n := math.Inf(-1), [3]float64{}
		b.eachRing(i, func(lo, hi int32, hole bool) {
			if hole {
				return
			}
			n = s.normal(b.xyz[3*lo : 3*hi])
			for k := 3 * lo; k < 3*hi; k += 3 {
				top = max(top, b.xyz[k+2])
			}
		})
		length := math.Sqrt(n[0]*n[0] + n[1]*n[1] + n[2]*n[2])
		s.picked[i] = length > 0 && math.Abs(n[2]) >= level*length && top <= reach
		found = found || s.picked[i]
	}
	return found
}

// normal is Newell's normal of a ring, in square metres.
func (s *shaper) normal(xyz []float64) (n [3]float64) {
	at := func(i int) (x, y, z float64) {
		return (xyz[i] - xyz[0]) * s.metres[0], (xyz[i+1] - xyz[1]) * s.metres[1], xyz[i+2] - xyz[2]
	}
	if len(xyz) < 9 {
		return n
	}
	ax, ay, az := at(len(xyz) - 3)
	for i := 0; i < len(xyz); i += 3 {
		bx, by, bz := at(i)
		n[0] += (ay - by) * (az + bz) / 2
		n[1] += (az - bz) * (ax + bx) / 2
		n[2] += (ax - bx) * (ay + by) / 2
		ax, ay, az = bx, by, bz
	}
	return n
}

// geometry is the union in the file's coordinate system.
func (s *shaper) geometry() spatial.Geometry {
	var g spatial.Geometry
	u := &s.union
	for i := range u.Len() {
		if i > 0 && !u.Hole[i] {
			g.Parts = append(g.Parts, int32(i))
		}
		ring := u.Ring(i)
		for k := 0; k <= len(ring); k += 2 {
			at := k % len(ring)
			g.XY = append(g.XY, s.x0+float64(ring[at])*s.stepX, s.y0+float64(ring[at+1])*s.stepY)
		}
		g.Ends = append(g.Ends, int32(len(g.XY)/2))
	}
	g.Type = spatial.Polygon
	if len(g.Parts) > 0 {
		g.Type, g.Parts = spatial.MultiPolygon, append(g.Parts, int32(u.Len()))
	}
	return g
}

func points(b *body) spatial.Geometry {
	g := spatial.Geometry{Type: spatial.MultiPoint, XY: flatten(b.xyz)}
	if len(g.XY) == 2 {
		g.Type = spatial.Point
	}
	return g
}

func lines(b *body) (spatial.Geometry, error) {
	g := spatial.Geometry{Type: spatial.MultiLineString, XY: flatten(b.xyz), Ends: slices.Clone(b.ends)}
	if len(g.Ends) == 1 {
		g.Type = spatial.LineString
	}
	return g, g.Check()
}

func flatten(xyz []float64) []float64 {
	xy := make([]float64, 0, len(xyz)/3*2)
	for i := 0; i < len(xyz); i += 3 {
		xy = append(xy, xyz[i], xyz[i+1])
	}
	return xy
}

// hull is the convex hull of all corners (Andrew's monotone chain).
func hull(b *body) (spatial.Geometry, bool) {
	type point struct{ x, y float64 }
	var ps []point
	for i := 0; i < len(b.xyz); i += 3 {
		ps = append(ps, point{b.xyz[i], b.xyz[i+1]})
	}
	slices.SortFunc(ps, func(a, b point) int {
		if a.x != b.x {
			return cmpFloat(a.x, b.x)
		}
		return cmpFloat(a.y, b.y)
	})
	var h []point
	grow := func(from int, p point) {
		for len(h) >= from+2 {
			a, c := h[len(h)-2], h[len(h)-1]
			if (c.x-a.x)*(p.y-a.y)-(c.y-a.y)*(p.x-a.x) > 0 {
				break
			}
			h = h[:len(h)-1]
		}
		h = append(h, p)
	}
	for _, p := range ps {
		grow(0, p)
	}
	lower := len(h) - 1
	for i := len(ps) - 2; i >= 0; i-- {
		grow(lower, ps[i])
	}
	if len(h) < 4 {
		return spatial.Geometry{}, false
	}
	xy := make([]float64, 0, 2*len(h))
	for _, p := range h {
		xy = append(xy, p.x, p.y)
	}
	return spatial.NewPolygon(xy), true
}

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
