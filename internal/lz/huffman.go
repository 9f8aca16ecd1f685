package lz

import (
	"math/bits"
	"slices"
)

// prefixCode is a Huffman code as deflate has them (RFC 1951 §3.2.2): codes[s] holds
// the reversed code of symbol s and, from bit 16 on, its length; 0 for symbols
// without one.
type prefixCode struct {
	codes [maxSymbols]uint32
	keys  [maxSymbols]uint64
}

const (
	maxSymbols = 286
	maxLength  = 14 // of a code: four and seven more bits fit into a word
)

// fit makes the code of symbols by how often they occur, with lengths up to limit;
// at least one occurs.
func (p *prefixCode) fit(count []uint32, limit int) {
	keys := p.keys[:0]
	for s, c := range count {
		p.codes[s] = 0
		if c > 0 {
			keys = append(keys, uint64(c)<<16|uint64(s))
		}
	}
	if len(keys) == 1 {
		p.codes[keys[0]&0xffff] = 1 << 16
		return
	}
	slices.Sort(keys)
	var number [64]int // of codes by length
	lengths(keys, &number)
	shorten(&number, limit)
	var next [maxLength + 2]uint32
	for l := 1; l <= limit; l++ {
		next[l+1] = (next[l] + uint32(number[l])) << 1
	}
	length := limit // the rarest symbols come first
	for _, k := range keys {
		for number[length] == 0 {
			length--
		}
		number[length]--
		p.codes[k&0xffff] = uint32(length) << 16
	}
	for s := range count {
		if l := p.codes[s] >> 16; l > 0 {
			p.codes[s] |= bits.Reverse32(next[l]) >> (32 - l)
			next[l]++
		}
	}
}

// lengths counts the lengths of the codes of symbols whose keys, of which the low 16
// bits are no weight, are in ascending order: in place, after Moffat and Katajainen,
// "In-place calculation of minimum-redundancy codes", WADS 1995.
func lengths(keys []uint64, number *[64]int) {
	var weights [maxSymbols]uint32
	a := weights[:len(keys)]
	for i, k := range keys {
		a[i] = uint32(k >> 16)
	}
	n := len(a)
	a[0] += a[1]
	root, leaf := 0, 2
	for next := 1; next < n-1; next++ {
		var sum uint32
		for range 2 {
			if leaf >= n || root < next && a[root] < a[leaf] {
				sum += a[root]
				a[root] = uint32(next)
				root++
			} else {
				sum += a[leaf]
				leaf++
			}
		}
		a[next] = sum
	}
	a[n-2] = 0
	for next := n - 3; next >= 0; next-- {
		a[next] = a[a[next]] + 1
	}
	available, depth := 1, 0
	for root := n - 2; available > 0; depth++ {
		used := 0
		for root >= 0 && int(a[root]) == depth {
			used++
			root--
		}
		number[min(depth, len(number)-1)] += available - used
		available = 2 * used
	}
}

// shorten gives codes that are longer than limit a length up to it, and others
// longer ones, until they are a prefix code again.
func shorten(number *[64]int, limit int) {
	for l := limit + 1; l < len(number); l++ {
		number[limit] += number[l]
		number[l] = 0
	}
	total := 0
	for l := 1; l <= limit; l++ {
		total += number[l] << (limit - l)
	}
	for ; total > 1<<limit; total-- {
		number[limit]--
		l := limit - 1
		for number[l] == 0 {
			l--
		}
		number[l]--
		number[l+1] += 2
	}
}
