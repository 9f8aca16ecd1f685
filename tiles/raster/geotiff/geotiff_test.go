package geotiff

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"image"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
)

const sampleWidth, sampleHeight = 75, 61

func gunzip(t testing.TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	b, err := io.ReadAll(z)
	require.NoError(t, err)
	return b
}

// expected are the samples of a band as GDAL reads them.
func expected(t testing.TB, name string, typ SampleType, band int) []float64 {
	b := gunzip(t, "testdata/"+strings.TrimSuffix(name, ".tif")+".raw.gz")
	n := sampleWidth * sampleHeight
	v := make([]float64, n)
	samples(typ, v, b[band*n*typ.Size():], typ.Size())
	return v
}

func read(t testing.TB, f *File, level, band int) []float64 {
	t.Helper()
	m := f.Levels()[level]
	v := make([]float64, m.Width*m.Height)
	require.NoError(t, f.ReadFloat64(level, band, image.Rect(0, 0, m.Width, m.Height), v))
	return v
}

func TestSamplesEqualGDALs(t *testing.T) {
	for _, c := range []struct {
		name        string
		typ         SampleType
		compression Compression
		tiled       bool
		bands       int
	}{
		{"int16-none.tif", Int16, None, false, 1},
		{"int16-lzw-tiles.tif", Int16, LZW, true, 1},
		{"int16-packbits-big-endian.tif", Int16, PackBits, false, 1},
		{"int32-deflate-bigtiff.tif", Int32, Deflate, false, 1},
		{"uint16-zstd.tif", Uint16, Zstd, false, 1},
		{"float32-deflate.tif", Float32, Deflate, true, 1},
		{"float32-lzw-big-endian.tif", Float32, LZW, false, 1},
		{"float64-deflate.tif", Float64, Deflate, false, 1},
		{"uint8-planar.tif", Uint8, Deflate, false, 3},
		{"uint8-pixel.tif", Uint8, LZW, true, 3},
		{"uint8-jpeg.tif", Uint8, JPEG, true, 3},
		{"overviews.tif", Int16, Deflate, true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := Open("testdata/"+c.name, Options{})
			require.NoError(t, err)
			defer f.Close()
			m := f.Levels()[0]
			require.Equal(t, []any{sampleWidth, sampleHeight, c.bands, c.typ, c.compression, c.tiled}, []any{m.Width, m.Height, m.Bands, m.Type, m.Compression, m.Tiled})
			for band := range c.bands {
				want, got := expected(t, c.name, c.typ, band), read(t, f, 0, band)
				if c.compression == JPEG { // decoders differ in rounding and in how they enlarge colours
					require.Less(t, meanDifference(want, got), 1.5)
				} else {
					require.Equal(t, want, got)
				}
			}
			g, err := f.Georeference()
			require.NoError(t, err)
			require.Equal(t, 26910, g.CRS.Code)
			x, y := g.Transform.Apply(0, 0) // as gdalinfo prints it
			require.InDelta(t, 424738.549, x, 0.001)
			require.InDelta(t, 5448754.964, y, 0.001)
			b, err := f.Bounds()
			require.NoError(t, err)
			require.True(t, b.ContainsPoint(-124.025, 49.185), "%v", b)
		})
	}
}

func meanDifference(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += math.Abs(a[i] - b[i])
	}
	return sum / float64(len(a))
}

func TestWindowsEqualTheWhole(t *testing.T) {
	for _, name := range []string{"int16-none.tif", "int16-lzw-tiles.tif", "float32-deflate.tif", "int32-deflate-bigtiff.tif"} {
		f, err := Open("testdata/"+name, Options{Cache: NewCache(2000)}) // too small for the image
		require.NoError(t, err)
		defer f.Close()
		whole := read(t, f, 0, 0)
		r := rand.New(rand.NewPCG(1, 2))
		for range 200 {
			x, y := r.IntN(sampleWidth), r.IntN(sampleHeight)
			w := image.Rect(x, y, x+1+r.IntN(sampleWidth-x), y+1+r.IntN(sampleHeight-y))
			got := make([]float32, w.Dx()*w.Dy())
			require.NoError(t, f.ReadFloat32(0, 0, w, got))
			for i, v := range got {
				require.Equal(t, float32(whole[(w.Min.Y+i/w.Dx())*sampleWidth+w.Min.X+i%w.Dx()]), v)
			}
		}
		require.LessOrEqual(t, f.cache.size, int64(2000))
		require.ErrorIs(t, f.ReadFloat32(0, 0, image.Rect(0, 0, sampleWidth+1, 1), make([]float32, 100)), layers.ErrInvalid)
		require.ErrorIs(t, f.ReadFloat32(0, 1, image.Rect(0, 0, 1, 1), make([]float32, 1)), layers.ErrInvalid)
		require.ErrorIs(t, f.ReadFloat32(9, 0, image.Rect(0, 0, 1, 1), make([]float32, 1)), layers.ErrInvalid)
	}
}

func TestConcurrentReadersShareBlocks(t *testing.T) {
	f, err := Open("testdata/int16-lzw-tiles.tif", Options{Cache: NewCache(3000)})
	require.NoError(t, err)
	defer f.Close()
	want := expected(t, "int16-lzw-tiles.tif", Int16, 0)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got := make([]float64, len(want))
			for range 20 {
				if f.ReadFloat64(0, 0, image.Rect(0, 0, sampleWidth, sampleHeight), got) != nil {
					got[0] = -1
				}
			}
			require.Equal(t, want, got)
		})
	}
	wg.Wait()
}

func TestOverviewsAreLevels(t *testing.T) {
	f, err := Open("testdata/overviews.tif", Options{})
	require.NoError(t, err)
	defer f.Close()
	var sizes [][2]int
	for _, m := range f.Levels() {
		sizes = append(sizes, [2]int{m.Width, m.Height})
	}
	require.Equal(t, [][2]int{{75, 61}, {38, 31}, {19, 16}}, sizes)
	full, half := read(t, f, 0, 0), read(t, f, 1, 0)
	require.InDelta(t, (full[0]+full[1]+full[sampleWidth]+full[sampleWidth+1])/4, half[0], 4)
	v, ok := f.NoData()
	require.True(t, ok)
	require.Equal(t, -32767.0, v)
}

func TestColorsAndMasks(t *testing.T) {
	whole := image.Rect(0, 0, sampleWidth, sampleHeight)
	pixel, err := Open("testdata/uint8-pixel.tif", Options{})
	require.NoError(t, err)
	defer pixel.Close()
	want, err := pixel.RGBA(0, whole)
	require.NoError(t, err)
	red := expected(t, "uint8-pixel.tif", Uint8, 0)
	for i, v := range red {
		require.Equal(t, []byte{byte(v), 255}, []byte{want.Pix[4*i], want.Pix[4*i+3]})
	}
	for name, tolerance := range map[string]float64{"uint8-planar.tif": 0, "uint8-jpeg.tif": 6} {
		f, err := Open("testdata/"+name, Options{})
		require.NoError(t, err)
		defer f.Close()
		got, err := f.RGBA(0, whole)
		require.NoError(t, err)
		sum := 0.0
		for i := range want.Pix {
			sum += math.Abs(float64(want.Pix[i]) - float64(got.Pix[i]))
		}
		require.LessOrEqual(t, sum/float64(len(want.Pix)), tolerance, name)
	}
	masked, err := Open("testdata/mask.tif", Options{})
	require.NoError(t, err)
	defer masked.Close()
	heights := expected(t, "int16-none.tif", Int16, 0)
	got, err := masked.RGBA(0, whole)
	require.NoError(t, err)
	floats := read(t, masked, 0, 0)
	hidden := 0
	for i, h := range heights {
		if h <= 100 {
			hidden++
			require.Zero(t, got.Pix[4*i+3])
			require.True(t, math.IsNaN(floats[i]))
		} else {
			require.Equal(t, want.Pix[4*i:4*i+4], got.Pix[4*i:4*i+4])
		}
	}
	require.Positive(t, hidden)
	require.Less(t, hidden, len(heights))
	_, err = Open("testdata/none.tif", Options{})
	require.ErrorIs(t, err, layers.ErrNotFound)
	dem, err := Open("testdata/int16-none.tif", Options{})
	require.NoError(t, err)
	defer dem.Close()
	_, err = dem.RGBA(0, whole)
	require.ErrorIs(t, err, layers.ErrUnsupported)
}

func TestJPEGBlocksStandAlone(t *testing.T) {
	f, err := Open("testdata/uint8-jpeg.tif", Options{})
	require.NoError(t, err)
	defer f.Close()
	b, err := f.JPEG(0, 1, 1)
	require.NoError(t, err)
	img, format, err := image.Decode(bytes.NewReader(b))
	require.NoError(t, err)
	require.Equal(t, "jpeg", format)
	require.Equal(t, image.Rect(0, 0, 32, 32), img.Bounds())
	_, err = f.JPEG(0, 3, 0)
	require.Error(t, err)
}

// tiff is a small writer of damaged and odd files.
type tiff struct {
	fields map[uint16][]uint32 // of type LONG
	next   uint32
	data   []byte
}

func plain() *tiff {
	return &tiff{fields: map[uint16][]uint32{256: {4}, 257: {4}, 258: {8}, 259: {1}, 262: {1}, 273: {8}, 277: {1}, 278: {4}, 279: {16}}, data: make([]byte, 16)}
}

func (w *tiff) bytes() []byte {
	b := append([]byte("II*\x00\x00\x00\x00\x00"), w.data...)
	le := binary.LittleEndian
	le.PutUint32(b[4:], uint32(len(b)))
	var tags []uint16
	for tag := range 65535 {
		if _, ok := w.fields[uint16(tag)]; ok {
			tags = append(tags, uint16(tag))
		}
	}
	end := len(b) + 2 + 12*len(tags) + 4
	var tail []byte
	b = le.AppendUint16(b, uint16(len(tags)))
	for _, tag := range tags {
		v := w.fields[tag]
		b = le.AppendUint16(b, tag)
		b = le.AppendUint16(b, 4)
		b = le.AppendUint32(b, uint32(len(v)))
		if len(v) == 1 {
			b = le.AppendUint32(b, v[0])
			continue
		}
		b = le.AppendUint32(b, uint32(end+len(tail)))
		for _, x := range v {
			tail = le.AppendUint32(tail, x)
		}
	}
	b = le.AppendUint32(b, w.next)
	return append(b, tail...)
}

func open(b []byte) (*File, error) {
	return New(bytes.NewReader(b), int64(len(b)), Options{Name: "a.tif"})
}

func TestRefusalsAreSentences(t *testing.T) {
	valid := plain().bytes()
	_, err := open(valid)
	require.NoError(t, err)
	edit := func(change func(*tiff)) []byte {
		w := plain()
		change(w)
		return w.bytes()
	}
	for name, c := range map[string]struct {
		data []byte
		kind error
		text string
	}{
		"empty":   {nil, layers.ErrInvalid, "no TIFF"},
		"text":    {[]byte("elevation,lon,lat\n"), layers.ErrInvalid, "no TIFF"},
		"cut":     {valid[:len(valid)-9], layers.ErrCorrupt, "ends before"},
		"cut off": {edit(func(w *tiff) { w.fields[273] = []uint32{1 << 30} }), layers.ErrCorrupt, "cut off, copy it again"},
		"circle":  {edit(func(w *tiff) { w.next = 24 }), layers.ErrCorrupt, "circle"},
		"no size": {edit(func(w *tiff) { w.fields[256] = []uint32{0} }), layers.ErrCorrupt, "0 × 4"},
		"huge":    {edit(func(w *tiff) { w.fields[256] = []uint32{math.MaxUint32} }), layers.ErrCorrupt, "pixels"},
		"many tiles": {edit(func(w *tiff) {
			w.fields[256], w.fields[257], w.fields[322], w.fields[323] = []uint32{1 << 29}, []uint32{1 << 29}, []uint32{16}, []uint32{16}
		}), layers.ErrUnsupported, "blocks"},
		"large tiles":     {edit(func(w *tiff) { w.fields[322], w.fields[323] = []uint32{65535}, []uint32{65535} }), layers.ErrUnsupported, "TILED=YES"},
		"few offsets":     {edit(func(w *tiff) { w.fields[278] = []uint32{1} }), layers.ErrCorrupt, "4 blocks"},
		"endless offsets": {edit(func(w *tiff) { w.fields[273] = []uint32{1, 2} }), nil, ""},
		"webp":            {edit(func(w *tiff) { w.fields[259] = []uint32{50001} }), layers.ErrUnsupported, "gdal_translate"},
		"12 bits":         {edit(func(w *tiff) { w.fields[258] = []uint32{12} }), layers.ErrUnsupported, "gdal_translate"},
		"predictor":       {edit(func(w *tiff) { w.fields[259], w.fields[317] = []uint32{5}, []uint32{7} }), layers.ErrUnsupported, "predictor"},
		"bands":           {edit(func(w *tiff) { w.fields[277] = []uint32{5000} }), layers.ErrUnsupported, "bands"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(c.data)
			if c.kind == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, c.kind)
			require.Contains(t, err.Error(), c.text)
			require.NotContains(t, err.Error(), "\n")
			require.True(t, strings.HasPrefix(err.Error(), "a.tif: "), err)
		})
	}
	t.Run("no place", func(t *testing.T) {
		f, err := open(valid)
		require.NoError(t, err)
		_, err = f.Georeference()
		require.ErrorIs(t, err, layers.ErrInvalid)
		require.Contains(t, err.Error(), "gdal_translate -a_srs")
		_, err = f.Bounds()
		require.Error(t, err)
	})
	t.Run("a block that is left out", func(t *testing.T) {
		f, err := open(edit(func(w *tiff) { w.fields[273], w.fields[279] = []uint32{0}, []uint32{0} }))
		require.NoError(t, err)
		v := []float32{1}
		require.NoError(t, f.ReadFloat32(0, 0, image.Rect(0, 0, 1, 1), v))
		require.Zero(t, v[0])
	})
}

func TestCutFilesNeverPanic(t *testing.T) {
	list, err := filepath.Glob("testdata/*.tif")
	require.NoError(t, err)
	require.NotEmpty(t, list)
	r := rand.New(rand.NewPCG(3, 4))
	for _, path := range list {
		whole, err := os.ReadFile(path)
		require.NoError(t, err)
		for range 60 {
			b := bytes.Clone(whole[:r.IntN(len(whole))])
			probe(b)
			b = bytes.Clone(whole)
			for range 1 + r.IntN(4) {
				b[r.IntN(len(b))] = byte(r.Uint32())
			}
			probe(b)
		}
	}
}

// probe reads a corner of everything.
func probe(b []byte) {
	f, err := open(b)
	if err != nil {
		return
	}
	_, _ = f.Bounds()
	for level, m := range f.Levels() {
		w := image.Rect(0, 0, min(m.Width, 64), min(m.Height, 64))
		v := make([]float32, w.Dx()*w.Dy())
		_ = f.ReadFloat32(level, m.Bands-1, w, v)
		_, _ = f.RGBA(level, w)
		_, _ = f.JPEG(level, 0, 0)
	}
}

func FuzzOpen(f *testing.F) {
	list, err := filepath.Glob("testdata/*.tif")
	require.NoError(f, err)
	for _, path := range list {
		b, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Add(plain().bytes())
	f.Fuzz(func(_ *testing.T, b []byte) { probe(b) })
}

func FuzzLZW(f *testing.F) {
	f.Add([]byte{0x80, 0x0b, 0x60, 0x50, 0x22, 0x0c, 0x0c, 0x85, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		dst := make([]byte, 5000)
		require.LessOrEqual(t, newLZW().decode(dst, b), len(dst))
		require.LessOrEqual(t, unpackBits(dst, b), len(dst))
	})
}
