package tiles3d

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"twind/layers"
	"twind/layers/snapshot"
)

// column is the number of a layer's property that the reader may see, under the
// first of some names, or −1.
func column(l *layers.Layer, hidden []string, numeric bool, names ...string) int {
	for _, name := range names {
		for c := range l.Schema {
			p := &l.Schema[c]
			isNumber := p.Type == layers.Integer || p.Type == layers.Number
			if strings.EqualFold(p.Name, name) && isNumber == numeric && !slices.Contains(hidden, p.Name) {
				return c
			}
		}
	}
	return -1
}

// raw is the encoded value of property c of feature i; nil is null.
func raw(s *snapshot.Segment, c, i int) []byte {
	if c < 0 || c >= len(s.Columns) {
		return nil
	}
	k := s.Columns[c][i]
	if k == 0 {
		return nil
	}
	return s.Value(k)
}

// The fields of an MVT Value message that a snapshot writes, see snapshot.Segment.
const (
	tagString = 1<<3 | 2
	tagDouble = 3<<3 | 1
	tagUint   = 5 << 3
	tagSint   = 6 << 3
	tagBool   = 7 << 3
)

// numberOf is an encoded number; NaN for null and for all else.
func numberOf(b []byte) float64 {
	if len(b) < 2 {
		return math.NaN()
	}
	switch b[0] {
	case tagDouble:
		if len(b) == 9 {
			return math.Float64frombits(binary.LittleEndian.Uint64(b[1:]))
		}
	case tagUint, tagSint:
		return float64(integerOf(b))
	}
	return math.NaN()
}

// integerOf is an encoded integer, or 0.
func integerOf(b []byte) int64 {
	if len(b) < 2 {
		return 0
	}
	switch b[0] {
	case tagUint:
		n, _ := binary.Uvarint(b[1:])
		return int64(n)
	case tagSint:
		n, _ := binary.Varint(b[1:])
		return n
	}
	return 0
}

// boolOf is an encoded truth value; null is false.
func boolOf(b []byte) bool { return len(b) == 2 && b[0] == tagBool && b[1] != 0 }

// textOf is an encoded text, in the segment's memory; nil for null.
func textOf(b []byte) []byte {
	if len(b) < 2 || b[0] != tagString {
		return nil
	}
	n, k := binary.Uvarint(b[1:])
	if k <= 0 || n != uint64(len(b)-1-k) {
		return nil
	}
	return b[1+k:]
}
