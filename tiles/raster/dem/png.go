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
	rows   [3][]byte // the filtered forms of one row
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

// filter is a row in the form of least absolute sum among differences to the
// left, to above, and to Paeth's prediction (ISO/IEC 15948 §9.2), its number first.
func (p *pngWriter) filter(line, above []byte, n int) []byte {
	sub, up, paeth := p.rows[0], p.rows[1], p.rows[2]
	sub[0], up[0], paeth[0] = 1, 2, 4
	var sums [3]int
	copy(sub[1:], line[:n])
	for i := n; i < len(line); i++ {
		sub[i+1] = line[i] - line[i-n]
		sums[0] += magnitude(sub[i+1])
	}
	if above == nil {
		return sub
	}
	for i, v := range line {
		up[i+1] = v - above[i]
		sums[1] += magnitude(up[i+1])
	}
	for i := range n {
		paeth[i+1] = line[i] - above[i]
	}
	for i := n; i < len(line); i++ {
		paeth[i+1] = line[i] - predict(int(line[i-n]), int(above[i]), int(above[i-n]))
		sums[2] += magnitude(paeth[i+1])
	}
	switch {
	case sums[2] < sums[0] && sums[2] < sums[1]:
		return paeth
	case sums[1] < sums[0]:
		return up
	}
	return sub
}

func magnitude(b byte) int {
	v := int(int8(b))
	return max(v, -v)
}

// predict is Paeth's: the one of left, up and up-left that is next to their sum.
func predict(a, b, c int) byte {
	pa, pb := b-c, a-c
	pc := pa + pb
	pa, pb, pc = max(pa, -pa), max(pb, -pb), max(pc, -pc)
	switch {
	case pa <= pb && pa <= pc:
		return byte(a)
	case pb <= pc:
		return byte(b)
	}
	return byte(c)
}
