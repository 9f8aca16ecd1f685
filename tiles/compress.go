package tiles

import (
	"bytes"
	"io"
	"runtime"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// compressor makes the compressed forms. It is safe for concurrent use.
type compressor struct {
	quick, better spares[*gzip.Writer]
	buffers       spares[*bytes.Buffer] // of what is compressed
	fast, strong  *zstd.Encoder
	expand        *zstd.Decoder
}

// The levels: the quick ones cost about as much as rendering the tile, the
// better ones several times that for a tenth fewer bytes.
const (
	quickGzip  = gzip.BestSpeed
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
	c.quick, c.better = newSpares(n, writer(quickGzip)), newSpares(1, writer(betterGzip))
	c.buffers = newSpares(n, func() *bytes.Buffer { return new(bytes.Buffer) })
	var err error
	for _, p := range []struct {
		enc   **zstd.Encoder
		level zstd.EncoderLevel
	}{{&c.fast, zstd.SpeedFastest}, {&c.strong, zstd.SpeedBetterCompression}} {
		*p.enc, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(p.level), zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
		if err != nil {
			return nil, err
		}
	}
	c.expand, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
	return c, err
}

// compress is raw in an encoding, in memory of its own that is no larger.
func (c *compressor) compress(raw []byte, e Encoding, better bool) ([]byte, error) {
	if e == Identity {
		return bytes.Clone(raw), nil
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
	if err := c.gzip(b, raw, better); err != nil {
		return nil, err
	}
	return bytes.Clone(b.Bytes()), nil
}

func (c *compressor) gzip(b *bytes.Buffer, raw []byte, better bool) error {
	writers := &c.quick
	if better {
		writers = &c.better
	}
	w := writers.get()
	defer writers.put(w)
	w.Reset(b)
	if _, err := w.Write(raw); err != nil {
		return err
	}
	return w.Close()
}

// estimate is about the number of bytes that raw takes in the quick gzip form,
// rather too many: it looks at a twelfth of a large raw.
func (c *compressor) estimate(raw []byte) (int, error) {
	const samples, size = 8, 8 << 10
	if len(raw) <= 2*samples*size {
		return len(raw), nil
	}
	b := c.buffers.get()
	defer c.buffers.put(b)
	b.Reset()
	for i := range samples {
		at := (len(raw) - size) / (samples - 1) * i
		if err := c.gzip(b, raw[at:at+size], false); err != nil {
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
