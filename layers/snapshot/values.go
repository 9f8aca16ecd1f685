package snapshot

import (
	"encoding/binary"
	"math"
	"unsafe"

	"twind/layers"
)

// Tags of the fields of an MVT 2.1 Value message (vector_tile.proto).
const (
	tagString = 1<<3 | 2
	tagDouble = 3<<3 | 1
	tagUint   = 5 << 3
	tagSint   = 6 << 3
	tagBool   = 7 << 3
)

// appendValue encodes a value that is not null as a Value message.
func appendValue(dst []byte, v layers.Value) []byte {
	switch v.Type() {
	case layers.Boolean:
		if v.Bool() {
			return append(dst, tagBool, 1)
		}
		return append(dst, tagBool, 0)
	case layers.Integer:
		n := v.Int()
		if n >= 0 {
			return binary.AppendUvarint(append(dst, tagUint), uint64(n))
		}
		return binary.AppendVarint(append(dst, tagSint), n)
	case layers.Number:
		return binary.LittleEndian.AppendUint64(append(dst, tagDouble), math.Float64bits(v.Float()))
	default:
		return append(binary.AppendUvarint(append(dst, tagString), uint64(len(v.Text()))), v.Text()...)
	}
}

// decodeValue reads what appendValue wrote for a property of type t; anything
// else is null. text makes a string of the message's bytes.
func decodeValue(b []byte, t layers.ValueType, text func([]byte) string) layers.Value {
	if len(b) < 2 {
		return layers.Value{}
	}
	rest := b[1:]
	switch b[0] {
	case tagString:
		n, k := binary.Uvarint(rest)
		if k <= 0 || n != uint64(len(rest)-k) || t < layers.String {
			return layers.Value{}
		}
		return layers.TextValue(t, text(rest[k:]))
	case tagDouble:
		if len(rest) == 8 {
			return layers.FloatValue(math.Float64frombits(binary.LittleEndian.Uint64(rest)))
		}
	case tagUint:
		if n, k := binary.Uvarint(rest); k == len(rest) {
			return layers.IntValue(int64(n))
		}
	case tagSint:
		if n, k := binary.Varint(rest); k == len(rest) {
			return layers.IntValue(n)
		}
	case tagBool:
		return layers.BoolValue(rest[0] != 0)
	}
	return layers.Value{}
}

// normal is the value as the snapshot keeps it under a property of type t: an
// integer in a property of numbers becomes a number.
func normal(v layers.Value, t layers.ValueType) layers.Value {
	if t == layers.Number && v.Type() == layers.Integer {
		return layers.FloatValue(float64(v.Int()))
	}
	return v
}

// dictionary numbers distinct values in order of arrival, from 1. It only
// appends to its columns, so that a published segment may keep a prefix of them.
type dictionary struct {
	offset []uint32
	bytes  []byte
	table  []slot // open addressing, a power of two long
}

// slot holds a value's number, 0 for none, and a part of its hash, so that other
// values are told apart without looking at their bytes.
type slot struct{ hash, number uint32 }

func newDictionary() *dictionary {
	return &dictionary{offset: make([]uint32, 1, 64), table: make([]slot, 64)}
}

// maxColumnBytes bounds what a uint32 offset can address.
const maxColumnBytes = math.MaxUint32

// number is the number of an encoded value, a new one if need be.
func (d *dictionary) number(b []byte) (uint32, error) {
	hash := uint32(hashBytes(b) >> 32)
	mask := uint32(len(d.table) - 1)
	i := hash & mask
	for ; d.table[i].number != 0; i = (i + 1) & mask {
		if s := d.table[i]; s.hash == hash && string(d.bytes[d.offset[s.number-1]:d.offset[s.number]]) == string(b) {
			return s.number, nil
		}
	}
	if len(d.bytes)+len(b) > maxColumnBytes {
		return 0, layers.Errorf(layers.ErrUnsupported, "snapshot: the layer's distinct values exceed 4 GiB; split the layer")
	}
	d.bytes = append(d.bytes, b...)
	d.offset = append(d.offset, uint32(len(d.bytes)))
	k := uint32(len(d.offset) - 1)
	d.table[i] = slot{hash, k}
	if len(d.offset) > len(d.table)*5/8 {
		d.grow()
	}
	return k, nil
}

func (d *dictionary) grow() {
	old := d.table
	d.table = make([]slot, 2*len(old))
	mask := uint32(len(d.table) - 1)
	for _, s := range old {
		if s.number == 0 {
			continue
		}
		i := s.hash & mask
		for d.table[i].number != 0 {
			i = (i + 1) & mask
		}
		d.table[i] = s
	}
}

// hashBytes mixes bytes into 64 bits, eight at a time. Base files hold tables
// made with it: to change it is to change the format's version.
func hashBytes(b []byte) uint64 {
	const k1, k2 = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93
	h := uint64(len(b)) * k1
	for ; len(b) >= 8; b = b[8:] {
		h = (h ^ binary.LittleEndian.Uint64(b)) * k2
		h ^= h >> 32
	}
	var tail uint64
	for i, c := range b {
		tail |= uint64(c) << (8 * i)
	}
	h = (h ^ tail) * k2
	h ^= h >> 32
	h *= k1
	return h ^ h>>29
}

func hashString(s string) uint64 { return hashBytes(unsafe.Slice(unsafe.StringData(s), len(s))) }
