package wkb_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/ewkb"
	gwkb "github.com/twpayne/go-geom/encoding/wkb"
	"github.com/twpayne/go-geom/encoding/wkbcommon"

	"twind/spatial"
	"twind/spatial/wkb"
)

// nanPoints has go-geom write and read empty points as we do.
var nanPoints = wkbcommon.WKBOptionEmptyPointHandling(wkbcommon.EmptyPointHandlingNaN)

// random makes a geometry of a type; one in eight is empty.
func random(r *rand.Rand, typ spatial.Type, z bool, depth int) spatial.Geometry {
	g := spatial.Geometry{Type: typ}
	if r.IntN(8) == 0 {
		return g
	}
	vertices := func(n int) {
		for range n {
			g.XY = append(g.XY, r.NormFloat64()*100, math.Ldexp(r.Float64(), r.IntN(40)-20))
			if z {
				g.Z = append(g.Z, r.NormFloat64())
			}
		}
	}
	path := func() {
		vertices(2 + r.IntN(4))
		g.Ends = append(g.Ends, int32(len(g.XY)/2))
	}
	ring := func() {
		at := len(g.XY) / 2
		vertices(3 + r.IntN(4))
		g.XY = append(g.XY, g.XY[2*at], g.XY[2*at+1])
		if z {
			g.Z = append(g.Z, g.Z[at])
		}
		g.Ends = append(g.Ends, int32(len(g.XY)/2))
	}
	switch typ {
	case spatial.Point:
		vertices(1)
	case spatial.MultiPoint:
		vertices(1 + r.IntN(5))
	case spatial.LineString:
		path()
	case spatial.MultiLineString:
		for range 1 + r.IntN(3) {
			path()
		}
	case spatial.Polygon:
		for range 1 + r.IntN(3) {
			ring()
		}
	case spatial.MultiPolygon:
		for range 1 + r.IntN(3) {
			for range 1 + r.IntN(3) {
				ring()
			}
			g.Parts = append(g.Parts, int32(len(g.Ends)))
		}
	case spatial.GeometryCollection:
		for range 1 + r.IntN(3) {
			t := spatial.Type(1 + r.IntN(7))
			if depth > 3 && t == spatial.GeometryCollection {
				t = spatial.Point
			}
			m := random(r, t, z, depth+1)
			for m.IsEmpty() { // go-geom cannot tell the layout of empty members
				m = random(r, t, z, depth+1)
			}
			g.Members = append(g.Members, m)
		}
	}
	return g
}

// toGeom converts for the oracle.
func toGeom(g spatial.Geometry, layout geom.Layout, extra float64) geom.T {
	flat := func(lo, hi int) []float64 {
		var out []float64
		for i := lo; i < hi; i++ {
			out = append(out, g.XY[2*i], g.XY[2*i+1])
			if layout == geom.XYZ || layout == geom.XYZM {
				out = append(out, g.Z[i])
			}
			if layout == geom.XYM || layout == geom.XYZM {
				out = append(out, extra)
			}
		}
		return out
	}
	s := layout.Stride()
	n := len(g.XY) / 2
	ends := func(lo, hi int) []int {
		var out []int
		from := 0
		if lo > 0 {
			from = int(g.Ends[lo-1])
		}
		for _, e := range g.Ends[lo:hi] {
			out = append(out, (int(e)-from)*s)
		}
		return out
	}
	switch g.Type {
	case spatial.Point:
		if n == 0 {
			return geom.NewPointEmpty(layout)
		}
		return geom.NewPointFlat(layout, flat(0, 1))
	case spatial.LineString:
		return geom.NewLineStringFlat(layout, flat(0, n))
	case spatial.Polygon:
		return geom.NewPolygonFlat(layout, flat(0, n), ends(0, len(g.Ends)))
	case spatial.MultiPoint:
		return geom.NewMultiPointFlat(layout, flat(0, n))
	case spatial.MultiLineString:
		return geom.NewMultiLineStringFlat(layout, flat(0, n), ends(0, len(g.Ends)))
	case spatial.MultiPolygon:
		m := geom.NewMultiPolygon(layout)
		for i := range g.Parts {
			lo, hi := g.PolygonPaths(i)
			from := 0
			if lo > 0 {
				from = int(g.Ends[lo-1])
			}
			if err := m.Push(geom.NewPolygonFlat(layout, flat(from, int(g.Ends[hi-1])), ends(lo, hi))); err != nil {
				panic(err)
			}
		}
		return m
	}
	c := geom.NewGeometryCollection()
	c.MustSetLayout(layout)
	for _, m := range g.Members {
		c.MustPush(toGeom(m, layout, extra))
	}
	return c
}

func same(t *testing.T, want, got spatial.Geometry) {
	t.Helper()
	require.True(t, want.Equal(got), "want %v\ngot  %v", want, got)
}

// TestAgainstGoGeom compares reading and writing with an independent
// implementation: both byte orders, ISO and extended, with and without Z, M and SRID.
func TestAgainstGoGeom(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 2000 {
		typ := spatial.Type(1 + i%7)
		z := i/7%2 == 1
		g := random(r, typ, z, 0)
		layout := geom.XY
		if z {
			layout = geom.XYZ
		}
		theirs := toGeom(g, layout, 0)
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			b, err := gwkb.Marshal(theirs, order, nanPoints)
			require.NoError(t, err)
			got, srid, err := wkb.Unmarshal(b)
			require.NoError(t, err)
			require.Zero(t, srid)
			same(t, g, got)
			if order == binary.LittleEndian && (!g.IsEmpty() || !z) { // an empty geometry has no heights here
				require.Equal(t, b, wkb.Append(nil, g), "%v", g)
			}

			withSRID, err := geom.SetSRID(theirs, 4490)
			require.NoError(t, err)
			if b, err = ewkb.Marshal(withSRID, order); err != nil {
				require.True(t, g.IsEmpty(), "%v: %v", g, err) // go-geom writes no empty points in EWKB
				continue
			}
			got, srid, err = wkb.Unmarshal(b)
			require.NoError(t, err)
			require.Equal(t, uint32(4490), srid)
			same(t, g, got)
			if g.Type != spatial.GeometryCollection && !g.IsEmpty() {
				withM := map[geom.Layout]geom.Layout{geom.XY: geom.XYM, geom.XYZ: geom.XYZM}[layout]
				b, err = ewkb.Marshal(toGeom(g, withM, 77), order)
				require.NoError(t, err)
				got, _, err = wkb.Unmarshal(b)
				require.NoError(t, err)
				same(t, g, got)
				b, err = gwkb.Marshal(toGeom(g, withM, 77), order)
				require.NoError(t, err)
				got, _, err = wkb.Unmarshal(b)
				require.NoError(t, err)
				same(t, g, got)
			}
		}
		// And back: what we write, they read.
		back, err := gwkb.Unmarshal(wkb.Append(nil, g), nanPoints)
		require.NoError(t, err)
		b, err := gwkb.Marshal(back, binary.BigEndian, nanPoints)
		require.NoError(t, err)
		got, _, err := wkb.Unmarshal(b)
		require.NoError(t, err)
		same(t, g, got)
	}
}

func TestNull(t *testing.T) {
	g, _, err := wkb.Unmarshal(wkb.Append(nil, spatial.Geometry{}))
	require.NoError(t, err)
	require.Equal(t, spatial.GeometryCollection, g.Type)
	require.True(t, g.IsEmpty())
}

func TestExactBits(t *testing.T) {
	g := spatial.Geometry{Type: spatial.MultiPoint, XY: []float64{math.Copysign(0, -1), 5e-324, math.MaxFloat64, -math.MaxFloat64}, Z: []float64{math.Copysign(0, -1), 0.1}}
	got, _, err := wkb.Unmarshal(wkb.Append([]byte(nil), g))
	require.NoError(t, err)
	for i := range g.XY {
		require.Equal(t, math.Float64bits(g.XY[i]), math.Float64bits(got.XY[i]))
	}
	for i := range g.Z {
		require.Equal(t, math.Float64bits(g.Z[i]), math.Float64bits(got.Z[i]))
	}
}

// TestEmptyParts reads multi-part geometries that hold empty parts, as PostGIS
// writes them; the parts are left out.
func TestEmptyParts(t *testing.T) {
	le := binary.LittleEndian
	head := func(typ, n uint32) []byte { return le.AppendUint32(le.AppendUint32([]byte{1}, typ), n) }
	xy := func(b []byte, v ...float64) []byte {
		for _, f := range v {
			b = le.AppendUint64(b, math.Float64bits(f))
		}
		return b
	}
	join := func(parts ...[]byte) (b []byte) {
		for _, p := range parts {
			b = append(b, p...)
		}
		return b
	}
	line := xy(head(2, 2), 1, 2, 3, 4)
	ring := xy(le.AppendUint32(head(3, 1), 4), 0, 0, 1, 0, 1, 1, 0, 0)
	nan := math.NaN()
	for name, c := range map[string]struct {
		b    []byte
		want spatial.Geometry
	}{
		"lines":      {join(head(5, 3), head(2, 0), line, head(2, 0)), spatial.Geometry{Type: spatial.MultiLineString, XY: []float64{1, 2, 3, 4}, Ends: []int32{2}}},
		"polygons":   {join(head(6, 3), head(3, 0), ring, head(3, 0)), spatial.Geometry{Type: spatial.MultiPolygon, XY: []float64{0, 0, 1, 0, 1, 1, 0, 0}, Ends: []int32{4}, Parts: []int32{1}}},
		"points":     {join(head(4, 2), xy([]byte{1, 1, 0, 0, 0}, nan, nan), xy([]byte{1, 1, 0, 0, 0}, 5, 6)), spatial.Geometry{Type: spatial.MultiPoint, XY: []float64{5, 6}}},
		"nothing":    {join(head(5, 1), head(2, 0)), spatial.Geometry{Type: spatial.MultiLineString}},
		"collection": {join(head(7, 1), head(7, 0)), spatial.Geometry{Type: spatial.GeometryCollection, Members: []spatial.Geometry{{Type: spatial.GeometryCollection}}}},
		"point Z":    {xy([]byte{1, 0xe9, 3, 0, 0}, nan, nan, nan), spatial.Geometry{Type: spatial.Point}},
	} {
		got, _, err := wkb.Unmarshal(c.b)
		require.NoError(t, err, name)
		same(t, c.want, got)
		require.NoError(t, got.Check(), name)
	}
}

func TestMalformed(t *testing.T) {
	point := wkb.Append(nil, spatial.NewPoint(1, 2))
	nested := func(n int) []byte {
		var b []byte
		for range n {
			b = append(b, 1, 7, 0, 0, 0, 1, 0, 0, 0)
		}
		return append(b, point...)
	}
	for name, b := range map[string][]byte{
		"nothing":           nil,
		"one byte":          {1},
		"byte order 2":      {2, 1, 0, 0, 0, 0, 0, 0, 0},
		"type 0":            {1, 0, 0, 0, 0},
		"curve":             {1, 8, 0, 0, 0, 0, 0, 0, 0},
		"type 4001":         {1, 0xa1, 0x0f, 0, 0},
		"cut off":           point[:len(point)-1],
		"more":              append(append([]byte(nil), point...), 0),
		"count too great":   {1, 2, 0, 0, 0, 0xff, 0xff, 0xff, 0xff},
		"rings too many":    {1, 3, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f},
		"parts too many":    {1, 6, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"SRID cut off":      {1, 1, 0, 0, 0x20, 1, 2},
		"nested too deep":   nested(spatial.MaxDepth + 1),
		"a line in points":  {1, 4, 0, 0, 0, 1, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0},
		"Z inside without":  append([]byte{1, 4, 0, 0, 0, 1, 0, 0, 0, 1, 0xe9, 3, 0, 0}, make([]byte, 24)...),
		"count of members":  {1, 7, 0, 0, 0, 9, 0, 0, 0, 1, 1, 0, 0, 0},
		"polygon in lines":  {1, 5, 0, 0, 0, 1, 0, 0, 0, 1, 3, 0, 0, 0, 0, 0, 0, 0},
		"point's body gone": {1, 1, 0, 0, 0},
	} {
		_, _, err := wkb.Unmarshal(b)
		require.ErrorIs(t, err, wkb.ErrMalformed, name)
	}
	_, _, err := wkb.Unmarshal(nested(spatial.MaxDepth))
	require.NoError(t, err)
}

// TestDecodeReuses decodes one after the other into the same geometry.
func TestDecodeReuses(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var reused spatial.Geometry
	for i := range 500 {
		b := wkb.Append(nil, random(r, spatial.Type(1+i%7), i%3 == 0, 0))
		want, _, err := wkb.Unmarshal(b)
		require.NoError(t, err)
		_, err = wkb.Decode(b, &reused)
		require.NoError(t, err)
		same(t, want, reused)
		require.Equal(t, want.HasZ(), reused.HasZ())
	}
	line := wkb.Append(nil, spatial.NewLineString(make([]float64, 200)))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := wkb.Decode(line, &reused); err != nil {
			panic(err)
		}
	}))
}

func FuzzUnmarshal(f *testing.F) {
	r := rand.New(rand.NewPCG(9, 10))
	for i := range 40 {
		f.Add(wkb.Append(nil, random(r, spatial.Type(1+i%7), i%2 == 0, 0)))
	}
	f.Add([]byte{0, 0x20, 0, 0, 1, 0, 0, 0x11, 0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		g, _, err := wkb.Unmarshal(b)
		if err != nil {
			require.ErrorIs(t, err, wkb.ErrMalformed)
			return
		}
		_ = g.Check() // must not panic, whatever was read
		require.LessOrEqual(t, 8*len(g.XY), len(b))
		again := wkb.Append(nil, g)
		h, _, err := wkb.Unmarshal(again)
		require.NoError(t, err)
		require.Equal(t, again, wkb.Append(nil, h), "what was written is read and written as the same bytes")
		dirty := spatial.Geometry{Type: spatial.MultiPolygon, XY: []float64{1, 2, 3}, Z: []float64{4}, Ends: []int32{1}, Parts: []int32{1}}
		_, err = wkb.Decode(again, &dirty)
		require.NoError(t, err)
		require.Equal(t, again, wkb.Append(nil, dirty))
	})
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{8, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			data := wkb.Append(nil, spatial.NewLineString(make([]float64, 2*n)))
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			var g spatial.Geometry
			for b.Loop() {
				if _, err := wkb.Decode(data, &g); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	g := spatial.NewLineString(make([]float64, 2000))
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		dst = wkb.Append(dst[:0], g)
	}
	b.SetBytes(int64(len(dst)))
}
