package geojson_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/geojson"
	"twind/spatial"
)

var layer = &layers.Layer{
	ID: "things", CRS: 4326,
	Schema: []layers.Property{
		{Name: "name", Type: layers.String},
		{Name: "height", Type: layers.Number},
		{Name: "floors", Type: layers.Integer},
		{Name: "public", Type: layers.Boolean},
		{Name: "built", Type: layers.Date},
		{Name: "seen", Type: layers.DateTime},
		{Name: "名称", Type: layers.String},
	},
}

func feature() *layers.Feature {
	return &layers.Feature{
		ID:       "42",
		Geometry: spatial.Geometry{Type: spatial.Point, XY: []float64{112.98, 28.2}, Z: []float64{44.25}},
		Properties: []layers.Value{
			layers.StringValue("a \"b\"\n\\"), layers.FloatValue(12.5), layers.IntValue(math.MinInt64), layers.BoolValue(true),
			layers.TextValue(layers.Date, "2026-11-21"), {}, layers.StringValue("五一广场"),
		},
	}
}

func TestAppendFeature(t *testing.T) {
	got := string(geojson.AppendFeature(nil, layer, feature(), geojson.EncodeOptions{}))
	require.Equal(t, `{"type":"Feature","id":42,"geometry":{"type":"Point","coordinates":[112.98,28.2,44.25]},`+
		`"properties":{"name":"a \"b\"\n\\","height":12.5,"floors":-9223372036854775808,"public":true,"built":"2026-11-21","seen":null,"名称":"五一广场"}}`, got)
	require.True(t, json.Valid([]byte(got)))

	got = string(geojson.AppendFeature(nil, layer, feature(), geojson.EncodeOptions{
		Hide: []bool{true, false, true}, SkipNulls: true, Members: []byte(`"links":[]`)}))
	require.Equal(t, `{"type":"Feature","id":42,"geometry":{"type":"Point","coordinates":[112.98,28.2,44.25]},`+
		`"properties":{"height":12.5,"public":true,"built":"2026-11-21","名称":"五一广场"},"links":[]}`, got)

	empty := &layers.Layer{ID: "e"}
	require.Equal(t, `{"type":"Feature","id":"a1","geometry":null,"properties":{}}`,
		string(geojson.AppendFeature(nil, empty, &layers.Feature{ID: "a1"}, geojson.EncodeOptions{})))
}

func TestAppendValue(t *testing.T) {
	for want, v := range map[string]layers.Value{
		"null": {}, "true": layers.BoolValue(true), "false": layers.BoolValue(false), "8": layers.IntValue(8), "8.0": layers.FloatValue(8), "-0.0": layers.FloatValue(math.Copysign(0, -1)),
		"1e+21": layers.FloatValue(1e21), "100000000000000000000.0": layers.FloatValue(1e20), "0.5": layers.FloatValue(0.5), `"2026-11-21"`: layers.TextValue(layers.Date, "2026-11-21"),
	} {
		got := geojson.AppendValue(nil, v)
		require.Equal(t, want, string(got))
		require.True(t, json.Valid(got))
	}
}

func TestAppendID(t *testing.T) {
	for id, want := range map[string]string{
		"0": "0", "7": "7", "07": `"07"`, "-7": `"-7"`, "9007199254740991": "9007199254740991",
		"9007199254740992": `"9007199254740992"`, "430102000000012": "430102000000012",
		"4301020000000123": "4301020000000123", "1e3": `"1e3"`, "井1": `"井1"`, "99999999999999999999": `"99999999999999999999"`,
	} {
		require.Equal(t, want, string(geojson.AppendID(nil, id)), id)
	}
}

func TestAppendGeometry(t *testing.T) {
	line := spatial.NewLineString([]float64{0, 0, 1, 1})
	square := spatial.NewPolygon([]float64{0, 0, 4, 0, 4, 4, 0, 4, 0, 0}, []float64{1, 1, 1, 2, 2, 2, 2, 1, 1, 1})
	two := spatial.NewPolygon([]float64{0, 0, 4, 0, 4, 4, 0, 4, 0, 0}, []float64{5, 5, 6, 5, 6, 6, 5, 6, 5, 5})
	two.Type, two.Parts = spatial.MultiPolygon, []int32{1, 2}
	for want, g := range map[string]spatial.Geometry{
		`null`:                                 {},
		`{"type":"Point","coordinates":[]}`:    {Type: spatial.Point},
		`{"type":"Point","coordinates":[1,2]}`: spatial.NewPoint(1, 2),
		`{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}`:                                                                        {Type: spatial.MultiPoint, XY: []float64{1, 2, 3, 4}},
		`{"type":"LineString","coordinates":[[0,0],[1,1]]}`:                                                                        line,
		`{"type":"LineString","coordinates":[]}`:                                                                                   {Type: spatial.LineString},
		`{"type":"MultiLineString","coordinates":[[[0,0],[1,1]],[[2,2],[3,3]]]}`:                                                   {Type: spatial.MultiLineString, XY: []float64{0, 0, 1, 1, 2, 2, 3, 3}, Ends: []int32{2, 4}},
		`{"type":"Polygon","coordinates":[[[0,0],[4,0],[4,4],[0,4],[0,0]],[[1,1],[1,2],[2,2],[2,1],[1,1]]]}`:                       square,
		`{"type":"MultiPolygon","coordinates":[[[[0,0],[4,0],[4,4],[0,4],[0,0]]],[[[5,5],[6,5],[6,6],[5,6],[5,5]]]]}`:              two,
		`{"type":"MultiPolygon","coordinates":[]}`:                                                                                 {Type: spatial.MultiPolygon},
		`{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]},{"type":"MultiPoint","coordinates":[]}]}`: {Type: spatial.GeometryCollection, Members: []spatial.Geometry{spatial.NewPoint(1, 2), {Type: spatial.MultiPoint}}},
	} {
		got := geojson.AppendGeometry(nil, g)
		require.Equal(t, want, string(got))
		back, err := geojson.ParseGeometry(got)
		require.NoError(t, err, want)
		require.Equal(t, g, back, want)
	}
}

func TestRingsTurnByTheRightHand(t *testing.T) {
	// A shell that turns clockwise and a hole that does not, as shapefiles with two polygons have them.
	g := spatial.NewPolygon([]float64{0, 0, 0, 4, 4, 4, 4, 0, 0, 0}, []float64{1, 1, 2, 1, 2, 2, 1, 2, 1, 1})
	g.Z = []float64{0, 1, 2, 3, 0, 5, 6, 7, 8, 5}
	require.Equal(t, `{"type":"Polygon","coordinates":[[[0,0,0],[4,0,3],[4,4,2],[0,4,1],[0,0,0]],[[1,1,5],[1,2,8],[2,2,7],[2,1,6],[1,1,5]]]}`, string(geojson.AppendGeometry(nil, g)))
	flat := spatial.NewPolygon([]float64{0, 0, 1, 1, 2, 2, 0, 0})
	require.Equal(t, `{"type":"Polygon","coordinates":[[[0,0],[1,1],[2,2],[0,0]]]}`, string(geojson.AppendGeometry(nil, flat)))
}

func TestAppendFloatIsShortest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	check := func(v float64) {
		got := string(geojson.AppendFloat(nil, v))
		format := byte('f')
		if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
			format = 'e'
		}
		require.Equal(t, strconv.FormatFloat(v, format, -1, 64), got)
	}
	for _, v := range []float64{0, math.Copysign(0, -1), 1, -1, 180, -180, 0.1, 1e-6, 1e-7, 1e20, 1e21, 123456789012345678, 999.999999999999, 999.99999999999999, 0.30000000000000004, math.MaxFloat64, math.SmallestNonzeroFloat64, 100, 112.0000001} {
		check(v)
	}
	for range 50_000 {
		check(r.Float64()*360 - 180)
		check(math.Round((r.Float64()*360-180)*1e7) / 1e7)
		check(math.Round((r.Float64()*2000-1000)*1e12) / 1e12)
		check(math.Float64frombits(r.Uint64()&^(0x7ff<<52) | uint64(900+r.IntN(240))<<52))
	}
	require.Equal(t, "null", string(geojson.AppendFloat(nil, math.NaN())))
	require.Equal(t, "null", string(geojson.AppendFloat(nil, math.Inf(1))))
}

func TestAppendFeatureAllocatesNothing(t *testing.T) {
	f := feature()
	buf := make([]byte, 0, 4096)
	require.Zero(t, testing.AllocsPerRun(100, func() { buf = geojson.AppendFeature(buf[:0], layer, f, geojson.EncodeOptions{}) }))
}

func building() *layers.Feature {
	f := feature()
	var ring []float64
	for i := range 12 {
		a := float64(i) * math.Pi / 6
		ring = append(ring, math.Round((112.98+0.0003*math.Cos(a))*1e8)/1e8, math.Round((28.2+0.0003*math.Sin(a))*1e8)/1e8)
	}
	f.Geometry = spatial.NewPolygon(append(ring, ring[0], ring[1]))
	return f
}

func BenchmarkAppendFeature(b *testing.B) {
	f := building()
	buf := geojson.AppendFeature(nil, layer, f, geojson.EncodeOptions{})
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = geojson.AppendFeature(buf[:0], layer, f, geojson.EncodeOptions{})
	}
}

func BenchmarkParseFeature(b *testing.B) {
	data := geojson.AppendFeature(nil, layer, building(), geojson.EncodeOptions{})
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := geojson.ParseFeature(data, layer); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	data := geojson.AppendFeature(nil, layer, building(), geojson.EncodeOptions{})
	d := geojson.Decoder{Borrow: true, Degrees: true}
	var rec geojson.Record
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Decode(data, &rec, false); err != nil {
			b.Fatal(err)
		}
	}
}
