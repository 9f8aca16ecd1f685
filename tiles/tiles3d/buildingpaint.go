package tiles3d

import (
	"math"
	"slices"

	"twind/layers/snapshot"
	"twind/spatial/mesh"
	"twind/tiles/gltf"
)

// buildingBrush is the memory for drawing buildings.
type buildingBrush struct {
	extruder mesh.Extruder
	mesh     mesh.Mesh
	solid    mesh.Solid
	parts    []int32
}

// wallTolerance is what a wall may lie beside its footprint, in metres.
const wallTolerance = 0.004

// roundCos is the cosine of the turn below which two walls are one round one: 26°.
const roundCos = 0.9

// paint draws footprints as solids without floors, in the colour of the layer's
// style.
func (m *buildingModel) paint(w *worker, v View, columns []int) {
	if w.detailed {
		m.paintBodies(w, v, columns)
		return
	}
	b, brush := &w.batch, &w.building
	brush.mesh.Columns = mesh.WithNormals | mesh.WithFeatures
	brush.mesh.Reset()
	brush.extruder.Tolerance, brush.extruder.CreaseCos = wallTolerance, roundCos
	for row, r := range b.refs {
		s, i := b.segment(r), int(r.feature)
		brush.mesh.Pen.Feature = uint32(row)
		h, built := brush.extrude(m, s, i, &b.frame, mesh.Sinks{Roof: &brush.mesh, Wall: &brush.mesh})
		b.assumed[row] = h.assumed
		b.fault(row, h.fault)
		b.fault(row, built)
	}
	b.frame.bend(&brush.mesh)
	table := w.writer.Table(w.table.make(b, v.Layer(), columns, w.assumption()))
	material := w.writer.Material(gltf.Material{Name: "building", Color: m.color, Roughness: 1})
	w.writer.Node(w.writer.Mesh("buildings", true, table, gltf.Surface{Mesh: &brush.mesh, Material: material}))
}

// assumption is the column that says which heights are not the record's; "" where all
// are, or nobody asks.
func (w *worker) assumption() string {
	if w.bare || !slices.Contains(w.batch.assumed, true) {
		return ""
	}
	return HeightAssumed
}

// extrude draws a feature's footprint as a solid.
func (brush *buildingBrush) extrude(m *buildingModel, s *snapshot.Segment, i int, f *frame, to mesh.Sinks) (storeys, Fault) {
	h := m.heights(s, i)
	brush.footprint(s, i, f)
	brush.solid.Base, brush.solid.Top = h.bottom-f.height, h.top-f.height
	brush.solid.Roof = mesh.ParseRoofShape(string(textOf(raw(s, m.columns.roof, i))))
	return h, faultOf(brush.extruder.Extrude(to, &brush.solid).Fault)
}

// footprint puts the polygons of a feature into the solid, on the frame's plane.
func (brush *buildingBrush) footprint(s *snapshot.Segment, i int, f *frame) {
	o := &brush.solid
	*o = mesh.Solid{XY: o.XY[:0], Ends: o.Ends[:0], Eaves: math.NaN(), Downhill: math.NaN()}
	brush.parts = brush.parts[:0]
	exact := s.Exact()
	for p := s.FeaturePath[i]; p < s.FeaturePath[i+1]; p++ {
		switch s.PathKinds[p] {
		case snapshot.PathShell:
			if len(o.Ends) > 0 {
				brush.parts = append(brush.parts, int32(len(o.Ends)))
			}
		case snapshot.PathHole:
		default:
			continue
		}
		for k := s.PathVertex[p]; k < s.PathVertex[p+1]; k++ {
			x, y := f.plan(exact[2*k], exact[2*k+1])
			o.XY = append(o.XY, x, y)
		}
		o.Ends = append(o.Ends, int32(len(o.XY)/2))
	}
	if len(brush.parts) > 0 { // else it is one polygon, which has no list of parts
		brush.parts = append(brush.parts, int32(len(o.Ends)))
		o.Parts = brush.parts
	}
}

func faultOf(f mesh.Fault) Fault {
	switch f {
	case mesh.OK:
		return ""
	case mesh.Approximated:
		return FaultShape
	case mesh.NoArea:
		return FaultNoArea
	case mesh.BadSize:
		return FaultSection
	case mesh.BadHeight:
		return FaultHeight
	}
	return FaultCoords
}
