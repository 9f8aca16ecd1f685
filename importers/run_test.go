package importers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/importers"
	"twind/importers/geojson"
	"twind/importers/shapefile"
	"twind/layers"
	"twind/layers/geopackage"
	"twind/spatial"
)

var formats = []importers.Format{shapefile.Format{}, geojson.Format{}}

func newStore(t *testing.T) layers.Store {
	s, err := geopackage.Open(t.Context(), filepath.Join(t.TempDir(), "city.gpkg"), geopackage.Options{Create: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func write(t *testing.T, name, content string) string {
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func collection(features ...string) string {
	return `{"type":"FeatureCollection","features":[` + strings.Join(features, ",\n") + `]}`
}

func feature(id, geometry, properties string) string {
	if id != "" {
		id = `"id":` + id + `,`
	}
	return `{"type":"Feature",` + id + `"geometry":` + geometry + `,"properties":{` + properties + `}}`
}

func point(x, y float64) string { return fmt.Sprintf(`{"type":"Point","coordinates":[%v,%v]}`, x, y) }

// all reads a layer, by id.
func all(t *testing.T, s layers.Store, id layers.ID) []*layers.Feature {
	var out []*layers.Feature
	require.NoError(t, s.Scan(t.Context(), id, layers.Query{}, func(f *layers.Feature) error {
		out = append(out, f.Clone())
		return nil
	}))
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

func run(t *testing.T, s layers.Store, p importers.Plan) (*importers.Report, error) {
	if p.Rejects == "" {
		p.Rejects = filepath.Join(t.TempDir(), "rejects.geojsonl")
	}
	if p.Layer == "" {
		p.Layer = "things"
	}
	return importers.Run(t.Context(), s, p, formats...)
}

func TestNewLayer(t *testing.T) {
	s := newStore(t)
	path := write(t, "lamps.geojson", collection(
		feature("7", point(112.98, 28.2), `"name":"五一广场","height":8,"lit":true,"built":"2020-05-01","seen":"2026-11-21T08:00:00Z","code":1,"mixed":1,"tags":{"a":1},"id20":43010200001320000001,"none":null`),
		feature(`"b"`, point(112.99, 28.21), `"name":"","height":8.5,"lit":false,"built":null,"seen":null,"code":"x","mixed":2,"more":"y"`),
		feature(`"c"`, `null`, `"height":9`)))
	report, err := run(t, s, importers.Plan{Files: []string{path}, Layer: "lamps"})
	require.NoError(t, err)
	require.True(t, report.Created)
	require.EqualValues(t, 3, report.Read)
	require.EqualValues(t, 3, report.Inserted)
	require.Zero(t, report.Refused)
	require.Equal(t, importers.Append, report.Mode)
	require.Equal(t, layers.KindPart, report.Kind)
	require.Equal(t, `layer "lamps" speaks of "lamps" and the geometries are of type Point`, report.KindReason)
	require.Equal(t, []float64{112.98, 28.2, 112.99, 28.21}, report.Geometry.Extent)
	require.EqualValues(t, 1, report.Geometry.Without)
	require.Equal(t, "Point", report.Geometry.Type)
	f := report.Files[0]
	require.Equal(t, "GeoJSON", f.Format)
	require.Equal(t, "standard", f.CRSMethod)
	require.Equal(t, 4326, f.CRSCode)
	require.Len(t, f.Parts, 1)
	require.Len(t, f.Parts[0].SHA256, 64)

	l, err := s.Layer(t.Context(), "lamps")
	require.NoError(t, err)
	types := map[string]string{}
	for _, p := range l.Schema {
		types[p.Name] = p.Type.String()
	}
	require.Equal(t, map[string]string{"name": "string", "height": "number", "lit": "boolean", "built": "date", "seen": "date-time", "code": "string", "mixed": "integer", "tags": "string", "id20": "string", "none": "string", "more": "string"}, types)
	require.Equal(t, "name", l.Label)
	require.Equal(t, spatial.Point, l.GeometryType)
	require.Equal(t, uint8(9), l.MinZoom)
	got := all(t, s, "lamps")
	require.Len(t, got, 3)
	require.Equal(t, "7", got[0].ID)
	require.Equal(t, layers.FloatValue(8), got[0].Properties[l.PropertyIndex("height")])
	require.Equal(t, layers.StringValue("1"), got[0].Properties[l.PropertyIndex("code")])
	require.Equal(t, layers.StringValue(`{"a":1}`), got[0].Properties[l.PropertyIndex("tags")])
	require.Equal(t, layers.StringValue("43010200001320000001"), got[0].Properties[l.PropertyIndex("id20")])
	require.Equal(t, layers.StringValue(""), got[1].Properties[l.PropertyIndex("name")])
	require.True(t, got[2].Geometry.IsNull())

	byName := map[string]importers.PropertyReport{}
	for _, p := range report.Properties {
		byName[p.Name] = p
	}
	require.EqualValues(t, 8, byName["height"].Min)
	require.EqualValues(t, 9, byName["height"].Max)
	require.EqualValues(t, 1, byName["name"].Nulls)
	require.Equal(t, 4, byName["name"].Longest)
	require.EqualValues(t, 3, byName["none"].Nulls)
}

func TestTwiceInARowChangesNothing(t *testing.T) {
	s := newStore(t)
	path := write(t, "a.geojson", collection(
		feature("", point(1, 2), `"code":"A1","n":1`), feature("", point(3, 4), `"code":"A2","n":2`), feature("", point(5, 6), `"code":"A3","n":null`)))
	plan := importers.Plan{Files: []string{path}, Key: "code"}
	report, err := run(t, s, plan)
	require.NoError(t, err)
	require.EqualValues(t, 3, report.Inserted)
	head, err := s.Head(t.Context())
	require.NoError(t, err)

	plan.Key = "" // the layer knows it
	report, err = run(t, s, plan)
	require.NoError(t, err)
	require.Equal(t, importers.Upsert, report.Mode)
	require.Equal(t, "code", report.Key)
	require.Equal(t, [3]int64{0, 0, 3}, [3]int64{report.Inserted, report.Updated, report.Unchanged})
	after, err := s.Head(t.Context())
	require.NoError(t, err)
	require.Equal(t, head, after)

	plan.Files[0] = write(t, "a.geojson", collection(feature("", point(1, 2), `"code":"A1","n":100`), feature("", point(9, 9), `"code":"A4"`)))
	report, err = run(t, s, plan)
	require.NoError(t, err)
	require.Equal(t, [3]int64{1, 1, 0}, [3]int64{report.Inserted, report.Updated, report.Unchanged})
	require.Len(t, all(t, s, "things"), 4, "what the file does not name stays")
}

func TestModes(t *testing.T) {
	s := newStore(t)
	anonymous := write(t, "a.geojson", collection(feature("", point(1, 2), `"n":1`), feature("", point(3, 4), `"n":2`)))
	_, err := run(t, s, importers.Plan{Files: []string{anonymous}})
	require.NoError(t, err)
	_, err = run(t, s, importers.Plan{Files: []string{anonymous}})
	require.ErrorIs(t, err, layers.ErrInvalid)
	require.EqualError(t, err, "layer things holds 2 features and the new ones have no identifier to match them by; name the property that identifies them with --key, or choose the mode append (add them) or replace (exchange all)")
	_, err = run(t, s, importers.Plan{Files: []string{anonymous}, Mode: importers.Upsert})
	require.ErrorContains(t, err, "2 of 2 features have no identifier")
	_, err = run(t, s, importers.Plan{Files: []string{anonymous}, Mode: importers.Append})
	require.NoError(t, err)
	require.Len(t, all(t, s, "things"), 4)
	_, err = run(t, s, importers.Plan{Files: []string{anonymous}, Mode: importers.Replace})
	require.NoError(t, err)
	require.Len(t, all(t, s, "things"), 2)
	_, err = run(t, s, importers.Plan{Files: []string{anonymous}, Mode: importers.Replace, Kind: layers.KindPipe})
	require.ErrorContains(t, err, "layer things is of kind feature, not pipe")
}

func TestRefusedFeaturesAreKept(t *testing.T) {
	s := newStore(t)
	path := write(t, "a.geojson", collection(
		feature("1", point(1, 2), `"n":1`),
		feature("2", point(400, 2), `"n":2`),
		feature("3", `{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}`, `"n":3`),
		feature("1", point(5, 6), `"n":4`),
		feature("5", point(7, 8), `"n":NaN`),
		feature("6", point(7, 8), `"n":6`)))
	rejects := filepath.Join(t.TempDir(), "r.geojsonl")
	reportPath := filepath.Join(t.TempDir(), "report.json")
	report, err := run(t, s, importers.Plan{Files: []string{path}, Rejects: rejects, Report: reportPath})
	require.ErrorIs(t, err, layers.ErrInvalid)
	require.EqualError(t, err, "4 of 6 features were refused (a.geojson: features[1]: position 400 2 has no place in EPSG:4326 (WGS 84) (longitude ±180, latitude ±90 degrees)); the other 2 are in layer things; refused ones are kept in "+rejects)
	require.Len(t, all(t, s, "things"), 2)
	require.EqualValues(t, 2, report.Inserted)
	codes := map[string]int64{}
	for _, c := range report.Refusals {
		codes[c.Code] = c.Count
		require.NotEmpty(t, c.Samples)
		require.Contains(t, c.Samples[0].Reason, "features[")
	}
	require.Equal(t, map[string]int64{"position": 1, "record": 2, "duplicate": 1}, codes)

	b, err := os.ReadFile(rejects)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	require.Len(t, lines, 4)
	var reject struct {
		Geometry   any
		Properties map[string]any
	}
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &reject))
	require.Nil(t, reject.Geometry)
	require.Equal(t, `{"type":"Point","coordinates":[400,2]}`, reject.Properties["_geometry"])
	require.EqualValues(t, 2, reject.Properties["n"])
	require.EqualValues(t, 2, reject.Properties["_row"])
	require.Equal(t, "position", reject.Properties["_code"])
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &reject))
	require.Contains(t, reject.Properties["_raw"], `"n":3`)
	require.NoError(t, json.Unmarshal([]byte(lines[2]), &reject))
	require.Equal(t, "duplicate", reject.Properties["_code"])
	require.NotNil(t, reject.Geometry, "a geometry in degrees stays one")

	var saved importers.Report
	b, err = os.ReadFile(reportPath)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &saved))
	require.EqualValues(t, 4, saved.Refused)
	require.Contains(t, saved.Error, "4 of 6 features were refused")

	_, err = run(t, s, importers.Plan{Files: []string{path}, Layer: "strict", Strict: true})
	require.ErrorContains(t, err, "; nothing was written")
	_, err = s.Layer(t.Context(), "strict")
	require.ErrorIs(t, err, layers.ErrNotFound)
	_, err = run(t, s, importers.Plan{Files: []string{path}, Layer: "dry", DryRun: true})
	require.ErrorContains(t, err, "the other 2 could be written")
	_, err = s.Layer(t.Context(), "dry")
	require.ErrorIs(t, err, layers.ErrNotFound)
}

func TestWhereRejectsAreKept(t *testing.T) {
	s := newStore(t)
	path := write(t, "a.geojson", collection(feature("1", point(400, 2), ""), feature("2", point(1, 2), "")))
	report, err := importers.Run(t.Context(), s, importers.Plan{Files: []string{path}, Layer: "things", DryRun: true}, formats...)
	require.Error(t, err)
	require.Empty(t, report.Rejects)
	require.NoFileExists(t, filepath.Join(filepath.Dir(path), "things.rejects.geojsonl"), "a dry run writes nothing unasked")
	report, err = importers.Run(t.Context(), s, importers.Plan{Files: []string{path}, Layer: "things"}, formats...)
	require.Error(t, err)
	require.Equal(t, filepath.Join(filepath.Dir(path), "things.rejects.geojsonl"), report.Rejects)
	require.FileExists(t, report.Rejects)
	reportPath := filepath.Join(t.TempDir(), "report.json")
	report, err = importers.Run(t.Context(), s, importers.Plan{Files: []string{path}, Layer: "things", Report: reportPath}, formats...)
	require.Error(t, err)
	require.Equal(t, strings.TrimSuffix(reportPath, ".json")+".rejects.geojsonl", report.Rejects)
	report, err = importers.Run(t.Context(), s, importers.Plan{Files: []string{path}, Layer: "things", Rejects: filepath.Join(t.TempDir(), "none", "r.geojsonl")}, formats...)
	require.ErrorContains(t, err, "1 of 2 features were refused")
	require.Empty(t, report.Rejects)
	require.Contains(t, strings.Join(report.Warnings, "\n"), "the refused records could not be kept in")
}

func TestRejectsAreMendedAndImportedAgain(t *testing.T) {
	s := newStore(t)
	dir := t.TempDir()
	gk := strings.Replace(collection(
		feature("", point(400123.456, 3121456.789), `"k":"a","n":1`),
		feature("", point(400223.456, 3121456.789), `"k":"a","n":2`),
		feature("", point(1e9, 3121456.789), `"k":"c","n":3`),
		feature("", `{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[400123.456,3121456.789]},{"type":"Point","coordinates":[1e9,0]}]}`, `"k":"d"`),
		feature("", `{"type":"Point"}`, `"k":"e"`)), `"features"`, `"crs":{"type":"name","properties":{"name":"EPSG:4547"}},"features"`, 1)
	rejects := filepath.Join(dir, "rejects.geojsonl")
	_, err := run(t, s, importers.Plan{Files: []string{write(t, "a.geojson", gk)}, Key: "k", Rejects: rejects})
	require.ErrorContains(t, err, "4 of 5 features were refused")
	b, err := os.ReadFile(rejects)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	require.Len(t, lines, 4)
	require.Contains(t, lines[0], `"coordinates":[112.98372`, "a geometry that can be is in degrees")
	require.Contains(t, lines[2], `"_geometry":"{\"type\":\"GeometryCollection\",\"geometries\":[{\"type\":\"Point\",\"coordinates\":[400123.456,3121456.789]}`, "one that cannot is untouched")

	report, err := run(t, s, importers.Plan{Files: []string{rejects}, Rejects: rejects, Strict: true})
	require.ErrorContains(t, err, "3 of 4 features were refused (rejects.geojsonl: line 2: its geometry is still outside its coordinate system")
	require.EqualValues(t, 4, report.Read)
	b, err = os.ReadFile(rejects)
	require.NoError(t, err)
	require.Len(t, strings.Split(strings.TrimSpace(string(b)), "\n"), 3, "the file that was read is replaced by what is still refused")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	again, err := run(t, s, importers.Plan{Files: []string{rejects}})
	require.ErrorContains(t, err, "3 of 3 features were refused")
	require.Equal(t, report.Refusals[0].Samples[0].Reason[7:], again.Refusals[0].Samples[0].Reason[7:], "a second time nothing is lost")
	require.Len(t, again.Refusals[0].Samples, 3)
	mended := strings.Replace(lines[0], `"k":"a"`, `"k":"b"`, 1)
	report, err = run(t, s, importers.Plan{Files: []string{write(t, "rejects.geojsonl", mended+"\n"+lines[1]+"\n"+lines[3])}})
	require.ErrorContains(t, err, "2 of 3 features were refused (rejects.geojsonl: line 2: its geometry is still outside its coordinate system, in _geometry; give it one and take _geometry out)")
	require.Contains(t, report.Refusals[0].Samples[1].Reason, "in _raw; make a feature of it")
	require.Empty(t, report.Added)
	got := all(t, s, "things")
	require.Len(t, got, 2)
	require.Equal(t, []layers.Value{layers.StringValue("b"), layers.IntValue(2)}, got[1].Properties)
}

func TestNothingIsWrittenOfABrokenFile(t *testing.T) {
	for name, c := range map[string]struct{ file, content, want string }{
		"cut off":        {"a.geojson", collection(feature("1", point(1, 2), ""))[:90], "the file is cut off in features[0]"},
		"cut off later":  {"a.geojson", strings.TrimSuffix(collection(feature("1", point(1, 2), ""), feature("2", point(1, 2), "")), "}]}"), "the file is cut off in features[1]"},
		"no features":    {"a.geojson", collection(), "a.geojson: no features to import"},
		"all refused":    {"a.geojson", collection(feature("1", point(1, 200), "")), "1 of 1 features were refused"},
		"empty":          {"a.geojson", "", "is empty"},
		"another format": {"a.xyz", "1 2 3", "is of no format that can be imported (Shapefile, GeoJSON)"},
		"no shapefile":   {"a.shp", "1 2 3", "it lacks its .dbf"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			_, err := run(t, s, importers.Plan{Files: []string{write(t, c.file, c.content)}})
			require.Error(t, err)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "\n")
			list, err := s.Layers(t.Context())
			require.NoError(t, err)
			require.Empty(t, list)
		})
	}
	s := newStore(t)
	good := write(t, "good.geojson", collection(feature("1", point(1, 2), "")))
	_, err := run(t, s, importers.Plan{Files: []string{good, filepath.Join(t.TempDir(), "none.geojson")}})
	require.ErrorIs(t, err, layers.ErrNotFound)
	require.ErrorContains(t, err, "none.geojson: there is no such file")
	_, err = run(t, s, importers.Plan{Files: []string{t.TempDir()}})
	require.ErrorContains(t, err, "is a folder; name the files in it")
}

func TestExistingSchema(t *testing.T) {
	s := newStore(t)
	require.NoError(t, s.CreateLayer(t.Context(), layers.Layer{ID: "things", CRS: 4326, Kind: layers.KindFeature, MaxZoom: 16, GeometryType: spatial.MultiPoint, Schema: []layers.Property{
		{Name: "n", Type: layers.Integer}, {Name: "x", Type: layers.Number}, {Name: "s", Type: layers.String}, {Name: "b", Type: layers.Boolean}, {Name: "d", Type: layers.Date}}}))
	path := write(t, "a.geojson", collection(
		feature("1", point(1, 2), `"n":5.0,"x":3,"s":12,"b":1,"d":"2026-11-21"`),
		feature("2", point(1, 2), `"n":"17","x":"2.5","s":true,"b":"是","d":null`),
		feature("3", point(1, 2), `"n":5.5`),
		feature("4", point(1, 2), `"d":"yesterday"`),
		feature("5", `{"type":"LineString","coordinates":[[1,2],[3,4]]}`, ``),
		feature("6", point(1, 2), `"new":7`)))
	report, err := run(t, s, importers.Plan{Files: []string{path}})
	require.ErrorContains(t, err, "3 of 6 features were refused (a.geojson: features[2]: property n: \"5.5\" is not of type integer, which layer things asks for)")
	require.Equal(t, []string{"new"}, report.Added)
	got := all(t, s, "things")
	require.Len(t, got, 3)
	require.Equal(t, []layers.Value{layers.IntValue(5), layers.FloatValue(3), layers.StringValue("12"), layers.BoolValue(true), layers.TextValue(layers.Date, "2026-11-21"), {}}, got[0].Properties)
	require.Equal(t, []layers.Value{layers.IntValue(17), layers.FloatValue(2.5), layers.StringValue("true"), layers.BoolValue(true), {}, {}}, got[1].Properties)
	require.Equal(t, layers.IntValue(7), got[2].Properties[5])

	more := write(t, "b.geojson", collection(feature("9", point(1, 2), `"other":7`)))
	_, err = run(t, s, importers.Plan{Files: []string{more}, NewProperties: importers.RefuseProperties})
	require.ErrorContains(t, err, "layer things has no property other; let the import add or ignore new properties")
	report, err = run(t, s, importers.Plan{Files: []string{more}, NewProperties: importers.IgnoreProperties})
	require.NoError(t, err)
	require.Equal(t, []string{"other"}, report.Ignored)
	report, err = run(t, s, importers.Plan{Files: []string{more}, Rename: map[string]string{"other": "n"}})
	require.NoError(t, err)
	require.EqualValues(t, 1, report.Updated)
	require.Equal(t, layers.IntValue(7), all(t, s, "things")[3].Properties[0])
}

func TestGeometryTypes(t *testing.T) {
	line, multi := `{"type":"LineString","coordinates":[[1,2],[3,4]]}`, `{"type":"MultiLineString","coordinates":[[[1,2],[3,4]]]}`
	for name, c := range map[string]struct {
		features []string
		want     spatial.Type
	}{
		"one type":         {[]string{line, line}, spatial.LineString},
		"single and multi": {[]string{line, multi, "null"}, spatial.MultiLineString},
		"multi":            {[]string{multi}, spatial.MultiLineString},
		"mixed":            {[]string{line, point(1, 2)}, spatial.Unknown},
		"none":             {[]string{"null"}, spatial.Unknown},
		"with heights":     {[]string{`{"type":"Point","coordinates":[1,2,3]}`}, spatial.Point},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			var fs []string
			for _, g := range c.features {
				fs = append(fs, feature("", g, ""))
			}
			_, err := run(t, s, importers.Plan{Files: []string{write(t, "a.geojson", collection(fs...))}})
			require.NoError(t, err)
			l, err := s.Layer(t.Context(), "things")
			require.NoError(t, err)
			require.Equal(t, c.want, l.GeometryType)
			require.Equal(t, name == "with heights", l.HasZ)
		})
	}
}

func TestFaultyGeometriesAreCountedAndKept(t *testing.T) {
	s := newStore(t)
	path := write(t, "a.geojson", collection(
		feature("1", `{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0],[0,1],[0,0]]]}`, ""),
		feature("2", `{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}`, "")))
	report, err := run(t, s, importers.Plan{Files: []string{path}})
	require.NoError(t, err)
	require.EqualValues(t, 2, report.Inserted)
	require.Len(t, report.Geometry.Faults, 1)
	require.Equal(t, "a ring that crosses or touches itself", report.Geometry.Faults[0].Fault)
	require.Equal(t, "features[0]", report.Geometry.Faults[0].Samples[0].Place)
	require.Contains(t, report.Warnings, "1 geometries have a ring that crosses or touches itself; they are stored as they are")
}

func TestCoordinateSystems(t *testing.T) {
	gk := collection(feature("1", point(400123.456, 3121456.789), ""))
	old := strings.Replace(gk, `"features"`, `"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::4547"}},"features"`, 1)
	want := []float64{112.982709457724, 28.203895918999} // GDAL's
	for name, c := range map[string]struct {
		content, crs, method, err string
		layerCRS                  int
	}{
		"the file says":             {old, "", "file", "", 4490},
		"the plan says":             {gk, "EPSG:4547", "given", "", 4490},
		"the plan overrules":        {strings.Replace(old, "4547", "4548", 1), "EPSG:4547", "given", "", 4490},
		"nobody says":               {gk, "", "", "1 of 1 features were refused (a.geojson: features[0]: position 400123.456 3121456.789 has no place in EPSG:4326", 0},
		"the file says the unknown": {strings.Replace(old, "4547", "27700", 1), "", "", "EPSG:27700 is not in twind's table", 0},
		"the file says it too late": {collection(feature("1", point(1, 2), ""))[:0] + strings.TrimSuffix(collection(feature("1", point(1, 2), "")), "}") + `,"crs":{"type":"name","properties":{"name":"EPSG:4547"}}}`, "", "", "only after its features; import it again with --crs EPSG:4547", 0},
		"the plan says nonsense":    {gk, "EPSG:1", "", "EPSG:1 is not in twind's table", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			report, err := run(t, s, importers.Plan{Files: []string{write(t, "a.geojson", c.content)}, CRS: c.crs})
			if c.err != "" {
				require.ErrorIs(t, err, layers.ErrInvalid)
				require.ErrorContains(t, err, c.err)
				if name == "nobody says" {
					require.Contains(t, strings.Join(report.Warnings, "\n"), "look like a transverse Mercator zone without prefix")
				}
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.method, report.Files[0].CRSMethod)
			l, err := s.Layer(t.Context(), "things")
			require.NoError(t, err)
			require.Equal(t, c.layerCRS, l.CRS)
			require.Equal(t, 4547, l.SourceCRS)
			require.InDeltaSlice(t, want, all(t, s, "things")[0].Geometry.XY, 2e-12)
		})
	}
}

func TestShapefiles(t *testing.T) {
	s := newStore(t)
	// Every part may be named; the .shp is opened once.
	report, err := run(t, s, importers.Plan{Layer: "pipes", Files: []string{"shapefile/testdata/gb18030/管线.dbf", "shapefile/testdata/gb18030/管线.shp", "shapefile/testdata/gb18030/管线.prj"}, Key: "管线编号"})
	require.NoError(t, err)
	require.EqualValues(t, 3, report.Inserted)
	require.Equal(t, layers.KindPipe, report.Kind)
	f := report.Files[0]
	require.Len(t, report.Files, 1)
	require.Len(t, f.Parts, 5)
	require.Equal(t, "GB18030", f.Encoding)
	require.Equal(t, 4547, f.CRSCode)
	require.Equal(t, "the parameters in its .prj", f.CRSEvidence)
	l, err := s.Layer(t.Context(), "pipes")
	require.NoError(t, err)
	require.Equal(t, 4490, l.CRS)
	require.Equal(t, spatial.MultiLineString, l.GeometryType)
	got := all(t, s, "pipes")
	require.Equal(t, []string{"WS-五一-0001", "WS-五一-0002", "YS-湘江-0100"}, []string{got[0].ID, got[1].ID, got[2].ID})
	require.InDeltaSlice(t, []float64{112.982709457724, 28.203895918999, 112.983723654079, 28.203991073967}, got[0].Geometry.XY, 2e-12)
	require.Equal(t, "2011-05-20", got[0].Properties[l.PropertyIndex("埋设日期")].Text())
	report, err = run(t, s, importers.Plan{Layer: "pipes", Files: []string{"shapefile/testdata/gb18030/管线.shp"}})
	require.NoError(t, err)
	require.EqualValues(t, 3, report.Unchanged)

	report, err = run(t, s, importers.Plan{Layer: "water", Files: []string{"shapefile/testdata/nanaimo.zip"}, Key: "GID"})
	require.NoError(t, err)
	require.EqualValues(t, 200, report.Inserted)
	require.Equal(t, 26910, report.Files[0].CRSCode)

	_, err = run(t, s, importers.Plan{Layer: "lines", Files: []string{"shapefile/testdata/shapes/line.shp"}})
	require.ErrorContains(t, err, "it lacks its .dbf, the file with the attributes")
	report, err = run(t, s, importers.Plan{Layer: "lines", Files: []string{"shapefile/testdata/shapes/line.shp"}, GeometryOnly: true})
	require.NoError(t, err)
	require.Equal(t, "assumed", report.Files[0].CRSMethod)
	require.Contains(t, strings.Join(report.Warnings, "\n"), "line.shp names no coordinate system; EPSG:4326 (WGS 84) is assumed")
	require.Equal(t, "1", all(t, s, "lines")[0].ID)
}

func TestSeveralFilesMakeOneLayer(t *testing.T) {
	s := newStore(t)
	a := write(t, "a.geojson", collection(feature("1", point(1, 2), `"n":1,"only_a":"x"`)))
	b := write(t, "b.geojsonl", feature("2", point(3, 4), `"only_b":2,"n":1.5`)+"\n"+feature("1", point(3, 4), ``))
	report, err := run(t, s, importers.Plan{Files: []string{a, b, a}})
	require.ErrorContains(t, err, "1 of 3 features were refused (b.geojsonl: line 2: the identifier \"1\" stands on an earlier record too)")
	require.Len(t, report.Files, 2)
	got := all(t, s, "things")
	require.Equal(t, []layers.Value{layers.FloatValue(1), layers.StringValue("x"), {}}, got[0].Properties)
	require.Equal(t, []layers.Value{layers.FloatValue(1.5), {}, layers.IntValue(2)}, got[1].Properties)
}

func TestKeys(t *testing.T) {
	s := newStore(t)
	path := write(t, "a.geojson", collection(
		feature("", point(1, 2), `"k":12.0`), feature("", point(1, 2), `"k":null`), feature("", point(1, 2), `"k":"a/b"`), feature("", point(1, 2), `"k":" x "`), feature("", point(1, 2), `"k":12`)))
	report, err := run(t, s, importers.Plan{Files: []string{path}, Key: "k"})
	require.ErrorContains(t, err, "3 of 5 features were refused (a.geojson: features[1]: the key k has no value)")
	require.Len(t, report.Refusals, 2)
	got := all(t, s, "things")
	require.Equal(t, []string{"12", "x"}, []string{got[0].ID, got[1].ID})
	_, err = run(t, s, importers.Plan{Files: []string{path}, Layer: "other", Key: "nokey"})
	require.ErrorContains(t, err, "features[0]: there is no property nokey, which is to be the key")

	// A key that is none is found before everything has been read.
	report, err = run(t, s, importers.Plan{Layer: "water", Files: []string{"shapefile/testdata/nanaimo.zip"}, Key: "nokey"})
	require.ErrorIs(t, err, layers.ErrInvalid)
	require.ErrorContains(t, err, "nanaimo.zip: there is no property nokey, which is to be the key; it has ")
	require.ErrorContains(t, err, "GID")
	require.Zero(t, report.Read)
	many := make([]string, 5000)
	for i := range many {
		many[i] = feature("", point(1, 2), `"k":1`)
	}
	report, err = run(t, s, importers.Plan{Files: []string{write(t, "many.geojson", collection(many...))}, Layer: "other", Key: "nokey"})
	require.ErrorContains(t, err, "many.geojson: there is no property nokey, which is to be the key; its first 1000 features have k")
	require.EqualValues(t, 1000, report.Read)
}

// unpacking counts ten times the bytes of the file, as one that unpacks it does.
type unpacking struct{ importers.Format }

type unpacked struct{ importers.Source }

func (u unpacking) Open(ctx context.Context, path string, o importers.OpenOptions) (importers.Source, error) {
	src, err := u.Format.Open(ctx, path, o)
	return unpacked{src}, err
}

func (u unpacked) Offset() (done, total int64) {
	done, total = u.Source.Offset()
	return 10 * done, 10 * total
}

// What a zip unpacks to is larger than it is: progress is told of the file.
func TestProgressOfWhatIsUnpacked(t *testing.T) {
	s := newStore(t)
	var features []string
	for i := range 600 {
		features = append(features, feature(fmt.Sprint(i+1), point(float64(i%180), 2), ""))
	}
	told := 0
	plan := importers.Plan{Layer: "things", Files: []string{write(t, "a.geojson", collection(features...))}, Progress: func(p importers.Progress) {
		require.LessOrEqual(t, p.Done, p.Total, "%+v", p)
		require.Positive(t, p.Done)
		told++
	}}
	_, err := importers.Run(t.Context(), s, plan, unpacking{geojson.Format{}})
	require.NoError(t, err)
	require.Positive(t, told)
}

func TestDescribe(t *testing.T) {
	s := newStore(t)
	path := write(t, "a.geojson", collection(feature("1", `{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}`, `"h":3,"name":"x"`)))
	_, err := run(t, s, importers.Plan{Files: []string{path}, Describe: &layers.Layer{
		Title: layers.Text{ZH: "建筑", EN: "Buildings"}, Kind: layers.KindBuilding, GeometryType: spatial.MultiPolygon, MinZoom: 11, MaxZoom: 15, Owner: "住建局",
		Schema: []layers.Property{{Name: "h", Type: layers.Number, Title: layers.Text{ZH: "高度"}, Unit: "m"}, {Name: "absent", Type: layers.String}}}})
	require.NoError(t, err)
	l, err := s.Layer(t.Context(), "things")
	require.NoError(t, err)
	require.Equal(t, "住建局", l.Owner)
	require.Equal(t, spatial.MultiPolygon, l.GeometryType)
	require.Equal(t, []layers.Property{{Name: "h", Type: layers.Number, Title: layers.Text{ZH: "高度"}, Unit: "m"}, {Name: "name", Type: layers.String}}, l.Schema)
	require.Equal(t, layers.FloatValue(3), all(t, s, "things")[0].Properties[0])
	_, err = run(t, s, importers.Plan{Files: []string{path}, Layer: "x", Describe: &layers.Layer{GeometryType: spatial.Point}})
	require.ErrorContains(t, err, "1 features are of type Polygon, but the layer is to hold Point")
}

func TestPlanValidate(t *testing.T) {
	ok := importers.Plan{Files: []string{"a"}, Layer: "a"}
	require.NoError(t, ok.Validate())
	for want, change := range map[string]func(*importers.Plan){
		"no file to import was named":    func(p *importers.Plan) { p.Files = nil },
		`layer id "A B"`:                 func(p *importers.Plan) { p.Layer = "A B" },
		`kind "house" is unknown`:        func(p *importers.Plan) { p.Kind = "house" },
		`"Paris"; write it as EPSG:4547`: func(p *importers.Plan) { p.CRS = "Paris" },
		`encoding "Klingon" is unknown`:  func(p *importers.Plan) { p.Encoding = "Klingon" },
		`mode "merge" is unknown`:        func(p *importers.Plan) { p.Mode = "merge" },
		`action "x" for new properties`:  func(p *importers.Plan) { p.NewProperties = "x" },
	} {
		p := ok
		change(&p)
		err := p.Validate()
		require.ErrorIs(t, err, layers.ErrInvalid)
		require.ErrorContains(t, err, want)
	}
}

func TestProgressAndCancel(t *testing.T) {
	s := newStore(t)
	var features []string
	for i := range 600 {
		features = append(features, feature(fmt.Sprint(i+1), point(float64(i%180), 2), ""))
	}
	path := write(t, "a.geojson", collection(features...))
	var told []importers.Progress
	ctx, cancel := context.WithCancel(t.Context())
	_, err := importers.Run(ctx, s, importers.Plan{Files: []string{path}, Layer: "things", Progress: func(p importers.Progress) {
		told = append(told, p)
		cancel()
	}}, formats...)
	require.ErrorIs(t, err, context.Canceled)
	require.NotEmpty(t, told)
	require.Equal(t, "check", told[0].Stage)
	require.Greater(t, told[0].Total, int64(0))
	require.LessOrEqual(t, told[0].Done, told[0].Total)
	list, err := s.Layers(t.Context())
	require.NoError(t, err)
	require.Empty(t, list)
}

// failing is a store whose loads fail half way.
type failing struct{ layers.Store }

func (f failing) Load(ctx context.Context, id layers.ID, mode layers.LoadMode, features iter.Seq2[*layers.Feature, error]) (layers.LoadResult, error) {
	for range features {
		break
	}
	return layers.LoadResult{}, errors.New("disk full")
}

func TestAFailedLoadLeavesNoLayer(t *testing.T) {
	s := newStore(t)
	path := write(t, "a.geojson", collection(feature("1", point(1, 2), ""), feature("2", point(1, 2), "")))
	report, err := run(t, failing{s}, importers.Plan{Files: []string{path}})
	require.ErrorContains(t, err, "disk full")
	require.False(t, report.Created)
	_, err = s.Layer(t.Context(), "things")
	require.ErrorIs(t, err, layers.ErrNotFound)
}

func TestLookupEncoding(t *testing.T) {
	for name, want := range map[string]string{
		"936": "GB18030", "ANSI 936": "GB18030", "cp936": "GB18030", "CP936": "GB18030", "GBK": "GB18030", "gb2312": "GB18030", "GB18030": "GB18030", "windows-936": "GB18030",
		"UTF-8": "UTF-8", "utf8": "UTF-8", "65001": "UTF-8", "CP65001": "UTF-8", "Big5": "Big5", "950": "Big5", "ISO-8859-1": "ISO-8859-1", "ISO 8859-15": "ISO-8859-15", "88591": "ISO-8859-1",
		"1252": "Windows-1252", "ANSI 1252": "Windows-1252", "windows-1251": "Windows-1251", "OEM 437": "CP437", "Shift_JIS": "Shift_JIS", "EUC-KR": "EUC-KR", "KOI8-R": "KOI8-R",
	} {
		e, err := importers.LookupEncoding(name)
		require.NoError(t, err, name)
		require.Equal(t, want, e.Name, name)
	}
	for _, name := range []string{"", "Klingon", "99999", strings.Repeat("x", 100)} {
		_, err := importers.LookupEncoding(name)
		require.ErrorIs(t, err, layers.ErrInvalid)
	}
}
