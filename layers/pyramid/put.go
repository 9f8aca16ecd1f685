package pyramid

import (
	"encoding/binary"

	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/tile"
)

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
