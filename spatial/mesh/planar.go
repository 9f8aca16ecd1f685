package mesh

import "math"

// Planar triangulates flat surfaces with holes that stand anywhere in space.
// The zero value is ready.
type Planar struct {
	Triangulator
	xy []float64
}

// Triangulate appends triangles to dst: three vertex numbers each, counter-
// clockwise about the normal, which the order of the shell gives (Newell's
// method, so corners slightly off the plane do no harm). xyz holds three
// ordinates a vertex, in metres; ends the exclusive end, in vertices, of each
// ring, shell first. The deviation is that of Triangulator, in the projection
// along the axis nearest to the normal. A surface without area gives nothing.
func (p *Planar) Triangulate(dst []uint32, xyz []float64, ends []int32) (triangles []uint32, unitNormal [3]float64, deviation float64) {
	if len(ends) == 0 || ends[0] < 3 || int(ends[len(ends)-1]) > len(xyz)/3 {
		return dst, unitNormal, 1
	}
	n := ringNormal(xyz[:3*ends[0]])
	if n == (vec{}) {
		return dst, unitNormal, 1
	}
	u, v := planeAxes(n)
	p.xy = p.xy[:0]
	for i := 0; i+2 < len(xyz); i += 3 {
		p.xy = append(p.xy, xyz[i+u], xyz[i+v])
	}
	triangles, deviation = p.Triangulator.Triangulate(dst, p.xy, ends)
	return triangles, n, deviation
}

// planeAxes drops the axis nearest to the normal, such that what turns left
// about the normal turns left in (u, v).
func planeAxes(n vec) (u, v int) {
	drop := 0
	for k := 1; k < 3; k++ {
		if math.Abs(n[k]) > math.Abs(n[drop]) {
			drop = k
		}
	}
	u, v = (drop+1)%3, (drop+2)%3
	if n[drop] < 0 {
		u, v = v, u
	}
	return u, v
}

// ringNormal is Newell's normal of a ring, relative to its first vertex.
func ringNormal(xyz []float64) vec {
	if len(xyz) < 9 || !finite(xyz) {
		return vec{}
	}
	var n vec
	o := vec(xyz[:3])
	prev := vec(xyz[len(xyz)-3:]).sub(o)
	for i := 0; i+2 < len(xyz); i += 3 {
		p := vec(xyz[i : i+3]).sub(o)
		n = n.add(prev.cross(p))
		prev = p
	}
	return n.unit()
}

// Surface appends a flat surface with holes to a mesh, with its own vertices
// and the normal of its shell, and returns the deviation.
func (p *Planar) Surface(m *Mesh, xyz []float64, ends []int32) (deviation float64) {
	first := uint32(m.Vertices())
	from := len(m.Indices)
	var n [3]float64
	m.Indices, n, deviation = p.Triangulate(m.Indices, xyz, ends)
	if len(m.Indices) == from {
		return deviation
	}
	for i := from; i < len(m.Indices); i++ {
		m.Indices[i] += first
	}
	packed := packNormal(n)
	for i := 0; i+2 < 3*int(ends[len(ends)-1]); i += 3 {
		m.add(xyz[i], xyz[i+1], xyz[i+2], packed)
	}
	return deviation
}
