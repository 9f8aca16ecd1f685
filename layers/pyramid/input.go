package pyramid

import (
	"bytes"

	"twind/layers"
	"twind/layers/snapshot"
)

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
