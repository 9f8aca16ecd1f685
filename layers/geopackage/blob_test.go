package geopackage

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial"
	"twind/spatial/wkb"
)

func TestBlobRoundTrip(t *testing.T) {
	for name, c := range map[string]struct {
		g     spatial.Geometry
		flags byte
		size  int // of the header
	}{
		"point":   {spatial.NewPoint(1, 2), 0x01, 8},
		"line":    {spatial.NewLineString([]float64{3, 4, -1, 9}), 0x03, 40},
		"polygon": {spatial.NewPolygon([]float64{0, 0, 1, 0, 1, 1, 0, 0}), 0x03, 40},
		"empty":   {spatial.Geometry{Type: spatial.Polygon}, 0x11, 8},
		"nothing": {spatial.Geometry{Type: spatial.Point}, 0x11, 8},
		"heights": {spatial.Geometry{Type: spatial.Point, XY: []float64{1, 2}, Z: []float64{3}}, 0x01, 8},
	} {
		b := appendBlob(nil, c.g, 4490)
		require.Equal(t, []byte{'G', 'P', 0, c.flags, 0x8a, 0x11, 0, 0}, b[:8], name)
		h, err := parseHeader(b)
		require.NoError(t, err, name)
		require.Equal(t, c.size, h.size, name)
		require.Equal(t, int32(4490), h.srs, name)
		require.Equal(t, c.g.IsEmpty(), h.empty, name)
		var g spatial.Geometry
		require.NoError(t, decodeBlob(b, &g), name)
		require.True(t, c.g.Equal(g), name)
		require.Equal(t, c.g.Envelope(), blobEnvelope(b), name)
	}
	g := spatial.NewPoint(1, 2)
	require.NoError(t, decodeBlob(nil, &g))
	require.True(t, g.IsNull())
	require.True(t, blobEnvelope(nil).IsEmpty())
}

// TestBlobOfOthers reads headers in every form the standard allows: both byte
// orders and all envelopes.
func TestBlobOfOthers(t *testing.T) {
	line := spatial.NewLineString([]float64{3, 4, -1, 9})
	for code, n := range []int{0, 4, 6, 6, 8} {
		for _, little := range []bool{true, false} {
			order := binary.AppendByteOrder(binary.BigEndian)
			flags := byte(code << 1)
			if little {
				order, flags = binary.LittleEndian, flags|1
			}
			b := order.AppendUint32([]byte{'G', 'P', 0, flags}, 4326)
			for i := range n {
				v := []float64{-1, 3, 4, 9, 77, 78, 79, 80}[i]
				b = order.AppendUint64(b, math.Float64bits(v))
			}
			b = wkb.Append(b, line)
			h, err := parseHeader(b)
			require.NoError(t, err)
			require.Equal(t, int32(4326), h.srs)
			require.Equal(t, code != 0, h.hasEnv)
			require.Equal(t, line.Envelope(), blobEnvelope(b))
			var g spatial.Geometry
			require.NoError(t, decodeBlob(b, &g))
			require.True(t, line.Equal(g))
		}
	}
	// An envelope of NaN is none.
	b := appendBlob(nil, line, 4326)
	binary.LittleEndian.PutUint64(b[8:], math.Float64bits(math.NaN()))
	require.Equal(t, line.Envelope(), blobEnvelope(b))
}

func TestBlobMalformed(t *testing.T) {
	good := appendBlob(nil, spatial.NewLineString([]float64{3, 4, -1, 9}), 4326)
	change := func(i int, v byte) []byte {
		b := append([]byte(nil), good...)
		b[i] = v
		return b
	}
	for name, b := range map[string][]byte{
		"nothing":         {},
		"short":           good[:7],
		"magic":           change(0, 'X'),
		"version":         change(2, 1),
		"extended":        change(3, 0x23),
		"envelope 5":      change(3, 0x0b),
		"cut in envelope": good[:20],
		"cut in WKB":      good[:len(good)-1],
		"more":            append(append([]byte(nil), good...), 1),
		"curve":           change(41, 8),
	} {
		var g spatial.Geometry
		require.ErrorIs(t, decodeBlob(b, &g), errBlob, name)
	}
}

func FuzzBlob(f *testing.F) {
	f.Add(appendBlob(nil, spatial.NewPoint(1, 2), 4326))
	f.Add(appendBlob(nil, spatial.NewPolygon([]float64{0, 0, 1, 0, 1, 1, 0, 0}), 4490))
	f.Add(appendBlob(nil, spatial.Geometry{Type: spatial.MultiPoint}, -1))
	f.Add([]byte{'G', 'P', 0, 0x08, 0, 0, 0x10, 0xe6})
	f.Fuzz(func(t *testing.T, b []byte) {
		e := blobEnvelope(b) // never panics
		var g spatial.Geometry
		if err := decodeBlob(b, &g); err != nil {
			require.ErrorIs(t, err, errBlob)
			return
		}
		h, err := parseHeader(b)
		require.NoError(t, err)
		if !h.hasEnv && !h.empty {
			if want := g.Envelope(); !want.IsEmpty() {
				require.Equal(t, want, e)
			}
		}
		again := appendBlob(nil, g, h.srs)
		var back spatial.Geometry
		require.NoError(t, decodeBlob(again, &back))
		require.Equal(t, again, appendBlob(nil, back, h.srs))
	})
}
