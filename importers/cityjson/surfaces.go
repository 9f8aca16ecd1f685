package cityjson

import (
	"math"
	"slices"

	"twind/importers"
	"twind/layers"
	"twind/spatial"
)

// minKept is the level of detail from which a body's faces are kept; one below says
// no more than a footprint and a height.
const minKept = 2

// faceFaults counts what is wrong with the faces of one body.
type faceFaults struct {
	empty  int  // left out: without area, or fewer than three corners
	turned bool // the shell was inside out
}

// surfaces are the faces of a body in its own coordinate system; none where the
// level of detail is below 2. Rings are closed, corners that repeat the one before
// are left out, and shells of solids that are inside out are turned.
func (b *body) surfaces() (*importers.Surfaces, faceFaults) {
	var faults faceFaults
	out := &importers.Surfaces{}
	if b.dim != 2 || !(b.rank >= minKept) {
		return out, faults
	}
	g := &out.Geometry
	g.Type = spatial.MultiPolygon
	scale := b.metres()
	solid := 0
	for i := range b.faces {
		for solid < len(b.solids) && int(b.solids[solid].to) <= i {
			solid++
		}
		turn := solid < len(b.solids) && int(b.solids[solid].from) <= i && b.insideOut(solid, scale)
		faults.turned = faults.turned || turn
		n, ok := b.addFace(g, i, turn, scale)
		if !ok {
			faults.empty++
			continue
		}
		class := b.classes[i]
		if class == 0 {
			class = classOf(n)
		}
		out.Classes = append(out.Classes, class)
	}
	if len(out.Classes) == 0 {
		return &importers.Surfaces{}, faults
	}
	return out, faults
}

// metres is the length of a unit of x and y, roughly where the body's coordinates
// are degrees.
func (b *body) metres() [3]float64 {
	m := metresOf(b.box())
	return [3]float64{m[0], m[1], 1}
}

// span is a range of faces.
type span struct{ from, to int32 }

// insideOut tells whether the shell of a solid encloses less than nothing, which it
// does when its faces are seen from inside. It is reckoned once.
func (b *body) insideOut(solid int, scale [3]float64) bool {
	if len(b.volumes) > solid {
		return b.volumes[solid] < 0
	}
	for k := len(b.volumes); k <= solid; k++ {
		v := 0.0
		for i := b.solids[k].from; i < b.solids[k].to; i++ {
			b.eachRing(int(i), func(lo, hi int32, _ bool) { v += b.cone(lo, hi, scale) })
		}
		b.volumes = append(b.volumes, v)
	}
	return b.volumes[solid] < 0
}

// cone is the volume between a ring and the body's first corner.
func (b *body) cone(lo, hi int32, scale [3]float64) (v float64) {
	at := func(i int32) [3]float64 {
		return [3]float64{(b.xyz[3*i] - b.xyz[0]) * scale[0], (b.xyz[3*i+1] - b.xyz[1]) * scale[1], b.xyz[3*i+2] - b.xyz[2]}
	}
	for k := lo + 1; k+1 < hi; k++ {
		p, q, r := at(lo), at(k), at(k+1)
		v += p[0]*(q[1]*r[2]-q[2]*r[1]) + p[1]*(q[2]*r[0]-q[0]*r[2]) + p[2]*(q[0]*r[1]-q[1]*r[0])
	}
	return v / 6
}

// addFace appends a face to a MultiPolygon and returns its normal; false when it has
// no area.
func (b *body) addFace(g *spatial.Geometry, face int, turn bool, scale [3]float64) (normal [3]float64, ok bool) {
	xy, z, ends := len(g.XY), len(g.Z), len(g.Ends)
	shell := true
	b.eachRing(face, func(lo, hi int32, hole bool) {
		if hole && !ok {
			return
		}
		n, drawn := b.addRing(g, lo, hi, turn, scale)
		if shell {
			normal, ok, shell = n, drawn, false
		}
	})
	if !ok {
		g.XY, g.Z, g.Ends = g.XY[:xy], g.Z[:z], g.Ends[:ends]
		return normal, false
	}
	g.Parts = append(g.Parts, int32(len(g.Ends)))
	return normal, true
}

// addRing appends a closed ring and returns its unit normal; false, and nothing is
// appended, when it encloses nothing.
func (b *body) addRing(g *spatial.Geometry, lo, hi int32, turn bool, scale [3]float64) (normal [3]float64, ok bool) {
	first := len(g.Z)
	for k := lo; k < hi; k++ {
		i := 3 * k
		if turn {
			i = 3 * (hi - 1 - (k - lo))
		}
		if n := len(g.Z); n > first && g.XY[2*n-2] == b.xyz[i] && g.XY[2*n-1] == b.xyz[i+1] && g.Z[n-1] == b.xyz[i+2] {
			continue
		}
		g.XY = append(g.XY, b.xyz[i], b.xyz[i+1])
		g.Z = append(g.Z, b.xyz[i+2])
	}
	if n := len(g.Z); n > first && (g.XY[2*first] != g.XY[2*n-2] || g.XY[2*first+1] != g.XY[2*n-1] || g.Z[first] != g.Z[n-1]) {
		g.XY = append(g.XY, g.XY[2*first], g.XY[2*first+1])
		g.Z = append(g.Z, g.Z[first])
	}
	normal, area := newell(g.XY[2*first:], g.Z[first:], scale)
	if len(g.Z)-first < 4 || !(area > minFace) {
		g.XY, g.Z = g.XY[:2*first], g.Z[:first]
		return normal, false
	}
	g.Ends = append(g.Ends, int32(len(g.Z)))
	return normal, true
}

// minFace is the area in square metres from which a face is one: a square of 0.1 mm.
const minFace = 1e-8

// newell is the unit normal and the area in square metres of a closed ring.
func newell(xy, z []float64, scale [3]float64) (normal [3]float64, area float64) {
	if len(z) == 0 {
		return normal, 0
	}
	at := func(i int) [3]float64 {
		return [3]float64{(xy[2*i] - xy[0]) * scale[0], (xy[2*i+1] - xy[1]) * scale[1], z[i] - z[0]}
	}
	a := at(0)
	for i := 1; i < len(z); i++ {
		c := at(i)
		normal[0] += (a[1] - c[1]) * (a[2] + c[2]) / 2
		normal[1] += (a[2] - c[2]) * (a[0] + c[0]) / 2
		normal[2] += (a[0] - c[0]) * (a[1] + c[1]) / 2
		a = c
	}
	area = math.Sqrt(normal[0]*normal[0] + normal[1]*normal[1] + normal[2]*normal[2])
	for k := range normal {
		normal[k] /= max(area, math.SmallestNonzeroFloat64)
	}
	return normal, area
}

// classOf is the class of a face that nobody named, by how it lies: within some 12°
// of upright it is a wall, else a roof or, seen from below, a floor.
func classOf(normal [3]float64) layers.SurfaceClass {
	switch {
	case normal[2] > 0.2:
		return layers.RoofSurface
	case normal[2] < -0.2:
		return layers.GroundSurface
	}
	return layers.WallSurface
}

// classNamed is the class of a semantic surface's type; 0 for one that says nothing
// of how the face lies.
func classNamed(name string) layers.SurfaceClass {
	switch name {
	case "GroundSurface":
		return layers.GroundSurface
	case "WallSurface":
		return layers.WallSurface
	case "RoofSurface":
		return layers.RoofSurface
	case "":
		return 0
	}
	return layers.OtherSurface // windows, doors, closures, ceilings outside …
}

// maxNamed is the number of objects that a warning names.
const maxNamed = 10

// named counts objects and names the first of them.
type named struct {
	n   int64
	ids []string
}

func (c *named) add(id string) {
	c.n++
	if len(c.ids) < maxNamed {
		c.ids = append(c.ids, clip(id))
	}
}

func (c *named) list() []string {
	if c.n > int64(len(c.ids)) {
		return append(slices.Clone(c.ids), "…")
	}
	return c.ids
}
