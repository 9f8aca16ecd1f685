package tiles3d

import (
	"twind/layers"
	"twind/spatial/mesh"
	"twind/tiles/gltf"
)

// The names of the materials of contents with the faces of bodies, by class.
const (
	WallMaterial   = "wall"
	RoofMaterial   = "roof"
	GroundMaterial = "ground"
)

// bodyBrush is the memory for drawing the faces of bodies.
type bodyBrush struct {
	body    body
	planar  mesh.Planar
	classes [3]mesh.Mesh // walls and all else, roofs, grounds
	xyz     []float64
	ends    []int32
}

const (
	walls = iota
	roofs
	grounds
)

// crooked is the share of a face's area by which its triangles may differ: more, and
// its rings cross.
const crooked = 1e-4

// paintBodies draws the faces of buildings, roofs apart from walls, and those whose
// faces are not known from their footprints.
func (m *buildingModel) paintBodies(w *worker, v View, columns []int) {
	b, brush, faces := &w.batch, &w.building, &w.body
	for k := range faces.classes {
		faces.classes[k].Columns = mesh.WithNormals | mesh.WithFeatures
		faces.classes[k].Reset()
	}
	brush.extruder.Tolerance, brush.extruder.CreaseCos = wallTolerance, roundCos
	for row, r := range b.refs {
		s, i := b.segment(r), int(r.feature)
		for k := range faces.classes {
			faces.classes[k].Pen.Feature = uint32(row)
		}
		fault, ok := m.body(s, i, &faces.body)
		b.fault(row, fault)
		if ok {
			fault, ok = faces.draw(&b.frame)
			b.fault(row, fault)
		}
		if !ok {
			h, _ := brush.extrude(m, s, i, &b.frame, mesh.Sinks{Roof: &faces.classes[roofs], Wall: &faces.classes[walls]})
			b.assumed[row] = h.assumed
		}
	}
	table := w.writer.Table(w.table.make(b, v.Layer(), columns, w.assumption()))
	for k, look := range [3]struct {
		name  string
		color mesh.Color
	}{{WallMaterial, m.color}, {RoofMaterial, roofOf(m.color)}, {GroundMaterial, m.color}} {
		if faces.classes[k].Triangles() == 0 {
			continue
		}
		b.frame.bend(&faces.classes[k])
		material := w.writer.Material(gltf.Material{Name: look.name, Color: look.color, Roughness: 1, DoubleSided: true})
		w.writer.Node(w.writer.Mesh(look.name, true, table, gltf.Surface{Mesh: &faces.classes[k], Material: material}))
	}
}

// draw puts the faces of the body into the meshes of their classes, on the frame's
// plane; false when none of them has an area.
func (p *bodyBrush) draw(f *frame) (fault Fault, ok bool) {
	g := &p.body.faces
	for i := range g.NumPolygons() {
		p.face(i, f)
		m := &p.classes[walls]
		switch layers.SurfaceClass(p.body.classes[i]) {
		case layers.RoofSurface:
			m = &p.classes[roofs]
		case layers.GroundSurface:
			m = &p.classes[grounds]
		}
		before := len(m.Indices)
		deviation := p.planar.Surface(m, p.xyz, p.ends)
		switch {
		case len(m.Indices) == before:
			fault = FaultFlat
		case deviation > crooked && fault == "":
			fault = FaultFace
		}
		ok = ok || len(m.Indices) > before
	}
	if !ok {
		return FaultBody, false
	}
	return fault, true
}

// face reads polygon i: its rings without the corner that closes them.
func (p *bodyBrush) face(i int, f *frame) {
	g := &p.body.faces
	p.xyz, p.ends = p.xyz[:0], p.ends[:0]
	lo, hi := g.PolygonPaths(i)
	for r := lo; r < hi; r++ {
		xy, z := g.Path(r)
		for k := range len(z) - 1 {
			x, y := f.plan(xy[2*k], xy[2*k+1])
			p.xyz = append(p.xyz, x, y, z[k]+p.body.shift-f.height)
		}
		p.ends = append(p.ends, int32(len(p.xyz)/3))
	}
}

// roofOf is the colour of roofs over walls of a colour: a little towards tile red.
func roofOf(wall mesh.Color) mesh.Color {
	tiles := mesh.Color{168, 88, 64, 255}
	for k := range 3 {
		wall[k] = uint8((3*int(wall[k]) + 2*int(tiles[k])) / 5)
	}
	return wall
}
