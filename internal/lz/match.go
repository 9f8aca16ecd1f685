package lz

import (
	"encoding/binary"
	"math/bits"
)

// sequence is so many literals and then a copy of length bytes from distance
// bytes before.
type sequence struct{ literals, length, distance uint32 }

// tableBits is the binary logarithm of the number of places that a matcher
// remembers; the table fits into the nearest cache.
const tableBits = 12

// matcher splits a source into literals and copies. It is used by one goroutine at
// a time; the zero value is ready.
type matcher struct {
	table [1 << tableBits]uint32 // a place by the hash of what stands there: its index + base
	base  uint32                 // greater than what earlier sources left in table

	literals  []byte     // of the block, the last run without a copy included
	sequences []sequence // of the block
}

// begin starts a source of up to maxSource bytes.
func (m *matcher) begin() {
	if m.base == 0 || m.base > 1<<32-1-maxSource {
		clear(m.table[:])
		m.base = 1
	}
}

// end ends a source of so many bytes.
func (m *matcher) end(n int) { m.base += uint32(n) }

const (
	minMatch  = 5 // bytes of a copy
	hashBytes = 5 // that a place is found by
)

// block splits src[lo:hi]. starts are indexes in src, ascending (others are of no
// use), from which copies may begin; copies are not longer than longest and not from
// farther than farthest. It gives the starts that are left.
func (m *matcher) block(src []byte, lo, hi int, starts []uint32, longest, farthest int) []uint32 {
	m.literals, m.sequences = m.literals[:0], m.sequences[:0]
	if cap(m.literals) < hi-lo+32 {
		m.literals = make([]byte, 0, hi-lo+32)
	}
	end := lo // of the last copy
	base := m.base
	last := min(hi-minMatch, len(src)-8) + 1 // after the last place that can be looked at
	for len(starts) > 0 {
		p := int(starts[0])
		if p >= hi {
			break
		}
		starts = starts[1:]
		if p >= last || p < lo {
			continue
		}
		word := binary.LittleEndian.Uint64(src[p:])
		slot := &m.table[word<<(64-8*hashBytes)*0x9E3779B185EBCA87>>(64-tableBits)]
		c := int(*slot) - int(base)
		*slot = uint32(p) + base
		if c < 0 || p < end || uint(p-c-1) >= uint(farthest) {
			continue
		}
		apart := binary.LittleEndian.Uint64(src[c:]) ^ word
		if apart<<(64-8*minMatch) != 0 {
			continue
		}
		n := bits.TrailingZeros64(apart) / 8
		if apart == 0 && p+8 <= hi {
			n += same(src[c+8:], src[p+8:hi])
		}
		n = min(n, hi-p)
		if c >= 8 { // what stands before is the same too, up to eight bytes
			back := bits.LeadingZeros64(binary.LittleEndian.Uint64(src[c-8:])^binary.LittleEndian.Uint64(src[p-8:])) / 8
			back = min(back, p-end)
			p, c, n = p-back, c-back, n+back
		}
		n = min(n, longest)
		m.sequences = append(m.sequences, sequence{uint32(p - end), uint32(n), uint32(p - c)})
		m.keep(src, end, p)
		end = p + n
	}
	m.keep(src, end, hi)
	return starts
}

// keep appends src[lo:hi] to the literals, which have 32 bytes of room beyond all of
// the block's.
func (m *matcher) keep(src []byte, lo, hi int) {
	n, to := hi-lo, len(m.literals)
	if n > 32 || lo+32 > len(src) {
		m.literals = append(m.literals, src[lo:hi]...)
		return
	}
	l := m.literals[:to+32]
	*(*[32]byte)(l[to:]) = *(*[32]byte)(src[lo:])
	m.literals = l[:to+n]
}

// same is the number of leading bytes that a and b, the shorter, have in common.
func same(a, b []byte) int {
	n := 0
	for ; n+8 <= len(b); n += 8 {
		if d := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); d != 0 {
			return n + bits.TrailingZeros64(d)/8
		}
	}
	for n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
