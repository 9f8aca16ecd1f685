package mesh

import "math"

// sculptor draws the simple bodies that models are made of.
type sculptor struct {
	m     *Mesh
	lod   int
	sides int // of round bodies
	loft  Lofter
}

// ringPoint is a point of the profile of a turned body: radius and height.
type ringPoint struct{ r, z float64 }

// detail tells whether small things are drawn.
func (s *sculptor) detail() bool { return s.lod == 0 }

// color sets the pen.
func (s *sculptor) color(c Color) { s.m.Pen.Color = c }

// turn appends the body that the profile makes about a vertical axis at (x, y),
// with hard edges at every point of the profile; from the bottom upwards it
// looks outward. A radius of 0 closes an end.
func (s *sculptor) turn(x, y float64, profile ...ringPoint) {
	s.turned(x, y, s.sides, false, profile)
}

// turnSmooth does so with rounded edges.
func (s *sculptor) turnSmooth(x, y float64, profile ...ringPoint) {
	s.turned(x, y, s.sides, true, profile)
}

func (s *sculptor) turned(x, y float64, sides int, smooth bool, profile []ringPoint) {
	for i := 1; i < len(profile); i++ {
		a, b := profile[i-1], profile[i]
		n := bandNormal(a, b)
		na, nb := n, n
		if smooth && i > 1 {
			na = mixed(n, bandNormal(profile[i-2], a))
		}
		if smooth && i+1 < len(profile) {
			nb = mixed(n, bandNormal(b, profile[i+1]))
		}
		s.band(x, y, sides, a, b, na, nb)
	}
}

// bandNormal is the outward normal (radial, vertical) of a band from a up to b.
func bandNormal(a, b ringPoint) ringPoint {
	l := math.Hypot(b.z-a.z, a.r-b.r)
	return ringPoint{(b.z - a.z) / l, (a.r - b.r) / l}
}

func mixed(a, b ringPoint) ringPoint {
	l := math.Hypot(a.r+b.r, a.z+b.z)
	if l < 1e-9 {
		return a
	}
	return ringPoint{(a.r + b.r) / l, (a.z + b.z) / l}
}

// band appends the faces between two rings, of which one may be a point.
func (s *sculptor) band(x, y float64, sides int, a, b, na, nb ringPoint) {
	ring := func(p, n ringPoint) uint32 {
		first := uint32(s.m.Vertices())
		for k := range sides {
			sin, cos := math.Sincos(2 * math.Pi * (float64(k) + 0.5) / float64(sides))
			s.m.add(x+p.r*cos, y+p.r*sin, p.z, packNormal(vec{n.r * cos, n.r * sin, n.z}))
		}
		return first
	}
	fa, fb := ring(a, na), ring(b, nb)
	for k := range uint32(sides) {
		j := (k + 1) % uint32(sides)
		if a.r > 0 {
			s.m.triangle(fa+k, fa+j, fb+j)
		}
		if b.r > 0 {
			s.m.triangle(fa+k, fb+j, fb+k)
		}
	}
}

// box appends a closed box between two corners.
func (s *sculptor) box(x0, y0, z0, x1, y1, z1 float64) {
	p := func(i int) vec {
		pick := func(bit int, a, b float64) float64 {
			if i&bit != 0 {
				return b
			}
			return a
		}
		return vec{pick(1, x0, x1), pick(2, y0, y1), pick(4, z0, z1)}
	}
	for _, f := range [...][4]int{{0, 2, 3, 1}, {4, 5, 7, 6}, {0, 1, 5, 4}, {1, 3, 7, 5}, {3, 2, 6, 7}, {2, 0, 4, 6}} {
		s.m.face(p(f[0]), p(f[1]), p(f[2]), p(f[3]))
	}
}

// tube appends a closed round bar along a polyline.
func (s *sculptor) tube(diameter float64, xyz ...float64) {
	s.loft.Caps, s.loft.Sides = true, max(s.sides/4*2, 4)
	s.loft.BendStep = 22.5 * float64(s.lod+1)
	s.loft.Loft(s.m, xyz, Section{Width: diameter})
}

// blob appends a closed faceted body about at with half axes r, slightly
// irregular so that it looks grown; seed varies it.
func (s *sculptor) blob(at, r vec, sides, rows int, seed float64) {
	place := func(row, k int) vec {
		sr, cr := math.Sincos(-math.Pi/2 + math.Pi*float64(row)/float64(rows))
		if row == 0 || row == rows {
			return at.add(vec{0, 0, r[2] * sr})
		}
		sk, ck := math.Sincos(2*math.Pi*(float64(k)+0.5*float64(row))/float64(sides) + seed)
		wobble := 1 + 0.08*math.Sin(3.1*float64(k%sides)+5.7*float64(row)+9*seed)
		return at.add(vec{r[0] * cr * ck * wobble, r[1] * cr * sk * wobble, r[2] * sr})
	}
	for row := range rows {
		for k := range sides {
			a, b := place(row, k), place(row, k+1)
			c, d := place(row+1, k), place(row+1, k+1) // each half a side on
			if row > 0 {
				s.m.face(a, b, c)
			}
			if row+1 < rows {
				s.m.face(c, b, d)
			}
		}
	}
}
