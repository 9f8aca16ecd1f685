package tiles3d

import (
	"twind/spatial/mesh"
	"twind/tiles/gltf"
)

// partBrush is the memory for drawing parts.
type partBrush struct {
	instances [mesh.Models]mesh.Instances
	model     mesh.Mesh
}

// paint draws parts as instances of models, each with the vertex colours of its
// materials.
func (m *partModel) paint(w *worker, v View, columns []int) {
	b, brush := &w.batch, &w.part
	for k := range brush.instances {
		brush.instances[k].Reset()
	}
	anyAssumed := false
	for row, r := range b.refs {
		s, i := b.segment(r), int(r.feature)
		p := m.part(s, i)
		b.fault(row, p.fault)
		b.assumed[row] = p.assumed
		anyAssumed = anyAssumed || p.assumed
		rotation := mesh.Heading(p.heading)
		lo, hi := s.Vertices(i)
		for vertex := lo; vertex < hi; vertex++ {
			for _, piece := range p.pieces[:p.n] {
				x, y, z := b.frame.Place(s.Exact()[2*vertex], s.Exact()[2*vertex+1], p.height+piece.Up)
				brush.instances[piece.Model].Append([3]float64{x, y, z}, rotation, piece.Scale, uint32(row))
			}
		}
	}
	assumed := ""
	if anyAssumed && !w.bare {
		assumed = ElevationAssumed
	}
	table := w.writer.Table(w.table.make(b, m.layer, columns, assumed))
	material := w.writer.Material(gltf.Material{Name: "part", Color: mesh.Color{255, 255, 255, 255}, Roughness: 0.85})
	for k := range brush.instances {
		if brush.instances[k].Len() == 0 {
			continue
		}
		brush.model.Columns = mesh.WithNormals | mesh.WithColors
		brush.model.Reset()
		mesh.Model(k).Build(&brush.model, lodOf(b.cell))
		w.writer.Instances(w.writer.Mesh(mesh.Model(k).String(), false, gltf.NoTable, gltf.Surface{Mesh: &brush.model, Material: material}), &brush.instances[k], table)
	}
}

// lodOf is the level of detail of models: those seen from farther need less.
func lodOf(c Cell) int {
	if c.Level <= firstParts {
		return 1
	}
	return 0
}
