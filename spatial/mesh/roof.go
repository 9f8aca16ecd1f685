package mesh

import "math"

// pitched builds the part with its roof, or tells that the footprint does not
// carry that form.
func (e *Extruder) pitched(to Sinks, s *Solid) (RoofShape, bool) {
	if len(e.ends) != 1 {
		return Flat, false
	}
	eaves, ok := e.eaves(s)
	if !ok {
		return Flat, false
	}
	if s.Roof == Pyramidal {
		return Pyramidal, e.pyramid(to, s, eaves)
	}
	q, ok := e.quadrilateral()
	if !ok {
		return Flat, false
	}
	h := house{to: to, base: s.Base, eaves: eaves, top: s.Top, q: q.turned(s)}
	switch s.Roof {
	case Gabled:
		h.gabled()
	case Hipped:
		h.hipped()
	case Shed:
		h.shed()
	}
	return s.Roof, true
}

// unknownSlope is the slope of a roof whose eaves are not known: tan 35°.
const unknownSlope = 0.7

// eaves is the height where the roof begins.
func (e *Extruder) eaves(s *Solid) (float64, bool) {
	if s.Eaves >= s.Base && s.Eaves < s.Top {
		return s.Eaves, true
	}
	half := math.Inf(1) // half of the shortest side
	n := len(e.xy)
	for i := 0; i < n; i += 2 {
		j := (i + 2) % n
		half = min(half, math.Hypot(e.xy[j]-e.xy[i], e.xy[j+1]-e.xy[i+1])/2)
	}
	if s.Roof == Pyramidal {
		half = math.Sqrt(math.Abs(ringArea(e.xy))/2) / 2
	}
	rise := min(half*unknownSlope, (s.Top-s.Base)/2)
	return s.Top - rise, rise > 0
}

// quad4 are four corners in the plane, counter-clockwise.
type quad4 [4][2]float64

// quadrilateral is the footprint if it has four convex corners.
func (e *Extruder) quadrilateral() (q quad4, ok bool) {
	if len(e.xy) != 8 {
		return q, false
	}
	for i := range q {
		q[i] = [2]float64{e.xy[2*i], e.xy[2*i+1]}
	}
	for i := range q {
		a, b, c := q[i], q[(i+1)%4], q[(i+2)%4]
		if (b[0]-a[0])*(c[1]-b[1])-(b[1]-a[1])*(c[0]-b[0]) <= 0 {
			return q, false
		}
	}
	return q, true
}

func (q quad4) side(i int) (dx, dy, length float64) {
	a, b := q[i], q[(i+1)%4]
	dx, dy = b[0]-a[0], b[1]-a[1]
	return dx, dy, math.Hypot(dx, dy)
}

// turned renumbers the corners such that the side from 0 to 1 is one below
// which the roof falls: the one that looks downhill, or a longer one.
func (q quad4) turned(s *Solid) quad4 {
	best, score := 0, math.Inf(-1)
	for i := range 4 {
		dx, dy, l := q.side(i)
		v := l
		if !math.IsNaN(s.Downhill) && !math.IsInf(s.Downhill, 0) {
			sin, cos := math.Sincos(s.Downhill * math.Pi / 180)
			v = (dy*sin - dx*cos) / l // outward normal (dy, −dx) · (sin, cos)
		} else {
			_, _, opposite := q.side((i + 2) % 4)
			v += opposite
		}
		if v > score+1e-9 {
			best, score = i, v
		}
	}
	return quad4{q[best], q[(best+1)%4], q[(best+2)%4], q[(best+3)%4]}
}

// house is a building on four corners whose sides 0 and 2 carry the eaves.
type house struct {
	to               Sinks
	base, eaves, top float64
	q                quad4
}

func (h *house) at(i int, z float64) vec { return vec{h.q[i&3][0], h.q[i&3][1], z} }

// middle is the middle of side i at the height of the ridge.
func (h *house) middle(i int) vec { return h.at(i, h.top).lerp(h.at(i+1, h.top), 0.5) }

func (m *Mesh) maybeFace(corners ...vec) {
	if m != nil {
		m.face(corners...)
	}
}

func (h *house) floor() {
	h.to.Floor.maybeFace(h.at(3, h.base), h.at(2, h.base), h.at(1, h.base), h.at(0, h.base))
}

// wall is side i up to the eaves.
func (h *house) wall(i int) {
	h.to.Wall.maybeFace(h.at(i, h.base), h.at(i+1, h.base), h.at(i+1, h.eaves), h.at(i, h.eaves))
}

func (h *house) gabled() {
	h.floor()
	east, west := h.middle(1), h.middle(3) // the ridge's ends over sides 1 and 3
	for i := range 4 {
		h.wall(i)
	}
	h.to.Wall.maybeFace(h.at(1, h.eaves), h.at(2, h.eaves), east)
	h.to.Wall.maybeFace(h.at(3, h.eaves), h.at(0, h.eaves), west)
	h.slope(0, east, west)
	h.slope(2, west, east)
}

// slope is the roof above side i, up to the ridge from right to left.
func (h *house) slope(i int, right, left vec) {
	a, b := h.at(i, h.eaves), h.at(i+1, h.eaves)
	h.to.Roof.maybeFace(a, b, right)
	h.to.Roof.maybeFace(a, right, left)
}

func (h *house) hipped() {
	h.floor()
	for i := range 4 {
		h.wall(i)
	}
	east, west := h.middle(1), h.middle(3)
	_, _, w1 := h.q.side(1)
	_, _, w3 := h.q.side(3)
	length := east.sub(west).norm()
	inset := min((w1+w3)/4, length/2)
	if length-2*inset < 1e-3*length { // as long as wide: a pyramid
		apex := west.lerp(east, 0.5)
		for i := range 4 {
			h.to.Roof.maybeFace(h.at(i, h.eaves), h.at(i+1, h.eaves), apex)
		}
		return
	}
	t := inset / length
	east, west = east.lerp(west, t), west.lerp(east, t)
	h.slope(0, east, west)
	h.slope(2, west, east)
	h.to.Roof.maybeFace(h.at(1, h.eaves), h.at(2, h.eaves), east)
	h.to.Roof.maybeFace(h.at(3, h.eaves), h.at(0, h.eaves), west)
}

func (h *house) shed() {
	h.floor()
	h.wall(0)
	h.to.Wall.maybeFace(h.at(1, h.base), h.at(2, h.base), h.at(2, h.top), h.at(1, h.eaves))
	h.to.Wall.maybeFace(h.at(2, h.base), h.at(3, h.base), h.at(3, h.top), h.at(2, h.top))
	h.to.Wall.maybeFace(h.at(3, h.base), h.at(0, h.base), h.at(0, h.eaves), h.at(3, h.top))
	h.to.Roof.maybeFace(h.at(0, h.eaves), h.at(1, h.eaves), h.at(2, h.top))
	h.to.Roof.maybeFace(h.at(0, h.eaves), h.at(2, h.top), h.at(3, h.top))
}

// pyramid builds walls to the eaves and a face from each to the apex over the
// centroid, if every edge is seen from there.
func (e *Extruder) pyramid(to Sinks, s *Solid, eaves float64) bool {
	cx, cy := centroid(e.xy)
	n := len(e.xy) / 2
	for i := range n {
		j := (i + 1) % n
		dx, dy := e.xy[2*j]-e.xy[2*i], e.xy[2*j+1]-e.xy[2*i+1]
		if !(dx*(cy-e.xy[2*i+1])-dy*(cx-e.xy[2*i]) > 1e-3*math.Hypot(dx, dy)) {
			return false // the centroid is not a millimetre inside this edge, or there is none
		}
	}
	apex := vec{cx, cy, s.Top}
	roof := to.Roof
	for i := range n {
		j := (i + 1) % n
		a, b := vec{e.xy[2*i], e.xy[2*i+1], eaves}, vec{e.xy[2*j], e.xy[2*j+1], eaves}
		roof.maybeFace(a, b, apex)
	}
	e.cuts, _ = e.tri.Triangulate(e.cuts[:0], e.xy, e.ends)
	to.Roof = nil
	e.prism(to, s.Base, eaves)
	return true
}

// centroid is the centre of area of a ring.
func centroid(xy []float64) (x, y float64) {
	n := len(xy)
	ox, oy := xy[0], xy[1]
	var sx, sy, area float64
	for i := 0; i < n; i += 2 {
		j := (i + 2) % n
		ax, ay, bx, by := xy[i]-ox, xy[i+1]-oy, xy[j]-ox, xy[j+1]-oy
		c := ax*by - bx*ay
		sx, sy, area = sx+(ax+bx)*c, sy+(ay+by)*c, area+c
	}
	return ox + sx/(3*area), oy + sy/(3*area)
}
