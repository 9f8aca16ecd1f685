package tiles3d

import (
	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial/mesh"
	"twind/tiles/gltf"
)

// pipeBrush is the memory for drawing pipes.
type pipeBrush struct {
	groups []pipeGroup
	course course
	xyz    []float64
	lofter mesh.Lofter
	model  mesh.Mesh
	simplifier
}

// pipeGroup is the pipes of one colour.
type pipeGroup struct {
	class   string
	color   mesh.Color
	assumed bool
	tubes   mesh.Tubes
	mesh    mesh.Mesh
}

// pale takes colour from what is drawn where nobody measured it.
func pale(c mesh.Color) mesh.Color {
	for k := range 3 {
		c[k] = uint8((int(c[k])*2 + 3*225) / 5)
	}
	return c
}

// group finds or makes the group of a class.
func (p *pipeBrush) group(l *layers.Layer, class []byte, assumed bool) *pipeGroup {
	for k := range p.groups {
		if g := &p.groups[k]; g.assumed == assumed && g.class == string(class) {
			return g
		}
	}
	if n := len(p.groups); n < cap(p.groups) {
		p.groups = p.groups[:n+1]
	} else {
		p.groups = append(p.groups, pipeGroup{})
	}
	g := &p.groups[len(p.groups)-1]
	g.class, g.assumed = string(class), assumed
	if g.color = colorOf(l, g.class); assumed {
		g.color = pale(g.color)
	}
	g.tubes.Reset()
	g.mesh.Columns = mesh.WithNormals | mesh.WithFeatures
	g.mesh.Reset()
	return g
}

// paint draws pipes as instances in far cells and as tubes in near ones.
func (m *pipeModel) paint(w *worker, v View, columns []int) {
	b, p := &w.batch, &w.pipe
	p.groups = p.groups[:0]
	near := b.cell.Level >= nearPipes
	for row, r := range b.refs {
		s, i := b.segment(r), int(r.feature)
		m.course(s, i, &p.course)
		b.assumed[row] = p.course.assumed
		for _, f := range p.course.faults {
			b.fault(row, f)
		}
		g := p.group(m.layer, textOf(raw(s, m.columns.class, i)), p.course.assumed)
		b.fault(row, p.lines(s, i, &b.frame, g, near, uint32(row)))
	}
	assumed := ElevationAssumed
	if w.bare {
		assumed = ""
	}
	table := w.writer.Table(w.table.make(b, m.layer, columns, assumed))
	for k := range p.groups {
		p.groups[k].write(&w.writer, &p.model, table)
	}
}

// lines draws the lines of a pipe and reports the worst of them.
func (p *pipeBrush) lines(s *snapshot.Segment, i int, f *frame, g *pipeGroup, near bool, row uint32) (fault Fault) {
	exact, first := s.Exact(), s.PathVertex[s.FeaturePath[i]]
	for k := s.FeaturePath[i]; k < s.FeaturePath[i+1]; k++ {
		if s.PathKinds[k] != snapshot.PathLine {
			continue
		}
		p.xyz = p.xyz[:0]
		for v := s.PathVertex[k]; v < s.PathVertex[k+1]; v++ {
			x, y, z := f.Place(exact[2*v], exact[2*v+1], p.course.heights[v-first])
			p.xyz = append(p.xyz, x, y, z)
		}
		var bad mesh.Fault
		if near {
			p.lofter.Sides, p.lofter.Caps = mesh.Sides(p.course.section.Width/2, 0), true
			g.mesh.Pen.Feature = row
			bad = p.lofter.Loft(&g.mesh, p.xyz, p.course.section)
		} else {
			bad = p.far(&g.tubes, p.xyz, p.course.section, row)
		}
		if bad == mesh.NoArea {
			fault = FaultNoLength
		} else if bad != mesh.OK {
			fault = faultOf(bad)
		}
	}
	return fault
}

// write adds what a group holds to a content.
func (g *pipeGroup) write(w *gltf.Writer, model *mesh.Mesh, table int) {
	name := g.class
	if name == "" {
		name = "pipe"
	}
	if g.assumed {
		name += " (elevation assumed)"
	}
	material := w.Material(gltf.Material{Name: name, Color: g.color, Roughness: 0.7})
	w.Node(w.Mesh("pipes", false, table, gltf.Surface{Mesh: &g.mesh, Material: material}))
	for _, t := range []struct {
		name      string
		instances *mesh.Instances
		build     func(*mesh.Mesh)
	}{
		{"cylinder", &g.tubes.Cylinders, func(m *mesh.Mesh) { mesh.UnitCylinder(m, 8) }},
		{"sphere", &g.tubes.Spheres, func(m *mesh.Mesh) { mesh.UnitSphere(m, 6) }},
		{"box", &g.tubes.Boxes, mesh.UnitBox},
	} {
		if t.instances.Len() == 0 {
			continue
		}
		model.Columns = mesh.WithNormals
		model.Reset()
		t.build(model)
		w.Instances(w.Mesh(t.name, false, gltf.NoTable, gltf.Surface{Mesh: model, Material: material}), t.instances, table)
	}
}
