package quantizedmesh

// mesher triangulates one tile at a time and keeps its memory.
type mesher struct {
	heights [rows * rows]float32 // metres, of the tile in the middle and its neighbours, southern row first
	errors  [rows * rows]float32

	index     [rows * rows]int32 // of a vertex plus 1
	vertices  []int32            // places in heights, in the order of their first use
	triangles []int32            // numbers of vertices, three a triangle, counter-clockwise seen from above
}

// corner is the place in heights of a point of the tile in the middle.
func corner(i, j int) int32 { return int32((side+j)*rows + side + i) }

// measure computes how far the surface may move when a point is left out with
// all that depends on it: its height above the middle of the edge that it splits,
// plus the greatest of the points that split the halves.
func (m *mesher) measure() {
	for s := 2; s <= side; s *= 2 {
		h := s / 2
		for y := 0; y <= span; y += s { // edges to the east
			for x := h; x < span; x += s {
				m.edge(x, y, h, 0)
			}
		}
		for y := h; y < span; y += s { // and to the north
			for x := 0; x <= span; x += s {
				m.edge(x, y, 0, h)
			}
		}
		for y := h; y < span; y += s {
			for x := h; x < span; x += s {
				m.middle(x, y, h)
			}
		}
	}
}

// edge measures the middle of an edge that reaches (dx, dy) to both sides.
func (m *mesher) edge(x, y, dx, dy int) {
	p := y*rows + x
	most := float32(0)
	if q := (dx + dy) / 2; q > 0 {
		for _, d := range [4][2]int{{-q, -q}, {q, -q}, {-q, q}, {q, q}} {
			if cx, cy := x+d[0], y+d[1]; cx >= 0 && cy >= 0 && cx <= span && cy <= span {
				most = max(most, m.errors[cy*rows+cx])
			}
		}
	}
	m.errors[p] = most + m.lift(p, dy*rows+dx)
}

// middle measures the middle of a square of twice h; the diagonal that it splits
// begins at the middle of the square of twice the size.
func (m *mesher) middle(x, y, h int) {
	p := y*rows + x
	most := max(m.errors[p-h], m.errors[p+h], m.errors[p-h*rows], m.errors[p+h*rows])
	diagonal := h*rows + h
	if ((x-h)/(2*h)+(y-h)/(2*h))&1 == 1 {
		diagonal = h*rows - h
	}
	m.errors[p] = most + m.lift(p, diagonal)
}

// lift is how far a point lies off the middle between those d before and behind.
func (m *mesher) lift(p, d int) float32 {
	v := m.heights[p] - (m.heights[p-d]+m.heights[p+d])/2
	return max(v, -v)
}

// triangulate makes the mesh of the tile in the middle.
func (m *mesher) triangulate(bound float32) {
	m.measure()
	for _, p := range m.vertices {
		m.index[p] = 0
	}
	m.vertices, m.triangles = m.vertices[:0], m.triangles[:0]
	c := corner(side/2, side/2)
	sw, se, ne, nw := corner(0, 0), corner(side, 0), corner(side, side), corner(0, side)
	m.split(sw, se, c, side/2, bound)
	m.split(se, ne, c, side/2, bound)
	m.split(ne, nw, c, side/2, bound)
	m.split(nw, sw, c, side/2, bound)
}

// split divides the triangle with the longest side a–b and the right angle at c
// as long as the middle of a–b matters. reach is the greater of the differences of
// column and row from a to that middle.
func (m *mesher) split(a, b, c int32, reach int, bound float32) {
	mid := (a + b) / 2
	if reach == 0 || !(m.errors[mid] > bound) {
		m.triangles = append(m.triangles, m.vertex(a), m.vertex(b), m.vertex(c))
		return
	}
	// Every second division halves the sides along the axes.
	next := reach
	if along := b - a; along%rows == 0 || along > -rows && along < rows {
		next = reach / 2
	}
	m.split(c, a, mid, next, bound)
	m.split(b, c, mid, next, bound)
}

func (m *mesher) vertex(p int32) int32 {
	if m.index[p] == 0 {
		m.vertices = append(m.vertices, p)
		m.index[p] = int32(len(m.vertices))
	}
	return m.index[p] - 1
}
