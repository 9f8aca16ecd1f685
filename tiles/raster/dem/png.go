package dem

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/zlib"
)

// Colour types of PNG (ISO/IEC 15948 §11.2.2) by bytes a pixel.
var colorTypes = [...]byte{1: 0, 2: 4, 3: 2, 4: 6}

// pngWriter writes PNG images of 8 bits a channel; it keeps its memory.
type pngWriter struct {
	packed bytes.Buffer
	zip    *zlib.Writer
	rows   [2][]byte // the filtered forms of one row
}

var pngPool = sync.Pool{New: func() any {
	p := &pngWriter{}
	p.zip, _ = zlib.NewWriterLevel(&p.packed, pngLevel) // fails for a level out of range only
	return p
}}

// pngLevel is the effort of compression, 1 to 9.
const pngLevel = 5

// appendPNG appends an image of w·h pixels of n bytes: 1 grey, 2 grey and
// opacity, 3 red, green and blue.
func appendPNG(dst, pixels []byte, w, h, n int) []byte {
	p := pngPool.Get().(*pngWriter)
	defer pngPool.Put(p)
	p.packed.Reset()
	p.zip.Reset(&p.packed)
	row := w * n
	for i := range p.rows {
		if cap(p.rows[i]) < row+1 {
			p.rows[i] = make([]byte, row+1)
		}
		p.rows[i] = p.rows[i][:row+1]
	}
	var above []byte
	for y := range h {
		line := pixels[y*row : (y+1)*row]
		_, _ = p.zip.Write(p.filter(line, above, n)) // to memory
		above = line
	}
	_ = p.zip.Close()

	var head [13]byte
	binary.BigEndian.PutUint32(head[0:], uint32(w))
	binary.BigEndian.PutUint32(head[4:], uint32(h))
	head[8], head[9] = 8, colorTypes[n]
	dst = append(dst, "\x89PNG\r\n\x1a\n"...)
	dst = appendPNGChunk(dst, "IHDR", head[:])
	dst = appendPNGChunk(dst, "IDAT", p.packed.Bytes())
	return appendPNGChunk(dst, "IEND", nil)
}

func appendPNGChunk(dst []byte, name string, data []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(data)))
	from := len(dst)
	dst = append(append(dst, name...), data...)
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[from:]))
}

// filter is a row in the form of least absolute sum of differences: to the left or
// to above (ISO/IEC 15948 §9.2), its number first. Paeth's prediction, tried on
// terrain, gave tiles 3 to 11 % smaller for twice the CPU time.
func (p *pngWriter) filter(line, above []byte, n int) []byte {
	sub, up := p.rows[0][:len(line)+1], p.rows[1][:len(line)+1]
	sub[0], up[0] = 1, 2
	copy(sub[1:], line[:n])
	toLeft := difference(sub[n+1:], line[n:], line)
	if above == nil || difference(up[1:], line, above) >= toLeft {
		return sub
	}
	return up
}

// difference writes a−b, as long as dst, and answers the sum of the magnitudes.
func difference(dst, a, b []byte) int {
	sum := 0
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		v := a[i] - b[i]
		dst[i] = v
		s := int8(v) >> 7
		sum += int(uint8(int8(v)^s) - uint8(s))
	}
	return sum
}
