package pyramid

import (
	"bytes"
	"encoding/binary"
	"slices"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial"
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

// input is a segment that candidates come from.
type input struct {
	seg   *snapshot.Segment
	cell  *Cell // nil: the layer itself
	where []int // by property of the layer: its column, or −1
	known map[uint32]uint32
	froms map[uint32]uint8
	names map[uint32]uint32
	kinds []int // class of each counting column, or −1
}

// candidate is a feature of an input.
type candidate struct {
	input   uint32
	feature uint32
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

// input adds a segment, of the layer itself or of a cell.
func (b *builder) input(seg *snapshot.Segment, cell *Cell) *input {
	in := &input{seg: seg, cell: cell, known: map[uint32]uint32{}, froms: map[uint32]uint8{}, names: map[uint32]uint32{}}
	for c, p := range b.s.layer.Schema {
		at := -1
		switch {
		case cell != nil:
			at = cell.column(p.Name)
		case c < len(seg.Columns):
			at = c
		}
		in.where = append(in.where, at)
	}
	if cell != nil {
		for _, name := range cell.Names {
			k := -1
			if class, ok := bytes.CutPrefix([]byte(name), []byte(CountPrefix)); ok {
				k = int(b.named.of(class))
			}
			in.kinds = append(in.kinds, k)
		}
	}
	b.inputs = append(b.inputs, in)
	return in
}

// value is the interned value of a property of a feature; 0 is null.
func (b *builder) value(c candidate, property int) uint32 {
	in := b.inputs[c.input]
	if property < 0 || in.where[property] < 0 {
		return 0
	}
	k := in.seg.Columns[in.where[property]][c.feature]
	if k == 0 {
		return 0
	}
	n, ok := in.known[k]
	if !ok {
		n = b.texts.of(in.seg.Value(k))
		in.known[k] = n
	}
	return n
}

// property is a property's value.
func (b *builder) property(c candidate, property int) layers.Value {
	in := b.inputs[c.input]
	if property < 0 || in.where[property] < 0 {
		return layers.Value{}
	}
	return in.seg.Property(in.where[property], int(c.feature), b.s.layer.Schema[property].Type)
}

// from is the first zoom of a line.
func (b *builder) from(c candidate) uint8 {
	if b.s.rank < 0 {
		return 0
	}
	in := b.inputs[c.input]
	k := uint32(0)
	if at := in.where[b.s.rank]; at >= 0 {
		k = in.seg.Columns[at][c.feature]
	}
	f, ok := in.froms[k]
	if !ok {
		f = b.s.from(b.property(c, b.s.rank))
		in.froms[k] = f
	}
	return f
}

// class is the class of a point, interned as text; 0 without one.
func (b *builder) class(c candidate) uint32 {
	in := b.inputs[c.input]
	if b.s.class < 0 || in.where[b.s.class] < 0 {
		return 0
	}
	k := in.seg.Columns[in.where[b.s.class]][c.feature]
	if k == 0 {
		return 0
	}
	n, ok := in.names[k]
	if !ok {
		n = b.named.of([]byte(b.property(c, b.s.class).String()))
		in.names[k] = n
	}
	return n
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
	b.squares.side = squareSide(b.z, mergePixels)
	b.clusters.side = squareSide(b.z, b.s.cluster)
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

// dimension is the highest of a feature's paths; −1 without any.
func (in *input) dimension(f uint32) int {
	d := -1
	for p := in.seg.FeaturePath[f]; p < in.seg.FeaturePath[f+1]; p++ {
		switch in.seg.PathKinds[p] {
		case snapshot.PathShell, snapshot.PathHole:
			return 2
		case snapshot.PathLine:
			d = 1
		default:
			d = max(d, 0)
		}
	}
	return d
}

// path is the vertices of a path.
func (in *input) path(p uint32) []uint32 {
	return in.seg.World[2*in.seg.PathVertex[p] : 2*in.seg.PathVertex[p+1]]
}

// area is that of a feature's polygons as the layer has them.
func (in *input) area(f uint32) float64 {
	if in.cell != nil {
		return in.cell.Area[f]
	}
	sum := 0.0
	for p := in.seg.FeaturePath[f]; p < in.seg.FeaturePath[f+1]; p++ {
		switch in.seg.PathKinds[p] {
		case snapshot.PathShell:
			sum += ringArea(in.path(p))
		case snapshot.PathHole:
			sum -= ringArea(in.path(p))
		}
	}
	return max(0, sum)
}

// begin gives the cell its columns.
func (b *builder) begin() {
	s := &b.cell.Segment
	for _, c := range b.carry {
		b.cell.Names = append(b.cell.Names, b.s.layer.Schema[c.column].Name)
		s.Columns = append(s.Columns, nil)
	}
	s.FeaturePath, s.PathVertex, s.IDOffset, s.ValueOffset = []uint32{0}, []uint32{0}, []uint32{0}, []uint32{0}
}

// derived is the number of a derived column.
func (b *builder) derived(name string) int {
	if k := b.cell.column(name); k >= 0 {
		return k
	}
	s := &b.cell.Segment
	b.cell.Names = append(b.cell.Names, name)
	s.Columns = append(s.Columns, make([]uint32, s.N))
	return len(b.cell.Names) - 1
}

// number is a value's number in the cell.
func (b *builder) number(k uint32) uint32 {
	if k == 0 {
		return 0
	}
	for len(b.out) < len(b.texts.list)+1 {
		b.out = append(b.out, 0)
	}
	if b.out[k] == 0 {
		s := &b.cell.Segment
		s.Values = append(s.Values, b.texts.list[k-1]...)
		s.ValueOffset = append(s.ValueOffset, uint32(len(s.Values)))
		b.out[k] = uint32(len(s.ValueOffset) - 1)
	}
	return b.out[k]
}

// count is a whole number as an interned value.
func (b *builder) count(n uint32) uint32 {
	const tagUint = 5 << 3 // of an MVT Value message
	return b.texts.of(binary.AppendUvarint([]byte{tagUint}, uint64(n)))
}

// put appends a feature with the geometry at hand; value gives the interned value
// of each carried property. It reports false, and adds nothing, without geometry.
func (b *builder) put(role Role, of candidate, count uint32, area float64, value func(column int) uint32) bool {
	g := &b.geom
	if len(g.kinds) == 0 {
		return false
	}
	s := &b.cell.Segment
	first := uint32(len(s.World) / 2)
	s.World = append(s.World, g.xy...)
	b.cell.Pinned = append(b.cell.Pinned, g.pinned...)
	for i, k := range g.kinds {
		s.PathKinds = append(s.PathKinds, k)
		s.PathVertex = append(s.PathVertex, first+g.ends[i])
	}
	s.FeaturePath = append(s.FeaturePath, uint32(len(s.PathKinds)))
	box := snapshot.EmptyBox
	for i := 0; i+1 < len(g.xy); i += 2 {
		grow(&box, tile.WorldBox{MinX: g.xy[i], MinY: g.xy[i+1], MaxX: g.xy[i], MaxY: g.xy[i+1]})
	}
	s.Box = append(s.Box, box)
	grow(&b.cell.Content, box)
	number := uint64(0)
	if role == RoleFeature {
		in := b.inputs[of.input]
		s.IDBytes = append(s.IDBytes, in.seg.ID(int(of.feature))...)
		number = in.seg.Number[of.feature]
	}
	s.IDOffset = append(s.IDOffset, uint32(len(s.IDBytes)))
	s.Number = append(s.Number, number)
	s.Type = append(s.Type, uint8(typeOf(g.kinds)))
	s.SimpleFrom = append(s.SimpleFrom, g.simpleFrom(b.z))
	for k := range s.Columns {
		v := uint32(0)
		if k < len(b.carry) {
			v = b.number(value(b.carry[k].column))
		}
		s.Columns[k] = append(s.Columns[k], v)
	}
	b.cell.Role = append(b.cell.Role, role)
	b.cell.Count = append(b.cell.Count, count)
	b.cell.Area = append(b.cell.Area, area)
	s.N++
	return true
}

// typeOf is the geometry type of paths of one or several kinds.
func typeOf(kinds []snapshot.PathKind) spatial.Type {
	var seen [3]int
	for _, k := range kinds {
		switch k {
		case snapshot.PathShell:
			seen[2]++
		case snapshot.PathLine:
			seen[1]++
		case snapshot.PathPoints:
			seen[0]++
		}
	}
	types := 0
	for _, n := range seen {
		if n > 0 {
			types++
		}
	}
	switch {
	case types > 1:
		return spatial.GeometryCollection
	case seen[2] > 1:
		return spatial.MultiPolygon
	case seen[2] == 1:
		return spatial.Polygon
	case seen[1] > 1:
		return spatial.MultiLineString
	case seen[1] == 1:
		return spatial.LineString
	}
	return spatial.MultiPoint
}

// finish completes the columns.
func (b *builder) finish() *Cell {
	s := &b.cell.Segment
	s.Flags, s.Revision = make([]uint8, s.N), make([]int64, s.N)
	return b.cell
}
