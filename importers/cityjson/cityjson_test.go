package cityjson_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/importers"
	"twind/importers/cityjson"
	"twind/importers/geojson"
	"twind/layers"
	"twind/layers/geopackage"
	"twind/spatial"
	"twind/spatial/crs"
)

// feature is a record with its values by name.
type feature struct {
	id       string
	geometry spatial.Geometry
	surfaces *importers.Surfaces
	values   map[string]layers.Value
}

func (f *feature) number(t *testing.T, name string) float64 {
	t.Helper()
	require.Contains(t, f.values, name)
	return f.values[name].Float()
}

// drain reads a source to its end.
func drain(t *testing.T, src importers.Source) (features []feature, refused []*importers.Refusal, err error) {
	t.Helper()
	defer src.Close()
	var rec importers.Record
	for {
		err := src.Next(&rec)
		var r *importers.Refusal
		switch {
		case errors.Is(err, io.EOF):
			return features, refused, nil
		case errors.As(err, &r):
			refused = append(refused, r)
			continue
		case err != nil:
			return features, refused, err
		}
		require.NotNil(t, rec.Surfaces, rec.ID)
		require.Len(t, rec.Surfaces.Geometry.Parts, len(rec.Surfaces.Classes))
		require.NoError(t, rec.Surfaces.Geometry.Check(), rec.ID)
		f := feature{rec.ID, rec.Geometry.Clone(), rec.Surfaces, map[string]layers.Value{}}
		fields := src.Fields()
		for i, v := range rec.Values {
			if !v.IsNull() {
				f.values[fields[i].Name] = v
			}
		}
		features = append(features, f)
	}
}

func open(t *testing.T, path string, kind layers.Kind) importers.Source {
	t.Helper()
	src, err := cityjson.Format{}.Open(t.Context(), path, importers.OpenOptions{Kind: kind})
	require.NoError(t, err)
	return src
}

// newStore is an empty store, closed with the test.
func newStore(t *testing.T) *geopackage.Store {
	t.Helper()
	store, err := geopackage.Open(t.Context(), filepath.Join(t.TempDir(), "city.gpkg"), geopackage.Options{Create: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// area is that of all rings of a geometry in metres², holes taken off.
func area(g spatial.Geometry) (a float64) {
	for i := range g.NumPaths() {
		xy, _ := g.Path(i)
		for k := 0; k+3 < len(xy); k += 2 {
			a += ((xy[k]-xy[0])*(xy[k+3]-xy[1]) - (xy[k+2]-xy[0])*(xy[k+1]-xy[1])) / 2
		}
	}
	return a
}

// TestDelftStandsInItsPlace imports the sample as the command does, and holds a
// building to where PROJ puts the corners of its record (cs2cs EPSG:28992
// EPSG:4326); TestControlPoints of package crs holds both to the ground.
func TestDelftStandsInItsPlace(t *testing.T) {
	store := newStore(t)
	plan := importers.Plan{Files: []string{"testdata/delft.city.json.gz"}, Layer: "delft", Kind: layers.KindBuilding}
	report, err := importers.Run(t.Context(), store, plan, cityjson.Format{}, geojson.Format{})
	require.NoError(t, err)
	require.EqualValues(t, 30, report.Inserted)
	require.Equal(t, "CityJSON", report.Files[0].Format)
	require.Equal(t, 28992, report.Files[0].CRSCode)
	require.Zero(t, report.Files[0].UnshiftedMetres)
	warnings := strings.Join(report.Warnings, "\n")
	require.Contains(t, warnings, "objects of a level of detail below 2, stored as footprint, base and height: 30")
	require.Contains(t, warnings, "objects of other kinds, which were left out: 4 (1 WaterBody, 3 Road)")
	l, err := store.Layer(t.Context(), "delft")
	require.NoError(t, err)
	var b *layers.Feature
	require.NoError(t, store.Scan(t.Context(), "delft", layers.Query{}, func(f *layers.Feature) error {
		if f.ID == "b11267a1d-00ba-11e6-b420-2bdcc4ab5d7f" {
			b = f.Clone()
		}
		require.Empty(t, func() string { why, _ := importers.Invalid(f.Geometry); return why }(), f.ID)
		return nil
	}))
	require.NotNil(t, b)
	for _, corner := range [][2]float64{{4.365220518, 52.011808057}, {4.365467939, 52.011871140}, {4.365280820, 52.011785884}, {4.365429316, 52.011903371}} {
		nearest := math.Inf(1)
		for i := 0; i < len(b.Geometry.XY); i += 2 {
			dx, dy := (b.Geometry.XY[i]-corner[0])*math.Cos(corner[1]*math.Pi/180), b.Geometry.XY[i+1]-corner[1]
			nearest = min(nearest, 111_320*math.Hypot(dx, dy))
		}
		require.Less(t, nearest, 0.01, "%v", corner)
	}
	require.InDelta(t, -0.02, b.Properties[l.PropertyIndex("ground_elevation")].Float(), 1e-9)
	require.InDelta(t, 2.91, b.Properties[l.PropertyIndex("height")].Float(), 1e-9)
	require.Zero(t, b.Properties[l.PropertyIndex("base")].Float())
	require.Equal(t, "503100000004048", b.Properties[l.PropertyIndex("identificatiebagpnd")].Text())

	plan.Layer, plan.Kind = "water", layers.KindWater
	report, err = importers.Run(t.Context(), store, plan, cityjson.Format{}, geojson.Format{})
	require.NoError(t, err)
	require.EqualValues(t, 1, report.Inserted)
}

// TestPartsOfBuildings reads buildings whose geometry is that of their parts.
func TestPartsOfBuildings(t *testing.T) {
	src := open(t, "testdata/zurich.city.json.gz", "")
	fs, refused, err := drain(t, src)
	require.NoError(t, err)
	require.Empty(t, refused)
	require.NotEmpty(t, fs)
	require.Equal(t, 2056, src.Info().CRS.Code)
	require.Contains(t, strings.Join(src.Info().Warnings, "\n"), "objects without geometry of their own, which are no features and whose attributes were given to their parts: 4")
	families := map[string]float64{}
	for _, f := range fs {
		require.Equal(t, "BuildingPart", f.values["object_type"].Text())
		require.Equal(t, "2", f.values["lod"].Text())
		require.Contains(t, f.values, "class", "an attribute of the parent")
		require.Positive(t, area(f.geometry))
		require.GreaterOrEqual(t, f.number(t, "base"), 0.0)
		require.Greater(t, f.number(t, "height"), f.number(t, "base"))
		parent, ground := f.values["parent"].Text(), f.number(t, "ground_elevation")
		if g, met := families[parent]; met {
			require.Equal(t, g, ground, "all parts stand on one ground")
		}
		families[parent] = ground
	}
	require.Len(t, families, 4)
}

// TestSequence reads three levels of detail, of which the highest counts.
func TestSequence(t *testing.T) {
	src := open(t, "testdata/dutch.city.jsonl.gz", layers.KindBuilding)
	fs, refused, err := drain(t, src)
	require.NoError(t, err)
	require.Empty(t, refused)
	require.Len(t, fs, 3)
	require.Equal(t, 28992, src.Info().CRS.Code)
	for _, f := range fs {
		require.Equal(t, "2.2", f.values["lod"].Text())
		require.InDelta(t, f.values["h_maaiveld"].Float(), f.number(t, "ground_elevation"), 0.01, "the record's own ground")
		require.Greater(t, area(f.geometry), 20.0)
	}
}

const head = `{"type":"CityJSON","version":"2.0","transform":{"scale":[0.5,0.5,0.5],"translate":[85000,447500,1]},"metadata":{"referenceSystem":"https://www.opengis.net/def/crs/EPSG/0/7415"},`

// corners of a box of 10 m × 10 m × 5 m, of its court of 2 m × 2 m, and one far off.
const vertices = `"vertices":[[0,0,0],[20,0,0],[20,20,0],[0,20,0],[0,0,10],[20,0,10],[20,20,10],[0,20,10],[8,8,0],[12,8,0],[12,12,0],[8,12,0],[40,0,0],[40,20,0]]`

const templates = `"geometry-templates":{"vertices-templates":[[0,0,0],[3,0,0],[3,3,0],[0,3,1]],"templates":[{"type":"MultiSurface","lod":"2","boundaries":[[[0,1,2,3]]]},{"type":"GeometryInstance","template":1,"boundaries":[0],"transformationMatrix":[1,0,0,0,0,1,0,0,0,0,1,0,0,0,0,1]}]},`

const walls = `[[0,1,5,4]],[[1,2,6,5]],[[2,3,7,6]],[[3,0,4,7]],[[4,5,6,7]]`

func city(objects string) string {
	return head + templates + `"CityObjects":{` + objects + `},` + vertices + `}`
}

func building(geometry string) string {
	return city(`"a":{"type":"Building","attributes":{"height":"tall","n":1},"geometry":[` + geometry + `]}`)
}

func TestFootprints(t *testing.T) {
	unit := `1,0,0,4,0,1,0,0,0,0,1,0,0,0,0,1`
	for name, c := range map[string]struct {
		geometry string
		area     float64
		height   float64
		rings    int
		warning  string
	}{
		"ground by semantics, with a court": {`{"type":"Solid","lod":"2","boundaries":[[[[0,3,2,1],[8,9,10,11]],` + walls + `]],"semantics":{"surfaces":[{"type":"GroundSurface"},{"type":"WallSurface"}],"values":[[0,1,1,1,1,null]]}}`, 96, 5, 2, ""},
		"ground in two pieces, united":      {`{"type":"MultiSurface","lod":2,"boundaries":[[[0,1,2]],[[0,2,3]],` + walls + `],"semantics":{"surfaces":[{"type":"GroundSurface"}],"values":[0,0,null,null,null,null,null]}}`, 100, 5, 1, ""},
		"lowest faces":                      {`{"type":"Solid","lod":"1","boundaries":[[[[0,3,2,1]],` + walls + `]]}`, 100, 5, 1, ""},
		"without a floor":                   {`{"type":"Solid","lod":"1","boundaries":[[` + walls + `]]}`, 100, 5, 1, "whose footprint is the outline of all their faces: 1"},
		"walls alone":                       {`{"type":"MultiSurface","lod":"1","boundaries":[[[0,1,5,4]],[[1,2,6,5]]]}`, 50, 5, 1, "footprint is the convex hull: 1"},
		"semantics that do not fit":         {`{"type":"Solid","lod":"1","boundaries":[[[[0,3,2,1]],` + walls + `]],"semantics":{"surfaces":[],"values":[[1,2]]}}`, 100, 5, 1, "semantics do not fit their faces and were not used: 1"},
		"two solids":                        {`{"type":"MultiSolid","lod":"1","boundaries":[[[[[0,1,2,3]]]],[[[[1,12,13,2]]]]]}`, 200, 0, 1, ""},
		"an instance of a template":         {`{"type":"GeometryInstance","template":0,"boundaries":[1],"transformationMatrix":[` + unit + `]}`, 9, 1, 1, ""},
		"highest level of detail":           {`{"type":"MultiSurface","lod":"0","boundaries":[[[0,12,13,3]]]},{"type":"Solid","lod":"1.2","boundaries":[[[[0,3,2,1]],` + walls + `]]}`, 100, 5, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			src, err := cityjson.Read([]byte(building(c.geometry)), 1<<20, layers.KindBuilding)
			require.NoError(t, err)
			fs, refused, err := drain(t, src)
			require.NoError(t, err)
			require.Empty(t, refused)
			require.Len(t, fs, 1)
			f := fs[0]
			require.NoError(t, f.geometry.Check())
			require.InDelta(t, c.area, area(f.geometry), 1e-6)
			require.Equal(t, c.rings, f.geometry.NumPaths())
			require.EqualValues(t, 1, f.values["n"].Int())
			if c.height == 0 {
				require.Equal(t, "tall", f.values["height"].Text())
			} else {
				require.InDelta(t, c.height, f.number(t, "height"), 1e-9)
				require.InDelta(t, 1, f.number(t, "ground_elevation"), 1e-9)
				require.Equal(t, "tall", f.values["attributes.height"].Text())
			}
			require.Contains(t, strings.Join(src.Info().Warnings, "\n"), c.warning)
		})
	}
	src, err := cityjson.Read([]byte(building(`{"type":"GeometryInstance","template":0,"boundaries":[1],"transformationMatrix":[`+unit+`]}`)), 1<<20, "")
	require.NoError(t, err)
	fs, _, err := drain(t, src)
	require.NoError(t, err)
	require.Equal(t, spatial.Envelope{MinX: 85014, MinY: 447500, MaxX: 85017, MaxY: 447503}, fs[0].geometry.Envelope(), "reference point and matrix place it")
}

// TestOtherObjects reads points, lines and kinds.
func TestOtherObjects(t *testing.T) {
	file := city(`"p":{"type":"SolitaryVegetationObject","geometry":[{"type":"MultiPoint","lod":"0","boundaries":[1]}]},
		"l":{"type":"Road","geometry":[{"type":"MultiLineString","lod":"0","boundaries":[[0,1,2]]}]},
		"o":{"type":"Building","children":["c"],"geometry":[{"type":"MultiSurface","lod":"0","boundaries":[[[0,1,2,3]]]}]},
		"c":{"type":"BuildingPart","parents":["o"],"geometry":[{"type":"Solid","lod":"1","boundaries":[[` + walls + `]]}]},
		"t":{"type":"TINRelief","geometry":[{"type":"CompositeSurface","lod":"1","boundaries":[[[0,1,2]]]}]}`)
	ids := func(kind layers.Kind) (out []string) {
		src, err := cityjson.Read([]byte(file), 1<<20, kind)
		require.NoError(t, err)
		fs, refused, err := drain(t, src)
		require.NoError(t, err)
		require.Empty(t, refused)
		for _, f := range fs {
			out = append(out, f.id+" "+f.geometry.Type.String())
			_, outline := f.values["has_parts"]
			require.Equal(t, f.id == "o", outline, "an outline whose part is the solid")
		}
		return out
	}
	require.Equal(t, []string{"o Polygon", "c Polygon"}, ids(""))
	require.Equal(t, []string{"l LineString"}, ids(layers.KindStreet))
	require.Equal(t, []string{"p Point", "l LineString", "o Polygon", "c Polygon"}, ids(layers.KindFeature))
}

// TestLeftOut names what is wrong with one object and reads the others.
func TestLeftOut(t *testing.T) {
	good := `"good":{"type":"Building","geometry":[{"type":"Solid","lod":"1","boundaries":[[` + walls + `]]}]}`
	surface := func(b string) string {
		return `{"type":"Building","geometry":[{"type":"MultiSurface","boundaries":` + b + `}]}`
	}
	instance := func(template, matrix string) string {
		return `{"type":"Building","geometry":[{"type":"GeometryInstance","template":` + template + `,"boundaries":[0],"transformationMatrix":` + matrix + `}]}`
	}
	for bad, want := range map[string]string{
		surface(`[[[0,1,99]]]`):   `CityObjects["bad"]: it names vertex 99, and there are 14`,
		surface(`[[[0,1,-1]]]`):   "it names vertex -1",
		surface(`[[0,1,2]]`):      "not nested as its type of geometry demands",
		surface(`[[[0,1,1e99]]]`): "not nested",
		surface(`[]`):             "no geometry that can be read",
		surface(`[[[0,1]]]`):      "seen from above it has no area",
		instance("1", "[1]"):      "is itself an instance, so that templates may form a circle",
		instance("7", "[1]"):      "a template that is not there",
		instance("0", "[1]"):      "has 1 numbers; 16 are needed",
		instance("0", strings.ReplaceAll(fmt.Sprint(make([]int, 16)), " ", ",")): "beyond any city",
		instance("0", "[1e300"+strings.Repeat(",0", 15)+"]"):                     "cannot place a city object",
		`{"type":"Building","geometry":[{"type":"Sphere","boundaries":[]}]}`:     `of type "Sphere"`,
		`{"type":"Building","geometry":{}}`:                                      "it is no city object",
		`{"type":"Building","geometry":[7]}`:                                     "its geometry cannot be read",
		strings.Replace(surface(`[[[0,1,2]]]`), `{`, `{"attributes":[1],`, 1):    "its attributes cannot be read",
	} {
		src, err := cityjson.Read([]byte(city(`"bad":`+bad+`,`+good)), 1<<20, layers.KindBuilding)
		require.NoError(t, err, bad)
		fs, refused, err := drain(t, src)
		require.NoError(t, err, bad)
		require.Len(t, fs, 1, bad)
		require.Len(t, refused, 1, bad)
		require.Contains(t, refused[0].Reason, want)
		require.Equal(t, "bad", refused[0].ID)
	}
}

// TestKinInCircles ends where parents and children form a circle.
func TestKinInCircles(t *testing.T) {
	kin := func(id, other string) string {
		return `"` + id + `":{"type":"Building","parents":["` + other + `"],"children":["` + other + `","gone"],"geometry":[{"type":"Solid","lod":"1","boundaries":[[` + walls + `]]}]}`
	}
	src, err := cityjson.Read([]byte(city(kin("a", "b")+","+kin("b", "a"))), 1<<20, "")
	require.NoError(t, err)
	fs, refused, err := drain(t, src)
	require.NoError(t, err)
	require.Empty(t, refused)
	require.Len(t, fs, 2)
	require.Equal(t, `["b","gone"]`, fs[0].values["children"].Text())
}

func TestRefusedFiles(t *testing.T) {
	good := building(`{"type":"Solid","lod":"1","boundaries":[[` + walls + `]]}`)
	for name, c := range map[string]struct{ file, want string }{
		"empty":                 {"", "there is nothing in it"},
		"no JSON":               {"{]", "byte"},
		"GeoJSON":               {`{"type":"FeatureCollection"}`, `of type "FeatureCollection"; expected CityJSON`},
		"old":                   {strings.Replace(good, `"2.0"`, `"1.0"`, 1), `its version is "1.0"; 1.1 and 2.0 are read`},
		"no transform":          {strings.Replace(good, `"transform"`, `"t"`, 1), "it has no transform"},
		"huge transform":        {strings.Replace(good, `[0.5,`, `[1e200,`, 1), "cannot place a city"},
		"zero scale":            {strings.Replace(good, `[0.5,`, `[0,`, 1), "cannot place a city"},
		"far away":              {strings.Replace(good, `85000`, `1e12`, 1), "cannot place a city"},
		"two ordinates":         {strings.Replace(good, `[0,0,0],[20`, `[0,0],[20`, 1), "positions of three numbers"},
		"vertices of text":      {strings.Replace(good, `"vertices":[`, `"vertices":["x",`, 1), "positions of three numbers"},
		"vertices too deep":     {strings.Replace(good, `"vertices":[`, `"vertices":[[[1,2,3]],`, 1), "positions of three numbers"},
		"objects in a list":     {strings.Replace(good, `"CityObjects":{`, `"CityObjects":[],"x":{`, 1), "its CityObjects cannot be read"},
		"version a number":      {strings.Replace(good, `"2.0"`, `2`, 1), "holds a JSON number where CityJSON has none"},
		"cut off":               {good[:len(good)-9], "the file is cut off"},
		"feature first":         {`{"type":"CityJSONFeature"}`, "put it back"},
		"something after":       {good + `{"type":"Feature"}`, "expected CityJSONFeature"},
		"nonsense after":        {good + `]`, "byte"},
		"longer than its limit": {strings.Replace(good, `{`, `{`+strings.Repeat(" ", 1<<17), 1), "cut it into a CityJSONSeq"},
		"no gzip":               {"\x1f\x8b nonsense", "gzip"},
	} {
		src, err := cityjson.Read([]byte(c.file), 1<<16, layers.KindBuilding)
		if err == nil {
			_, _, err = drain(t, src)
		}
		require.ErrorIs(t, err, layers.ErrInvalid, name)
		require.ErrorContains(t, err, c.want, name)
	}
}

// TestWithoutReferenceSystem is refused by the engine in one sentence, until the
// plan names the system.
func TestWithoutReferenceSystem(t *testing.T) {
	store := newStore(t)
	path := filepath.Join(t.TempDir(), "a.city.json")
	file := strings.Replace(building(`{"type":"Solid","lod":"1","boundaries":[[`+walls+`]]}`), "referenceSystem", "x", 1)
	require.NoError(t, os.WriteFile(path, []byte(file), 0o600))
	plan := importers.Plan{Files: []string{path}, Layer: "a"}
	_, err := importers.Run(t.Context(), store, plan, cityjson.Format{}, geojson.Format{})
	require.ErrorContains(t, err, "names no coordinate system")
	plan.CRS = "EPSG:28992"
	report, err := importers.Run(t.Context(), store, plan, cityjson.Format{}, geojson.Format{})
	require.NoError(t, err)
	require.EqualValues(t, 1, report.Inserted)
	l, err := store.Layer(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, layers.KindBuilding, l.Kind)
	require.Equal(t, 28992, l.SourceCRS)
	_, err = crs.ByCode(l.SourceCRS)
	require.NoError(t, err)
}

func TestMatch(t *testing.T) {
	f := cityjson.Format{}
	require.True(t, f.Match("x/Delft.City.json.gz", nil))
	require.True(t, f.Match("a.json", []byte(`{"type": "CityJSON",`)))
	require.True(t, f.Match("a.json", []byte(`{"CityObjects": {"b":`)))
	require.False(t, f.Match("a.json", []byte(`{"type":"FeatureCollection"`)))
	require.False(t, f.Match("a.gz", []byte("\x1f\x8bnonsense")))
	b, err := os.ReadFile("testdata/delft.city.json.gz")
	require.NoError(t, err)
	require.True(t, f.Match("a.json.gz", b[:4096]), "by what the gzip begins with")
	require.False(t, geojson.Format{}.Match("a.cityjson", []byte("{")))
	_, err = f.Open(t.Context(), "testdata/delft.city.json.gz", importers.OpenOptions{Encoding: "GBK"})
	require.ErrorContains(t, err, "always UTF-8")
}

func FuzzCityJSON(f *testing.F) {
	f.Add([]byte(building(`{"type":"Solid","lod":"2","boundaries":[[[[0,3,2,1],[8,9,10,11]],` + walls + `]],"semantics":{"surfaces":[{"type":"GroundSurface"}],"values":[[0,null]]}}`)))
	f.Add([]byte(building(`{"type":"GeometryInstance","template":0,"boundaries":[1],"transformationMatrix":[1,0,0,4,0,1,0,0,0,0,1,0,0,0,0,1]}`)))
	for _, name := range []string{"testdata/dutch.city.jsonl.gz", "testdata/zurich.city.json.gz"} {
		file, err := os.Open(name)
		require.NoError(f, err)
		z, err := gzip.NewReader(file)
		require.NoError(f, err)
		b, err := io.ReadAll(z)
		require.NoError(f, err)
		require.NoError(f, file.Close())
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		src, err := cityjson.Read(b, 1<<20, "")
		if err == nil {
			var fs []feature
			fs, _, err = drain(t, src)
			for _, x := range fs {
				require.NoError(t, x.geometry.Check(), x.id)
			}
		}
		if err != nil {
			require.ErrorIs(t, err, layers.ErrInvalid)
		}
	})
}
