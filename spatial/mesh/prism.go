package mesh

import "math"

// prism appends roof, walls and floor of the cleaned, triangulated part.
func (e *Extruder) prism(to Sinks, base, top float64) {
	roofFirst, floorFirst := uint32(0), uint32(0)
	if to.Roof != nil {
		roofFirst = e.lid(to.Roof, top, up)
		for _, i := range e.cuts {
			to.Roof.Indices = append(to.Roof.Indices, roofFirst+i)
		}
	}
	if to.Floor != nil {
		floorFirst = e.lid(to.Floor, base, down)
		for i := 0; i+2 < len(e.cuts); i += 3 {
			to.Floor.triangle(floorFirst+e.cuts[i], floorFirst+e.cuts[i+2], floorFirst+e.cuts[i+1])
		}
	}
	m := to.Wall
	switch {
	case m == nil:
	case m.Columns&WithNormals != 0:
		e.eachRing(func(from, end int32) { e.walls(m, e.xy[2*from:2*end], base, top) })
	default:
		if to.Roof != m {
			roofFirst = e.lid(m, top, up)
		}
		if to.Floor != m {
			floorFirst = e.lid(m, base, down)
		}
		e.eachRing(func(from, end int32) { sharedWalls(m, floorFirst, roofFirst, uint32(from), uint32(end)) })
	}
}

func (e *Extruder) eachRing(do func(from, end int32)) {
	from := int32(0)
	for _, end := range e.ends {
		do(from, end)
		from = end
	}
}

// lid appends the vertices of all rings at a height and returns the first.
func (e *Extruder) lid(m *Mesh, z float64, n normal) uint32 {
	first := uint32(m.Vertices())
	for i := 0; i+1 < len(e.xy); i += 2 {
		m.add(e.xy[i], e.xy[i+1], z, n)
	}
	return first
}

// sharedWalls links the vertices of two lids.
func sharedWalls(m *Mesh, base, top, from, end uint32) {
	for i, j := end-1, from; j < end; i, j = j, j+1 {
		m.quad(base+i, base+j, top+j, top+i)
	}
}

// direction is the outward unit normal of the wall from a to b.
type direction struct{ x, y float64 }

func outward(ring []float64, i int) direction {
	j := (2*i + 2) % len(ring)
	dx, dy := ring[j]-ring[2*i], ring[j+1]-ring[2*i+1]
	l := math.Hypot(dx, dy)
	return direction{dy / l, -dx / l}
}

func (d direction) pack() normal { return packNormal(vec{d.x, d.y, 0}) }

// between is the normal of a smooth corner.
func (d direction) between(o direction) normal {
	return packNormal(vec{d.x + o.x, d.y + o.y, 0}.unit())
}

// walls appends the walls of one ring with a normal for each, and shared
// vertices where the corner is smooth.
func (e *Extruder) walls(m *Mesh, ring []float64, base, top float64) {
	n := len(ring) / 2
	corner := func(i int, nn normal) uint32 {
		m.add(ring[2*i], ring[2*i+1], base, nn)
		return m.add(ring[2*i], ring[2*i+1], top, nn)
	}
	last := outward(ring, n-1)
	here := outward(ring, 0)
	closing := e.smooth(last, here)
	nn := here.pack()
	if closing {
		nn = last.between(here)
	}
	first := corner(0, nn)
	start := first
	for i := range n {
		j := (i + 1) % n
		next := outward(ring, j)
		smooth := e.smooth(here, next)
		var end uint32
		switch {
		case j == 0 && closing:
			end = first
		case smooth:
			end = corner(j, here.between(next))
		default:
			end = corner(j, here.pack())
		}
		m.quad(start-1, end-1, end, start)
		start = end
		if !smooth && j != 0 {
			start = corner(j, next.pack())
		}
		here = next
	}
}

func (e *Extruder) smooth(a, b direction) bool {
	return e.CreaseCos > 0 && a.x*b.x+a.y*b.y > e.CreaseCos
}
