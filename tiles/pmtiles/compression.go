package pmtiles

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"twind/layers"
)

var readers = sync.Pool{New: func() any { return new(gzip.Reader) }}

// errTooLarge is the fault of something that unpacks to more than allowed.
var errTooLarge = errors.New("it unpacks to more than allowed")

// Expand unpacks b, which is compressed in way c, to at most limit bytes. It
// fails with layers.ErrCorrupt, and layers.ErrUnsupported for Brotli. Without
// compression it is b itself.
func Expand(b []byte, c Compression, limit int) ([]byte, error) {
	var out []byte
	var err error
	switch c {
	case NoCompression, UnknownCompression:
		return b, nil
	case Gzip:
		out, err = gunzip(b, limit)
	case Zstd:
		out, err = unzstd(b, limit)
	default:
		return nil, layers.Errorf(layers.ErrUnsupported, "compression %d (Brotli is 3) is not read; gzip and zstd are", c)
	}
	if errors.Is(err, errTooLarge) {
		return nil, layers.Errorf(layers.ErrCorrupt, "%d bytes unpack to more than the %d allowed", len(b), limit)
	}
	if err != nil {
		return nil, layers.Errorf(layers.ErrCorrupt, "%d bytes do not unpack: %w", len(b), err)
	}
	return out, nil
}

func gunzip(b []byte, limit int) ([]byte, error) {
	z := readers.Get().(*gzip.Reader)
	defer readers.Put(z)
	if err := z.Reset(bytes.NewReader(b)); err != nil {
		return nil, err
	}
	return readLimited(z, min(4*len(b), limit), limit)
}

func unzstd(b []byte, limit int) ([]byte, error) {
	z, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return readLimited(z, min(4*len(b), limit), limit)
}

func readLimited(r io.Reader, guess, limit int) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(guess + 512)
	n, err := io.Copy(&out, io.LimitReader(r, int64(limit)+1))
	if err == nil && n > int64(limit) {
		err = errTooLarge
	}
	return out.Bytes(), err
}

var deflaters = sync.Pool{New: func() any { return newDeflater(9) }}

// Deflate appends raw in gzip to dst, as small as it gets; equal bytes give equal
// bytes.
func Deflate(dst, raw []byte) ([]byte, error) {
	d := deflaters.Get().(*deflater)
	defer deflaters.Put(d)
	return d.compress(dst, raw)
}

// deflater is a gzip writer that is used again and again; its bytes do not
// depend on the time.
type deflater struct {
	z   *gzip.Writer
	out bytes.Buffer
}

func newDeflater(level int) *deflater {
	z, err := gzip.NewWriterLevel(io.Discard, level)
	if err != nil {
		panic(err) // constant level
	}
	return &deflater{z: z}
}

// compress appends raw in gzip to dst.
func (d *deflater) compress(dst, raw []byte) ([]byte, error) {
	d.out.Reset()
	d.z.Reset(&d.out)
	if _, err := d.z.Write(raw); err != nil {
		return dst, err
	}
	if err := d.z.Close(); err != nil {
		return dst, err
	}
	return append(dst, d.out.Bytes()...), nil
}
