package mesh

// clean copies the rings without repeated and needless vertices, the shell
// counter-clockwise and the holes clockwise; false when nothing remains.
func (e *Extruder) clean(s *Solid, from, end int32) bool {
	e.xy, e.ends = e.xy[:0], e.ends[:0]
	start := int32(0)
	if from > 0 {
		start = s.Ends[from-1]
	}
	for k := from; k < end; k++ {
		ring := s.XY[2*start : 2*s.Ends[k]]
		start = s.Ends[k]
		ok := e.cleanRing(ring, k == from)
		if !ok && k == from {
			return false
		}
	}
	return len(e.ends) > 0
}

func (e *Extruder) cleanRing(ring []float64, shell bool) bool {
	first := len(e.xy)
	reverse := (ringArea(ring) > 0) != shell
	n := len(ring) / 2
	for i := range n {
		k := i
		if reverse {
			k = n - 1 - i
		}
		e.push(first, ring[2*k], ring[2*k+1])
	}
	// the seam: the last vertices against the first
	for len(e.xy)-first >= 6 && e.needless(len(e.xy)-4, len(e.xy)-2, first) {
		e.xy = e.xy[:len(e.xy)-2]
	}
	for len(e.xy)-first >= 6 && e.needless(len(e.xy)-2, first, first+2) {
		copy(e.xy[first:], e.xy[first+2:])
		e.xy = e.xy[:len(e.xy)-2]
	}
	if e.Tolerance > 0 {
		e.simplify(first)
	}
	if len(e.xy)-first < 6 {
		e.xy = e.xy[:first]
		return false
	}
	e.ends = append(e.ends, int32(len(e.xy)/2))
	return true
}

// push appends a vertex and drops the one before it when that is needless.
func (e *Extruder) push(first int, x, y float64) {
	e.xy = append(e.xy, x, y)
	for n := len(e.xy); n-first >= 4; n = len(e.xy) {
		switch {
		case e.xy[n-4] == e.xy[n-2] && e.xy[n-3] == e.xy[n-1]:
			e.xy = e.xy[:n-2]
			return
		case n-first >= 6 && e.needless(n-6, n-4, n-2):
			e.xy[n-4], e.xy[n-3] = e.xy[n-2], e.xy[n-1]
			e.xy = e.xy[:n-2]
		default:
			return
		}
	}
}

// needless tells whether the vertex at b (an index of e.xy) can go: it repeats
// a neighbour, is the tip of a spike, or lies on the line of its neighbours.
func (e *Extruder) needless(a, b, c int) bool {
	ux, uy := e.xy[b]-e.xy[a], e.xy[b+1]-e.xy[a+1]
	vx, vy := e.xy[c]-e.xy[b], e.xy[c+1]-e.xy[b+1]
	return ux*vy-uy*vx == 0
}

// window bounds the vertices that one straight wall may replace.
const window = 64

// simplify drops vertices of the last ring, from first on, that lie within the
// tolerance of the wall that replaces them; of a ring that is all within the
// tolerance of a line no three remain.
func (e *Extruder) simplify(first int) {
	ring := e.xy[first:]
	n := len(ring) / 2
	if n < 3 {
		return
	}
	e.rotate(ring)
	e.kept = append(e.kept[:0], 0)
	for a := 0; a < n; {
		b := a + 1
		for b < n && b-a < window && e.straight(ring, a, b+1) {
			b++
		}
		if b < n {
			e.kept = append(e.kept, int32(b))
		}
		a = b
	}
	for k, i := range e.kept {
		ring[2*k], ring[2*k+1] = ring[2*i], ring[2*i+1]
	}
	e.xy = e.xy[:first+2*len(e.kept)]
}

// rotate makes the vertex farthest from the first one the first: it is a corner
// that a simplified ring keeps, the end of a sliver for one.
func (e *Extruder) rotate(ring []float64) {
	far, best := 0, 0.0
	for i := 2; i < len(ring); i += 2 {
		dx, dy := ring[i]-ring[0], ring[i+1]-ring[1]
		if d := dx*dx + dy*dy; d > best {
			far, best = i, d
		}
	}
	e.turned = append(append(e.turned[:0], ring[far:]...), ring[:far]...)
	copy(ring, e.turned)
}

// straight tells whether all vertices between a and c lie within the tolerance
// of the segment between these; c may be the ring's first vertex again.
func (e *Extruder) straight(ring []float64, a, c int) bool {
	ax, ay := ring[2*a], ring[2*a+1]
	dx, dy := ring[2*c%len(ring)]-ax, ring[(2*c+1)%len(ring)]-ay
	length := dx*dx + dy*dy
	for i := a + 1; i < c; i++ {
		px, py := ring[2*i]-ax, ring[2*i+1]-ay
		t := px*dx + py*dy
		if t < 0 || t > length {
			return false
		}
		if cross := px*dy - py*dx; cross*cross > e.Tolerance*e.Tolerance*length {
			return false
		}
	}
	return true
}
