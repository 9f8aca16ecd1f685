package mesh

import "math"

// UnitCylinder appends a closed cylinder of diameter 1 about the y axis from
// y = 0 to 1, the model of Tubes.Cylinders. It wants at least 3 sides.
func UnitCylinder(m *Mesh, sides int) {
	l := Lofter{Sides: sides, Caps: true}
	l.Loft(m, []float64{0, 0, 0, 0, 1, 0}, Section{Width: 1})
}

// UnitBox appends a closed box of width 1 (x) and height 1 (z) about the y axis
// from y = 0 to 1, the model of Tubes.Boxes.
func UnitBox(m *Mesh) {
	l := Lofter{Caps: true}
	l.Loft(m, []float64{0, 0, 0, 0, 1, 0}, Section{Kind: Rectangular, Width: 1, Height: 1})
}

// UnitSphere appends a sphere of diameter 1 about the origin, the model of
// Tubes.Spheres, with so many sides around and half as many from pole to pole.
func UnitSphere(m *Mesh, sides int) {
	ellipsoid(m, vec{}, vec{0.5, 0.5, 0.5}, max(sides, 3), max(sides/2, 2))
}

// ellipsoid appends a closed ellipsoid of half axes r; rows from pole to pole.
func ellipsoid(m *Mesh, at, r vec, sides, rows int) {
	pole := func(z float64) uint32 { return m.vertex(at.add(vec{0, 0, z * r[2]}), packNormal(vec{0, 0, z})) }
	bottom := pole(-1)
	first := uint32(m.Vertices())
	for row := 1; row < rows; row++ {
		sr, cr := math.Sincos(-math.Pi/2 + math.Pi*float64(row)/float64(rows))
		for k := range sides {
			s, c := math.Sincos(2 * math.Pi * float64(k) / float64(sides))
			d := vec{cr * c, cr * s, sr}
			n := vec{d[0] / r[0], d[1] / r[1], d[2] / r[2]}.unit()
			m.vertex(at.add(vec{d[0] * r[0], d[1] * r[1], d[2] * r[2]}), packNormal(n))
		}
	}
	top := pole(1)
	n := uint32(sides)
	for k := range n {
		j := (k + 1) % n
		m.triangle(bottom, first+j, first+k)
		for row := range uint32(rows - 2) {
			a := first + row*n
			m.quad(a+k, a+j, a+n+j, a+n+k)
		}
		last := first + uint32(rows-2)*n
		m.triangle(last+k, last+j, top)
	}
}
