package history

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The encodings of a float column, its first byte.
const (
	maxDecimals  = 9    // 0…9: numbers of so many decimals, as whole numbers
	floatsAbsent = 0xfe // all NaN
	floatsRaw    = 0xff // 8 bytes each
	withAbsent   = 0x40 // bit: a bitmap of the rows that are NaN comes first
)

// The powers of ten that are exact in float64 and so the inverse of one another.
var powers = [maxDecimals + 1]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// largestDecimal bounds whole numbers of decimals: below it a quotient by a
// power of ten is the float64 nearest to the decimal.
const largestDecimal = 1 << 51

func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// appendInts writes differences of neighbours as zigzag varints.
func appendInts(dst []byte, v []int64) []byte {
	last := int64(0)
	for _, x := range v {
		dst = binary.AppendUvarint(dst, zigzag(x-last))
		last = x
	}
	return dst
}

// appendTexts writes the words and each row's number.
func appendTexts(dst []byte, c *textColumn) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(c.words)))
	for _, w := range c.words {
		dst = binary.AppendUvarint(dst, uint64(len(w)))
	}
	for _, w := range c.words {
		dst = append(dst, w...)
	}
	last := int64(0)
	for _, i := range c.index {
		dst = binary.AppendUvarint(dst, zigzag(int64(i)-last))
		last = int64(i)
	}
	return dst
}

// decimals is the least number of decimals with which every value is exact, or
// floatsRaw; absent counts the NaN.
func decimals(v []float64) (k byte, absent int) {
	for _, x := range v {
		if x != x {
			absent++
			continue
		}
		if k == floatsRaw {
			continue
		}
		for {
			r := math.RoundToEven(x * powers[k])
			if !(r < largestDecimal && r > -largestDecimal) || x == 0 && math.Signbit(x) {
				k = floatsRaw
				break
			}
			if r/powers[k] == x {
				break
			}
			if k++; k > maxDecimals {
				k = floatsRaw
				break
			}
		}
	}
	return k, absent
}

// appendFloats writes a column without loss; NaN is absent, whatever its bits.
func appendFloats(dst []byte, v []float64) []byte {
	k, absent := decimals(v)
	switch {
	case absent == len(v):
		return append(dst, floatsAbsent)
	case k == floatsRaw:
		dst = append(dst, floatsRaw)
		for _, x := range v {
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
		}
		return dst
	case absent == 0:
		dst = append(dst, k)
	default:
		dst = append(dst, k|withAbsent)
		at := len(dst)
		dst = append(dst, make([]byte, (len(v)+7)/8)...)
		for i, x := range v {
			if x != x {
				dst[at+i/8] |= 1 << (i % 8)
			}
		}
	}
	last := int64(0)
	for _, x := range v {
		if x != x {
			continue
		}
		n := int64(math.RoundToEven(x * powers[k]))
		dst = binary.AppendUvarint(dst, zigzag(n-last))
		last = n
	}
	return dst
}

// reader takes columns off a payload; bad is set once and for all by what
// cannot be, and nothing is read afterwards.
type reader struct {
	b   []byte
	bad error
}

func (r *reader) fail(format string, args ...any) {
	if r.bad == nil {
		r.bad = fmt.Errorf(format, args...)
	}
	r.b = nil
}

func (r *reader) uvarint() uint64 {
	if len(r.b) > 0 && r.b[0] < 0x80 {
		v := uint64(r.b[0])
		r.b = r.b[1:]
		return v
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail("a number breaks off")
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail("%d bytes where %d are left", n, len(r.b))
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) ints(dst []int64, rows int) []int64 {
	dst = dst[:0]
	last := int64(0)
	for range rows {
		last += unzigzag(r.uvarint())
		dst = append(dst, last)
	}
	return dst
}

// texts reads a text column. All words share one piece of memory.
func (r *reader) texts(c *textColumn, rows int) {
	c.reset()
	n := r.uvarint()
	if n > uint64(rows) || n == 0 && rows > 0 {
		r.fail("%d words for %d rows", n, rows)
		return
	}
	total := uint64(0)
	lengths := c.index[:0] // its memory, before the rows need it
	for range n {
		l := r.uvarint()
		if l > maxTextBytes {
			r.fail("a text of %d bytes", l)
			return
		}
		total += l
		lengths = append(lengths, uint32(l))
	}
	all := string(r.take(total))
	if r.bad != nil {
		return
	}
	for _, l := range lengths {
		c.words = append(c.words, all[:l])
		all = all[l:]
	}
	c.index = lengths[:0]
	last := int64(0)
	for range rows {
		if last += unzigzag(r.uvarint()); last < 0 || last >= int64(n) {
			r.fail("word %d of %d", last, n)
			return
		}
		c.index = append(c.index, uint32(last))
	}
}

func (r *reader) floats(dst []float64, rows int) []float64 {
	dst = dst[:0]
	head := r.take(1)
	if r.bad != nil {
		return dst
	}
	switch k := head[0]; {
	case k == floatsAbsent:
		for range rows {
			dst = append(dst, math.NaN())
		}
	case k == floatsRaw:
		b := r.take(8 * uint64(rows))
		for i := 0; i+8 <= len(b); i += 8 {
			dst = append(dst, math.Float64frombits(binary.LittleEndian.Uint64(b[i:])))
		}
	case k&^withAbsent <= maxDecimals:
		var absent []byte
		if k&withAbsent != 0 {
			absent = r.take(uint64(rows+7) / 8)
			if r.bad != nil {
				return dst
			}
		}
		scale, last := powers[k&^withAbsent], int64(0)
		for i := range rows {
			if absent != nil && absent[i/8]>>(i%8)&1 != 0 {
				dst = append(dst, math.NaN())
				continue
			}
			last += unzigzag(r.uvarint())
			dst = append(dst, float64(last)/scale)
		}
	default:
		r.fail("float column of encoding %#x", k)
	}
	return dst
}
