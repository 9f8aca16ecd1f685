package shapefile_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/simplifiedchinese"

	"twind/importers"
	"twind/importers/shapefile"
	"twind/layers"
	"twind/layers/geojson"
	"twind/spatial"
	"twind/spatial/crs"
)

// read reads a whole shapefile.
func read(t testing.TB, path string, o importers.OpenOptions) (recs []importers.Record, refused []*importers.Refusal, src importers.Source, err error) {
	return readWith(t, shapefile.Format{}, path, o)
}

func readWith(t testing.TB, f shapefile.Format, path string, o importers.OpenOptions) (recs []importers.Record, refused []*importers.Refusal, src importers.Source, err error) {
	src, err = f.Open(t.Context(), path, o)
	if err != nil {
		return nil, nil, nil, err
	}
	defer src.Close()
	for {
		var rec importers.Record
		err := src.Next(&rec)
		var r *importers.Refusal
		switch {
		case errors.Is(err, io.EOF):
			return recs, refused, src, nil
		case errors.As(err, &r):
			refused = append(refused, r)
		case err != nil:
			return recs, refused, src, err
		default:
			recs = append(recs, rec)
		}
	}
}

// golden is what GDAL read.
func golden(t *testing.T, name string) (geoms []spatial.Geometry, props []map[string]any) {
	f, err := os.Open("testdata/gdal/" + name + ".geojson.gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var c struct {
		Features []struct {
			Geometry   json.RawMessage
			Properties json.RawMessage
		}
	}
	require.NoError(t, json.NewDecoder(z).Decode(&c))
	d := geojson.Decoder{}
	for _, ft := range c.Features {
		var rec geojson.Record
		require.NoError(t, d.Decode(ft.Geometry, &rec, true))
		geoms = append(geoms, rec.Geometry)
		p := map[string]any{}
		dec := json.NewDecoder(bytes.NewReader(ft.Properties))
		dec.UseNumber()
		require.NoError(t, dec.Decode(&p))
		props = append(props, p)
	}
	return geoms, props
}

func TestShapesAsGDALReadsThem(t *testing.T) {
	for _, name := range []string{"line", "linem", "linez", "multi_polygon", "multipoint", "multipointz", "point", "pointm", "pointz", "poly", "polygon_hole"} {
		t.Run(name, func(t *testing.T) {
			recs, refused, src, err := read(t, "testdata/shapes/"+name+".shp", importers.OpenOptions{GeometryOnly: name != "poly"})
			require.NoError(t, err)
			require.Empty(t, refused)
			want, props := golden(t, name)
			require.Len(t, recs, len(want))
			for i := range recs {
				g := recs[i].Geometry
				if strings.HasSuffix(name, "m") {
					want[i].Z = nil // GDAL writes the measure as a third number
				}
				requireSame(t, want[i], g)
				require.NoError(t, g.Check())
				if name == "poly" {
					requireProperties(t, props[i], src.Fields(), recs[i].Values)
				}
			}
		})
	}
}

// requireSame compares geometries but for the last bit, which GDAL's decimals lose.
func requireSame(t *testing.T, want, got spatial.Geometry) {
	t.Helper()
	same := want.Type == got.Type && slices.Equal(want.Ends, got.Ends) && slices.Equal(want.Parts, got.Parts) && len(want.XY) == len(got.XY) && len(want.Z) == len(got.Z)
	for i := range want.XY {
		same = same && math.Abs(want.XY[i]-got.XY[i]) <= 4e-16*math.Abs(got.XY[i])
	}
	for i := range want.Z {
		same = same && math.Abs(want.Z[i]-got.Z[i]) <= 4e-16*math.Abs(got.Z[i])
	}
	require.True(t, same, "GDAL reads %.300v, twind %.300v", want, got)
}

func requireProperties(t *testing.T, want map[string]any, fields []importers.Field, values []layers.Value) {
	t.Helper()
	require.Len(t, fields, len(want))
	for i, f := range fields {
		w, ok := want[f.Name]
		require.True(t, ok, "GDAL has no %s", f.Name)
		switch w := w.(type) {
		case nil:
			require.True(t, values[i].IsNull(), "%s: %v", f.Name, values[i])
		case json.Number:
			v, err := w.Float64()
			require.NoError(t, err)
			require.Equal(t, v, values[i].Float(), f.Name)
		default:
			require.Equal(t, fmt.Sprint(w), values[i].String(), f.Name)
		}
	}
}

func TestNanaimoAsGDALReadsIt(t *testing.T) {
	recs, refused, src, err := read(t, "testdata/nanaimo.zip", importers.OpenOptions{Reuse: false})
	require.NoError(t, err)
	require.Empty(t, refused)
	require.Equal(t, 26910, src.Info().CRS.Code)
	require.EqualValues(t, 200, src.Info().Declared)
	want, props := golden(t, "nanaimo")
	require.Len(t, recs, 200)
	for i := range recs {
		requireSame(t, want[i], recs[i].Geometry)
		requireProperties(t, props[i], src.Fields(), recs[i].Values)
	}
	require.Equal(t, layers.Integer, src.Fields()[1].Type, "Integer64 stays integer")
	requireDegrees(t, recs, src.Info().CRS, "nanaimo.degrees", 4326)
}

// requireDegrees compares reprojected records with what GDAL makes of them.
func requireDegrees(t *testing.T, recs []importers.Record, from *crs.CRS, name string, to int) {
	t.Helper()
	want, _ := golden(t, name)
	target, err := crs.ByCode(to)
	require.NoError(t, err)
	for i := range recs {
		require.NoError(t, crs.Transform{From: from, To: target}.Apply(recs[i].Geometry.XY))
		require.InDeltaSlice(t, want[i].XY, recs[i].Geometry.XY, 2e-12) // 0.0002 mm
	}
}

func TestChineseAsGDALReadsIt(t *testing.T) {
	path := "testdata/gb18030/管线.shp"
	_, refused, src, err := read(t, path, importers.OpenOptions{Reuse: true})
	require.NoError(t, err)
	require.Empty(t, refused)
	require.Equal(t, 4547, src.Info().CRS.Code)
	require.Equal(t, "GB18030", src.Info().Encoding)
	require.Equal(t, "the .cpg file (GB18030)", src.Info().EncodingMethod)
	require.Contains(t, src.Info().EncodingSamples, "WS-五一-0001")

	recs, _, src, err := read(t, path, importers.OpenOptions{Encoding: "GB18030"})
	require.NoError(t, err)
	want, props := golden(t, "管线")
	require.Len(t, recs, 3)
	for i := range recs {
		requireSame(t, want[i], recs[i].Geometry)
		requireProperties(t, props[i], src.Fields(), recs[i].Values)
	}
	require.Equal(t, spatial.MultiLineString, recs[1].Geometry.Type)
	require.True(t, recs[2].Geometry.IsNull())
	requireDegrees(t, recs, src.Info().CRS, "管线.degrees", 4490)
}

func gbk(s string) string {
	b, err := simplifiedchinese.GB18030.NewEncoder().String(s)
	if err != nil {
		panic(err)
	}
	return b
}

func TestEncoding(t *testing.T) {
	chinese := []string{"长沙市芙蓉区五一大道", "橘子洲管理处", "湘江中路二段"}
	western := []string{"Großmann-Straße", "Größenwahn", "Café Müller"}
	table := func(driver byte, texts []string, enc func(string) string) []byte {
		var rows [][]string
		for _, s := range texts {
			rows = append(rows, []string{enc(s)})
		}
		return dbase(driver, []column{{[]byte("NAME"), 'C', 40, 0}}, rows...)
	}
	same := func(s string) string { return s }
	latin := func(s string) string {
		var b []byte
		for _, r := range s {
			b = append(b, byte(r))
		}
		return string(b)
	}
	points := [][]byte{pointContent(112, 28), pointContent(112, 28), pointContent(112, 28)}
	shp, shx := shapes(1, points...)
	for name, c := range map[string]struct {
		dbf      []byte
		cpg      string
		given    string
		encoding string
		want     []string
		warned   string
	}{
		"nothing said, UTF-8":                        {table(0, chinese, same), "", "", "UTF-8", chinese, ""},
		"nothing said, GBK":                          {table(0, chinese, gbk), "", "", "GB18030", chinese, ""},
		"nothing said, ASCII":                        {table(0, []string{"a", "b", "c"}, same), "", "", "UTF-8", []string{"a", "b", "c"}, ""},
		"nothing said, Latin 1":                      {table(0, western, latin), "", "", "Windows-1252", western, "charset of its texts is not known"},
		"driver 0x4d":                                {table(0x4d, chinese, gbk), "", "", "GB18030", chinese, ""},
		"driver 0x57 and Latin 1":                    {table(0x57, western, latin), "", "", "Windows-1252", western, ""},
		"driver 0x57 over GBK":                       {table(0x57, chinese, gbk), "", "", "GB18030", chinese, "pairs throughout"},
		"driver 0x57 over UTF-8":                     {table(0x57, chinese, same), "", "", "UTF-8", chinese, "valid UTF-8 throughout"},
		"driver 0x57 and .cpg UTF-8":                 {table(0x57, chinese, same), "UTF-8", "", "UTF-8", chinese, "language driver 0x57"},
		".cpg 936":                                   {table(0, chinese, gbk), "936", "", "GB18030", chinese, ""},
		".cpg ANSI 936":                              {table(0, chinese, gbk), "ANSI 936\r\n", "", "GB18030", chinese, ""},
		".cpg cp936":                                 {table(0, chinese, gbk), "cp936", "", "GB18030", chinese, ""},
		".cpg OEM 936":                               {table(0, chinese, gbk), "OEM 936", "", "GB18030", chinese, ""},
		".cpg GBK":                                   {table(0, chinese, gbk), "GBK", "", "GB18030", chinese, ""},
		".cpg 65001":                                 {table(0, chinese, same), "65001", "", "UTF-8", chinese, ""},
		".cpg UTF-8 over GBK":                        {table(0, chinese, gbk), "UTF-8", "", "GB18030", chinese, "their bytes are not UTF-8"},
		".cpg GBK over UTF-8":                        {table(0, chinese, same), "GBK", "", "UTF-8", chinese, "valid UTF-8 throughout"},
		".cpg unknown":                               {table(0, chinese, gbk), "Klingon", "", "GB18030", chinese, `"Klingon"`},
		".cpg ISO-8859-1 over German":                {table(0, western, latin), "ISO 8859-1", "", "ISO-8859-1", western, ""},
		".cpg Big5":                                  {table(0, []string{"\xa4\xa4\xa4\xe5"}, same), "Big5", "", "Big5", []string{"中文"}, ""},
		"given against everything":                   {table(0x4d, western, latin), "GBK", "1252", "Windows-1252", western, ""},
		"given, with bytes that are not of it":       {table(0, chinese, gbk), "", "UTF-8", "UTF-8", nil, "texts hold bytes that are not UTF-8"},
		"a text cut within a character, GBK":         {table(0, []string{strings.Repeat("x", 39) + "长", "长沙", "株洲"}, gbk), "", "", "GB18030", []string{strings.Repeat("x", 39), "长沙", "株洲"}, "cut in the middle"},
		"a text cut within a character, UTF-8":       {table(0, []string{strings.Repeat("长", 14), "长沙", "株洲"}, same), "", "", "UTF-8", []string{strings.Repeat("长", 13), "长沙", "株洲"}, "cut in the middle"},
		"a German text with a pair of letters alone": {table(0x57, []string{"Größe", "Größe", "Größe"}, latin), "", "", "Windows-1252", []string{"Größe", "Größe", "Größe"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			parts := map[string][]byte{"shp": shp, "shx": shx, "dbf": c.dbf, "prj": []byte(wgs84)}
			if c.cpg != "" {
				parts["cpg"] = []byte(c.cpg)
			}
			if len(c.want) == 1 {
				parts["shp"], parts["shx"] = shapes(1, points[0])
			}
			recs, _, src, err := read(t, write(t, parts), importers.OpenOptions{Encoding: c.given, Reuse: false})
			require.NoError(t, err)
			require.Equal(t, c.encoding, src.Info().Encoding, src.Info().EncodingMethod)
			for i, w := range c.want {
				require.Equal(t, w, recs[i].Values[0].Text())
			}
			warnings := strings.Join(src.Info().Warnings, "\n")
			if c.warned == "" {
				require.Empty(t, warnings)
			} else {
				require.Contains(t, warnings, c.warned)
			}
		})
	}
}

func TestFieldNames(t *testing.T) {
	shp, shx := shapes(1, pointContent(1, 2))
	cols := []column{{[]byte(gbk("a规划审批文")[:10]), 'C', 5, 0}, {[]byte(gbk("管径")), 'N', 5, 0}, {nil, 'C', 2, 0}, {[]byte(gbk("管径")), 'N', 5, 0}, {[]byte("text"), 'C', 20, 0}}
	path := write(t, map[string][]byte{"shp": shp, "shx": shx, "dbf": dbase(0, cols, []string{"x", "5", "y", "6", gbk("长沙市")}), "prj": []byte(wgs84)})
	recs, _, src, err := read(t, path, importers.OpenOptions{})
	require.NoError(t, err)
	var names []string
	for _, f := range src.Fields() {
		names = append(names, f.Name)
	}
	require.Equal(t, []string{"a规划审批", "管径", "field_2", "管径_2", "text"}, names)
	require.Equal(t, "长沙市", recs[0].Values[4].Text())
}

func TestFieldTypes(t *testing.T) {
	le := func(v any) string {
		var b bytes.Buffer
		require.NoError(t, binary.Write(&b, binary.LittleEndian, v))
		return b.String()
	}
	for name, c := range map[string]struct {
		col  column
		data string
		typ  layers.ValueType
		want layers.Value
	}{
		"text":                       {column{[]byte("f"), 'C', 10, 0}, "  ab ", layers.String, layers.StringValue("  ab")},
		"empty text":                 {column{[]byte("f"), 'C', 10, 0}, "", layers.String, layers.Value{}},
		"text ended by zero":         {column{[]byte("f"), 'C', 10, 0}, "ab\x00rest", layers.String, layers.StringValue("ab")},
		"integer":                    {column{[]byte("f"), 'N', 10, 0}, "       -42", layers.Integer, layers.IntValue(-42)},
		"18 digits":                  {column{[]byte("f"), 'N', 18, 0}, "123456789012345678", layers.Integer, layers.IntValue(123456789012345678)},
		"20 digits":                  {column{[]byte("f"), 'N', 20, 0}, "43010200001320000001", layers.Integer, layers.StringValue("43010200001320000001")},
		"number":                     {column{[]byte("f"), 'N', 10, 3}, "     0.460", layers.Number, layers.FloatValue(0.46)},
		"exponent":                   {column{[]byte("f"), 'F', 20, 10}, "1.5e+003", layers.Number, layers.FloatValue(1500)},
		"integer in a number field":  {column{[]byte("f"), 'N', 10, 2}, "5", layers.Number, layers.IntValue(5)},
		"too wide":                   {column{[]byte("f"), 'N', 5, 0}, "*****", layers.Integer, layers.Value{}},
		"blank number":               {column{[]byte("f"), 'N', 5, 0}, "", layers.Integer, layers.Value{}},
		"NaN":                        {column{[]byte("f"), 'F', 10, 2}, "nan", layers.Number, layers.Value{}},
		"indefinite":                 {column{[]byte("f"), 'F', 10, 2}, "-1.#IND", layers.Number, layers.Value{}},
		"decimal comma":              {column{[]byte("f"), 'N', 10, 2}, "12,5", layers.Number, layers.StringValue("12,5")},
		"hexadecimal":                {column{[]byte("f"), 'N', 10, 2}, "0x1F", layers.Number, layers.StringValue("0x1F")},
		"date":                       {column{[]byte("f"), 'D', 8, 0}, "20261121", layers.Date, layers.TextValue(layers.Date, "2026-11-21")},
		"no date":                    {column{[]byte("f"), 'D', 8, 0}, "00000000", layers.Date, layers.Value{}},
		"blank date":                 {column{[]byte("f"), 'D', 8, 0}, "", layers.Date, layers.Value{}},
		"30 February":                {column{[]byte("f"), 'D', 8, 0}, "20260230", layers.Date, layers.StringValue("20260230")},
		"true":                       {column{[]byte("f"), 'L', 1, 0}, "T", layers.Boolean, layers.BoolValue(true)},
		"false":                      {column{[]byte("f"), 'L', 1, 0}, "n", layers.Boolean, layers.BoolValue(false)},
		"unknown":                    {column{[]byte("f"), 'L', 1, 0}, "?", layers.Boolean, layers.Value{}},
		"another logical":            {column{[]byte("f"), 'L', 1, 0}, "x", layers.Boolean, layers.StringValue("x")},
		"32-bit integer":             {column{[]byte("f"), 'I', 4, 0}, le(int32(-7)), layers.Integer, layers.IntValue(-7)},
		"double":                     {column{[]byte("f"), 'B', 8, 0}, le(12.75), layers.Number, layers.FloatValue(12.75)},
		"double NaN":                 {column{[]byte("f"), 'O', 8, 0}, le(math.NaN()), layers.Number, layers.Value{}},
		"currency":                   {column{[]byte("f"), 'Y', 8, 4}, le(int64(123400)), layers.Number, layers.FloatValue(12.34)},
		"timestamp":                  {column{[]byte("f"), '@', 8, 0}, le([2]int32{2461366, 28_800_250}), layers.DateTime, layers.TextValue(layers.DateTime, "2026-11-21T08:00:00.25Z")},
		"timestamp beyond the years": {column{[]byte("f"), 'T', 8, 0}, le([2]int32{math.MaxInt32, 0}), layers.DateTime, layers.Value{}},
		"memo":                       {column{[]byte("f"), 'M', 10, 0}, "         1", layers.String, layers.Value{}},
	} {
		t.Run(name, func(t *testing.T) {
			shp, shx := shapes(1, pointContent(1, 2))
			recs, refused, src, err := read(t, write(t, map[string][]byte{"shp": shp, "shx": shx, "dbf": dbase(0, []column{c.col}, []string{c.data}), "prj": []byte(wgs84)}), importers.OpenOptions{})
			require.NoError(t, err)
			require.Empty(t, refused)
			require.Equal(t, c.typ, src.Fields()[0].Type)
			require.Equal(t, c.want, recs[0].Values[0])
		})
	}
}

func TestRings(t *testing.T) {
	cw := func(x, y, d float64) []float64 { return []float64{x, y, x, y + d, x + d, y + d, x + d, y, x, y} }
	ccw := func(x, y, d float64) []float64 { return []float64{x, y, x + d, y, x + d, y + d, x, y + d, x, y} }
	for name, c := range map[string]struct {
		rings [][]float64
		want  [][][]float64 // polygons of rings
		warn  string
	}{
		"one":                              {[][]float64{cw(0, 0, 10)}, [][][]float64{{cw(0, 0, 10)}}, ""},
		"one that turns the wrong way":     {[][]float64{ccw(0, 0, 10)}, [][][]float64{{ccw(0, 0, 10)}}, ""},
		"a hole":                           {[][]float64{cw(0, 0, 10), ccw(2, 2, 3)}, [][][]float64{{cw(0, 0, 10), ccw(2, 2, 3)}}, ""},
		"the hole first":                   {[][]float64{ccw(2, 2, 3), cw(0, 0, 10)}, [][][]float64{{cw(0, 0, 10), ccw(2, 2, 3)}}, ""},
		"two parts":                        {[][]float64{cw(0, 0, 1), cw(5, 5, 1)}, [][][]float64{{cw(0, 0, 1)}, {cw(5, 5, 1)}}, ""},
		"holes of two parts, mixed":        {[][]float64{cw(0, 0, 10), cw(20, 20, 10), ccw(22, 22, 1), ccw(1, 1, 1)}, [][][]float64{{cw(0, 0, 10), ccw(1, 1, 1)}, {cw(20, 20, 10), ccw(22, 22, 1)}}, ""},
		"an island in a lake":              {[][]float64{cw(0, 0, 10), ccw(2, 2, 6), cw(3, 3, 2), ccw(3.5, 3.5, 1)}, [][][]float64{{cw(0, 0, 10), ccw(2, 2, 6)}, {cw(3, 3, 2), ccw(3.5, 3.5, 1)}}, ""},
		"a hole that touches its shell":    {[][]float64{cw(0, 0, 10), ccw(0, 0, 3)}, [][][]float64{{cw(0, 0, 10), ccw(0, 0, 3)}}, ""},
		"a hole without a shell":           {[][]float64{cw(0, 0, 10), ccw(50, 50, 3)}, [][][]float64{{cw(0, 0, 10)}, {ccw(50, 50, 3)}}, "1 rings turn like holes"},
		"all turn the wrong way":           {[][]float64{ccw(0, 0, 10), ccw(50, 50, 3)}, [][][]float64{{ccw(0, 0, 10)}, {ccw(50, 50, 3)}}, ""},
		"all turn the wrong way, one hole": {[][]float64{ccw(0, 0, 10), ccw(2, 2, 3)}, [][][]float64{{ccw(0, 0, 10), ccw(2, 2, 3)}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			shp, shx := shapes(5, pathContent(5, c.rings...))
			recs, refused, src, err := read(t, write(t, map[string][]byte{"shp": shp, "shx": shx}), importers.OpenOptions{GeometryOnly: true})
			require.NoError(t, err)
			require.Empty(t, refused)
			g := recs[0].Geometry
			require.NoError(t, g.Check())
			var got [][][]float64
			for i := range g.NumPolygons() {
				var rings [][]float64
				lo, hi := g.PolygonPaths(i)
				for k := lo; k < hi; k++ {
					xy, _ := g.Path(k)
					rings = append(rings, append([]float64(nil), xy...))
				}
				got = append(got, rings)
			}
			require.Equal(t, c.want, got)
			if len(c.want) > 1 {
				require.Equal(t, spatial.MultiPolygon, g.Type)
			} else {
				require.Equal(t, spatial.Polygon, g.Type)
			}
			if c.warn != "" {
				require.Contains(t, strings.Join(src.Info().Warnings, "\n"), c.warn)
			}
		})
	}
}

func TestMultiPatch(t *testing.T) {
	recs, refused, _, err := read(t, "testdata/shapes/multipatch.shp", importers.OpenOptions{})
	require.NoError(t, err)
	require.Empty(t, refused)
	require.NotEmpty(t, recs)
	for _, r := range recs {
		require.Equal(t, spatial.MultiPolygon, r.Geometry.Type)
		require.NotNil(t, r.Geometry.Z)
		require.NoError(t, r.Geometry.Check())
	}
}

func TestPartsAreFoundByAnyOfThem(t *testing.T) {
	for _, name := range []string{"poly.dbf", "poly.shx", "poly.prj"} {
		require.Equal(t, filepath.Join("testdata/shapes", "poly.shp"), shapefile.Format{}.MainFile("testdata/shapes/"+name))
	}
	require.Empty(t, shapefile.Format{}.MainFile("testdata/shapes/poly.shp"))
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ROADS.Dbf"), []byte{3}, 0o600))
	_, err := shapefile.Format{}.Open(t.Context(), filepath.Join(dir, "ROADS.Dbf"), importers.OpenOptions{})
	require.ErrorContains(t, err, "it is part of a shapefile whose .shp is missing; put ROADS.shp beside it")
	require.NoError(t, os.Remove(filepath.Join(dir, "ROADS.Dbf")))
	shp, _ := onePoint()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Roads.SHP"), shp, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "roads.DBF"), dbase(0, []column{{[]byte("A"), 'C', 3, 0}}, []string{"x"}), 0o600))
	recs, _, _, err := read(t, filepath.Join(dir, "Roads.SHP"), importers.OpenOptions{})
	require.NoError(t, err)
	require.Len(t, recs, 1)
}

func onePoint() (shp, shx []byte) { return shapes(1, pointContent(112.9, 28.2)) }

func TestShapefileThatLies(t *testing.T) {
	cols := []column{{[]byte("NAME"), 'C', 10, 0}}
	rows := [][]string{{"a"}, {"b"}, {"c"}}
	content := [][]byte{pointContent(1, 1), pointContent(2, 2), pointContent(3, 3)}
	shp, shx := shapes(1, content...)
	dbf := dbase(0, cols, rows...)
	edit := func(b []byte, at int, with ...byte) []byte {
		c := append([]byte(nil), b...)
		copy(c[at:], with)
		return c
	}
	count := func(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
	line, lineIdx := shapes(3, edit(pathContent(3, []float64{0, 0, 1, 1}), 40, 0xff, 0xff, 0xff, 0x7f))
	for name, c := range map[string]struct {
		parts   map[string][]byte
		options importers.OpenOptions
		err     string // of the whole
		refused string // of a record
		warned  string
	}{
		"lacks its .dbf": {parts: map[string][]byte{"shp": shp, "shx": shx},
			err: "it lacks its .dbf, the file with the attributes; put data.dbf beside it, or import the shapes alone with --geometry-only"},
		"lacks its .dbf, as wanted": {parts: map[string][]byte{"shp": shp, "shx": shx}, options: importers.OpenOptions{GeometryOnly: true},
			warned: "without attributes; their record numbers are their identifiers"},
		"lacks its .shx":             {parts: map[string][]byte{"shp": shp, "dbf": dbf}},
		"empty .shp":                 {parts: map[string][]byte{"shp": {}, "dbf": dbf}, err: "it is 0 bytes long, and a .shp begins with a header of 100"},
		"not a .shp":                 {parts: map[string][]byte{"shp": bytes.Repeat([]byte("x"), 200), "dbf": dbf}, err: "it begins with file code 2021161080, expected 9994: it is no shapefile"},
		"wrong version":              {parts: map[string][]byte{"shp": edit(shp, 28, 0), "dbf": dbf}, err: "its version is 768, expected 1000"},
		"unknown type":               {parts: map[string][]byte{"shp": edit(shp, 32, 99), "dbf": dbf}, err: "its shape type 99 is unknown"},
		"longer by its header":       {parts: map[string][]byte{"shp": edit(shp, 24, 0, 1, 0, 0), "shx": shx, "dbf": dbf}, err: "its header says that it is 131072 bytes long, and it is 184: it is cut off"},
		"cut off":                    {parts: map[string][]byte{"shp": shp[:150], "shx": shx, "dbf": dbf}, err: "its header says that it is 184 bytes long, and it is 150: it is cut off"},
		"shorter by its header":      {parts: map[string][]byte{"shp": edit(shp, 24, 0, 0, 0, 78), "dbf": dbf}, err: "the .shp ends after 2 records, the .dbf holds 3", warned: ""},
		"header never finished":      {parts: map[string][]byte{"shp": edit(shp, 24, 0, 0, 0, 50), "dbf": dbf}, warned: "the header of the .shp says that it is 100 bytes long; all 184 were read"},
		"a record beyond the end":    {parts: map[string][]byte{"shp": edit(shp, 104, 0, 0, 1, 0), "dbf": dbf}, err: "record 1 says that it is 512 bytes long, and 76 are left: the file is cut off or damaged"},
		"half a record header":       {parts: map[string][]byte{"shp": edit(append(append([]byte(nil), shp...), 0, 0, 0, 4), 24, 0, 0, 0, 94), "dbf": dbf}, err: "it is cut off in the header of record 4"},
		".shx points outside":        {parts: map[string][]byte{"shp": shp, "shx": edit(shx, 108, 0x7f, 0, 0, 0), "dbf": dbf}, refused: "record 2: the .shx places it at byte"},
		".shx has another length":    {parts: map[string][]byte{"shp": shp, "shx": edit(shx, 112, 0, 0, 0, 8), "dbf": dbf}, refused: "record 2: it is 20 bytes long by the .shp and 16 by the .shx"},
		".shx damaged":               {parts: map[string][]byte{"shp": shp, "shx": shx[:110], "dbf": dbf}, warned: "its .shx is damaged and was not used"},
		".dbf counts fewer":          {parts: map[string][]byte{"shp": shp, "shx": shx, "dbf": edit(dbf, 4, count(2)...)}, err: "the .dbf holds 2 records and the .shp 3, so they do not belong together"},
		".dbf counts fewer, no .shx": {parts: map[string][]byte{"shp": shp, "dbf": edit(dbf, 4, count(2)...)}, err: "the .shp goes on after the 2 records of its .dbf"},
		".dbf counts more":           {parts: map[string][]byte{"shp": shp, "shx": shx, "dbf": edit(dbf, 4, count(4_000_000_000)...)}, err: "its .dbf cannot be read: its header says 4000000000 records of 11 bytes, and it has room for 3: it is cut off or damaged"},
		".dbf cut off":               {parts: map[string][]byte{"shp": shp, "shx": shx, "dbf": dbf[:80]}, err: "has room for 1"},
		".dbf header too long":       {parts: map[string][]byte{"shp": shp, "shx": shx, "dbf": edit(dbf, 8, 0xff, 0xff)}, err: "its header says that it is 65535 bytes long"},
		".dbf header too short":      {parts: map[string][]byte{"shp": shp, "shx": shx, "dbf": edit(dbf, 8, 1, 0)}, err: "its header says that it is 1 bytes long"},
		".dbf record too short":      {parts: map[string][]byte{"shp": shp, "shx": shx, "dbf": edit(dbf, 10, 2, 0)}, err: "its fields take 11 bytes, and it says that a record has 2"},
		".dbf of nothing":            {parts: map[string][]byte{"shp": shp, "shx": shx, "dbf": {3}}, err: "it is 1 bytes long, and its header alone has 32"},
		".dbf that is none":          {parts: map[string][]byte{"shp": shp, "shx": shx, "dbf": bytes.Repeat([]byte{0x8e}, 100)}, err: "which no .dbf does"},
		"points that are not there":  {parts: map[string][]byte{"shp": line, "shx": lineIdx, "dbf": dbase(0, cols, rows[0])}, refused: "record 1: it says that it has 1 parts and 2147483647 points, and is 80 bytes long"},
		"part beyond the points": {parts: partsOf(edit(pathContent(3, []float64{0, 0, 1, 1}, []float64{2, 2, 3, 3}), 48, 9)),
			refused: "record 1: part 1 begins at point 9 of 4"},
		"parts out of order": {parts: partsOf(edit(pathContent(3, []float64{0, 0, 1, 1}, []float64{2, 2, 3, 3}), 48, 0)),
			refused: "record 1: part 1 begins at point 0 of 4"},
		"no points but parts":  {parts: partsOf(edit(pathContent(3, []float64{0, 0, 1, 1}), 40, 0)), refused: "record 1: it has 1 parts and 0 points"},
		"a shape of two bytes": {parts: partsOf([]byte{3, 0}), refused: "record 1: it is 2 bytes long, too short for a shape"},
		"a point of eight":     {parts: partsOf(pointContent(1, 1)[:12]), refused: "record 1: it is a point of 12 bytes, expected 20"},
		"a shape of type 77":   {parts: partsOf(i32(nil, 77, 0)), refused: "record 1: its shape type 77 is unknown"},
		"heights that are not there": {parts: partsOf(edit(pathContent(13, []float64{0, 0, 1, 1}), 0, 13)),
			refused: "record 1: its 2 heights do not fit in what is left of it (0 bytes)"},
		"deleted records":    {parts: map[string][]byte{"shp": shp, "shx": shx, "dbf": dbase(0, cols, rows[0], []string{"b", "*"}, rows[2])}, warned: "1 records are marked as deleted and were left out"},
		"a .prj of nonsense": {parts: map[string][]byte{"shp": shp, "shx": shx, "dbf": dbf, "prj": []byte("PROJCS[")}},
	} {
		t.Run(name, func(t *testing.T) {
			recs, refused, src, err := read(t, write(t, c.parts), c.options)
			if c.err != "" {
				require.ErrorIs(t, err, layers.ErrInvalid)
				require.ErrorContains(t, err, c.err)
				require.NotContains(t, err.Error(), "\n")
				return
			}
			require.NoError(t, err)
			if c.refused != "" {
				require.Len(t, refused, 1)
				require.Contains(t, refused[0].Reason, c.refused)
			} else {
				require.Empty(t, refused)
				require.NotEmpty(t, recs)
			}
			if c.warned != "" {
				require.Contains(t, strings.Join(src.Info().Warnings, "\n"), c.warned)
			}
			if name == "a .prj of nonsense" {
				require.Nil(t, src.Info().CRS)
				require.Contains(t, src.Info().CRSEvidence, "its .prj: well-known text ends")
			}
		})
	}
}

func partsOf(content []byte) map[string][]byte {
	if len(content)%2 != 0 {
		content = append(content, 0)
	}
	shp, shx := shapes(3, content)
	return map[string][]byte{"shp": shp, "shx": shx, "dbf": dbase(0, []column{{[]byte("NAME"), 'C', 10, 0}}, []string{"a"})}
}

func TestZip(t *testing.T) {
	shp, shx := onePoint()
	dbf := dbase(0, []column{{[]byte("A"), 'C', 3, 0}}, []string{"x"})
	archive := func(entries ...string) string {
		path := filepath.Join(t.TempDir(), "data.zip")
		f, err := os.Create(path)
		require.NoError(t, err)
		z := zip.NewWriter(f)
		for _, name := range entries {
			w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, NonUTF8: true})
			require.NoError(t, err)
			content := map[string][]byte{".shp": shp, ".shx": shx, ".dbf": dbf, ".SHP": shp, ".DBF": dbf}[filepath.Ext(name)]
			if strings.Contains(name, "bomb") {
				zeros := make([]byte, 1<<20)
				for range 3 {
					_, err = w.Write(zeros)
					require.NoError(t, err)
				}
			}
			_, err = w.Write(content)
			require.NoError(t, err)
		}
		require.NoError(t, z.Close())
		require.NoError(t, f.Close())
		return path
	}
	before, err := filepath.Glob(filepath.Join(os.TempDir(), "twind-shapefile-*"))
	require.NoError(t, err)

	recs, _, src, err := read(t, archive("a/roads.shp", "a/roads.shx", "a/roads.dbf", "a/readme.txt", "__MACOSX/._roads.shp"), importers.OpenOptions{})
	require.NoError(t, err)
	require.Len(t, recs, 1)
	require.Len(t, src.Info().Files, 1)
	recs, _, _, err = read(t, archive("ROADS.SHP", "ROADS.DBF"), importers.OpenOptions{})
	require.NoError(t, err)
	require.Len(t, recs, 1)

	for name, c := range map[string]struct{ path, want string }{
		"outside":        {archive("../../etc/x.shp", "x.dbf"), `its entry "../../etc/x.shp" points outside the archive`},
		"absolute":       {archive("/x.shp"), `its entry "/x.shp" points outside the archive`},
		"backslashes":    {archive(`..\x.shp`), "points outside the archive"},
		"a drive":        {archive(`C:\x.shp`), "points outside the archive"},
		"none":           {archive("a.txt"), "there is no .shp in it"},
		"in another":     {archive("a.txt", "pipes/2024.ZIP"), "but the archive pipes/2024.ZIP: unpack it"},
		"two":            {archive("a.shp", "a.dbf", gbk("道路")+".shp"), "it holds 2 shapefiles (a.shp, 道路.shp …); unpack it and name the one to import"},
		"a bomb":         {archive("bomb.shp", "bomb.dbf"), "unpacks to more than"},
		"lacks its .dbf": {archive("a.shp", "b.dbf"), "data.zip/a.shp: it lacks its .dbf"},
		"not an archive": {filepath.Join(filepath.Dir(write(t, map[string][]byte{"zip": []byte("PK\x03\x04 and no more")})), "data.zip"), "it cannot be read as a zip archive"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, _, err := readWith(t, shapefile.Limited(1<<20), c.path, importers.OpenOptions{})
			require.ErrorIs(t, err, layers.ErrInvalid)
			require.ErrorContains(t, err, c.want)
		})
	}
	after, err := filepath.Glob(filepath.Join(os.TempDir(), "twind-shapefile-*"))
	require.NoError(t, err)
	require.Equal(t, before, after, "nothing unpacked stays behind")
}
