package tiles

import (
	"bytes"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// compressor makes the compressed forms. It is safe for concurrent use.
type compressor struct {
	quick, better sync.Pool // *gzip.Writer
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
	writer := func(level int) func() any {
		return func() any {
			w, err := gzip.NewWriterLevel(nil, level)
			if err != nil { // the levels above are valid
				panic(err)
			}
			return w
		}
	}
	c.quick.New, c.better.New = writer(quickGzip), writer(betterGzip)
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

// compress appends raw in an encoding to dst.
func (c *compressor) compress(dst, raw []byte, e Encoding, better bool) ([]byte, error) {
	switch e {
	case Gzip:
		pool := &c.quick
		if better {
			pool = &c.better
		}
		w := pool.Get().(*gzip.Writer)
		defer pool.Put(w)
		b := bytes.NewBuffer(dst)
		w.Reset(b)
		if _, err := w.Write(raw); err != nil {
			return dst, err
		}
		if err := w.Close(); err != nil {
			return dst, err
		}
		return b.Bytes(), nil
	case Zstd:
		if better {
			return c.strong.EncodeAll(raw, dst), nil
		}
		return c.fast.EncodeAll(raw, dst), nil
	}
	return append(dst, raw...), nil
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
