package pyramid

import (
	"bytes"
	"slices"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial/tile"
)

// Source is a state of a layer to generalise: a *snapshot.View.
type Source interface {
	Layer() *layers.Layer
	Segments() []snapshot.SegmentView
}

// builder makes one cell. It is used once.
//
//	candidates ─┬─ points ──────────────▶ clusters ─┐
//	            ├─ small polygons ──────▶ squares ──┼─▶ Cell
//	            ├─ polygons ─ simplify ─────────────┤
//	            └─ lines ─ rank ─ join ─ simplify ──┘
type builder struct {
	s      *spec
	z      uint8
	inputs []*input
	texts  interned // encoded values
	named  interned // classes, as text

	polygons []polygon
	lines    []line
	squares  squares
	clusters clusters
	pins     *pins
	keep     func(seg *snapshot.Segment, feature int) bool // leaves out other features of the layer; nil keeps all

	cell  *Cell
	carry []carried // of this zoom
	out   []uint32  // by interned value: its number in the cell
	geom  geometry
}

// interned numbers byte strings from 1.
type interned struct {
	number map[string]uint32
	list   [][]byte
}

func (n *interned) of(b []byte) uint32 {
	if k, ok := n.number[string(b)]; ok {
		return k
	}
	if n.number == nil {
		n.number = map[string]uint32{}
	}
	n.list = append(n.list, bytes.Clone(b))
	k := uint32(len(n.list))
	n.number[string(b)] = k
	return k
}

func newBuilder(s *spec, id tile.ID) *builder {
	b := &builder{s: s, z: id.Z, cell: &Cell{ID: id, Content: snapshot.EmptyBox}}
	for _, c := range s.carry {
		if c.from <= id.Z {
			b.carry = append(b.carry, c)
		}
	}
	return b
}

// fromLayer makes a cell of the lowest generalised zoom, of the features whose box
// has its middle in the cell.
func fromLayer(s *spec, v Source, id tile.ID) *Cell {
	b := newBuilder(s, id)
	list := b.candidates(v, boxOf(id))
	list = slices.DeleteFunc(list, func(c candidate) bool {
		x, y := center(b.inputs[c.input].seg.Box[c.feature])
		return cellAt(x, y, id.Z) != id
	})
	return b.build(v, list)
}

// candidates are the features that a box meets, by id.
func (b *builder) candidates(v Source, box tile.WorldBox) (list []candidate) {
	segments := v.Segments()
	var found []uint32
	for k := range segments {
		seg := segments[k].Segment
		b.input(seg, nil)
		found = segments[k].Search(box, found[:0])
		for _, i := range found {
			if b.keep == nil || b.keep(seg, int(i)) {
				list = append(list, candidate{uint32(k), i})
			}
		}
	}
	slices.SortFunc(list, func(x, y candidate) int {
		return bytes.Compare(b.inputs[x.input].seg.ID(int(x.feature)), b.inputs[y.input].seg.ID(int(y.feature)))
	})
	return list
}

// fromCells makes a cell of its children, nil where there is none.
func fromCells(s *spec, id tile.ID, parts [4]*Cell) *Cell {
	b := newBuilder(s, id)
	var list []candidate
	for _, p := range parts {
		if p == nil {
			continue
		}
		k := uint32(len(b.inputs))
		b.input(&p.Segment, p)
		b.cell.Dropped += p.Dropped
		b.cell.Total += p.Dropped
		for i := range p.Segment.N {
			list = append(list, candidate{k, uint32(i)})
		}
	}
	return b.build(nil, list)
}

// build makes the cell of the candidates; v is where they come from, if they are
// the layer's own.
func (b *builder) build(v Source, list []candidate) *Cell {
	b.squares.side, b.squares.limit = squareSide(b.z, mergePixels), b.s.limits.squares
	b.clusters.side, b.clusters.limit = squareSide(b.z, b.s.cluster), b.s.limits.clusters
	least := b.s.minimum * pixel(b.z) * pixel(b.z)
	for _, c := range list {
		b.sort(c, least)
	}
	b.limitPolygons()
	if b.s.shared && v != nil && len(b.polygons) > 0 {
		b.pins = b.findPins(v)
	}
	b.begin()
	b.drawPolygons()
	b.drawSquares()
	b.drawLines()
	b.drawClusters()
	return b.finish()
}

// sort gives a candidate to what generalises it.
func (b *builder) sort(c candidate, least float64) {
	in := b.inputs[c.input]
	count := uint32(1)
	if in.cell != nil {
		count = in.cell.Count[c.feature]
	}
	b.cell.Total += count
	switch in.dimension(c.feature) {
	case 2:
		if b.s.part >= 0 && in.cell == nil && b.property(c, b.s.part).Bool() {
			b.cell.Dropped++ // it lies in the building that it is a part of
			return
		}
		area := in.area(c.feature)
		if area < least || in.cell != nil && in.cell.Role[c.feature] == RoleMerged {
			b.merge(c, area, count)
			return
		}
		b.polygons = append(b.polygons, polygon{c, area})
	case 1:
		from := b.from(c)
		if from > b.z {
			b.cell.Dropped += count
			return
		}
		b.lines = append(b.lines, line{candidate: c, from: from, count: count})
	case 0:
		b.cluster(c, count)
	}
}
