package mesh

import "math"

// Lofter draws tubes along polylines. The zero value draws eight sides, open
// ends and bends of 1.5 diameters in steps of at most 22.5°.
type Lofter struct {
	// Sides of a round section, an even number; 0 means 8. See Sides.
	Sides int
	// BendRadius is the radius of a bend's axis in widths of the section; 0
	// means 1.5. It shrinks where the segments are too short for it.
	BendRadius float64
	// BendStep is the largest turn between two rings of a bend, degrees; 0
	// means 22.5.
	BendStep float64
	// Caps closes the ends.
	Caps bool

	path     []vec
	stations []station
	outline  []outlinePoint
}

// station is a ring of the tube.
type station struct {
	at      vec
	tangent vec
	stretch vec     // direction in which a mitred ring is stretched
	by      float64 // and by how much beyond 1
	cut     bool    // the tube ends before this station and begins anew here
}

// outlinePoint is a corner of the section: its place and its normal in the
// directions side and up.
type outlinePoint struct{ x, y, nx, ny float64 }

// Loft appends a tube to a mesh: xyz holds three ordinates a vertex, in metres,
// of the section's axis. The section keeps its upper side up: a round one of an
// even number of sides has a vertex exactly at its top and bottom. With Caps
// the tube is closed. Where the line turns back on itself the tube ends and
// begins anew.
func (l *Lofter) Loft(m *Mesh, xyz []float64, s Section) Fault {
	var fault Fault
	l.path, fault = cleanPath(l.path[:0], xyz, s)
	if fault != OK {
		return fault
	}
	l.trace(s)
	l.shape(s, m.Columns&WithNormals != 0)
	l.sweep(m, s)
	return OK
}

// trace turns the path into stations.
func (l *Lofter) trace(s Section) {
	l.stations = l.stations[:0]
	n := len(l.path)
	direction := l.path[1].sub(l.path[0]).unit()
	l.stations = append(l.stations, station{at: l.path[0], tangent: direction})
	for i := 1; i+1 < n; i++ {
		next := l.path[i+1].sub(l.path[i]).unit()
		l.corner(i, direction, next, s)
		direction = next
	}
	l.stations = append(l.stations, station{at: l.path[n-1], tangent: direction})
}

const (
	straightCos = 0.99999 // a turn of a quarter of a degree needs no ring
	turnBackCos = -0.9    // beyond about 154° a tube cannot bend
)

// corner appends the stations of the bend at vertex i.
func (l *Lofter) corner(i int, in, out vec, s Section) {
	p := l.path[i]
	cos := in.dot(out)
	switch {
	case cos > straightCos:
		return
	case cos < turnBackCos:
		l.turnBack(p, in, out)
		return
	}
	angle := math.Acos(max(-1, min(1, cos)))
	room := min(p.sub(l.path[i-1]).norm(), l.path[i+1].sub(p).norm()) * 0.499
	radius := l.bendRadius() * s.Width
	tan := math.Tan(angle / 2)
	radius = min(radius, room/tan)
	if radius < 0.55*max(s.Width, s.height()) { // the inner side would fold
		l.mitre(p, in, out, angle)
		return
	}
	l.arc(p, in, out, angle, radius)
}

func (l *Lofter) bendRadius() float64 {
	if l.BendRadius > 0 {
		return l.BendRadius
	}
	return 1.5
}

// arc appends the stations of a bend of the radius about the corner p.
func (l *Lofter) arc(p, in, out vec, angle, radius float64) {
	step := l.BendStep
	if step <= 0 {
		step = 22.5
	}
	steps := max(int(math.Ceil(angle*180/math.Pi/step-1e-9)), 1)
	back := radius * math.Tan(angle/2)
	begin := p.sub(in.mul(back))
	inward := out.sub(in.mul(in.dot(out))).unit() // in the bend's plane, across in
	for k := 0; k <= steps; k++ {
		sin, cos := math.Sincos(angle * float64(k) / float64(steps))
		l.stations = append(l.stations, station{
			at:      begin.add(in.mul(radius * sin)).add(inward.mul(radius * (1 - cos))),
			tangent: in.mul(cos).add(inward.mul(sin)),
		})
	}
}

// mitre appends one ring in the plane that halves the corner, or cuts the tube
// when the mitre would be a spike.
func (l *Lofter) mitre(p, in, out vec, angle float64) {
	if angle > 2 { // 115°
		l.turnBack(p, in, out)
		return
	}
	l.stations = append(l.stations, station{
		at: p, tangent: in.add(out).unit(),
		stretch: out.sub(in).unit(), by: 1/math.Cos(angle/2) - 1,
	})
}

func (l *Lofter) turnBack(p, in, out vec) {
	l.stations = append(l.stations, station{at: p, tangent: in}, station{at: p, tangent: out, cut: true})
}

// shape makes the outline of the section, counter-clockwise as seen along the
// tangent (x = side, to the right; y = up).
func (l *Lofter) shape(s Section, normals bool) {
	l.outline = l.outline[:0]
	if s.Kind == Rectangular {
		l.rectangle(s.Width/2, s.Height/2, normals)
		return
	}
	n := max(l.Sides, 3)
	if l.Sides == 0 {
		n = 8
	}
	r := s.Width / 2
	for k := range n {
		sin, cos := math.Sincos(math.Pi/2 + 2*math.Pi*float64(k)/float64(n))
		l.outline = append(l.outline, outlinePoint{r * cos, r * sin, cos, sin})
	}
}

// rectangle makes the four corners, each once for either side's normal.
func (l *Lofter) rectangle(w, h float64, normals bool) {
	corners := [4][2]float64{{w, -h}, {w, h}, {-w, h}, {-w, -h}}
	sides := [4][2]float64{{1, 0}, {0, 1}, {-1, 0}, {0, -1}}
	for k, c := range corners {
		if !normals {
			l.outline = append(l.outline, outlinePoint{c[0], c[1], 0, 0})
			continue
		}
		d := corners[(k+1)%4]
		n := sides[k]
		l.outline = append(l.outline, outlinePoint{c[0], c[1], n[0], n[1]}, outlinePoint{d[0], d[1], n[0], n[1]})
	}
}

// sweep draws the outline at each station and joins the rings.
func (l *Lofter) sweep(m *Mesh, s Section) {
	flat := s.Kind == Rectangular && m.Columns&WithNormals != 0
	f := level(l.stations[0].tangent)
	period := math.Pi
	if s.Kind == Round {
		period = 2 * math.Pi / float64(len(l.outline))
	}
	var before uint32
	for i := range l.stations {
		st := &l.stations[i]
		switch {
		case i == 0 || st.cut:
			if i > 0 && l.Caps {
				l.cap(m, &l.stations[i-1], f, false)
			}
			f = level(st.tangent)
			if l.Caps {
				l.cap(m, st, f, true)
			}
			before = l.ringAt(m, st, f)
		default:
			f = f.carried(st.tangent, period)
			ring := l.ringAt(m, st, f)
			l.join(m, before, ring, flat)
			before = ring
		}
	}
	if l.Caps {
		l.cap(m, &l.stations[len(l.stations)-1], f, false)
	}
}

// carried moves a frame to a new tangent with the least turn, then rolls it
// towards the level frame by less than half the section's period of symmetry.
func (f frame) carried(tangent vec, period float64) frame {
	c := frame{tangent: tangent}
	axis := f.tangent.cross(tangent)
	sin, cos := axis.norm(), f.tangent.dot(tangent)
	if sin < 1e-9 {
		c.side, c.up = f.side, f.up
	} else {
		axis = axis.unit()
		c.side, c.up = f.side.rotated(axis, sin, cos), f.up.rotated(axis, sin, cos)
	}
	if math.Abs(tangent[2]) > 0.999 {
		return c
	}
	want := level(tangent)
	roll := math.Atan2(want.up.dot(c.side), want.up.dot(c.up))
	roll -= period * math.Round(roll/period)
	rs, rc := math.Sincos(roll)
	return frame{tangent, c.side.mul(rc).sub(c.up.mul(rs)), c.up.mul(rc).add(c.side.mul(rs))}
}

// rotated turns a vector about a unit axis.
func (a vec) rotated(axis vec, sin, cos float64) vec {
	return a.mul(cos).add(axis.cross(a).mul(sin)).add(axis.mul(axis.dot(a) * (1 - cos)))
}

// place is where a point of the outline lies at a station.
func (st *station) place(o outlinePoint, f frame) vec {
	d := f.side.mul(o.x).add(f.up.mul(o.y))
	if st.by != 0 {
		d = d.add(st.stretch.mul(st.stretch.dot(d) * st.by))
	}
	return st.at.add(d)
}

func (l *Lofter) ringAt(m *Mesh, st *station, f frame) uint32 {
	first := uint32(m.Vertices())
	for _, o := range l.outline {
		m.vertex(st.place(o, f), packNormal(f.side.mul(o.nx).add(f.up.mul(o.ny))))
	}
	return first
}

// join appends the faces between two rings; flat rings hold two vertices a
// side, others share theirs.
func (l *Lofter) join(m *Mesh, a, b uint32, flat bool) {
	n := uint32(len(l.outline))
	step := uint32(1)
	if flat {
		step = 2
	}
	for k := uint32(0); k < n; k += step {
		j := (k + 1) % n
		m.quad(a+k, b+k, b+j, a+j)
	}
}

// cap closes the tube at a station: at its start or its end.
func (l *Lofter) cap(m *Mesh, st *station, f frame, start bool) {
	n := packNormal(st.tangent)
	if start {
		n = packNormal(st.tangent.mul(-1))
	}
	first := uint32(m.Vertices())
	count := uint32(0)
	for i, o := range l.outline {
		if i > 0 && o.x == l.outline[i-1].x && o.y == l.outline[i-1].y || i > 0 && i+1 == len(l.outline) && o.x == l.outline[0].x && o.y == l.outline[0].y {
			continue // the second of a corner's two
		}
		m.vertex(st.place(o, f), n)
		count++
	}
	for k := uint32(2); k < count; k++ {
		if start {
			m.triangle(first, first+k-1, first+k)
		} else {
			m.triangle(first, first+k, first+k-1)
		}
	}
}
