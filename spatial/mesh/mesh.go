package mesh

import "math"

// Columns says which optional columns a Mesh has besides positions.
type Columns uint8

// The optional columns.
const (
	WithNormals  Columns = 1 << iota // one normal a vertex; without, vertices are shared between faces
	WithColors                       // the pen's colour at each vertex
	WithFeatures                     // the pen's feature at each vertex
)

// Color is red, green, blue and opacity in sRGB with straight alpha, 0…255.
type Color [4]uint8

// Pen is what each vertex takes along when it is added.
type Pen struct {
	Feature uint32 // row of the feature in the content's table
	Color   Color
}

// Mesh is an indexed triangle mesh in flat columns. Set Columns before the
// first vertex and Pen before each feature.
type Mesh struct {
	Columns Columns
	Pen     Pen

	Positions []float32 // 3 a vertex: metres, x east, y north, z up
	Normals   []int8    // 3 a vertex: unit vector × 127, with WithNormals
	Colors    []uint8   // 4 a vertex: sRGB and opacity, with WithColors
	Features  []uint32  // 1 a vertex, with WithFeatures
	Indices   []uint32  // 3 a triangle, counter-clockwise from outside
}

// Reset empties the mesh and keeps its memory and its Columns.
func (m *Mesh) Reset() {
	m.Positions, m.Normals, m.Colors = m.Positions[:0], m.Normals[:0], m.Colors[:0]
	m.Features, m.Indices = m.Features[:0], m.Indices[:0]
}

// Vertices is the number of vertices.
func (m *Mesh) Vertices() int { return len(m.Positions) / 3 }

// Triangles is the number of triangles.
func (m *Mesh) Triangles() int { return len(m.Indices) / 3 }

// Bounds is the box of all positions, in metres; ok is false when there are none.
func (m *Mesh) Bounds() (lo, hi [3]float32, ok bool) {
	p := m.Positions
	if len(p) < 3 {
		return lo, hi, false
	}
	lo, hi = [3]float32{p[0], p[1], p[2]}, [3]float32{p[0], p[1], p[2]}
	for i := 3; i+2 < len(p); i += 3 {
		for k := range 3 {
			lo[k], hi[k] = min(lo[k], p[i+k]), max(hi[k], p[i+k])
		}
	}
	return lo, hi, true
}

// vec is a position or direction in the local frame, metres.
type vec [3]float64

func (a vec) add(b vec) vec             { return vec{a[0] + b[0], a[1] + b[1], a[2] + b[2]} }
func (a vec) sub(b vec) vec             { return vec{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }
func (a vec) mul(s float64) vec         { return vec{a[0] * s, a[1] * s, a[2] * s} }
func (a vec) dot(b vec) float64         { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }
func (a vec) norm() float64             { return math.Sqrt(a.dot(a)) }
func (a vec) lerp(b vec, t float64) vec { return a.add(b.sub(a).mul(t)) }

func (a vec) cross(b vec) vec {
	return vec{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

// unit is a with length 1, or the zero vector if a has no direction.
func (a vec) unit() vec {
	n := a.norm()
	if !(n > 0) || math.IsInf(n, 0) {
		return vec{}
	}
	return a.mul(1 / n)
}

// normal is a direction as the Normals column holds it.
type normal [3]int8

func packNormal(v vec) normal {
	return normal{roundNormal(v[0]), roundNormal(v[1]), roundNormal(v[2])}
}

func roundNormal(v float64) int8 {
	if v < 0 {
		return int8(v*127 - 0.5)
	}
	return int8(v*127 + 0.5)
}

var up, down = normal{0, 0, 127}, normal{0, 0, -127}

// add appends a vertex and returns its index.
func (m *Mesh) add(x, y, z float64, n normal) uint32 {
	i := uint32(len(m.Positions) / 3)
	m.Positions = append(m.Positions, float32(x), float32(y), float32(z))
	if m.Columns&WithNormals != 0 {
		m.Normals = append(m.Normals, n[0], n[1], n[2])
	}
	if m.Columns&WithColors != 0 {
		c := m.Pen.Color
		m.Colors = append(m.Colors, c[0], c[1], c[2], c[3])
	}
	if m.Columns&WithFeatures != 0 {
		m.Features = append(m.Features, m.Pen.Feature)
	}
	return i
}

func (m *Mesh) vertex(p vec, n normal) uint32 { return m.add(p[0], p[1], p[2], n) }

func (m *Mesh) triangle(a, b, c uint32) { m.Indices = append(m.Indices, a, b, c) }

// quad appends two triangles over four corners in order.
func (m *Mesh) quad(a, b, c, d uint32) { m.Indices = append(m.Indices, a, b, c, a, c, d) }

// face appends a convex flat face of its own vertices.
func (m *Mesh) face(corners ...vec) {
	n := packNormal(newell(corners))
	first := m.vertex(corners[0], n)
	for _, c := range corners[1:] {
		m.vertex(c, n)
	}
	for k := uint32(2); k < uint32(len(corners)); k++ {
		m.triangle(first, first+k-1, first+k)
	}
}

// newell is the unit normal of a closed polygon, robust for collinear corners
// and corners that are slightly off the plane.
func newell(p []vec) vec {
	var n vec
	for i, a := range p {
		b := p[(i+1)%len(p)]
		n[0] += (a[1] - b[1]) * (a[2] + b[2])
		n[1] += (a[2] - b[2]) * (a[0] + b[0])
		n[2] += (a[0] - b[0]) * (a[1] + b[1])
	}
	return n.unit()
}
