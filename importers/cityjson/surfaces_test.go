package cityjson_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/importers"
	"twind/importers/cityjson"
	"twind/importers/geojson"
	"twind/layers"
	"twind/spatial"
)

// bodies reads the surfaces of the records of a text, by id.
func bodies(t *testing.T, text string) (map[string]*importers.Surfaces, []string) {
	t.Helper()
	src, err := cityjson.Read([]byte(text), 1<<20, layers.KindBuilding)
	require.NoError(t, err)
	return bodiesOf(t, src)
}

func bodiesOf(t *testing.T, src importers.Source) (map[string]*importers.Surfaces, []string) {
	t.Helper()
	features, refused, err := drain(t, src)
	require.NoError(t, err)
	require.Empty(t, refused)
	out := map[string]*importers.Surfaces{}
	for _, f := range features {
		out[f.id] = f.surfaces
	}
	return out, src.Info().Warnings
}

// letters are the classes as stores keep them.
func letters(s *importers.Surfaces) string {
	var b strings.Builder
	for _, c := range s.Classes {
		b.WriteByte(byte(c))
	}
	return b.String()
}

// volume is what faces enclose in cubic units, by the divergence theorem; positive
// when they are seen from outside.
func volume(g spatial.Geometry) (v float64) {
	for i := range g.NumPaths() {
		xy, z := g.Path(i)
		at := func(k int) [3]float64 { return [3]float64{xy[2*k] - g.XY[0], xy[2*k+1] - g.XY[1], z[k] - g.Z[0]} }
		for k := 1; k+2 < len(z); k++ {
			p, q, r := at(0), at(k), at(k+1)
			v += (p[0]*(q[1]*r[2]-q[2]*r[1]) + p[1]*(q[2]*r[0]-q[0]*r[2]) + p[2]*(q[0]*r[1]-q[1]*r[0])) / 6
		}
	}
	return v
}

const box = `[[0,3,2,1]],` + walls

func TestSurfaces(t *testing.T) {
	semantics := `,"semantics":{"surfaces":[{"type":"GroundSurface"},{"type":"WallSurface"},{"type":"RoofSurface"},{"type":"Window"}],"values":[[0,1,1,3,null,2]]}`
	flipped := `[[1,2,3,0]],[[4,5,1,0]],[[5,6,2,1]],[[6,7,3,2]],[[7,4,0,3]],[[7,6,5,4]]`
	unit := `1,0,0,4,0,1,0,0,0,0,1,0,0,0,0,1`
	for name, c := range map[string]struct {
		geometry string
		classes  string
		volume   float64
		warning  string
	}{
		"named":                {`{"type":"Solid","lod":"2.2","boundaries":[[` + box + `]]` + semantics + `}`, "GWWOWR", 500, ""},
		"by how they lie":      {`{"type":"Solid","lod":"2","boundaries":[[` + box + `]]}`, "GWWWWR", 500, ""},
		"inside out":           {`{"type":"Solid","lod":"2","boundaries":[[` + flipped + `]]}`, "GWWWWR", 500, "solids that were inside out and were turned: 1 (a)"},
		"two solids, one so":   {`{"type":"MultiSolid","lod":"2","boundaries":[[[` + box + `]],[[` + flipped + `]]]}`, "GWWWWRGWWWWR", 1000, "turned: 1 (a)"},
		"a hollow is inside":   {`{"type":"Solid","lod":"2","boundaries":[[` + box + `],[` + flipped + `]]}`, "GWWWWR", 500, ""},
		"with a court":         {`{"type":"MultiSurface","lod":"2","boundaries":[[[0,3,2,1],[8,9,10,11]],` + walls + `]}`, "GWWWWR", 500 - 0, ""},
		"without area":         {`{"type":"Solid","lod":"2","boundaries":[[` + box + `,[[0,1,0]],[[4,4,4,4]],[[5,6]]]]}`, "GWWWWR", 500, "objects with faces without area, which were left out: 1 (a)"},
		"corners that repeat":  {`{"type":"Solid","lod":"2","boundaries":[[[[0,0,3,2,2,1,0]],` + walls + `]]}`, "GWWWWR", 500, ""},
		"highest level":        {`{"type":"Solid","lod":"1","boundaries":[[` + flipped + `]]},{"type":"Solid","lod":"2.1","boundaries":[[` + box + `]]}`, "GWWWWR", 500, ""},
		"a lower level":        {`{"type":"Solid","lod":"2","boundaries":[[` + box + `]]},{"type":"Solid","lod":"3","boundaries":[[[[0,1,99]]]]}`, "GWWWWR", 500, "highest level of detail cannot be read, so that a lower one was: 1 (a)"},
		"level 1":              {`{"type":"Solid","lod":"1.3","boundaries":[[` + box + `]]}`, "", 0, "objects of a level of detail below 2, stored as footprint, base and height: 1"},
		"no level":             {`{"type":"Solid","boundaries":[[` + box + `]]}`, "", 0, "below 2"},
		"a template":           {`{"type":"GeometryInstance","template":0,"boundaries":[1],"transformationMatrix":[` + unit + `]}`, "R", math.NaN(), ""},
		"semantics do not fit": {`{"type":"Solid","lod":"2","boundaries":[[` + box + `]],"semantics":{"surfaces":[{"type":"RoofSurface"}],"values":[[0]]}}`, "GWWWWR", 500, "semantics do not fit their faces and were not used: 1"},
	} {
		t.Run(name, func(t *testing.T) {
			got, warnings := bodies(t, building(c.geometry))
			require.Equal(t, c.classes, letters(got["a"]))
			if !math.IsNaN(c.volume) && name != "with a court" {
				require.InDelta(t, c.volume, volume(got["a"].Geometry), 1e-6)
			}
			require.Contains(t, strings.Join(warnings, "\n"), c.warning)
		})
	}
	got, _ := bodies(t, building(`{"type":"MultiSurface","lod":"2","boundaries":[[[0,3,2,1],[8,9,10,11]],`+walls+`]}`))
	require.Equal(t, []int32{2, 3, 4, 5, 6, 7}, got["a"].Geometry.Parts, "the court is a hole of the first face")
}

// The corners of all faces are the file's own, and the solids enclose what their
// records say.
func TestSurfacesOfSamples(t *testing.T) {
	got, _ := bodiesOf(t, open(t, "testdata/dutch.city.jsonl.gz", layers.KindBuilding))
	require.Len(t, got, 3)
	require.Equal(t, strings.Repeat("G", 7)+strings.Repeat("W", 22)+strings.Repeat("R", 7), letters(got["6751773"]))
	for id, s := range got {
		v := volume(s.Geometry)
		footprint := 0.0
		for i := range s.Geometry.NumPolygons() {
			if s.Classes[i] == layers.GroundSurface {
				lo, _ := s.Geometry.PolygonPaths(i)
				xy, _ := s.Geometry.Path(lo)
				footprint += math.Abs(area(spatial.NewPolygon(xy)))
			}
		}
		require.Greater(t, v, 2.5*footprint, id)
		require.Less(t, v, 15*footprint, id)
	}
	got, _ = bodiesOf(t, open(t, "testdata/zurich.city.json.gz", ""))
	require.Len(t, got, 7)
	require.Equal(t, "WWWR", letters(got["UUID_60ae78b4-7632-49ca-89ed-3d1616d5eb80"]))
	require.Len(t, got["UUID_5bd1cee6-b3f0-40fb-a6ae-833e88305e31"].Classes, 58)
}

// TestSurfacesStandInTheirPlace holds the stored corners to where PROJ puts the
// file's in the plane (cs2cs EPSG:28992 or EPSG:2056 to EPSG:4326), to 1 cm, and their heights to
// the file's; a second import changes nothing.
func TestSurfacesStandInTheirPlace(t *testing.T) {
	store := newStore(t)
	for _, c := range []struct {
		file, id string
		records  int64
		corners  [][3]float64 // longitude, latitude, height
	}{
		{"dutch.city.jsonl.gz", "6751773", 3, [][3]float64{{5.3672502129, 51.7184600344, 5.254}, {5.3672407960, 51.7183853027, 5.254}, {5.3671920179, 51.7184415802, 5.254}}},
		{"zurich.city.json.gz", "UUID_5bd1cee6-b3f0-40fb-a6ae-833e88305e31", 7, [][3]float64{{8.5655012202, 47.3730274623, 501}, {8.5654554667, 47.3730604712, 501}, {8.5655534373, 47.3730609277, 501}}},
	} {
		plan := importers.Plan{Files: []string{"testdata/" + c.file}, Layer: layers.ID(c.file[:5]), Kind: layers.KindBuilding}
		report, err := importers.Run(t.Context(), store, plan, cityjson.Format{}, geojson.Format{})
		require.NoError(t, err)
		require.Equal(t, c.records, report.Inserted)
		require.Equal(t, c.records, report.Geometry.Surfaces)
		var g spatial.Geometry
		require.NoError(t, store.Scan(t.Context(), plan.Layer, layers.Query{IDs: []string{c.id}}, func(f *layers.Feature) error {
			_, err := f.Surfaces.Decode(&g)
			return err
		}))
		for _, corner := range c.corners {
			near := math.Inf(1)
			for i := range g.Z {
				dx, dy := (g.XY[2*i]-corner[0])*math.Cos(corner[1]*math.Pi/180)*111_320, (g.XY[2*i+1]-corner[1])*111_200
				near = min(near, math.Hypot(math.Hypot(dx, dy), g.Z[i]-corner[2]))
			}
			require.Less(t, near, 0.01, "%v", corner)
		}
		report, err = importers.Run(t.Context(), store, plan, cityjson.Format{}, geojson.Format{})
		require.NoError(t, err)
		require.Equal(t, c.records, report.Unchanged)
	}
}
