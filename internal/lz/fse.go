package lz

import "math/bits"

// fseTable encodes the symbols of one field of a sequence by finite state entropy
// (RFC 8878 §4.1), as a distribution says.
type fseTable struct {
	log     uint8
	next    [1 << maxFSELog]uint16
	symbols [maxFSESymbols]fseSymbol
}

type fseSymbol struct {
	bits uint32 // a state plus it, shifted right by 16, is the number of bits to write
	find int32  // what is left of a state plus it is the index of the next in next
}

const (
	maxFSELog     = 8
	maxFSESymbols = 64 // in a table; no field has more than 53
)

// init makes the table of a distribution: each symbol's share of 1<<log, −1 for one
// that is rarer than that.
func (t *fseTable) init(norm []int16, log uint8) {
	t.log = log
	size := 1 << log
	var symbol [1 << maxFSELog]uint8
	var first [maxFSESymbols + 1]int
	high := size - 1
	for s, n := range norm {
		if n == -1 {
			first[s+1] = first[s] + 1
			symbol[high] = uint8(s)
			high--
		} else {
			first[s+1] = first[s] + int(n)
		}
	}
	step, at := size>>1+size>>3+3, 0
	for s, n := range norm {
		for range max(n, 0) {
			symbol[at] = uint8(s)
			for at = (at + step) & (size - 1); at > high; {
				at = (at + step) & (size - 1)
			}
		}
	}
	total := first
	for i := range size {
		s := symbol[i]
		t.next[total[s]] = uint16(size + i)
		total[s]++
	}
	for s, n := range norm {
		switch n {
		case 0:
			t.symbols[s] = fseSymbol{bits: uint32(log+1)<<16 - uint32(size)}
		case 1, -1:
			t.symbols[s] = fseSymbol{uint32(log)<<16 - uint32(size), int32(first[s] - 1)}
		default:
			most := uint32(log) - uint32(bits.Len16(uint16(n-1))-1)
			t.symbols[s] = fseSymbol{most<<16 - uint32(n)<<most, int32(first[s] - int(n))}
		}
	}
}

// start is the state that ends with symbol s: the encoder works backwards.
func (t *fseTable) start(s uint8) uint32 {
	k := &t.symbols[s]
	n := (k.bits + 1<<15) >> 16
	return uint32(t.next[int32((n<<16-k.bits)>>n)+k.find])
}

// fit makes the table of so many codes by how often each occurs, and appends its
// description (RFC 8878 §4.1.1). It reports false, and appends nothing, for codes
// that are all one, and for few, for which a description does not pay.
func (t *fseTable) fit(dst []byte, count *[maxFSESymbols]uint32, total int) ([]byte, bool) {
	if total < 64 {
		return dst, false
	}
	log := uint8(min(maxFSELog, max(5, bits.Len(uint(total))-2)))
	size := int32(1) << log
	var norm [maxFSESymbols]int16
	left, most, last := size, 0, 0
	for s, c := range count {
		if c == 0 {
			continue
		}
		n := max(1, int32((uint64(c)<<log+uint64(total)/2)/uint64(total)))
		norm[s] = int16(n)
		left -= n
		if norm[s] > norm[most] {
			most = s
		}
		last = s
	}
	if left += int32(norm[most]); int32(norm[most]) == size || 2*left <= int32(norm[most]) {
		return dst, false
	}
	norm[most] = int16(left)
	t.init(norm[:last+1], log)
	return describe(dst, norm[:last+1], log), true
}

// describe appends the description of a distribution.
func describe(dst []byte, norm []int16, log uint8) []byte {
	w, have := uint64(log-5), uint(4)
	left, threshold, width := int32(1)<<log+1, int32(1)<<log, uint(log)+1
	for s := 0; left > 1; s++ {
		n := int32(norm[s])
		most := 2*threshold - 1 - left
		left -= n
		v := n + 1
		if v >= threshold {
			v += most
		}
		w |= uint64(v) << have
		have += width
		if v < most {
			have--
		}
		for left < threshold {
			threshold >>= 1
			width--
		}
		if n == 0 { // how many more follow, three at a time
			from := s + 1
			for norm[s+1] == 0 {
				s++
			}
			for zeros := s + 1 - from; ; zeros -= 3 {
				w |= uint64(min(zeros, 3)) << have
				have += 2
				if zeros < 3 {
					break
				}
				dst, w, have = drain(dst, w, have)
			}
		}
		dst, w, have = drain(dst, w, have)
	}
	if have > 0 {
		dst = append(dst, byte(w))
	}
	return dst
}

// drain appends the whole bytes of w, of which have bits count.
func drain(dst []byte, w uint64, have uint) ([]byte, uint64, uint) {
	for ; have >= 8; have -= 8 {
		dst = append(dst, byte(w))
		w >>= 8
	}
	return dst, w, have
}

// step writes what leads from state to the one that says symbol s first.
func (t *fseTable) step(w uint64, have uint, state uint32, s uint8) (uint64, uint, uint32) {
	k := &t.symbols[s&63]
	n := (state + k.bits) >> 16
	w |= uint64(state&(1<<(n&31)-1)) << (have & 63)
	return w, have + uint(n), uint32(t.next[uint8(int32(state>>(n&31))+k.find)])
}
