package snapshot

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
)

var testSchema = []layers.Property{
	{Name: "flag", Type: layers.Boolean},
	{Name: "count", Type: layers.Integer},
	{Name: "height", Type: layers.Number},
	{Name: "名称", Type: layers.String},
	{Name: "built", Type: layers.Date},
	{Name: "seen", Type: layers.DateTime},
}

func testLayer() *layers.Layer {
	return &layers.Layer{ID: "things", Kind: layers.KindFeature, CRS: 4326, Schema: testSchema, MaxZoom: 16}
}

func values(rng *rand.Rand) []layers.Value {
	ints := []int64{0, 1, -1, math.MaxInt64, math.MinInt64, 1 << 53, -300, rng.Int64N(100)}
	v := []layers.Value{
		layers.BoolValue(rng.IntN(2) == 0),
		layers.IntValue(ints[rng.IntN(len(ints))]),
		layers.FloatValue(math.Trunc(rng.Float64()*1000) / 8),
		layers.StringValue([]string{"", "湘江路", "Main St", "a\tb"}[rng.IntN(4)]),
		layers.TextValue(layers.Date, "2026-11-21"),
		layers.TextValue(layers.DateTime, "2026-11-21T08:00:00Z"),
	}
	for i := range v {
		if rng.IntN(5) == 0 {
			v[i] = layers.Value{}
		}
	}
	return v
}

func ring(x, y, r float64) []float64 {
	return []float64{x - r, y - r, x + r, y - r, x + r, y + r, x - r, y + r, x - r, y - r}
}

func hole(x, y, r float64) []float64 {
	return []float64{x - r, y - r, x - r, y + r, x + r, y + r, x + r, y - r, x - r, y - r}
}

// geometries holds every type, single and multiple, with holes, with and without
// heights, empty and absent.
func geometries(x, y float64) []spatial.Geometry {
	withZ := func(g spatial.Geometry) spatial.Geometry {
		g = g.Clone()
		g.Z = make([]float64, len(g.XY)/2)
		for i := range g.Z {
			g.Z[i] = float64(i) + 0.125
		}
		return g
	}
	line := spatial.NewLineString([]float64{x, y, x + .01, y + .02, x + .03, y})
	poly := spatial.NewPolygon(ring(x, y, .01), hole(x, y, .004))
	multi := spatial.NewPolygon(ring(x, y, .01), hole(x, y, .004), ring(x+.05, y, .01))
	multi.Type, multi.Parts = spatial.MultiPolygon, []int32{2, 3}
	lines := spatial.Geometry{Type: spatial.MultiLineString, XY: []float64{x, y, x, y + .1, x, y, x + .1, y, x, y}, Ends: []int32{2, 5}}
	points := spatial.Geometry{Type: spatial.MultiPoint, XY: []float64{x, y, x + .1, y}}
	collection := spatial.Geometry{Type: spatial.GeometryCollection, Members: []spatial.Geometry{
		withZ(poly), points, {Type: spatial.GeometryCollection, Members: []spatial.Geometry{line, multi, {Type: spatial.Point}}}, {Type: spatial.GeometryCollection}, lines,
	}}
	gs := []spatial.Geometry{{}, spatial.NewPoint(x, y), line, poly, points, lines, multi, collection}
	for _, g := range gs[1:7] {
		gs = append(gs, withZ(g), spatial.Geometry{Type: g.Type})
	}
	return append(gs, spatial.Geometry{Type: spatial.GeometryCollection}, spatial.Geometry{Type: spatial.Point, Z: []float64{}})
}

func features(n int) []*layers.Feature {
	rng := rand.New(rand.NewPCG(7, uint64(n)))
	var fs []*layers.Feature
	for i := 0; len(fs) < n; i++ {
		for _, g := range geometries(rng.Float64()*300-150, rng.Float64()*160-80) {
			f := &layers.Feature{ID: fmt.Sprint("id ", len(fs)), Geometry: g, Properties: values(rng), Revision: layers.Revision(len(fs) + 1)}
			if i%2 == 0 {
				f.ID = fmt.Sprint(len(fs))
			}
			if fs = append(fs, f); len(fs) == n {
				break
			}
		}
	}
	return fs
}

func buildSome(t testing.TB, fs []*layers.Feature) *Builder {
	b := NewBuilder(testLayer())
	for _, f := range fs {
		require.NoError(t, b.Add(f))
	}
	return b
}

func TestEditsSegmentGivesEveryFeatureBack(t *testing.T) {
	fs := features(400)
	s := buildSome(t, fs).Edits()
	require.Equal(t, len(fs), s.N)
	var got layers.Feature
	for i, want := range fs {
		s.Feature(i, testSchema, &got)
		require.Equal(t, want, &got, "feature %d %v", i, want.Geometry)
		e := want.Geometry.Envelope()
		require.Equal(t, e, s.Envelope(i))
		if e.IsEmpty() {
			require.Equal(t, EmptyBox, s.Box[i])
			continue
		}
		lo, hi := s.Vertices(i)
		for v := lo; v < hi; v++ {
			x, y := s.World[2*v], s.World[2*v+1]
			require.True(t, s.Box[i].Intersects(tile.WorldBox{MinX: x, MinY: y, MaxX: x, MaxY: y}), "vertex %d outside its box", v)
		}
	}
}

func TestBaseSegmentHoldsTheSameFeaturesInHilbertOrder(t *testing.T) {
	fs := features(300)
	s, err := buildSome(t, fs).Base()
	require.NoError(t, err)
	byID := map[string]*layers.Feature{}
	for _, f := range fs {
		byID[f.ID] = f
	}
	empties := false
	for i := range s.N {
		var got layers.Feature
		s.Feature(i, testSchema, &got)
		require.Equal(t, byID[got.ID], &got)
		delete(byID, got.ID)
		if s.Box[i] == EmptyBox {
			empties = true
		} else {
			require.False(t, empties, "a located feature after one without vertices")
		}
	}
	require.Empty(t, byID)
}

func TestValuesAreDistinctAndNumbersFollowMVT(t *testing.T) {
	s := buildSome(t, features(500)).Edits()
	seen := map[string]bool{}
	for k := 1; k <= s.NumValues(); k++ {
		v := string(s.Value(uint32(k)))
		require.False(t, seen[v])
		seen[v] = true
		require.Contains(t, []byte{0x0a, 0x19, 0x28, 0x30, 0x38}, v[0])
	}
	require.True(t, seen["\x38\x01"] && seen["\x38\x00"] && seen["\x30\x01"] && seen["\x28\x01"] && seen["\x0a\x00"])
}

func TestAnIntegerInAPropertyOfNumbersIsANumber(t *testing.T) {
	b := NewBuilder(&layers.Layer{ID: "x", CRS: 4326, Schema: []layers.Property{{Name: "h", Type: layers.Number}}})
	require.NoError(t, b.Add(&layers.Feature{ID: "1", Properties: []layers.Value{layers.IntValue(3)}}))
	require.Equal(t, layers.FloatValue(3), b.Edits().Property(0, 0, layers.Number))
	require.Equal(t, layers.Value{}, b.Edits().Property(1, 0, layers.Number))
}

func TestBuilderRefusesWhatDoesNotFitTheLayer(t *testing.T) {
	b := NewBuilder(testLayer())
	require.ErrorIs(t, b.Add(&layers.Feature{ID: "1", Geometry: spatial.NewPoint(math.NaN(), 0), Properties: make([]layers.Value, 6)}), layers.ErrInvalid)
	require.ErrorIs(t, b.Add(&layers.Feature{ID: "1", Geometry: spatial.NewPoint(0, 0)}), layers.ErrInvalid)
	require.Zero(t, b.Len())
}

func TestIDNumber(t *testing.T) {
	for id, want := range map[string]uint64{"0": 0, "7": 7, "07": 0, "": 0, "9007199254740991": 1<<53 - 1, "9007199254740992": 0, "1e3": 0, "-1": 0, "99999999999999999999": 0} {
		require.Equal(t, want, idNumber(id), id)
	}
}

func TestAPublishedSegmentDoesNotChange(t *testing.T) {
	fs := features(300)
	b := buildSome(t, fs[:100])
	before := b.Edits()
	for _, f := range fs[100:] {
		require.NoError(t, b.Add(f))
	}
	require.Equal(t, 100, before.N)
	var got layers.Feature
	for i := range 100 {
		before.Feature(i, testSchema, &got)
		require.Equal(t, fs[i], &got)
	}
}

func TestRowSetVersionsAreIndependent(t *testing.T) {
	var w rowSetWriter
	rng := rand.New(rand.NewPCG(3, 4))
	want := map[uint32]bool{}
	var versions []rowSet
	var wants []map[uint32]bool
	for range 20 {
		for range 20 {
			i := rng.Uint32N(20000)
			w.add(i)
			want[i] = true
		}
		versions = append(versions, w.version())
		c := map[uint32]bool{}
		for k := range want {
			c[k] = true
		}
		wants = append(wants, c)
	}
	for k, v := range versions {
		require.Equal(t, len(wants[k]), v.count())
		for i := range uint32(20000) {
			require.Equal(t, wants[k][i], v.has(i))
		}
	}
}
