package geojson_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/geojson"
	"twind/spatial"
)

func TestParseFeatureRoundTrip(t *testing.T) {
	f := feature()
	got, err := geojson.ParseFeature(geojson.AppendFeature(nil, layer, f, geojson.EncodeOptions{}), layer)
	require.NoError(t, err)
	require.Equal(t, f, got)
}

func TestParseFeatureAccepts(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		want layers.Feature
	}{
		"members in any order, foreign members": {
			`{"properties":{"floors":3.0},"links":[{"href":"x"}],"bbox":[1,2,1,2],"geometry":{"coordinates":[1,2],"type":"Point"},"id":"a","type":"Feature","crs":null}`,
			layers.Feature{ID: "a", Geometry: spatial.NewPoint(1, 2), Properties: []layers.Value{{}, {}, layers.IntValue(3), {}, {}, {}, {}}}},
		"null properties, no id": {`{"type":"Feature","geometry":null,"properties":null}`, layers.Feature{Properties: make([]layers.Value, 7)}},
		"more than three dimensions": {`{"type":"Feature","id":1.5,"geometry":{"type":"Point","coordinates":[1,2,3,4]},"properties":{}}`,
			layers.Feature{ID: "1.5", Geometry: spatial.Geometry{Type: spatial.Point, XY: []float64{1, 2}, Z: []float64{3}}, Properties: make([]layers.Value, 7)}},
		"escapes": {`{"type":"Feature","geometry":null,"properties":{"name":"\u4e94\ud83d\ude87\/\t"}}`,
			layers.Feature{Properties: []layers.Value{layers.StringValue("五🚇/\t"), {}, {}, {}, {}, {}, {}}}},
		"an integer as a number": {`{"type":"Feature","id":-0,"geometry":null,"properties":{"height":9007199254740993}}`,
			layers.Feature{ID: "0", Properties: []layers.Value{{}, layers.FloatValue(9007199254740992), {}, {}, {}, {}, {}}}},
		"64 bits and a time": {`{"type":"Feature","geometry":null,"properties":{"floors":9223372036854775807,"seen":"2026-11-21T08:00:00.25+08:00"}}`,
			layers.Feature{Properties: []layers.Value{{}, {}, layers.IntValue(math.MaxInt64), {}, {}, layers.TextValue(layers.DateTime, "2026-11-21T08:00:00.25+08:00"), {}}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := geojson.ParseFeature([]byte(c.data), layer)
			require.NoError(t, err)
			require.Equal(t, &c.want, got)
		})
	}
}

func TestParseFeatureRefuses(t *testing.T) {
	withGeometry := func(g string) string { return `{"type":"Feature","geometry":` + g + `,"properties":{}}` }
	polygon := func(c string) string { return withGeometry(`{"type":"Polygon","coordinates":` + c + `}`) }
	withProperties := func(p string) string { return `{"type":"Feature","geometry":null,"properties":{` + p + `}}` }
	deep := strings.Repeat(`{"type":"GeometryCollection","geometries":[`, 12) + strings.Repeat(`]}`, 12)
	for name, c := range map[string]struct{ data, want string }{
		"empty":                 {``, "expected a Feature object, found the end of the data"},
		"not an object":         {`[1]`, "expected a Feature object, found an array"},
		"a collection":          {`{"type":"FeatureCollection","features":[]}`, `type: expected "Feature", found "FeatureCollection"`},
		"no type":               {`{"geometry":null}`, `the feature has no member "type": "Feature"`},
		"no geometry":           {`{"type":"Feature","properties":{}}`, "the feature has no member geometry; write null where there is none"},
		"cut off":               {`{"type":"Feature","geometry":{"type":"Point","coordinates":[1,`, "geometry.coordinates: expected a number, found the end of the data"},
		"cut off in a text":     {`{"type":"Feature","geo`, "a text that begins at byte 18 is not ended by a quote"},
		"trailing data":         {`{"type":"Feature","geometry":null} {}`, "expected the end of the data, found an object (byte 35)"},
		"trailing comma":        {`{"type":"Feature","geometry":null,}`, "a comma before the closing '}' (byte 34)"},
		"type twice":            {`{"type":"Feature","type":"Feature","geometry":null}`, "the member type stands twice"},
		"bad id":                {`{"type":"Feature","id":true,"geometry":null}`, "id: expected text or a number, found true"},
		"id with a slash":       {`{"type":"Feature","id":"a/b","geometry":null}`, `id: feature id "a/b" holds a control character, a slash or invalid UTF-8`},
		"crs":                   {`{"type":"Feature","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::2263"}},"geometry":null}`, `crs: coordinates in "urn:ogc:def:crs:EPSG::2263" are not read here; send longitude and latitude in degrees (WGS 84)`},
		"NaN":                   {withGeometry(`{"type":"Point","coordinates":[NaN,1]}`), "geometry.coordinates: expected a number, found NaN, which JSON does not know; write null or leave the feature out"},
		"-Infinity":             {withGeometry(`{"type":"Point","coordinates":[-Infinity,1]}`), "geometry.coordinates: expected a number, found -Infinity, which JSON does not know; write null or leave the feature out"},
		"hexadecimal":           {withGeometry(`{"type":"Point","coordinates":[0x1F,1]}`), "geometry.coordinates: expected a number as JSON writes it, found 0x1F"},
		"leading zero":          {withGeometry(`{"type":"Point","coordinates":[01,1]}`), "geometry.coordinates: expected a number as JSON writes it, found 01"},
		"plus":                  {withGeometry(`{"type":"Point","coordinates":[+1,1]}`), "geometry.coordinates: expected a number as JSON writes it, found +1"},
		"too large":             {withGeometry(`{"type":"Point","coordinates":[1e999,1]}`), "geometry.coordinates: 1e999 is too large for a number"},
		"a text as ordinate":    {withGeometry(`{"type":"Point","coordinates":["1",2]}`), `geometry.coordinates: expected a number, found the text "1"`},
		"null height":           {withGeometry(`{"type":"Point","coordinates":[1,2,null]}`), "geometry.coordinates: expected a number, found null"},
		"longitude 400":         {polygon(`[[[0,0],[1,0],[1,1],[400,1],[0,0]]]`), "geometry.coordinates[0][3]: longitude 400 is outside ±180"},
		"latitude -91":          {polygon(`[[[0,0],[1,-91],[1,1],[0,1],[0,0]]]`), "geometry.coordinates[0][1]: latitude -91 is outside ±90"},
		"ring not closed":       {polygon(`[[[0,0],[1,0],[1,1],[0,1]]]`), "geometry.coordinates[0]: the ring is not closed: it begins at [0,0] and ends at [0,1]; repeat the first position at its end"},
		"ring too short":        {polygon(`[[[0,0],[1,0],[0,0]]]`), "geometry.coordinates[0]: a ring of 3 positions: at least 4 are needed, the last equal to the first"},
		"empty ring":            {polygon(`[[]]`), "geometry.coordinates[0]: a ring of 0 positions: at least 4 are needed, the last equal to the first"},
		"nesting too shallow":   {polygon(`[[0,0],[1,0],[1,1],[0,0]]`), "geometry.coordinates[0][0]: expected a position [longitude, latitude], found 0"},
		"nesting too deep":      {polygon(`[[[[0,0],[1,0],[1,1],[0,0]]]]`), "geometry.coordinates[0][0]: expected a position [longitude, latitude], found an array of arrays: the nesting is one level too deep for a Polygon"},
		"line of one":           {withGeometry(`{"type":"LineString","coordinates":[[0,0]]}`), "geometry.coordinates: a line of 1 positions: at least 2 are needed"},
		"one number":            {withGeometry(`{"type":"Point","coordinates":[1]}`), "geometry.coordinates: a position of one number; expected [longitude, latitude]"},
		"mixed heights":         {withGeometry(`{"type":"LineString","coordinates":[[0,0,1],[1,1]]}`), "geometry.coordinates[1]: some positions of the geometry have a height and some have none; give all of them one or none"},
		"empty polygon":         {withGeometry(`{"type":"MultiPolygon","coordinates":[[]]}`), "geometry.coordinates[0]: the polygon has no rings"},
		"unknown geometry type": {withGeometry(`{"type":"Circle","coordinates":[1,2]}`), `geometry.type: "Circle" is not a geometry type; expected Point, LineString, Polygon, MultiPoint, MultiLineString, MultiPolygon or GeometryCollection`},
		"no coordinates":        {withGeometry(`{"type":"Point"}`), "geometry: the Point has no coordinates"},
		"no geometry type":      {withGeometry(`{"coordinates":[1,2]}`), "geometry: the geometry has no type"},
		"member of a collection": {withGeometry(`{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]},{"type":"Point","coordinates":[1,200]}]}`),
			"geometry.geometries[1].coordinates: latitude 200 is outside ±90"},
		"deep collections":  {withGeometry(deep), "geometry collections are nested deeper than 8"},
		"deep values":       {`{"type":"Feature","x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "x: values are nested deeper than 64"},
		"unknown property":  {withProperties(`"heigth":3`), "properties.heigth: layer things has no such property; it has name, height, floors, public, built, seen, 名称"},
		"property twice":    {withProperties(`"name":"a","name":"b"`), "properties.name: the property stands twice"},
		"text for a number": {withProperties(`"height":"12 m"`), `properties.height: expected a number, found the text "12 m"`},
		"fraction":          {withProperties(`"floors":2.5`), "properties.floors: expected an integer, found 2.5"},
		"65 bits":           {withProperties(`"floors":9223372036854775808`), "properties.floors: 9223372036854775808 does not fit a 64-bit integer"},
		"NaN property":      {withProperties(`"height":NaN`), "properties.height: expected a number, found NaN, which JSON does not know; write null or leave the feature out"},
		"1 for true":        {withProperties(`"public":1`), "properties.public: expected true or false, found 1"},
		"30 February":       {withProperties(`"built":"2026-02-30"`), `properties.built: expected a date such as "2026-11-21", found "2026-02-30"`},
		"time without zone": {withProperties(`"seen":"2026-11-21T08:00:00"`), `properties.seen: expected a time such as "2026-11-21T08:00:00Z", found "2026-11-21T08:00:00"`},
		"object for text":   {withProperties(`"name":{}`), "properties.name: expected text, found an object"},
		"lone surrogate":    {withProperties(`"name":"\ud83d"`), `properties.name: half a surrogate pair (\ud800 to \udfff) in a text`},
		"NUL":               {withProperties(`"name":"\u0000"`), "properties.name: the text holds a NUL character, which no store keeps"},
		"not UTF-8":         {withProperties("\"name\":\"\xce\xe5\""), "properties.name: the text is not UTF-8 (byte 56)"},
		"line break":        {withProperties("\"name\":\"a\nb\""), "properties.name: a control character inside a text (byte 57): write it as \\u000a"},
		"unknown escape":    {withProperties(`"name":"\x41"`), `properties.name: \x is not an escape that JSON knows`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := geojson.ParseFeature([]byte(c.data), layer)
			require.ErrorIs(t, err, layers.ErrInvalid)
			if name == "deep collections" {
				require.ErrorContains(t, err, c.want)
				return
			}
			require.EqualError(t, err, c.want)
		})
	}
}

func TestParseFeatureHoldsTheLayersGeometryType(t *testing.T) {
	l := &layers.Layer{ID: "buildings", GeometryType: spatial.MultiPolygon}
	_, err := geojson.ParseFeature([]byte(`{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]}}`), l)
	require.EqualError(t, err, "geometry.type: a Point does not fit layer buildings, which holds MultiPolygon")
	_, err = geojson.ParseFeature([]byte(`{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}}`), l)
	require.NoError(t, err)
	_, err = geojson.ParseFeature([]byte(`{"type":"Feature","geometry":null}`), l)
	require.NoError(t, err)
}

func TestParseFeatureRefusesMoreThan64MB(t *testing.T) {
	_, err := geojson.ParseFeature(make([]byte, layers.MaxFeatureBytes+1), layer)
	require.ErrorIs(t, err, layers.ErrInvalid)
	require.EqualError(t, err, "a feature of 64 MB: at most 64 MB are read")
}

func TestApplyMergePatch(t *testing.T) {
	square := spatial.NewPolygon([]float64{0, 0, 4, 0, 4, 4, 0, 0})
	for name, c := range map[string]struct {
		patch string
		want  func(f *layers.Feature)
	}{
		"one property":           {`{"properties":{"height":99}}`, func(f *layers.Feature) { f.Properties[1] = layers.FloatValue(99) }},
		"null removes":           {`{"properties":{"name":null}}`, func(f *layers.Feature) { f.Properties[0] = layers.Value{} }},
		"all properties":         {`{"properties":null}`, func(f *layers.Feature) { f.Properties = make([]layers.Value, 7) }},
		"no geometry":            {`{"geometry":null}`, func(f *layers.Feature) { f.Geometry = spatial.Geometry{} }},
		"coordinates alone":      {`{"geometry":{"coordinates":[1,2]}}`, func(f *layers.Feature) { f.Geometry = spatial.NewPoint(1, 2) }},
		"another geometry":       {`{"geometry":{"type":"Polygon","coordinates":[[[0,0],[4,0],[4,4],[0,0]]]}}`, func(f *layers.Feature) { f.Geometry = square }},
		"the same type":          {`{"geometry":{"type":"Point"}}`, func(*layers.Feature) {}},
		"a foreign member alone": {`{"geometry":{ "bbox" : [1,2,1,2] }}`, func(*layers.Feature) {}},
		"an empty geometry":      {`{"geometry":{ }}`, func(*layers.Feature) {}},
		"its own id":             {`{"type":"Feature","id":42,"links":[]}`, func(*layers.Feature) {}},
		"nothing":                {`{}`, func(*layers.Feature) {}},
	} {
		t.Run(name, func(t *testing.T) {
			before := feature()
			want := feature()
			c.want(want)
			got, err := geojson.ApplyMergePatch(layer, before, []byte(c.patch))
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, feature(), before, "the old feature stays as it was")
		})
	}
	for patch, want := range map[string]string{
		`[]`:                                     `expected an object with the members to change, such as {"properties":{…}}, found an array`,
		`{"id":"7"}`:                             `id: the id of a feature cannot change (it is "42")`,
		`{"type":"Thing"}`:                       "type: the type of a feature cannot change",
		`{"height":3}`:                           "height: a feature has no such member to change; it has geometry and properties",
		`{"properties":{"hight":3}}`:             "properties.hight: layer things has no such property; it has name, height, floors, public, built, seen, 名称",
		`{"geometry":{"type":"LineString"}}`:     "geometry.coordinates[0]: expected a position [longitude, latitude], found 112.98",
		`{"geometry":{"coordinates":null}}`:      "geometry.coordinates: a geometry cannot lose it; set the geometry itself to null",
		`{"geometry":{"coordinates":[400,2]}}`:   "geometry.coordinates: longitude 400 is outside ±180",
		`{"geometry":7}`:                         "geometry: expected a geometry object or null, found 7",
		`{"properties":{"floors":"three"}}`:      `properties.floors: expected an integer, found the text "three"`,
		`{"properties":{"floors":1},"geometry":`: "geometry: expected a geometry object or null, found the end of the data",
	} {
		_, err := geojson.ApplyMergePatch(layer, feature(), []byte(patch))
		require.ErrorIs(t, err, layers.ErrInvalid, patch)
		require.EqualError(t, err, want, patch)
	}
	withoutGeometry := feature()
	withoutGeometry.Geometry = spatial.Geometry{}
	got, err := geojson.ApplyMergePatch(layer, withoutGeometry, []byte(`{"geometry":{"type":"Point","coordinates":[1,2]}}`))
	require.NoError(t, err)
	require.Equal(t, spatial.NewPoint(1, 2), got.Geometry)
	_, err = geojson.ApplyMergePatch(layer, withoutGeometry, []byte(`{"geometry":{"coordinates":[1,2]}}`))
	require.EqualError(t, err, "geometry: the geometry has no type")
}

func TestDecoder(t *testing.T) {
	for _, borrow := range []bool{false, true} {
		d := geojson.Decoder{Borrow: borrow, Degrees: true}
		var rec geojson.Record
		require.NoError(t, d.Decode([]byte(`{"type":"Feature","id":7,"geometry":{"type":"Point","coordinates":[1,2,3,4]},"properties":{"a":1,"b":"x","c":{"k":[1, 2]}}}`), &rec, false))
		require.Equal(t, "7", rec.ID)
		require.Equal(t, []layers.Value{layers.IntValue(1), layers.StringValue("x"), layers.StringValue(`{"k":[1, 2]}`)}, rec.Values)
		require.NoError(t, d.Decode([]byte(`{"type":"Feature","geometry":null,"properties":{"d":12345678901234567890,"b":-0.5,"a":9007199254740993}}`), &rec, false))
		require.Equal(t, []layers.Value{layers.IntValue(9007199254740993), layers.FloatValue(-0.5), {}, layers.StringValue("12345678901234567890")}, rec.Values)
		require.Equal(t, []string{"a", "b", "c", "d"}, d.Fields.Names)
		require.Equal(t, 1, d.Dimensions)
		require.Empty(t, rec.ID)
		require.EqualError(t, d.Decode([]byte(`{"type":"Feature","geometry":null,"properties":{"a":nan}}`), &rec, false),
			"properties.a: expected a number, found nan, which JSON does not know; write null or leave the feature out")
		require.EqualError(t, d.Decode([]byte(`{"type":"Feature","geometry":null,"properties":{"a":1,"b":2,"a":3}}`), &rec, false), "properties.a: the property stands twice")
		require.NoError(t, d.Decode([]byte(`{"type":"LineString","coordinates":[[1,2],[3,4]]}`), &rec, true))
		require.Equal(t, spatial.NewLineString([]float64{1, 2, 3, 4}), rec.Geometry)
		d.Degrees = false
		require.NoError(t, d.Decode([]byte(`{"type":"Feature","geometry":{"type":"Point","coordinates":[989131.17,201839]},"properties":null}`), &rec, false))
		require.Equal(t, spatial.NewPoint(989131.17, 201839), rec.Geometry)
		require.Empty(t, rec.Values)
	}
}

func TestCRSName(t *testing.T) {
	for raw, want := range map[string]string{
		`null`: "",
		`{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::2263"}}`:                            "urn:ogc:def:crs:EPSG::2263",
		`{"properties":{"name":"EPSG:26910"},"type":"name"}`:                                            "EPSG:26910",
		`{"type":"EPSG","properties":{"code":4547}}`:                                                    "EPSG:4547",
		`{"type":"link","properties":{"href":"http://www.opengis.net/def/crs/EPSG/0/4490","type":"x"}}`: "http://www.opengis.net/def/crs/EPSG/0/4490",
		`{"type":"name"}`: "", `7`: "", `{"properties":{"name":`: "",
	} {
		require.Equal(t, want, geojson.CRSName([]byte(raw)), raw)
	}
}

func FuzzFeature(f *testing.F) {
	f.Add(geojson.AppendFeature(nil, layer, feature(), geojson.EncodeOptions{}))
	f.Add([]byte(`{"type":"Feature","id":"a","geometry":{"coordinates":[[[0,0,1],[1,0,1],[1,1,1],[0,0,1]]],"type":"Polygon"},"properties":{"floors":1e2}}`))
	f.Add([]byte(`{"type":"Feature","geometry":{"type":"GeometryCollection","geometries":[{"type":"MultiLineString","coordinates":[[[1,2],[3,4]]]},{"type":"Point","coordinates":[]}]},"properties":{"name":"\ud83d\ude87"}}`))
	f.Add([]byte(`{"type":"Feature","geometry":{"type":"Point","coordinates":[NaN,1e999,0x1]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := geojson.ParseFeature(data, layer)
		if err != nil {
			require.ErrorIs(t, err, layers.ErrInvalid)
		} else {
			require.NoError(t, layers.CheckFeature(layer, got))
			written := geojson.AppendFeature(nil, layer, got, geojson.EncodeOptions{})
			again, err := geojson.ParseFeature(written, layer)
			require.NoError(t, err)
			require.Equal(t, got.ID, again.ID)
			require.Equal(t, got.Properties, again.Properties)
			require.Equal(t, got.Geometry.NumVertices(), again.Geometry.NumVertices())
			twice := geojson.AppendFeature(nil, layer, again, geojson.EncodeOptions{})
			if !bytes.Equal(written, twice) { // rings of no sure turn may turn once more
				require.Contains(t, string(written), "Polygon")
			}
		}
		for _, d := range []*geojson.Decoder{{Borrow: true}, {Degrees: true}} {
			var rec geojson.Record
			if err := d.Decode(data, &rec, false); err == nil {
				require.NoError(t, rec.Geometry.Check())
			} else {
				require.ErrorIs(t, err, layers.ErrInvalid)
			}
		}
		_ = geojson.CRSName(data)
	})
}

func FuzzMergePatch(f *testing.F) {
	f.Add([]byte(`{"properties":{"height":99,"name":null}}`))
	f.Add([]byte(`{"geometry":{"coordinates":[1,2]}}`))
	f.Add([]byte(`{"geometry":{"type":"LineString","coordinates":[[1,2],[3,4]]},"id":42}`))
	f.Fuzz(func(t *testing.T, patch []byte) {
		got, err := geojson.ApplyMergePatch(layer, feature(), patch)
		if err != nil {
			require.ErrorIs(t, err, layers.ErrInvalid)
			return
		}
		require.NoError(t, layers.CheckFeature(layer, got))
		require.Equal(t, "42", got.ID)
	})
}
