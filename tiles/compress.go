package tiles

import (
	"bytes"
	"io"
	"runtime"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"twind/internal/lz"
)

// compressor makes the compressed forms. It is safe for concurrent use.
type compressor struct {
	// starts appends the indexes in a content at which repetitions begin; nil where
	// they are not known. With them the quick forms cost half as much.
	starts func(dst []uint32, raw []byte) []uint32
	packs  spares[*pack]

	rough, quick, better spares[*gzip.Writer]
	buffers              spares[*bytes.Buffer] // of what is compressed
	fast, strong         *zstd.Encoder
	expand               *zstd.Decoder
}

// The levels: the quick ones cost about as much as rendering the tile, the
// better ones several times that for a tenth fewer bytes.
const (
	roughGzip  = gzip.HuffmanOnly
	quickGzip  = 2 // of small texts of numbers 1 makes more bytes, and slower
	betterGzip = 7
)

// zstdWindow bounds what a browser must hold to decode a tile.
const zstdWindow = 1 << 20

func newCompressor() (*compressor, error) {
	c := new(compressor)
	writer := func(level int) func() *gzip.Writer {
		return func() *gzip.Writer {
			w, err := gzip.NewWriterLevel(nil, level)
			if err != nil { // the levels above are valid
				panic(err)
			}
			return w
		}
	}
	n := runtime.GOMAXPROCS(0)
	c.rough, c.quick, c.better = newSpares(n, writer(roughGzip)), newSpares(n, writer(quickGzip)), newSpares(1, writer(betterGzip))
	c.packs = newSpares(n, func() *pack { return new(pack) })
	c.buffers = newSpares(n, func() *bytes.Buffer { return new(bytes.Buffer) })
	var err error
	for _, p := range []struct {
		enc   **zstd.Encoder
		level zstd.EncoderLevel
	}{{&c.fast, zstd.SpeedFastest}, {&c.strong, zstd.SpeedBetterCompression}} {
		*p.enc, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(p.level), zstd.WithEncoderConcurrency(n), zstd.WithWindowSize(zstdWindow), zstd.WithEncoderCRC(false))
		if err != nil {
			return nil, err
		}
	}
	c.expand, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
	return c, err
}

// compress is raw in an encoding, in memory of its own that is no larger.
func (c *compressor) compress(raw []byte, e Encoding, better bool) ([]byte, error) {
	switch {
	case e == Identity:
		return bytes.Clone(raw), nil
	case c.starts != nil && !better:
		p := c.packs.get()
		defer c.packs.put(p)
		return bytes.Clone(p.form(raw, e, c.starts)), nil
	}
	b := c.buffers.get()
	defer c.buffers.put(b)
	b.Reset()
	if e == Zstd {
		encoder := c.fast
		if better {
			encoder = c.strong
		}
		b.Grow(len(raw))
		return bytes.Clone(encoder.EncodeAll(raw, b.AvailableBuffer())), nil
	}
	writers := &c.quick
	if better {
		writers = &c.better
	}
	if err := zipTo(b, writers, raw); err != nil {
		return nil, err
	}
	return bytes.Clone(b.Bytes()), nil
}

// pack is the memory that the quick forms of contents with known starts are made in.
type pack struct {
	gzip   lz.Gzip
	zstd   lz.Zstd
	starts []uint32
	out    []byte
}

// form is raw in an encoding, until the next call.
func (p *pack) form(raw []byte, e Encoding, starts func([]uint32, []byte) []uint32) []byte {
	p.starts = starts(p.starts[:0], raw)
	if e == Zstd {
		p.out = p.zstd.Append(p.out[:0], raw, p.starts)
	} else {
		p.out = p.gzip.Append(p.out[:0], raw, p.starts)
	}
	return p.out
}

// zipTo appends raw to b as a member of gzip.
func zipTo(b *bytes.Buffer, writers *spares[*gzip.Writer], raw []byte) error {
	w := writers.get()
	defer writers.put(w)
	w.Reset(b)
	if _, err := w.Write(raw); err != nil {
		return err
	}
	return w.Close()
}

// within tells whether raw is sure to be no more than so many bytes in the quick gzip
// form: it looks at a part of a large raw, first at what costs least. One that is
// near the limit it does not know.
func (c *compressor) within(raw []byte, limit int) (bool, error) {
	if len(raw) <= limit {
		return true, nil
	}
	for _, writers := range []*spares[*gzip.Writer]{&c.rough, &c.quick} {
		if n, err := c.estimate(raw, writers); err != nil || n <= limit-limit/8 {
			return err == nil, err
		}
	}
	return false, nil
}

// estimate is about the number of bytes that raw takes: it looks at a part of a
// large raw.
func (c *compressor) estimate(raw []byte, writers *spares[*gzip.Writer]) (int, error) {
	const samples, size = 8, 8 << 10
	if len(raw) <= 2*samples*size {
		return len(raw), nil
	}
	b := c.buffers.get()
	defer c.buffers.put(b)
	b.Reset()
	for i := range samples {
		at := (len(raw) - size) / (samples - 1) * i
		if err := zipTo(b, writers, raw[at:at+size]); err != nil {
			return 0, err
		}
	}
	return int(float64(b.Len()) / (samples * size) * float64(len(raw))), nil
}

// expanded is the identity form of what compress made.
func (c *compressor) expanded(b []byte, e Encoding) ([]byte, error) {
	switch e {
	case Gzip:
		r, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	case Zstd:
		return c.expand.DecodeAll(b, nil)
	}
	return b, nil
}
