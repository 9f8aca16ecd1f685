package mvt

import (
	"encoding/binary"
	"hash/maphash"

	"twind/layers/snapshot"
)

// values numbers the values of a layer in order of first use. Values of one
// segment are told apart by their number there; when a layer has several
// segments, by their bytes too.
type values struct {
	encoded []byte // the layer's value fields
	count   uint32
	last    *snapshot.Segment

	// seen[k] is epoch<<32 | valueNumber of the segment's value k in this layer.
	seen  []uint64
	epoch uint32

	shared bool
	table  []uint32 // open addressing: number plus 1, a power of two long
	begins []uint32 // of each value's message in encoded, and its end
}

// begin starts a layer.
func (v *values) begin(shared bool) {
	v.encoded, v.begins, v.count, v.shared, v.last = v.encoded[:0], v.begins[:0], 0, shared, nil
	if shared {
		v.table = resize(v.table, max(256, len(v.table)))
		clear(v.table)
	}
}

// segment starts a run of features of a segment.
func (v *values) segment(seg *snapshot.Segment) {
	if n := seg.NumValues() + 1; len(v.seen) < n {
		v.seen = make([]uint64, n+n/8)
		v.epoch = 0
	}
	if v.epoch++; v.epoch == 0 { // after 2³² runs
		clear(v.seen)
		v.epoch = 1
	}
}

// first tells whether a value of the segment was not asked for since segment.
func (v *values) first(k uint32) bool {
	if uint32(v.seen[k]>>32) == v.epoch {
		return false
	}
	v.seen[k] = uint64(v.epoch) << 32
	return true
}

// column fills rows, of which every width-th is the column's, with the numbers in
// the layer of the features' values; it reports whether any is not null.
func (v *values) column(seg *snapshot.Segment, column []uint32, names []uint32, rows []valueNumber, width int) (used bool) {
	seen, epoch := v.seen, v.epoch
	at := 0
	for _, name := range names {
		row := &rows[at]
		at += width
		k := column[name]
		if k == 0 {
			*row = null
			continue
		}
		s := seen[k]
		if uint32(s>>32) != epoch {
			s = uint64(epoch)<<32 | uint64(numbered(v.add(seg.Value(k))))
			seen[k] = s
		}
		*row = valueNumber(s)
		used = true
	}
	return used
}

// add is the number of an encoded value, which is appended unless it is there.
func (v *values) add(message []byte) uint32 {
	if !v.shared {
		v.encoded = room(v.encoded, 48+len(message))
		b, n := v.encoded[:cap(v.encoded)], len(v.encoded)
		b[n] = layerValue
		n = putUvarint(b, n+1, uint32(len(message)))
		n = put(b, n, message)
		v.encoded = b[:n]
		v.count++
		return v.count - 1
	}
	mask := uint32(len(v.table) - 1)
	slot := hash(message) & mask
	for ; v.table[slot] != 0; slot = (slot + 1) & mask {
		n := v.table[slot] - 1
		if string(v.encoded[v.begins[2*n]:v.begins[2*n+1]]) == string(message) {
			return n
		}
	}
	v.encoded = appendUvarint(append(v.encoded, layerValue), uint32(len(message)))
	begin := len(v.encoded)
	v.encoded = append(v.encoded, message...)
	v.begins = append(v.begins, uint32(begin), uint32(len(v.encoded)))
	v.count++
	v.table[slot] = v.count
	if int(v.count) > len(v.table)/2 {
		v.grow()
	}
	return v.count - 1
}

func (v *values) grow() {
	v.table = resize(v.table, 2*len(v.table))
	clear(v.table)
	mask := uint32(len(v.table) - 1)
	for n := range v.count {
		slot := hash(v.encoded[v.begins[2*n]:v.begins[2*n+1]]) & mask
		for v.table[slot] != 0 {
			slot = (slot + 1) & mask
		}
		v.table[slot] = n + 1
	}
}

// text is the number of a new text; ids are unique, so it is not looked for.
func (v *values) text(b []byte) uint32 {
	n := uint32(1 + uvarintLen(uint64(len(b))) + len(b))
	v.encoded = appendUvarint(append(v.encoded, layerValue), n)
	begin := len(v.encoded)
	v.encoded = binary.AppendUvarint(append(v.encoded, valueString), uint64(len(b)))
	v.encoded = append(v.encoded, b...)
	if v.shared {
		v.begins = append(v.begins, uint32(begin), uint32(len(v.encoded)))
	}
	v.count++
	return v.count - 1
}

// seed is for hash; where values stand does not depend on it.
var seed = maphash.MakeSeed()

func hash(b []byte) uint32 { return uint32(maphash.Bytes(seed, b)) }
