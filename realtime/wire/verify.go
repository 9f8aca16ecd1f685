package wire

import (
	"encoding/binary"
	"fmt"

	flatbuffers "github.com/google/flatbuffers/go"
)

// The generated accessors follow offsets without looking. A verifier looks
// first, as the C++ library's does: every table, vtable, field, vector and
// string must lie in the buffer.

// field says what a table's slot holds.
type field uint8

const (
	fixed1 field = iota + 1 // 1 byte
	fixed2
	fixed4
	fixed8
	byteVector   // offset to a vector of bytes, or a string
	stringVector // offset to a vector of offsets to strings
	unionTable   // offset to a table that is checked once its type is known
)

// The tables of live.fbs, by slot.
var (
	frameFields    = []field{fixed2, fixed8, fixed8, fixed8, byteVector, fixed1, unionTable, fixed1}
	syncFields     = []field{fixed1, fixed1, fixed4, fixed1, fixed4, fixed4, fixed4, fixed4, fixed8, fixed4, fixed4, fixed4, stringVector}
	entitiesFields = []field{
		fixed8, fixed1, fixed4, fixed4, fixed8, fixed8, fixed8, fixed4, fixed1,
		byteVector, byteVector, byteVector, byteVector, byteVector, byteVector, byteVector, byteVector, byteVector, byteVector,
		byteVector, byteVector, byteVector, byteVector,
	}
	cellsFields = []field{
		fixed8, fixed1, fixed4, fixed4, fixed8, fixed8, fixed8, fixed4,
		byteVector, byteVector, byteVector, byteVector, byteVector, byteVector,
	}
)

type verifier struct {
	buf []byte
	err error
}

func (v *verifier) fail(what string, at uint64) bool {
	if v.err == nil {
		v.err = fmt.Errorf("%w: %s at byte %d", ErrMalformed, what, at)
	}
	return false
}

// has tells whether n bytes at an offset lie in the buffer.
func (v *verifier) has(at, n uint64) bool {
	return at <= uint64(len(v.buf)) && n <= uint64(len(v.buf))-at
}

func (v *verifier) u32(at uint64) uint64 { return uint64(binary.LittleEndian.Uint32(v.buf[at:])) }

// root is the offset of the root table, after the size.
func (v *verifier) root() flatbuffers.UOffsetT {
	return flatbuffers.UOffsetT(min(v.u32(4)+4, uint64(len(v.buf))))
}

// table checks a table and all that its slots lead to, but union members.
func (v *verifier) table(pos flatbuffers.UOffsetT, fields []field) flatbuffers.UOffsetT {
	at := uint64(pos)
	if !v.has(at, 4) {
		v.fail("a table", at)
		return 0
	}
	vt := int64(at) - int64(int32(binary.LittleEndian.Uint32(v.buf[at:])))
	if vt < 0 || !v.has(uint64(vt), 4) {
		v.fail("a vtable", at)
		return 0
	}
	vsize := uint64(binary.LittleEndian.Uint16(v.buf[vt:]))
	tsize := uint64(binary.LittleEndian.Uint16(v.buf[vt+2:]))
	if vsize < 4 || vsize%2 != 0 || !v.has(uint64(vt), vsize) || tsize < 4 || !v.has(at, tsize) {
		v.fail("a vtable", uint64(vt))
		return 0
	}
	for i, f := range fields {
		slot := uint64(4 + 2*i)
		if slot+2 > vsize {
			break
		}
		off := uint64(binary.LittleEndian.Uint16(v.buf[uint64(vt)+slot:]))
		if off == 0 {
			continue
		}
		width := map[field]uint64{fixed1: 1, fixed2: 2, fixed8: 8}[f]
		if width == 0 {
			width = 4
		}
		if off < 4 || off+width > tsize {
			v.fail("a field", at+off)
			return 0
		}
		switch f {
		case byteVector:
			v.vector(at+off, 1)
		case stringVector:
			if start, n, ok := v.vector(at+off, 4); ok {
				for k := range n {
					v.vector(start+4*k, 1)
				}
			}
		case unionTable:
			if target := at + off + v.u32(at+off); !v.has(target, 4) {
				v.fail("a union", at+off)
			}
		}
		if v.err != nil {
			return 0
		}
	}
	return pos
}

// vector checks the vector that the offset at leads to.
func (v *verifier) vector(at, width uint64) (start, n uint64, ok bool) {
	target := at + v.u32(at)
	if !v.has(target, 4) {
		return 0, 0, v.fail("a vector", at)
	}
	n = v.u32(target)
	if !v.has(target+4, n*width) {
		return 0, 0, v.fail("a vector's length", target)
	}
	return target + 4, n, true
}
