package tiles3d

import (
	"fmt"
	"math"

	"twind/layers/snapshot"
	"twind/spatial/geodesic"
	"twind/spatial/mesh"
	"twind/tiles/gltf"
)

// maxFeatures is what a content holds at most.
const maxFeatures = 200_000

// worker makes contents, one at a time, and keeps its memory.
type worker struct {
	batch    batch
	writer   gltf.Writer
	table    table
	building buildingBrush
	pipe     pipeBrush
	part     partBrush
	body     bodyBrush
	bare     bool // contents carry nothing besides the ids
	detailed bool // the faces of bodies are drawn, where they are known
}

// batch is what one content is made of.
type batch struct {
	cell     Cell
	frame    frame
	refs     []ref
	segments []snapshot.SegmentView
	assumed  []bool  // by ref: something of it was not recorded
	faults   *faults // nil: nobody asks
}

// ref is a feature of one of the view's segments; its place in batch.refs is its
// row in the content's table.
type ref struct{ segment, feature uint32 }

func (b *batch) segment(r ref) *snapshot.Segment { return b.segments[r.segment].Segment }

// fault notes what is wrong with the feature of a row.
func (b *batch) fault(row int, what Fault) {
	if b.faults != nil && what != "" {
		r := b.refs[row]
		b.faults.add(what, b.segment(r).ID(int(r.feature)))
	}
}

// content appends the GLB of a node to dst, detailed or not. The view is the one that
// the state was made of.
func (w *worker) content(dst []byte, v View, st *state, n *node, columns []int, detailed bool, f *faults) []byte {
	w.detailed = detailed
	w.gather(v, st, n, f)
	w.bare = columns == nil
	w.writer.Reset()
	w.writer.Frame(w.batch.frame.matrix())
	st.model.paint(w, v, columns)
	if w.writer.Empty() {
		return dst
	}
	out, err := w.writer.Append(dst)
	if err != nil { // a mistake of this package
		panic(fmt.Sprintf("tiles3d: cell %v: %v", n.cell, err))
	}
	return out
}

// gather lists the living features of a node and places the frame among them.
func (w *worker) gather(v View, st *state, n *node, f *faults) {
	b := &w.batch
	*b = batch{cell: n.cell, refs: b.refs[:0], segments: v.Segments(), assumed: b.assumed[:0], faults: f}
	for k := range b.segments {
		p := n.parts[k]
		for _, i := range st.index[k].features[p.from:p.to] {
			if b.segments[k].Alive(int(i)) {
				b.refs = append(b.refs, ref{uint32(k), i})
			}
		}
	}
	for len(b.refs) > maxFeatures {
		b.fault(len(b.refs)-1, FaultTooMany)
		b.refs = b.refs[:len(b.refs)-1]
	}
	for range b.refs {
		b.assumed = append(b.assumed, false)
	}
	lon, lat := centre(n.bound.box)
	b.frame = newFrame(lon, lat, n.bound.low)
}

// frame is a content's local frame. Its origin lies low among the features, so
// that float32 loses nothing.
type frame struct {
	geodesic.Local
	height float64 // of the origin
	// The radii of curvature at the origin, plus height: of the meridian, and
	// across it.
	meridian, across float64
}

func newFrame(lon, lat, height float64) frame {
	f := frame{Local: geodesic.NewLocal(lon, lat, height), height: height}
	f.meridian, f.across = geodesic.Radii(lat)
	f.meridian += height
	f.across += height
	return f
}

// matrix is the frame for glTF in no more digits than are of use: a tenth of a
// millimetre of place, and 10⁻⁹ of direction, a micrometre in a kilometre.
func (f *frame) matrix() [16]float64 {
	m := gltf.Earth(f.Origin, f.East, f.North, f.Up)
	for k := range 12 {
		m[k] = math.Round(m[k]*1e9) / 1e9
	}
	for k := 12; k < 15; k++ {
		m[k] = math.Round(m[k]*1e4) / 1e4
	}
	return m
}

// plan places a position in degrees on the frame's plane: east and north of the
// origin, of the point at the origin's height.
func (f *frame) plan(lon, lat float64) (x, y float64) {
	x, y, _ = f.Place(lon, lat, f.height)
	return x, y
}

// bend turns a mesh whose plan is f.plan and whose z is metres above the origin's
// height into the frame: verticals lean outwards, and the ground falls away as the
// earth curves. It is right to 0.1 mm within a kilometre and 1 mm within five.
func (f *frame) bend(m *mesh.Mesh) {
	p := m.Positions
	for i := 0; i+2 < len(p); i += 3 {
		x, y, h := float64(p[i]), float64(p[i+1]), float64(p[i+2])
		u, v := x/f.across, y/f.meridian
		p[i], p[i+1] = float32(x+h*u), float32(y+h*v)
		p[i+2] = float32(h - (x*u+y*v)*(0.5+h/(2*f.meridian)))
	}
}
