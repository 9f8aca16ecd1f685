package lz

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

const (
	gzipBlock  = 64 << 10 // bytes of the source in a block
	gzipWindow = 32 << 10
	gzipCopy   = 258 // bytes that a copy has at most
)

// Gzip makes gzip members. It keeps its memory and is used by one goroutine at a
// time; the zero value is ready.
type Gzip struct {
	m       matcher
	w       bitWriter
	coded   []copied // the block's sequences
	count   [maxSymbols]uint32
	far     [30]uint32 // how often each distance's code occurs
	symbols prefixCode // literals, lengths and the end
	places  prefixCode // distances
	header  prefixCode // lengths of the codes of both
}

// copied is a sequence with the symbols and the bits that say it.
type copied struct {
	literals      uint32
	length, place uint16 // symbols
	extra         uint32 // bits after the length's symbol, then those after the distance's
	bits, more    uint8  // how many there are
}

// Append appends src as a member. starts are indexes in src, ascending, at which what
// follows may have stood before. Sources of more than 1 GiB are its caller's fault.
func (g *Gzip) Append(dst, src []byte, starts []uint32) []byte {
	dst = append(dst, 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255) // fastest; no name, no time
	g.w = bitWriter{b: dst[:cap(dst)], at: len(dst)}
	g.m.begin()
	for lo := 0; ; lo += gzipBlock {
		hi := min(lo+gzipBlock, len(src))
		starts = g.m.block(src, lo, hi, starts, gzipCopy, gzipWindow)
		g.block(src[lo:hi], hi == len(src))
		if hi == len(src) {
			break
		}
	}
	g.m.end(len(src))
	dst = g.w.close()
	dst = binary.LittleEndian.AppendUint32(dst, crc32.ChecksumIEEE(src))
	return binary.LittleEndian.AppendUint32(dst, uint32(len(src)))
}

// block writes a block of what the matcher found in src, or src itself when that is
// shorter (RFC 1951 §3.2.3).
func (g *Gzip) block(src []byte, last bool) {
	final := uint64(0)
	if last {
		final = 1
	}
	size := g.number()
	if size/8 >= len(src) && len(src) < 1<<16 {
		g.w.room(len(src) + 16)
		g.w.put(final, 3)
		g.w.align()
		g.w.put(uint64(len(src))|uint64(^uint16(len(src)))<<16, 32)
		g.w.align()
		g.w.at += copy(g.w.b[g.w.at:], src)
		return
	}
	g.w.room(size/8 + 512)
	g.w.put(final|2<<1, 3)
	g.describe()
	g.write()
}

// number fills coded, makes the codes and gives about how many bits the block takes.
func (g *Gzip) number() int {
	clear(g.far[:])
	count := &g.count
	clear(count[256:])
	histogram((*[256]uint32)(count[:]), g.m.literals)
	count[endOfBlock] = 1
	g.coded = g.coded[:0]
	extra := 0
	for i := range g.m.sequences {
		s := &g.m.sequences[i]
		l := lengthSymbol[s.length-3]
		d := s.distance - 1
		n := uint32(max(2, bits.Len32(d))) - 2 // bits after the distance's symbol
		place := uint16(2*n + d>>n)
		ln := lengthExtra[l&31]
		c := copied{s.literals, 257 + uint16(l), place, (s.length-3)&(1<<ln-1) | d&(1<<n-1)<<ln, ln, uint8(n)}
		count[c.length]++
		g.far[place]++
		g.coded = append(g.coded, c)
		extra += int(uint32(ln) + n)
	}
	g.symbols.fit(count[:], maxLength)
	if len(g.coded) == 0 {
		g.far[0] = 1 // a code of one distance: some decoders want it
	}
	g.places.fit(g.far[:], maxLength)
	for s, c := range count {
		extra += int(c * (g.symbols.codes[s] >> 16))
	}
	for s, c := range g.far {
		extra += int(c * (g.places.codes[s] >> 16))
	}
	return extra
}

// describe writes the lengths of the codes (RFC 1951 §3.2.7).
func (g *Gzip) describe() {
	var lengths [maxSymbols + 30]uint8
	n := 0
	add := func(p *prefixCode, size, least int) int {
		for size > least && p.codes[size-1] == 0 {
			size--
		}
		for _, c := range p.codes[:size] {
			lengths[n] = uint8(c >> 16)
			n++
		}
		return size
	}
	literals := add(&g.symbols, maxSymbols, 257)
	places := add(&g.places, 30, 1)
	var runs [maxSymbols + 30]uint16 // symbol, and the bits after it from bit 8 on
	var count [19]uint32
	k := 0
	for i := 0; i < n; {
		run := i + 1
		for run < n && lengths[run] == lengths[i] {
			run++
		}
		symbol, repeat := lengths[i], run-i
		take := func(s uint8, n, least int) {
			runs[k] = uint16(s) | uint16(n-least)<<8
			count[s]++
			k++
			repeat -= n
		}
		if symbol != 0 {
			take(symbol, 0, 0)
			repeat--
		}
		for repeat > 0 {
			switch {
			case symbol == 0 && repeat >= 11:
				take(18, min(repeat, 138), 11)
			case symbol == 0 && repeat >= 3:
				take(17, repeat, 3)
			case symbol != 0 && repeat >= 3:
				take(16, min(repeat, 6), 3)
			default:
				take(symbol, 0, 0)
				repeat--
			}
		}
		i = run
	}
	g.header.fit(count[:], 7)
	sent := len(headerOrder)
	for sent > 4 && g.header.codes[headerOrder[sent-1]] == 0 {
		sent--
	}
	g.w.put(uint64(literals-257)|uint64(places-1)<<5|uint64(sent-4)<<10, 14)
	for _, s := range headerOrder[:sent] {
		g.w.put(uint64(g.header.codes[s]>>16), 3)
	}
	for _, r := range runs[:k] {
		s := r & 0xff
		g.w.code(g.header.codes[s])
		switch s {
		case 16:
			g.w.put(uint64(r>>8), 2)
		case 17:
			g.w.put(uint64(r>>8), 3)
		case 18:
			g.w.put(uint64(r>>8), 7)
		}
	}
}

// write writes literals and copies. The writer's state is in variables of its own,
// which stay in registers.
func (g *Gzip) write() {
	b, at, w, have := g.w.b, g.w.at, g.w.w, g.w.have
	codes, places := &g.symbols.codes, &g.places.codes
	rest, next := g.m.literals, 0
	for i := 0; ; i++ {
		end := len(rest)
		if i < len(g.coded) {
			end = next + int(g.coded[i].literals)
		}
		for ; next+4 <= end; next += 4 {
			l := rest[next : next+4 : next+4]
			c0, c1, c2, c3 := codes[l[0]], codes[l[1]], codes[l[2]], codes[l[3]]
			binary.LittleEndian.PutUint64(b[at:], w)
			at += int(have >> 3)
			w >>= have &^ 7 & 63
			have &= 7
			n0 := c0 >> 16
			n1 := n0 + c1>>16
			n2 := n1 + c2>>16
			w |= (uint64(c0&0xffff) | uint64(c1&0xffff)<<(n0&63) | uint64(c2&0xffff)<<(n1&63) | uint64(c3&0xffff)<<(n2&63)) << (have & 63)
			have += uint(n2 + c3>>16)
		}
		binary.LittleEndian.PutUint64(b[at:], w)
		at += int(have >> 3)
		w >>= have &^ 7 & 63
		have &= 7
		for ; next < end; next++ {
			c := codes[rest[next]]
			w |= uint64(c&0xffff) << (have & 63)
			have += uint(c >> 16)
		}
		binary.LittleEndian.PutUint64(b[at:], w)
		at += int(have >> 3)
		w >>= have &^ 7 & 63
		have &= 7
		if i == len(g.coded) {
			break
		}
		c := &g.coded[i]
		l, d := codes[c.length], places[c.place]
		w |= uint64(l&0xffff) << have
		have += uint(l >> 16)
		w |= uint64(c.extra&(1<<(c.bits&31)-1)) << (have & 63)
		have += uint(c.bits)
		w |= uint64(d&0xffff) << (have & 63)
		have += uint(d >> 16)
		w |= uint64(c.extra>>(c.bits&31)) << (have & 63)
		have += uint(c.more)
	}
	g.w.at, g.w.w, g.w.have = at, w, have
	g.w.code(codes[endOfBlock])
}

// bitWriter writes bits, the low ones first; b has room for what is written and
// eight bytes more.
type bitWriter struct {
	b    []byte
	at   int
	w    uint64 // bits that wait
	have uint   // how many: up to seven between calls
}

// room makes sure that n bytes fit.
func (w *bitWriter) room(n int) {
	if len(w.b)-w.at < n+16 {
		grown := make([]byte, 2*len(w.b)+n+16)
		copy(grown, w.b[:w.at])
		w.b = grown
	}
}

// put writes the n low bits of v, of which no others are set.
func (w *bitWriter) put(v uint64, n uint) {
	w.w |= v << (w.have & 63)
	w.have += n
	binary.LittleEndian.PutUint64(w.b[w.at:], w.w)
	w.at += int(w.have >> 3)
	w.w >>= w.have &^ 7 & 63
	w.have &= 7
}

// code writes a code of a prefixCode.
func (w *bitWriter) code(c uint32) { w.put(uint64(c&0xffff), uint(c>>16)) }

// align goes on at the next whole byte.
func (w *bitWriter) align() {
	w.put(0, -w.have&7)
}

// close gives all that was written, in whole bytes.
func (w *bitWriter) close() []byte {
	w.room(8)
	w.align()
	return w.b[:w.at]
}

// histogram counts bytes, four at a time, so that equal neighbours do not wait for
// each other.
func histogram(count *[256]uint32, list []byte) {
	var a, b, c [256]uint32
	clear(count[:])
	for ; len(list) >= 4; list = list[4:] {
		count[list[0]]++
		a[list[1]]++
		b[list[2]]++
		c[list[3]]++
	}
	for _, s := range list {
		count[s]++
	}
	for i := range count {
		count[i] += a[i] + b[i] + c[i]
	}
}

const endOfBlock = 256

// headerOrder is the order in which the lengths of the header's code stand.
var headerOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// The symbols of lengths from 3 on, less 257, and the bits that follow them (RFC 1951
// §3.2.5). A length of 258 has a symbol of its own.
var (
	lengthExtra  = [32]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5}
	lengthSymbol = func() (t [256]uint8) {
		n := 0
		for s := range 28 {
			for range 1 << lengthExtra[s] {
				t[min(n, 255)] = uint8(s)
				n++
			}
		}
		t[255] = 28
		return t
	}()
)
