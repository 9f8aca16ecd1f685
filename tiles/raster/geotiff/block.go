package geotiff

import (
	"bytes"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// place is one row of blocks.
type place struct {
	row  int // of blocks
	y, h int // first pixel row and number of rows, inside the image
}

// placeOf is the row of blocks that holds a pixel row.
func (m *Image) placeOf(y int) place {
	if m.splits == 1 {
		row := y / m.BlockHeight
		return place{row, row * m.BlockHeight, min(m.BlockHeight, m.Height-row*m.BlockHeight)}
	}
	strip := y / m.stripRows
	piece := y % m.stripRows / m.BlockHeight
	top := strip*m.stripRows + piece*m.BlockHeight
	end := min(top+m.BlockHeight, (strip+1)*m.stripRows, m.Height)
	return place{strip*m.splits + piece, top, end - top}
}

// block is a decoded block of little-endian samples, from the cache or the file.
// A block that the file leaves out is nil. The bytes must not be changed.
func (f *File) block(m *Image, plane, col int, p place) ([]byte, error) {
	stored := (p.row/m.splits)*m.across + col
	if m.planar {
		stored += plane * m.across * m.down
	}
	offset, count := m.offsets[stored], m.counts[stored]
	if offset == 0 && count == 0 {
		return nil, nil
	}
	key := cacheKey{f, m.index, stored*m.splits + p.row%m.splits}
	b, err := f.cache.get(key, func() ([]byte, error) { return f.decode(m, p, offset, count) })
	return b, named(f.name, err)
}

// rowBytes is the width of a decoded row of a block, and of a stored one.
func (m *Image) rowBytes() (decoded, stored int) {
	decoded = m.BlockWidth * m.bandsPerBlock() * m.Type.Size()
	if m.Type == Bit {
		return decoded, (m.BlockWidth*m.bandsPerBlock() + 7) / 8
	}
	return decoded, decoded
}

func (f *File) decode(m *Image, p place, offset, count uint64) ([]byte, error) {
	rows := p.h
	if m.Tiled {
		rows = m.BlockHeight
	}
	decodedRow, storedRow := m.rowBytes()
	size := rows * storedRow
	at := toOffset(offset)
	if m.splits > 1 {
		at += int64(p.row%m.splits) * int64(m.BlockHeight) * int64(storedRow)
		count = uint64(size)
	}
	if count > uint64(f.size) || count > uint64(2*size)+1<<16 {
		return nil, corrupt("a block of %d bytes is said to be compressed in %d", size, count)
	}
	if uint64(size) > (count+64)*expansion(m.Compression) {
		return nil, corrupt("a block of %d bytes is said to be compressed in %d", size, count)
	}
	if m.Compression == None {
		if count < uint64(size) {
			return nil, corrupt("an uncompressed block of %d bytes has only %d", size, count)
		}
		b := make([]byte, size)
		if err := f.at(b, at); err != nil {
			return nil, err
		}
		return f.finish(m, b, rows, decodedRow), nil
	}
	buf := compressedPool.Get().(*[]byte)
	defer compressedPool.Put(buf)
	if cap(*buf) < int(count) {
		*buf = make([]byte, count)
	}
	src := (*buf)[:count]
	if err := f.at(src, at); err != nil {
		return nil, err
	}
	if m.Compression == JPEG {
		return m.decodeJPEG(src, rows)
	}
	b := make([]byte, size)
	n, err := inflate(m.Compression, b, src)
	if err != nil || n < size {
		return nil, corrupt("a block at byte %d gives %d of its %d bytes", offset, n, size)
	}
	return f.finish(m, b, rows, decodedRow), nil
}

// expansion is how many bytes one byte may become; a block that promises more is
// refused before there is memory for it.
func expansion(c Compression) uint64 {
	switch c {
	case Deflate:
		return 1100
	case LZW:
		return 4096
	case PackBits:
		return 128
	case None:
		return 1
	}
	return 1 << 16
}

// finish makes stored rows samples.
func (f *File) finish(m *Image, b []byte, rows, decodedRow int) []byte {
	if m.Type == Bit {
		return expandBits(b, rows, decodedRow)
	}
	m.unpredict(b, f.bigEndian())
	return b
}

func expandBits(b []byte, rows, width int) []byte {
	out := make([]byte, rows*width)
	stored := (width + 7) / 8
	for y := range rows {
		for x := range width {
			out[y*width+x] = b[y*stored+x>>3] >> (7 - x&7) & 1
		}
	}
	return out
}

var (
	compressedPool = sync.Pool{New: func() any { return new([]byte) }}
	lzwPool        = sync.Pool{New: func() any { return newLZW() }}
	zlibPool       sync.Pool // of io.ReadCloser that are zlib.Resetter
	zstdPool       sync.Pool // of *zstd.Decoder
)

// inflate fills dst and answers how much of it the data gave.
func inflate(c Compression, dst, src []byte) (int, error) {
	switch c {
	case LZW:
		if len(src) >= 2 && src[0] == 0 && src[1]&1 == 1 {
			return 0, unsupported("LZW in the bit order of TIFF 5")
		}
		z := lzwPool.Get().(*lzwReader)
		defer lzwPool.Put(z)
		return z.decode(dst, src), nil
	case PackBits:
		return unpackBits(dst, src), nil
	case Deflate:
		return inflateZlib(dst, src)
	}
	z, _ := zstdPool.Get().(*zstd.Decoder)
	if z == nil {
		var err error
		if z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(4*maxBlockBytes)); err != nil {
			return 0, err
		}
	}
	defer zstdPool.Put(z)
	if err := z.Reset(bytes.NewReader(src)); err != nil {
		return 0, err
	}
	return io.ReadFull(z, dst)
}

func inflateZlib(dst, src []byte) (int, error) {
	z, _ := zlibPool.Get().(io.ReadCloser)
	var err error
	if z == nil {
		z, err = zlib.NewReader(bytes.NewReader(src))
	} else {
		err = z.(zlib.Resetter).Reset(bytes.NewReader(src), nil)
	}
	if err != nil {
		return 0, err
	}
	defer zlibPool.Put(z)
	return io.ReadFull(z, dst)
}
