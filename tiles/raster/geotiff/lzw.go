package geotiff

// Codes of TIFF's LZW (TIFF 6.0 §13): codes of 9 to 12 bits, most significant bit
// first, which widen one code earlier than GIF's.
const (
	lzwClear = 256
	lzwEnd   = 257
	lzwFirst = 258
	lzwCodes = 4096
)

// lzwReader decodes; it keeps its table between blocks.
type lzwReader struct {
	prefix [lzwCodes]uint16
	suffix [lzwCodes]byte
	length [lzwCodes]uint16
	first  [lzwCodes]byte
}

func newLZW() *lzwReader {
	z := &lzwReader{}
	for i := range 256 {
		z.suffix[i], z.first[i], z.length[i] = byte(i), byte(i), 1
	}
	return z
}

// decode fills dst and answers how much of it the data gave. Data beyond dst is
// ignored; a code that cannot be is the end.
func (z *lzwReader) decode(dst, src []byte) int {
	var (
		n, pos   int
		acc      uint32
		bits     uint
		width    uint = 9
		next          = lzwFirst
		previous      = -1
	)
	for n < len(dst) {
		for bits < width {
			if pos == len(src) {
				return n
			}
			acc = acc<<8 | uint32(src[pos])
			pos++
			bits += 8
		}
		bits -= width
		code := int(acc >> bits & (1<<width - 1))
		if code == lzwClear {
			width, next, previous = 9, lzwFirst, -1
			continue
		}
		if code == lzwEnd {
			return n
		}
		if code > next || code == next && previous < 0 || previous < 0 && code >= 256 {
			return n
		}
		if previous >= 0 && next < lzwCodes {
			z.add(next, previous, code)
			next++
		} else if code >= next {
			return n
		}
		n += z.write(dst[n:], code)
		previous = code
		if next+1 >= 1<<width && width < 12 {
			width++
		}
	}
	return n
}

// add enters the string of previous and the first byte of code's.
func (z *lzwReader) add(next, previous, code int) {
	z.prefix[next] = uint16(previous)
	z.length[next] = z.length[previous] + 1
	z.first[next] = z.first[previous]
	if code == next {
		z.suffix[next] = z.first[previous]
	} else {
		z.suffix[next] = z.first[code]
	}
}

// write puts the string of a code, as much as there is room for.
func (z *lzwReader) write(dst []byte, code int) int {
	n := int(z.length[code])
	room := min(n, len(dst))
	for i := n - 1; i >= 0; i-- {
		if i < room {
			dst[i] = z.suffix[code]
		}
		code = int(z.prefix[code])
	}
	return room
}

// unpackBits decodes PackBits (TIFF 6.0 §9) into dst and answers how much of it
// the data gave.
func unpackBits(dst, src []byte) int {
	n := 0
	for n < len(dst) && len(src) > 0 {
		c := int(int8(src[0]))
		src = src[1:]
		switch {
		case c >= 0:
			k := copy(dst[n:], src[:min(c+1, len(src))])
			n, src = n+k, src[min(c+1, len(src)):]
		case c == -128:
		case len(src) > 0:
			for range min(1-c, len(dst)-n) {
				dst[n] = src[0]
				n++
			}
			src = src[1:]
		}
	}
	return n
}
