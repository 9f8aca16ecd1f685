package mvt

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/paulmach/orb"
	orbmvt "github.com/paulmach/orb/encoding/mvt"
	"github.com/stretchr/testify/require"

	"twind/internal/golden"
	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles"
)

func TestGeometry(t *testing.T) {
	z := spatial.NewPoint(0, 0)
	z.XY, z.Z = degrees(here, 7, 8), []float64{99}
	cases := []struct {
		name string
		g    spatial.Geometry
		want []string
	}{
		{"point", spatial.Geometry{Type: spatial.Point, XY: degrees(here, 10, 20)}, []string{"10,20"}},
		{"point with height", z, []string{"7,8"}},
		{"point rounds to the nearest", spatial.Geometry{Type: spatial.Point, XY: degrees(here, 10.4, 20.6)}, []string{"10,21"}},
		{"point in the buffer", spatial.Geometry{Type: spatial.Point, XY: degrees(here, -64, 4160)}, []string{"-64,4160"}},
		{"point beyond the buffer", spatial.Geometry{Type: spatial.Point, XY: degrees(here, -65, 4)}, nil},
		{"points, some beyond", spatial.Geometry{Type: spatial.MultiPoint, XY: degrees(here, 5, 5, 9000, 5, 6, 6, 6, 6)}, []string{"5,5 6,6"}},
		{"empty", spatial.Geometry{Type: spatial.Polygon}, nil},
		{"none", spatial.Geometry{}, nil},
		{"line", line(0, 0, 100, 50, 200, 0), []string{"0,0 100,50 200,0"}},
		{"line with repeated and straight vertices", line(0, 0, 0.2, 0.1, 50, 0, 100, 0, 100, 100), []string{"0,0 100,0 100,100"}},
		{"line that turns back keeps its end", line(0, 0, 100, 0, 50, 0), []string{"0,0 100,0 50,0"}},
		{"line within one unit", line(10.1, 10.1, 10.2, 10.2), nil},
		{"line through the tile", line(-1000, 100, 9000, 100), []string{"-64,100 4160,100"}},
		{"line in and out", line(0, 5000, 0, 0, 1000, -3000, 2000, 0, 2000, 6000), []string{"0,4160 0,0 21,-64", "1979,-64 2000,0 2000,4160"}},
		{"line along the buffer's edge", line(-64, 0, -64, 10), []string{"-64,0 -64,10"}},
		{"line past a corner", line(-1000, 500, 500, -1000), nil},
		{"line across a corner", line(-564, 500, 500, -564), []string{"-64,0 0,-64"}},
		{"lines", spatial.Geometry{Type: spatial.MultiLineString, XY: degrees(here, 0, 0, 5, 5, 10, 10, 20, 10), Ends: []int32{2, 4}}, []string{"0,0 5,5", "10,10 20,10"}},
		{"polygon", polygon(box(10, 20, 30, 40)), []string{"10,20 40,20 40,60 10,60 shell"}},
		{"polygon the other way", polygon([]float64{10, 20, 10, 60, 40, 60, 40, 20}), []string{"10,20 40,20 40,60 10,60 shell"}},
		{"polygon with a hole of either way", polygon(box(0, 0, 100, 100), box(10, 10, 20, 20), []float64{50, 50, 50, 60, 60, 60, 60, 50}),
			[]string{"0,0 100,0 100,100 0,100 shell", "10,10 10,30 30,30 30,10 hole", "50,50 50,60 60,60 60,50 hole"}},
		{"hole that vanishes", polygon(box(0, 0, 100, 100), box(10.1, 10.1, .2, .2)), []string{"0,0 100,0 100,100 0,100 shell"}},
		{"polygon that vanishes, with its hole", multi(polygon(box(10.1, 10.1, .3, .3), box(10.2, 10.2, .1, .1)), polygon(box(50, 50, 10, 10))), []string{"50,50 60,50 60,60 50,60 shell"}},
		{"polygon thinner than a unit", polygon(box(10.1, 10, .2, 100)), nil},
		{"many polygons", multi(polygon(box(0, 0, 10, 10)), polygon(box(20, 0, 10, 10))), []string{"0,0 10,0 10,10 0,10 shell", "20,0 30,0 30,10 20,10 shell"}},
		{"polygon over the edge", polygon(box(-500, 100, 600, 50)), []string{"-64,100 100,100 100,150 -64,150 shell"}},
		{"polygon over a corner", polygon(box(4000, 4000, 500, 500)), []string{"4000,4000 4160,4000 4160,4160 4000,4160 shell"}},
		{"polygon around the tile", polygon(box(-9000, -9000, 30000, 30000)), []string{"-64,-64 4160,-64 4160,4160 -64,4160 shell"}},
		{"polygon around the tile with a hole in it", polygon(box(-9000, -9000, 30000, 30000), box(100, 100, 50, 50)),
			[]string{"-64,-64 4160,-64 4160,4160 -64,4160 shell", "100,100 100,150 150,150 150,100 hole"}},
		{"hole around the tile", polygon(box(-9000, -9000, 30000, 30000), box(-5000, -5000, 20000, 20000)), nil},
		{"hole over the edge is a bay", polygon(box(-500, 0, 1000, 100), box(-400, 40, 500, 20)),
			[]string{"-64,0 500,0 500,100 -64,100 -64,60 100,60 100,40 -64,40 shell"}},
		{"polygon in two pieces", polygon([]float64{-500, 0, 50, 0, 50, 10, -400, 10, -400, 90, 50, 90, 50, 100, -500, 100}),
			[]string{"-64,0 50,0 50,10 -64,10 shell", "-64,90 50,90 50,100 -64,100 shell"}},
		{"polygon that touches the edge from beyond", polygon(box(4160, 0, 100, 100)), nil},
		{"walls fall together: two polygons", polygon([]float64{0, 0, 100, 0, 100, 10, 50, 0.1, 0, 10}), []string{"0,0 50,0 0,10 shell", "50,0 100,0 100,10 shell"}},
		{"parts that touch along an edge become one", multi(polygon(box(0, 0, 10, 10)), polygon(box(10.2, 0, 10, 10))), []string{"0,0 20,0 20,10 0,10 shell"}},
		{"bowtie", polygon([]float64{0, 0, 40, 40, 40, 0, 0, 40}), []string{"0,0 20,20 0,40 shell", "20,20 40,0 40,40 shell"}},
		{"collection", spatial.Geometry{Type: spatial.GeometryCollection, Members: []spatial.Geometry{
			{Type: spatial.Point, XY: degrees(here, 1, 1)}, line(0, 0, 9, 9), {Type: spatial.GeometryCollection, Members: []spatial.Geometry{
				polygon(box(0, 0, 9, 9)), {Type: spatial.Point, XY: degrees(here, 2, 2)}}}, line(5, 0, 9, 0)}},
			[]string{"1,1 2,2", "0,0 9,9", "5,0 9,0", "0,0 9,0 9,9 0,9 shell"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			d := encode(t, here, source(t, tc.g))
			require.Equal(t, tc.want, drawn(d))
			requireSound(t, d)
		})
	}
}

// A collection's features share id and properties.
func TestCollectionIsSplit(t *testing.T) {
	l := &layers.Layer{ID: "mixed", CRS: 4326, Schema: []layers.Property{{Name: "n", Type: layers.Integer}}, MaxZoom: 24}
	b := snapshot.NewBuilder(l)
	require.NoError(t, b.Add(&layers.Feature{ID: "5", Properties: []layers.Value{layers.IntValue(7)}, Geometry: spatial.Geometry{Type: spatial.GeometryCollection,
		Members: []spatial.Geometry{{Type: spatial.Point, XY: degrees(here, 1, 1)}, line(0, 0, 9, 9)}}}))
	d := encode(t, here, sourceOf(l, b.Edits()))
	require.Len(t, d.Layers[0].Features, 2)
	for i, want := range []Type{Point, LineString} {
		f := d.Layers[0].Features[i]
		require.Equal(t, want, f.Type)
		require.EqualValues(t, 5, f.ID)
		require.Equal(t, []Property{{"n", uint64(7)}}, f.Properties)
	}
}

var allTypes = []layers.Property{
	{Name: "flag", Type: layers.Boolean}, {Name: "count", Type: layers.Integer}, {Name: "height", Type: layers.Number},
	{Name: "名称", Type: layers.String}, {Name: "built", Type: layers.Date}, {Name: "seen", Type: layers.DateTime},
}

// A whole tile of two layers with all types of value, as decoded text.
func TestGoldenTile(t *testing.T) {
	things := &layers.Layer{ID: "things", CRS: 4326, Schema: allTypes, MaxZoom: 24}
	b := snapshot.NewBuilder(things)
	add := func(id string, g spatial.Geometry, v ...layers.Value) {
		require.NoError(t, b.Add(&layers.Feature{ID: id, Geometry: g, Properties: v}))
	}
	null := layers.Value{}
	day, moment := layers.TextValue(layers.Date, "2026-11-21"), layers.TextValue(layers.DateTime, "2026-11-21T08:00:00Z")
	add("1", polygon(box(0, 0, 10, 10)), layers.BoolValue(true), layers.IntValue(math.MaxInt64), layers.FloatValue(2.5), layers.StringValue("湘江路"), day, moment)
	add("2", polygon(box(20, 0, 10, 10)), layers.BoolValue(false), layers.IntValue(math.MinInt64), layers.IntValue(3), layers.StringValue("湘江路"), null, moment)
	add("9007199254740991", line(0, 0, 5, 9), null, null, null, null, null, null)
	add("9007199254740992", line(0, 0, 5, 9), null, layers.IntValue(0), layers.FloatValue(-1e300), layers.StringValue(""), null, null)
	add("way/7"[:3]+"-7", line(0, 0, 5, 9), null, layers.IntValue(-1), null, layers.StringValue("湘江路"), null, null)
	add("007", spatial.Geometry{Type: spatial.Point, XY: degrees(here, 5, 6)}, null, null, null, null, null, null)
	edits := b.Edits()

	named := &layers.Layer{ID: "named", CRS: 4326, Schema: []layers.Property{{Name: "id", Type: layers.String}}, MaxZoom: 24}
	b = snapshot.NewBuilder(named)
	add("a", polygon(box(0, 0, 9, 9)), layers.StringValue("own"))
	add("b", polygon(box(0, 0, 9, 9)), null)

	d := encode(t, here, sourceOf(things, edits), sourceOf(named, b.Edits()))
	requireSound(t, d)
	golden.Equal(t, "testdata/tile.txt", d.Text())
}

// Values of the base and of the edits are numbered together.
func TestSegmentsShareValues(t *testing.T) {
	l := &layers.Layer{ID: "l", CRS: 4326, Schema: []layers.Property{{Name: "a", Type: layers.String}, {Name: "b", Type: layers.String}}, MaxZoom: 24}
	segment := func(ids string, offset int) *snapshot.Segment {
		b := snapshot.NewBuilder(l)
		for i, id := range []rune(ids) {
			v := []layers.Value{layers.StringValue(fmt.Sprint("v", (i+offset)%300)), layers.StringValue("same")}
			require.NoError(t, b.Add(&layers.Feature{ID: string(id), Geometry: line(0, 0, 9, 9), Properties: v}))
		}
		return b.Edits()
	}
	many := ""
	for i := range 400 {
		many += string(rune('一' + i))
	}
	b, _ := new(Encoder).AppendTile(nil, here, []tiles.Source{sourceOf(l, segment("xyz", 0), segment(many, 1))})
	var values int
	r := reader{rest: b}
	_, _ = r.field()
	m, err := r.message()
	require.NoError(t, err)
	for r = (reader{rest: m}); r.more(); {
		f, err := r.field()
		require.NoError(t, err)
		if f == layerValue {
			values++
		}
		require.NoError(t, r.skip(f))
	}
	require.Equal(t, 300+1+403, values) // v0 … v299, same, and the ids
	d, err := Decode(b)
	require.NoError(t, err)
	for i, f := range d.Layers[0].Features {
		want := fmt.Sprint("v", i)
		if i >= 3 {
			want = fmt.Sprint("v", (i-3+1)%300)
		}
		require.Equal(t, []Property{{"a", want}, {"b", "same"}}, f.Properties[:2])
		require.Equal(t, "id", f.Properties[2].Key)
	}
}

func TestColumns(t *testing.T) {
	l := &layers.Layer{ID: "l", CRS: 4326, Schema: allTypes, MaxZoom: 24}
	b := snapshot.NewBuilder(l)
	require.NoError(t, b.Add(&layers.Feature{ID: "1", Geometry: line(0, 0, 9, 9), Properties: []layers.Value{
		layers.BoolValue(true), layers.IntValue(1), layers.FloatValue(2), layers.StringValue("n"), {}, {}}}))
	s := sourceOf(l, b.Edits())
	s.Columns = []int{1, 3, 4}
	require.Equal(t, []Property{{"count", uint64(1)}, {"名称", "n"}}, encode(t, here, s).Layers[0].Features[0].Properties)
	s.Columns = nil
	require.Empty(t, encode(t, here, s).Layers[0].Features[0].Properties)
	// A segment that is older than the schema lacks the new columns.
	s = sourceOf(l, b.Edits())
	s.Schema = append(append([]layers.Property(nil), s.Schema...), layers.Property{Name: "new", Type: layers.String})
	s.Columns = []int{1, 6}
	require.Equal(t, []Property{{"count", uint64(1)}}, encode(t, here, s).Layers[0].Features[0].Properties)
}

func TestEmptyLayersAreLeftOut(t *testing.T) {
	b, stats := new(Encoder).AppendTile(nil, here, []tiles.Source{source(t, line(9000, 9000, 9999, 9999)), source(t)})
	require.Empty(t, b)
	require.Zero(t, stats)
	b, _ = new(Encoder).AppendTile([]byte("before"), here, nil)
	require.Equal(t, "before", string(b))
}

// A polygon much larger than a tile, drawn at the deepest zoom.
func TestDeepZoom(t *testing.T) {
	g := spatial.NewPolygon([]float64{-170, -80, 170, -80, 170, 80, -170, 80, -170, -80}, []float64{-170, 40, 0, 40.5, 0, 41, -170, 40})
	for _, tc := range []struct {
		id   tile.ID
		want []string
	}{
		{tile.Of(10, 10, 24), []string{"-64,-64 4160,-64 4160,4160 -64,4160 shell"}},
		{tile.Of(-1, 40.7, 24), nil},
		{tile.Of(0, 40.7, 24), nil},
	} {
		d := encode(t, tc.id, source(t, g))
		requireSound(t, d)
		if tc.want != nil {
			require.Equal(t, tc.want, drawn(d))
		}
	}
	// The hole's eastern wall at longitude 0 cuts the tile that begins there.
	d := encode(t, tile.Of(0.0000001, 40.7, 24), source(t, g))
	require.Equal(t, []string{"0,-64 4160,-64 4160,4160 0,4160 shell"}, drawn(d))
}

// shape makes a random polygon of several parts with holes around a place.
func shape(rng *rand.Rand, x, y, size float64) spatial.Geometry {
	star := func(x, y, size float64) []float64 {
		n := 3 + rng.IntN(12)
		ring := make([]float64, 0, 2*n)
		for i := range n {
			sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
			d := size * (0.4 + 0.6*rng.Float64())
			ring = append(ring, x+d*cos, y+d*sin)
		}
		return ring
	}
	var parts []spatial.Geometry
	for k := range 1 + rng.IntN(3) {
		px := x + float64(k)*size*(1.5+rng.Float64())
		rings := [][]float64{star(px, y, size)}
		if rng.IntN(2) == 0 {
			rings = append(rings, star(px, y, size*0.3))
		}
		if rng.IntN(4) == 0 {
			rings = append(rings, star(px+size*0.1, y, size*0.5)) // crosses the first
		}
		parts = append(parts, polygon(rings...))
	}
	return multi(parts...)
}

// Whatever the size against the grid and the place against the tile's edges,
// polygons come out valid for an independent judge.
func TestPolygonsAreSound(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	var repaired int
	for range 400 {
		size := math.Exp(rng.Float64()*9 - 1) // 0.4 to 3,000 units
		s := source(t, shape(rng, rng.Float64()*4600-250, rng.Float64()*4600-250, size))
		s.Coarsen = uint8(rng.IntN(3))
		b, stats := new(Encoder).AppendTile(nil, here, []tiles.Source{s})
		repaired += stats.Repaired
		d, err := Decode(b)
		require.NoError(t, err)
		require.Empty(t, d.Faults)
		requireSound(t, d)
	}
	require.Greater(t, repaired, 50)
	require.Less(t, repaired, 380)
}

// What crosses a seam is drawn in both tiles, and equally where they overlap.
func TestSeam(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	east := tile.ID{Z: here.Z, X: here.X + 1, Y: here.Y}
	for range 100 {
		g := shape(rng, 4096+rng.Float64()*60-30, rng.Float64()*4000, 20+rng.Float64()*300)
		s := source(t, g)
		a, b := encode(t, here, s), encode(t, east, s)
		requireSound(t, a)
		requireSound(t, b)
		if len(a.Layers) == 0 || len(b.Layers) == 0 {
			continue // of one tile alone
		}
		fa, fb := &a.Layers[0].Features[0], &b.Layers[0].Features[0]
		for range 40 {
			x, y := 4096+rng.Float64()*100-50, rng.Float64()*4096
			if nearEdge(fa, x, y) || nearEdge(fb, x-4096, y) {
				continue
			}
			require.Equal(t, covers(fa, x, y), covers(fb, x-4096, y), "%v,%v", x, y)
		}
	}
}

// covers tells whether a feature's polygons hold a position, by even and odd.
func covers(f *Feature, x, y float64) bool {
	in := false
	for _, part := range f.Parts {
		for i, p := range part {
			q := part[(i+1)%len(part)]
			ax, ay, bx, by := float64(p.X), float64(p.Y), float64(q.X), float64(q.Y)
			if (ay > y) != (by > y) && x < ax+(y-ay)*(bx-ax)/(by-ay) {
				in = !in
			}
		}
	}
	return in
}

// nearEdge tells whether a position is within a unit of an edge.
func nearEdge(f *Feature, x, y float64) bool {
	for _, part := range f.Parts {
		for i, p := range part {
			q := part[(i+1)%len(part)]
			ax, ay, dx, dy := float64(p.X), float64(p.Y), float64(q.X-p.X), float64(q.Y-p.Y)
			s := max(0, min(1, ((x-ax)*dx+(y-ay)*dy)/(dx*dx+dy*dy)))
			if math.Hypot(x-ax-s*dx, y-ay-s*dy) <= 1 {
				return true
			}
		}
	}
	return false
}

// Another implementation reads the same.
func TestOrbReadsTheSame(t *testing.T) {
	s := source(t, polygon(box(0, 0, 100, 100), box(10, 10, 20, 20)), line(0, 0, 7, 9), spatial.Geometry{Type: spatial.Point, XY: degrees(here, 3, 4)})
	b, _ := new(Encoder).AppendTile(nil, here, []tiles.Source{s})
	ls, err := orbmvt.Unmarshal(b)
	require.NoError(t, err)
	require.Len(t, ls, 1)
	require.Equal(t, "things", ls[0].Name)
	require.EqualValues(t, 4096, ls[0].Extent)
	fs := ls[0].Features
	require.Len(t, fs, 3)
	require.EqualValues(t, 1, fs[0].ID)
	require.Equal(t, orb.Polygon{
		{{0, 0}, {100, 0}, {100, 100}, {0, 100}, {0, 0}},
		{{10, 10}, {10, 30}, {30, 30}, {30, 10}, {10, 10}},
	}, fs[0].Geometry)
	require.Equal(t, orb.LineString{{0, 0}, {7, 9}}, fs[1].Geometry)
	require.Equal(t, orb.Point{3, 4}, fs[2].Geometry)
}

// Once it has seen a tile, the encoder allocates nothing.
func TestEncoderDoesNotAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	l := &layers.Layer{ID: "l", CRS: 4326, Schema: allTypes[1:4], MaxZoom: 24}
	add := func(b *snapshot.Builder, n int) {
		for range n {
			require.NoError(t, b.Add(&layers.Feature{ID: fmt.Sprint("x", b.Len()), Geometry: shape(rng, rng.Float64()*4096, rng.Float64()*4096, rng.Float64()*100),
				Properties: []layers.Value{layers.IntValue(rng.Int64N(50)), layers.FloatValue(rng.Float64()), layers.StringValue(fmt.Sprint("name ", rng.IntN(999)))}}))
		}
	}
	base, edits := snapshot.NewBuilder(l), snapshot.NewBuilder(l)
	add(base, 300)
	add(edits, 20)
	sources := []tiles.Source{sourceOf(l, base.Edits(), edits.Edits()), source(t, line(-99, -99, 5000, 5000, 0, 6000))}
	sources[1].Name = "lines"
	var e Encoder
	var buf []byte
	var stats tiles.Stats
	require.Zero(t, testing.AllocsPerRun(10, func() { buf, stats = e.AppendTile(buf[:0], here, sources) }))
	require.Greater(t, stats.Repaired, 10, "repairs are among what does not allocate")
	require.Greater(t, stats.Features, 250)
}
