package geojson_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"twind/importers"
	importer "twind/importers/geojson"
	"twind/layers"
	"twind/spatial"
	"twind/spatial/crs"
)

func file(t testing.TB, name string, content []byte) string {
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

type result struct {
	recs    []importers.Record
	refused []*importers.Refusal
	places  []string
	src     importers.Source
	err     error
}

func read(t testing.TB, path string, o importers.OpenOptions) result {
	return readWith(t, importer.Format{}, path, o)
}

func readWith(t testing.TB, f importer.Format, path string, o importers.OpenOptions) (res result) {
	src, err := f.Open(t.Context(), path, o)
	if err != nil {
		return result{err: err}
	}
	defer src.Close()
	res.src = src
	for {
		var rec importers.Record
		err := src.Next(&rec)
		var r *importers.Refusal
		switch {
		case errors.Is(err, io.EOF):
			require.ErrorIs(t, src.Next(&rec), io.EOF, "the end stays the end")
			return res
		case errors.As(err, &r):
			res.refused = append(res.refused, r)
		case err != nil:
			res.err = err
			return res
		default:
			res.recs = append(res.recs, rec)
			res.places = append(res.places, src.Place(rec.Row))
		}
	}
}

func pointFeature(i int) string {
	return fmt.Sprintf(`{"type":"Feature","id":%d,"geometry":{"type":"Point","coordinates":[%d,%d]},"properties":{"n":%d}}`, i, i, i, i)
}

const rs = "\x1e"

func TestShapesOfFiles(t *testing.T) {
	a, b, c := pointFeature(1), pointFeature(2), pointFeature(3)
	pretty := strings.ReplaceAll(a, ",", ",\n ")
	for name, f := range map[string]struct {
		content string
		ids     []string
		places  []string
	}{
		"collection":                         {`{"type":"FeatureCollection","features":[` + a + `,` + b + `]}`, []string{"1", "2"}, []string{"features[0]", "features[1]"}},
		"collection, type last":              {` {"name":"x","features":[ ` + a + ` , ` + b + ` ] , "type":"FeatureCollection"} ` + "\n", []string{"1", "2"}, []string{"features[0]", "features[1]"}},
		"collection with foreign members":    {`{"type":"FeatureCollection","a":[[1,{"features":[]}],"]}"],"n":-1.5e3,"t":true,"features":[` + a + `],"z":null}`, []string{"1"}, []string{"features[0]"}},
		"collection after a byte order mark": {"\xef\xbb\xbf" + `{"type":"FeatureCollection","features":[` + a + `]}`, []string{"1"}, []string{"features[0]"}},
		"empty collection":                   {`{"type":"FeatureCollection","features":[]}`, nil, nil},
		"one feature":                        {a, []string{"1"}, []string{"the feature"}},
		"one feature over lines":             {pretty, []string{"1"}, []string{"the feature"}},
		"one geometry":                       {`{"coordinates":[1,2],"type":"Point"}`, []string{""}, []string{"the feature"}},
		"lines":                              {a + "\n" + b + "\r\n\n" + c + "\n", []string{"1", "2", "3"}, []string{"line 1", "line 2", "line 4"}},
		"lines without an end of line":       {a + "\n" + b, []string{"1", "2"}, []string{"line 1", "line 2"}},
		"lines of geometries":                {`{"type":"Point","coordinates":[1,2]}` + "\n" + `{"type":"Point","coordinates":[1,2]}`, []string{"", ""}, []string{"line 1", "line 2"}},
		"record separators":                  {rs + a + "\n" + rs + b + "\n", []string{"1", "2"}, []string{"record 1", "record 2"}},
		"separators, features over lines":    {rs + pretty + "\n" + rs + rs + b, []string{"1", "2"}, []string{"record 1", "record 2"}},
		"values one after another":           {pretty + pretty, []string{"1", "1"}, []string{"record 1", "record 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			var zipped bytes.Buffer
			z := gzip.NewWriter(&zipped)
			_, _ = z.Write([]byte(f.content))
			require.NoError(t, z.Close())
			for _, path := range []string{file(t, "a.geojson", []byte(f.content)), file(t, "a.geojson.gz", zipped.Bytes())} {
				for _, reuse := range []bool{false, true} {
					res := read(t, path, importers.OpenOptions{Reuse: reuse})
					require.NoError(t, res.err)
					require.Empty(t, res.refused)
					var ids []string
					for i, r := range res.recs {
						ids = append(ids, r.ID)
						require.EqualValues(t, i+1, r.Row)
					}
					require.Equal(t, f.ids, ids)
					require.Equal(t, f.places, res.places)
					done, total := res.src.Offset()
					require.Equal(t, total, done)
				}
			}
		})
	}
}

func TestBrokenFiles(t *testing.T) {
	a, b := pointFeature(1), pointFeature(2)
	whole := `{"type":"FeatureCollection","features":[` + a + `,` + b + `]}`
	for name, c := range map[string]struct {
		content string
		err     string
		read    int
	}{
		"empty":                    {" \n", "there is nothing in it", 0},
		"text":                     {"hello", "it begins with 'h', so it is no JSON object", 0},
		"an array":                 {"[" + a + "]", "it begins with an array; expected an object of type FeatureCollection, Feature or a geometry", 0},
		"no type":                  {`{"a":1}`, "the object has no type; expected FeatureCollection, Feature or a geometry", 0},
		"TopoJSON":                 {`{"type":"Topology","objects":{}}`, `the object is of type "Topology"; expected FeatureCollection, Feature or a geometry`, 0},
		"UTF-16":                   {"\xff\xfe{\x00\"\x00", "is in UTF-16 or UTF-32; GeoJSON is UTF-8: save it as such", 0},
		"UTF-16 without a mark":    {"{\x00\"\x00", "is in UTF-16 or UTF-32", 0},
		"cut off in a feature":     {whole[:len(whole)-20], "the file is cut off in features[1] (byte ", 1},
		"cut off between":          {whole[:len(whole)-2], "the file is cut off before features[2] (byte ", 2},
		"cut off at the very end":  {whole[:len(whole)-1], "the file is cut off after 2 features (byte ", 2},
		"cut off before":           {whole[:30], "the file is cut off after 0 features (byte 28)", 0},
		"cut off after its type":   {`{"type":"FeatureCollection","na`, "the file is cut off", 0},
		"something after the end":  {whole + "x", `'x' stands after the end of the FeatureCollection`, 2},
		"a comma too many":         {`{"type":"FeatureCollection","features":[` + a + `,]}`, "a comma stands before the closing bracket of the features", 1},
		"no comma":                 {`{"type":"FeatureCollection","features":[` + a + b + `]}`, "expected ',' or ']' before features[1], found '{'", 1},
		"features are no array":    {`{"type":"FeatureCollection","features":{}}`, "features is no array", 0},
		"a wrong bracket":          {`{"type":"FeatureCollection","features":[` + a + `}`, "expected ',' or ']' before features[1], found '}'", 1},
		"a member without a colon": {`{"type":"FeatureCollection","a" 1}`, `no JSON: expected ':' after the name "a", found '1'`, 0},
		"a feature without an end": {`{"type":"FeatureCollection","features":[{"type":"Feature",` + a + `]}`, "expected ',' or ']' before features[1], found '}'", 0},
		"one feature cut off":      {a[:40], "the file is cut off in the feature", 0},
	} {
		t.Run(name, func(t *testing.T) {
			res := read(t, file(t, "a.geojson", []byte(c.content)), importers.OpenOptions{})
			require.ErrorIs(t, res.err, layers.ErrInvalid)
			require.ErrorContains(t, res.err, c.err)
			require.ErrorContains(t, res.err, "a.geojson", "the file is named")
			require.Len(t, res.recs, c.read)
		})
	}
	res := read(t, file(t, "a.geojson.gz", []byte("\x1f\x8b nonsense and more of it")), importers.OpenOptions{})
	require.ErrorContains(t, res.err, "begins like gzip and is not")
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(whole))
	require.NoError(t, z.Close())
	res = read(t, file(t, "a.geojson.gz", zipped.Bytes()[:zipped.Len()-12]), importers.OpenOptions{})
	require.ErrorContains(t, res.err, "the file is cut off")
}

func TestBrokenFeaturesAreRefusedAlone(t *testing.T) {
	good := pointFeature(1)
	with := func(bad string) string {
		return `{"type":"FeatureCollection","features":[` + good + `,` + bad + `,` + good + `]}`
	}
	geometry := func(g string) string { return `{"type":"Feature","geometry":` + g + `,"properties":{}}` }
	for name, c := range map[string]struct{ bad, want string }{
		"NaN":               {geometry(`{"type":"Point","coordinates":[NaN,1]}`), "features[1].geometry.coordinates: expected a number, found NaN, which JSON does not know; write null or leave the feature out"},
		"ring not closed":   {geometry(`{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}`), "features[1].geometry.coordinates[0]: the ring is not closed: it begins at [0,0] and ends at [0,1]; repeat the first position at its end"},
		"wrong nesting":     {geometry(`{"type":"Polygon","coordinates":[[0,0],[1,0],[1,1],[0,0]]}`), "features[1].geometry.coordinates[0][0]: expected a position [longitude, latitude], found 0"},
		"no geometry":       {`{"type":"Feature","properties":{}}`, "features[1]: the feature has no member geometry; write null where there is none"},
		"not a feature":     {`{"type":"Point","coordinates":[1,2]}`, `features[1].type: expected "Feature", found "Point"`},
		"a number":          {`7`, "features[1]: expected a Feature object, found 7"},
		"a text":            {`"x"`, `features[1]: expected a Feature object, found the text "x"`},
		"an odd bracket":    {`{"type":"Feature","geometry":null,"properties":{"a":[1}}`, "features[1].properties.a: expected ',' or ']' in the array, found '}'"},
		"a name with space": {`{"type":"Feature","geometry":null,"properties":{"a b":nan}}`, "features[1]: properties.a b: expected a number, found nan, which JSON does not know; write null or leave the feature out"},
	} {
		t.Run(name, func(t *testing.T) {
			res := read(t, file(t, "a.geojson", []byte(with(c.bad))), importers.OpenOptions{Reuse: true})
			if name == "an odd bracket" { // the bracket is missed until the end of the file
				require.ErrorIs(t, res.err, layers.ErrInvalid)
				return
			}
			require.NoError(t, res.err)
			require.Len(t, res.recs, 2)
			require.Len(t, res.refused, 1)
			require.True(t, strings.HasPrefix(res.refused[0].Reason, c.want), res.refused[0].Reason)
			require.Equal(t, c.bad, string(res.refused[0].Raw))
			require.EqualValues(t, 2, res.refused[0].Row)
		})
	}
	res := read(t, file(t, "a.geojsonl", []byte(good+"\n{\"type\":\"Feature\",\n"+good+"\n"+`{"type":"FeatureCollection","features":[]}`)), importers.OpenOptions{})
	require.NoError(t, res.err)
	require.Len(t, res.recs, 2)
	require.Len(t, res.refused, 2)
	require.Equal(t, "line 2: expected a member name in quotes, found the end of the data (byte 18)", res.refused[0].Reason)
	require.Equal(t, "line 4: a FeatureCollection inside a sequence of features", res.refused[1].Reason)
}

func TestOldCRSMember(t *testing.T) {
	res := read(t, "testdata/pluto-2263.geojson", importers.OpenOptions{})
	require.NoError(t, res.err)
	info := res.src.Info()
	require.Equal(t, 2263, info.CRS.Code)
	require.Equal(t, "its member crs names urn:ogc:def:crs:EPSG::2263", info.CRSEvidence)
	want := read(t, "testdata/pluto-degrees.geojson", importers.OpenOptions{})
	require.NoError(t, want.err)
	require.Equal(t, 4269, want.src.Info().CRS.Code)
	require.Len(t, res.recs, len(want.recs))
	to, err := crs.ByCode(4326)
	require.NoError(t, err)
	for i, r := range res.recs {
		require.NoError(t, crs.Transform{From: info.CRS, To: to}.Apply(r.Geometry.XY))
		require.InDeltaSlice(t, want.recs[i].Geometry.XY, r.Geometry.XY, 2e-12)
		require.Equal(t, layers.FloatValue(500), r.Values[3], "500.0 is a number, not an integer")
	}

	for name, c := range map[string]struct {
		content string
		code    int
		refused string
	}{
		"after the features": {`{"type":"FeatureCollection","features":[],"crs":{"type":"name","properties":{"name":"EPSG:26910"}}}`, 26910, ""},
		"of one feature":     {`{"type":"Feature","crs":{"type":"name","properties":{"name":"EPSG:26910"}},"geometry":null,"properties":null}`, 26910, ""},
		"null":               {`{"type":"FeatureCollection","crs":null,"features":[]}`, 0, ""},
		"unknown":            {`{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"EPSG:27700"}},"features":[]}`, 0, "EPSG:27700 is not in twind's table"},
	} {
		t.Run(name, func(t *testing.T) {
			res := read(t, file(t, "a.geojson", []byte(c.content)), importers.OpenOptions{})
			require.NoError(t, res.err)
			require.Equal(t, 4326, res.src.Info().DefaultCRS.Code)
			if c.code == 0 {
				require.Nil(t, res.src.Info().CRS)
			} else {
				require.Equal(t, c.code, res.src.Info().CRS.Code)
			}
			require.Contains(t, res.src.Info().CRSEvidence, c.refused)
		})
	}
}

func TestOtherCharsets(t *testing.T) {
	text := `{"type":"Feature","geometry":null,"properties":{"名称":"五一广场"}}`
	gbk, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	require.NoError(t, err)
	path := file(t, "a.geojson", []byte(gbk))
	res := read(t, path, importers.OpenOptions{})
	require.NoError(t, res.err)
	require.Len(t, res.refused, 1)
	require.Contains(t, res.refused[0].Reason, "the text is not UTF-8")
	res = read(t, path, importers.OpenOptions{Encoding: "GBK"})
	require.NoError(t, res.err)
	require.Equal(t, "名称", res.src.Fields()[0].Name)
	require.Equal(t, layers.StringValue("五一广场"), res.recs[0].Values[0])
	require.Equal(t, "GB18030", res.src.Info().Encoding)
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	require.NoError(t, err)
	require.ErrorContains(t, read(t, file(t, "a.geojson", []byte(utf16)), importers.OpenOptions{}).err, "iconv -f UTF-16 -t UTF-8")
}

func TestMoreThanThreeDimensionsAreNoted(t *testing.T) {
	res := read(t, file(t, "a.geojson", []byte(`{"type":"Point","coordinates":[1,2,3,4]}`)), importers.OpenOptions{})
	require.NoError(t, res.err)
	require.Equal(t, spatial.Geometry{Type: spatial.Point, XY: []float64{1, 2}, Z: []float64{3}}, res.recs[0].Geometry)
	require.Equal(t, []string{"1 positions have more than three numbers; only longitude, latitude and height were taken"}, res.src.Info().Warnings)
}

// zeros is an endless stream, for a gzip bomb.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func TestGzipBomb(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := io.CopyN(z, zeros{}, 3<<20)
	require.NoError(t, err)
	_, _ = z.Write([]byte(pointFeature(1)))
	require.NoError(t, z.Close())
	path := file(t, "a.geojson.gz", zipped.Bytes())
	res := readWith(t, importer.Limited(0, 1<<20), path, importers.OpenOptions{})
	require.ErrorIs(t, res.err, layers.ErrInvalid)
	require.ErrorContains(t, res.err, "it expands without end")
	require.NoError(t, read(t, path, importers.OpenOptions{}).err, "so few bytes are no bomb yet")
}

func TestAFeatureWithoutEnd(t *testing.T) {
	path := file(t, "a.geojson", []byte(`{"type":"FeatureCollection","features":[{"type":"Feature","geometry":null,"properties":{"a":"`+strings.Repeat(" ", 6<<20)+`"}}]}`))
	res := readWith(t, importer.Limited(1<<20, 0), path, importers.OpenOptions{Reuse: true})
	require.ErrorIs(t, res.err, layers.ErrInvalid)
	require.ErrorContains(t, res.err, "a.geojson: features[0] is longer than 1 MB, or its brackets do not match")
	require.NoError(t, read(t, path, importers.OpenOptions{Reuse: true}).err)
}

func TestMatch(t *testing.T) {
	f := importer.Format{}
	for path, head := range map[string]string{"a.geojson": "", "a.JSON": "x", "a.geojson.gz": "\x1f\x8b", "a.ndjson": "", "noname": " {", "bom": "\xef\xbb\xbf{", "seq": "\x1e{"} {
		require.True(t, f.Match(path, []byte(head)), path)
	}
	for path, head := range map[string]string{"a.shp": "\x00\x00\x27\x0a", "a.csv": "x,y", "a.gz": "\x1f\x8b", "a": ""} {
		require.False(t, f.Match(path, []byte(head)), path)
	}
}

func FuzzGeoJSON(f *testing.F) {
	f.Add([]byte(`{"type":"FeatureCollection","features":[`+pointFeature(1)+`,`+pointFeature(2)+`]}`), false)
	f.Add([]byte(pointFeature(1)+"\n"+pointFeature(2)), true)
	f.Add([]byte(rs+pointFeature(1)+rs+pointFeature(2)), false)
	f.Add([]byte(`{"name":"x","crs":{"type":"name","properties":{"name":"EPSG:2263"}},"features":[],"type":"FeatureCollection"}`), true)
	f.Add([]byte(`{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]}]}`), false)
	f.Fuzz(func(t *testing.T, data []byte, reuse bool) {
		src, err := importer.Read("data.geojson", bytes.NewReader(data), reuse)
		if err != nil {
			require.ErrorIs(t, err, layers.ErrInvalid)
			return
		}
		for range len(data) + 2 {
			var rec importers.Record
			err := src.Next(&rec)
			var r *importers.Refusal
			if errors.As(err, &r) {
				require.NotEmpty(t, r.Reason)
				continue
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					require.ErrorIs(t, err, layers.ErrInvalid)
				}
				return
			}
			require.NoError(t, rec.Geometry.Check())
			require.NotEmpty(t, src.Place(rec.Row))
		}
		t.Fatal("more records than bytes")
	})
}
