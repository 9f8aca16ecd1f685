package pyramid

import (
	"encoding/binary"
	"errors"
	"math"

	"twind/layers/snapshot"
	"twind/spatial/tile"
)

// errCell is the reason to discard a stored cell.
var errCell = errors.New("pyramid: a stored cell is damaged")

// Encode appends the cell as bytes that Decode reads: equal cells, equal bytes.
// Little-endian; every array is preceded by its length as a uint32.
func (c *Cell) Encode(b []byte) []byte {
	s := &c.Segment
	e := binary.LittleEndian
	b = append(b, c.ID.Z)
	for _, v := range []uint32{c.ID.X, c.ID.Y, uint32(s.N), c.Dropped, c.Total, uint32(len(c.Names))} {
		b = e.AppendUint32(b, v)
	}
	for i, n := range c.Names {
		b = appendBytes(b, []byte(n))
		b = appendNumbers(b, s.Columns[i])
	}
	b = appendBytes(b, s.Type)
	b = appendNumbers(b, s.FeaturePath)
	b = appendBytes(b, asBytes(s.PathKinds))
	b = appendNumbers(b, s.PathVertex)
	b = appendNumbers(b, s.World)
	b = appendBytes(b, s.SimpleFrom)
	b = appendNumbers(b, s.ValueOffset)
	b = appendBytes(b, s.Values)
	b = appendNumbers(b, s.IDOffset)
	b = appendBytes(b, s.IDBytes)
	b = appendBytes(b, asBytes(c.Role))
	b = appendNumbers(b, c.Count)
	for i := range s.N {
		b = e.AppendUint64(b, s.Number[i])
		b = e.AppendUint64(b, math.Float64bits(c.Area[i]))
		for _, v := range []uint32{s.Box[i].MinX, s.Box[i].MinY, s.Box[i].MaxX, s.Box[i].MaxY} {
			b = e.AppendUint32(b, v)
		}
	}
	bits := make([]byte, (len(c.Pinned)+7)/8)
	for i, p := range c.Pinned {
		if p {
			bits[i/8] |= 1 << (i % 8)
		}
	}
	return appendBytes(b, bits)
}

func asBytes[T ~uint8](list []T) []byte {
	b := make([]byte, len(list))
	for i, v := range list {
		b[i] = byte(v)
	}
	return b
}

func appendBytes(b, list []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(list))), list...)
}

func appendNumbers(b []byte, list []uint32) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(list)))
	for _, v := range list {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

// reader takes a cell's bytes apart; after a fault everything it gives is empty.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// bytes is an array of n bytes; n below 0 is any number.
func (r *reader) bytes(n int) []byte {
	size := int(r.u32())
	r.bad = r.bad || n >= 0 && size != n
	return append([]byte(nil), r.take(size)...)
}

func (r *reader) numbers(n int) []uint32 {
	size := int(r.u32())
	r.bad = r.bad || n >= 0 && size != n
	b := r.take(4 * size)
	if b == nil {
		return nil
	}
	list := make([]uint32, size)
	for i := range list {
		list[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return list
}

func (r *reader) check(ok bool) { r.bad = r.bad || !ok }

// Decode reads what Encode wrote, and verifies all that a reader of the columns
// relies on.
func Decode(b []byte) (*Cell, error) {
	r := &reader{b: b}
	c := &Cell{Content: snapshot.EmptyBox}
	s := &c.Segment
	if z := r.take(1); z != nil {
		c.ID.Z = z[0]
	}
	c.ID.X, c.ID.Y = r.u32(), r.u32()
	n := int(r.u32())
	c.Dropped, c.Total = r.u32(), r.u32()
	r.check(n <= len(b)/16)
	names := int(r.u32())
	r.check(names <= len(b)/8)
	for k := 0; k < names && !r.bad; k++ {
		c.Names = append(c.Names, string(r.bytes(-1)))
		s.Columns = append(s.Columns, r.numbers(n))
	}
	s.N = n
	s.Type = r.bytes(n)
	s.FeaturePath = r.numbers(n + 1)
	kinds := r.bytes(-1)
	s.PathVertex = r.numbers(len(kinds) + 1)
	s.World = r.numbers(-1)
	s.SimpleFrom = r.bytes(n)
	s.ValueOffset = r.numbers(-1)
	s.Values = r.bytes(-1)
	s.IDOffset = r.numbers(n + 1)
	s.IDBytes = r.bytes(-1)
	roles := r.bytes(n)
	c.Count = r.numbers(n)
	r.check(!r.bad && len(r.b) >= 32*n)
	if r.bad {
		return nil, errCell
	}
	s.Number, c.Area, s.Box = make([]uint64, n), make([]float64, n), make([]tile.WorldBox, n)
	for i := range n {
		s.Number[i], c.Area[i] = r.u64(), math.Float64frombits(r.u64())
		s.Box[i] = tile.WorldBox{MinX: r.u32(), MinY: r.u32(), MaxX: r.u32(), MaxY: r.u32()}
		grow(&c.Content, s.Box[i])
	}
	vertices := len(s.World) / 2
	bits := r.bytes((vertices + 7) / 8)
	r.check(len(r.b) == 0 && len(s.World)%2 == 0)
	r.check(ascending(s.FeaturePath, len(kinds)) && ascending(s.PathVertex, vertices))
	r.check(ascending(s.ValueOffset, len(s.Values)) && ascending(s.IDOffset, len(s.IDBytes)))
	if r.bad {
		return nil, errCell
	}
	c.Pinned = make([]bool, vertices)
	for i := range c.Pinned {
		c.Pinned[i] = bits[i/8]>>(i%8)&1 != 0
	}
	s.Flags, s.Revision = make([]uint8, n), make([]int64, n)
	for _, k := range kinds {
		r.check(k >= uint8(snapshot.PathPoints) && k <= uint8(snapshot.PathHole))
		s.PathKinds = append(s.PathKinds, snapshot.PathKind(k))
	}
	for _, v := range roles {
		r.check(v <= uint8(RoleCluster))
		c.Role = append(c.Role, Role(v))
	}
	for _, column := range s.Columns {
		for _, k := range column {
			r.check(int(k) < len(s.ValueOffset))
		}
	}
	if r.bad {
		return nil, errCell
	}
	return c, nil
}

// ascending tells whether offsets begin at 0, never fall and end at the end.
func ascending(list []uint32, end int) bool {
	if len(list) == 0 || list[0] != 0 || int(list[len(list)-1]) != end {
		return false
	}
	for i := 1; i < len(list); i++ {
		if list[i] < list[i-1] {
			return false
		}
	}
	return true
}
