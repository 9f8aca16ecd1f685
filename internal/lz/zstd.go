package lz

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/klauspost/compress/huff0"
)

// maxSource is the largest source that is compressed, in bytes.
const maxSource = 1 << 30

const (
	zstdBlock  = 128 << 10 // bytes of the source in a block
	zstdWindow = 1 << 20   // bytes that a decoder of a large frame must hold
)

// Zstd makes zstd frames. It keeps its memory and is used by one goroutine at a
// time; the zero value is ready.
type Zstd struct {
	m      matcher
	huff   huff0.Scratch
	coded  []coded     // the block's sequences
	fields [3]struct { // literals' length, offset, match's length
		count [maxFSESymbols]uint32
		table fseTable
	}
}

// Append appends src as a frame without a checksum. starts are indexes in src,
// ascending, at which what follows may have stood before. Sources of more than
// 1 GiB are its caller's fault.
func (z *Zstd) Append(dst, src []byte, starts []uint32) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, 0xFD2FB528)
	farthest := zstdWindow - zstdBlock
	if len(src) <= zstdWindow {
		dst = append(dst, 2<<6|1<<5) // the content's size in four bytes, which is the window's
		farthest = zstdWindow
	} else {
		dst = append(dst, 2<<6, (20-10)<<3)
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(src)))
	z.m.begin()
	repeat := uint32(1)
	for lo := 0; ; lo += zstdBlock {
		hi := min(lo+zstdBlock, len(src))
		starts = z.m.block(src, lo, hi, starts, zstdBlock, farthest)
		dst = z.block(dst, src[lo:hi], &repeat, hi == len(src))
		if hi == len(src) {
			break
		}
	}
	z.m.end(len(src))
	return dst
}

// block appends a block of what the matcher found in src, or src itself when that
// is not longer.
func (z *Zstd) block(dst, src []byte, repeat *uint32, last bool) []byte {
	begin := len(dst)
	before := *repeat
	dst = append(dst, 0, 0, 0)
	dst = z.literals(dst)
	dst = z.sequences(dst, repeat)
	size, kind := len(dst)-begin-3, uint32(2)
	if size >= len(src) {
		*repeat = before
		dst = append(dst[:begin+3], src...)
		size, kind = len(src), 0
	}
	header := uint32(size)<<3 | kind<<1
	if last {
		header |= 1
	}
	dst[begin], dst[begin+1], dst[begin+2] = byte(header), byte(header>>8), byte(header>>16)
	return dst
}

// literals appends the literals' section (RFC 8878 §3.1.1.3.1).
func (z *Zstd) literals(dst []byte) []byte {
	lits := z.m.literals
	n := uint64(len(lits))
	z.huff.Reuse = huff0.ReusePolicyNone
	var out []byte
	var err error
	four := n >= 256
	switch {
	case n < 32:
		err = huff0.ErrIncompressible // the table alone is longer
	case four:
		out, _, err = huff0.Compress4X(lits, &z.huff)
	default:
		out, _, err = huff0.Compress1X(lits, &z.huff)
	}
	kind, content := uint64(2), out
	switch {
	case errors.Is(err, huff0.ErrUseRLE):
		kind, content = 1, lits[:1]
	case err != nil:
		kind, content = 0, lits
	}
	if kind < 2 {
		switch {
		case n < 1<<5:
			dst = append(dst, byte(kind|n<<3))
		case n < 1<<12:
			dst = append(dst, byte(kind|1<<2|n<<4), byte(n>>4))
		default:
			dst = append(dst, byte(kind|3<<2|n<<4), byte(n>>4), byte(n>>12))
		}
		return append(dst, content...)
	}
	k := uint64(len(out))
	switch {
	case !four:
		h := kind | n<<4 | k<<14
		dst = append(dst, byte(h), byte(h>>8), byte(h>>16))
	case n < 1<<10 && k < 1<<10:
		h := kind | 1<<2 | n<<4 | k<<14
		dst = append(dst, byte(h), byte(h>>8), byte(h>>16))
	case n < 1<<14 && k < 1<<14:
		h := kind | 2<<2 | n<<4 | k<<18
		dst = binary.LittleEndian.AppendUint32(dst, uint32(h))
	default:
		h := kind | 3<<2 | n<<4 | k<<22
		dst = append(binary.LittleEndian.AppendUint32(dst, uint32(h)), byte(h>>32))
	}
	return append(dst, out...)
}

// sequences appends the sequences' section (RFC 8878 §3.1.1.3.2).
func (z *Zstd) sequences(dst []byte, repeat *uint32) []byte {
	n := len(z.m.sequences)
	switch {
	case n == 0:
		return append(dst, 0)
	case n < 128:
		dst = append(dst, byte(n))
	case n < 0x7f00:
		dst = append(dst, byte(n>>8)+128, byte(n))
	default:
		dst = append(dst, 255, byte(n-0x7f00), byte((n-0x7f00)>>8))
	}
	z.number(repeat)
	modes := len(dst)
	dst = append(dst, 0)
	var tables [3]*fseTable
	for k := range tables {
		var ok bool
		f := &z.fields[k]
		if dst, ok = f.table.fit(dst, &f.count, n); ok {
			tables[k] = &f.table
			dst[modes] |= 2 << (6 - 2*k)
		} else {
			tables[k] = &predefined[k]
		}
	}
	return appendStates(dst, z.coded, tables[0], tables[1], tables[2])
}

// coded is a sequence as it is written: the codes of its literals' length, of its
// offset and of its match's length, and the bits that follow them.
type coded struct {
	extra   uint64
	n       uint8 // bits of extra
	l, o, m uint8
}

// number fills coded and counts the codes. repeat is the last distance.
func (z *Zstd) number(repeat *uint32) {
	for k := range z.fields {
		clear(z.fields[k].count[:])
	}
	list := z.m.sequences
	if cap(z.coded) < len(list) {
		z.coded = make([]coded, 0, len(list)+len(list)/2)
	}
	z.coded = z.coded[:len(list)]
	last := *repeat
	for i := range list {
		s := &list[i]
		// The last distance again is 1; others, the two before among them, are said in
		// full, since asking costs more than it saves. After no literals 1 is another.
		// Without branches, which nobody could foresee.
		other := uint64(s.distance^last) | uint64(s.literals-1)>>31
		again := -uint32((other - 1) >> 63)
		offset := (s.distance+3)&^again | 1&again
		last = s.distance
		l, o, m := literalsCode(s.literals), uint8(bits.Len32(offset)-1), lengthCode(s.length)
		ln, mn := literalsBits[l&63], lengthBits[m&63]
		extra := uint64(s.literals)&(1<<(ln&63)-1) | uint64(s.length-3)&(1<<(mn&63)-1)<<(ln&63) | uint64(offset)&(1<<(o&63)-1)<<((ln+mn)&63)
		z.coded[i] = coded{extra, ln + mn + o, l, o, m}
		z.fields[0].count[l&63]++
		z.fields[1].count[o&63]++
		z.fields[2].count[m&63]++
	}
	*repeat = last
}

// appendStates appends the codes and their bits, backwards (RFC 8878 §4.1).
func appendStates(dst []byte, list []coded, ll, of, ml *fseTable) []byte {
	if room := 12*len(list) + 32; cap(dst)-len(dst) < room {
		dst = append(make([]byte, 0, len(dst)+room+cap(dst)/2), dst...)
	}
	b, at := dst[:cap(dst)], len(dst)
	c := list[len(list)-1]
	sl, so, sm := ll.start(c.l), of.start(c.o), ml.start(c.m)
	w, have := c.extra, uint(c.n)
	for i := len(list) - 2; i >= 0; i-- {
		binary.LittleEndian.PutUint64(b[at:], w)
		at += int(have >> 3)
		w >>= have &^ 7 & 63
		have &= 7
		c := &list[i]
		w, have, so = of.step(w, have, so, c.o)
		w, have, sm = ml.step(w, have, sm, c.m)
		w, have, sl = ll.step(w, have, sl, c.l)
		if have+uint(c.n) > 63 {
			binary.LittleEndian.PutUint64(b[at:], w)
			at += int(have >> 3)
			w >>= have &^ 7 & 63
			have &= 7
		}
		w |= c.extra << (have & 63)
		have += uint(c.n)
	}
	binary.LittleEndian.PutUint64(b[at:], w)
	at += int(have >> 3)
	w >>= have &^ 7 & 63
	have &= 7
	for _, s := range []struct {
		state uint32
		log   uint8
	}{{sm, ml.log}, {so, of.log}, {sl, ll.log}} {
		w |= uint64(s.state&(1<<s.log-1)) << have
		have += uint(s.log)
	}
	w |= 1 << have
	have++
	binary.LittleEndian.PutUint64(b[at:], w)
	return b[:at+int(have+7)>>3]
}

// The codes of lengths and the bits that follow them (RFC 8878 §3.1.1.3.2.1.1).
var (
	literalsBits = [64]uint8{16: 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	lengthBits   = [64]uint8{32: 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	literalsOf   = [64]uint8(codes(literalsBits[:36], 64))
	lengthOf     = [128]uint8(codes(lengthBits[:53], 128))
)

// codes is the code of each value below n.
func codes(extra []uint8, n int) []uint8 {
	out := make([]uint8, 0, n)
	for c := 0; len(out) < n; c++ {
		for range 1 << extra[c] {
			out = append(out, uint8(c))
		}
	}
	return out[:n]
}

func literalsCode(n uint32) uint8 {
	if n < 64 {
		return literalsOf[n]
	}
	return uint8(bits.Len32(n) - 1 + 19)
}

func lengthCode(n uint32) uint8 {
	if n -= 3; n < 128 {
		return lengthOf[n]
	}
	return uint8(bits.Len32(n) - 1 + 36)
}

// predefined are the tables of the distributions in RFC 8878 §3.1.1.3.2.2, in the
// order of fields.
var predefined = func() (p [3]fseTable) {
	p[0].init([]int16{4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1}, 6)
	p[1].init([]int16{1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1}, 5)
	p[2].init([]int16{1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1}, 6)
	return p
}()
