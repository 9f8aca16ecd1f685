package main

import (
	"context"
	"encoding/json"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/importers"
	"twind/importers/cityjson"
	"twind/layers"
	"twind/layers/geopackage"
	"twind/layers/snapshot"
	"twind/spatial/geodesic"
	"twind/tiles/gltf"
	"twind/tiles/tiles3d"
)

// sampleCity is a store with a CityJSON sample, read by a catalog and drawn.
type sampleCity struct {
	t       *testing.T
	store   *geopackage.Store
	catalog *snapshot.Catalog
	solids  *tiles3d.Service
}

func newSampleCity(t *testing.T) *sampleCity {
	t.Helper()
	store, err := geopackage.Open(t.Context(), filepath.Join(t.TempDir(), "city.gpkg"), geopackage.Options{Create: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	c := &sampleCity{t: t, store: store}
	c.catalog, err = snapshot.Open(t.Context(), store, snapshot.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.catalog.Close()) })
	c.solids, err = tiles3d.New(tiles3d.Options{Views: tiles3d.From(c.catalog)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.solids.Close()) })
	return c
}

// load imports a sample, which the catalog shows then.
func (c *sampleCity) load(layer layers.ID, file string) *importers.Report {
	c.t.Helper()
	plan := importers.Plan{Files: []string{filepath.Join("../../importers/cityjson/testdata", file)}, Layer: layer, Kind: layers.KindBuilding}
	report, err := importers.Run(c.t.Context(), c.store, plan, cityjson.Format{})
	require.NoError(c.t, err)
	require.NoError(c.t, c.catalog.Refresh(c.t.Context(), report.Revision))
	return report
}

// addresses are those of a layer's contents with their revisions.
func (c *sampleCity) addresses(layer layers.ID) map[string]string {
	c.t.Helper()
	out := map[string]string{}
	r := tiles3d.Request{Layer: layer}
	a, err := c.solids.Tileset(c.t.Context(), r)
	require.NoError(c.t, err)
	var visit func(b []byte)
	visit = func(b []byte) {
		for _, uri := range strings.Split(string(b), `"uri":"`)[1:] {
			name, revision, _ := strings.Cut(strings.TrimPrefix(uri[:strings.IndexByte(uri, '"')], "../../../"), "?")
			if strings.HasPrefix(name, "t/") {
				sub, err := c.solids.Subtree(c.t.Context(), r, cellNamed(c.t, strings.TrimSuffix(name, ".json")))
				require.NoError(c.t, err)
				visit(sub.Bytes)
				continue
			}
			out[name] = revision
		}
	}
	visit(a.Bytes)
	return out
}

func cellNamed(t *testing.T, name string) tiles3d.Cell {
	t.Helper()
	parts := strings.Split(name, "/")
	require.Len(t, parts, 4)
	var n [3]int64
	for i := range n {
		v, err := strconv.ParseInt(parts[i+1], 10, 64)
		require.NoError(t, err)
		n[i] = v
	}
	cell, err := tiles3d.ParseCell(n[0], n[1], n[2])
	require.NoError(t, err)
	return cell
}

// corners are the earth-centred positions of all vertices of contents.
func (c *sampleCity) corners(layer layers.ID, detailed bool) (list []geodesic.Vec3) {
	c.t.Helper()
	for name := range c.addresses(layer) {
		get, bare := c.solids.Content, strings.TrimSuffix(name, ".glb")
		plain, ok := strings.CutSuffix(name, tiles3d.DetailedExt)
		if ok != detailed {
			continue
		}
		if ok {
			get, bare = c.solids.DetailedContent, plain
		}
		a, err := get(c.t.Context(), tiles3d.Request{Layer: layer}, cellNamed(c.t, bare))
		require.NoError(c.t, err)
		list = append(list, verticesOf(c.t, a.Bytes)...)
	}
	return list
}

// near tells that some corner lies within a centimetre of a place.
func near(t *testing.T, corners []geodesic.Vec3, lon, lat, height float64) {
	t.Helper()
	best := math.Inf(1)
	for _, p := range corners {
		best = min(best, p.Sub(geodesic.ECEF(lon, lat, height)).Norm())
	}
	require.Less(t, best, 0.01, "%v %v %v", lon, lat, height)
}

// TestSamplesStandInTheirPlace imports Delft, Zürich and Dutch houses and holds the
// vertices of their contents, as clients place them on the earth, to where PROJ puts
// the files' (cs2cs EPSG:28992 or EPSG:2056 to EPSG:4326), and to their heights.
func TestSamplesStandInTheirPlace(t *testing.T) {
	c := newSampleCity(t)
	c.load("delft", "delft.city.json.gz")
	delft := c.corners("delft", false)
	for _, h := range []float64{-0.02, 2.89} { // footprint with height
		near(t, delft, 4.365220518, 52.011808057, h)
		near(t, delft, 4.365467939, 52.011871140, h)
	}
	require.Empty(t, c.corners("delft", true), "the file has level of detail 1")

	c.load("zurich", "zurich.city.json.gz")
	zurich := c.corners("zurich", true)
	near(t, zurich, 8.5655012202, 47.3730274623, 501)
	near(t, zurich, 8.5654554667, 47.3730604712, 501)

	c.load("dutch", "dutch.city.jsonl.gz")
	dutch := c.corners("dutch", true)
	near(t, dutch, 5.3672502129, 51.7184600344, 5.254)
	near(t, dutch, 5.3672407960, 51.7183853027, 5.254)

	// The three houses are closed solids: what their triangles enclose is what the
	// file's own faces do, seen from outside (reckoned apart, in the plane of EPSG:28992, whose scale
	// is 0.99991 there).
	require.InEpsilon(t, 1133.1, c.volume("dutch"), 0.002)
}

// volume is what the triangles of all detailed contents of a layer enclose, in cubic
// metres.
func (c *sampleCity) volume(layer layers.ID) (v float64) {
	c.t.Helper()
	corners := c.corners(layer, true)
	for i := 0; i < len(corners); i += 3 {
		a, b, d := corners[i].Sub(corners[0]), corners[i+1].Sub(corners[0]), corners[i+2].Sub(corners[0])
		v += (a[0]*(b[1]*d[2]-b[2]*d[1]) + a[1]*(b[2]*d[0]-b[0]*d[2]) + a[2]*(b[0]*d[1]-b[1]*d[0])) / 6
	}
	return v
}

// TestBodiesFollowTheStore edits what was imported: the next contents have it.
func TestBodiesFollowTheStore(t *testing.T) {
	c := newSampleCity(t)
	c.load("dutch", "dutch.city.jsonl.gz")
	before := c.addresses("dutch")
	require.Len(t, before, 4, "two contents with footprints, and two with faces")
	edit := func(change func(f *layers.Feature)) {
		revision, err := c.store.Update(t.Context(), func(tx layers.Tx) error {
			f, err := tx.Get(t.Context(), "dutch", "6751773")
			if err != nil {
				return err
			}
			change(f)
			return tx.Replace(t.Context(), "dutch", f)
		})
		require.NoError(t, err)
		require.NoError(t, c.catalog.Refresh(t.Context(), revision))
	}
	differing := func(now map[string]string) (n int) {
		for name, revision := range now {
			if before[name] != revision {
				n++
			}
		}
		return n
	}

	// An attribute: the surfaces stay, and the contents of one cell are new.
	edit(func(f *layers.Feature) { f.Surfaces = nil; f.Properties[0] = layers.StringValue("edited") })
	after := c.addresses("dutch")
	require.Len(t, after, 4)
	require.Equal(t, 2, differing(after))
	near(t, c.corners("dutch", true), 5.3672502129, 51.7184600344, 5.254)

	// The place: what was measured there no longer holds, and the footprint is what remains.
	edit(func(f *layers.Feature) {
		f.Surfaces = nil
		for i := 0; i < len(f.Geometry.XY); i += 2 {
			f.Geometry.XY[i] += 1e-5
		}
	})
	require.Len(t, c.addresses("dutch"), 3)

	// The file again puts all back.
	report := c.load("dutch", "dutch.city.jsonl.gz")
	require.EqualValues(t, 1, report.Updated)
	require.EqualValues(t, 2, report.Unchanged)
	require.Len(t, c.addresses("dutch"), 4)
	near(t, c.corners("dutch", true), 5.3672502129, 51.7184600344, 5.254)

	a, err := c.solids.Report(context.Background(), tiles3d.Request{Layer: "dutch"})
	require.NoError(t, err)
	var told tiles3d.Report
	require.NoError(t, json.Unmarshal(a.Bytes, &told))
	require.Equal(t, 3, told.Drawn)
	require.Empty(t, told.Faults)
	require.NoError(t, c.catalog.Check(t.Context(), func(fault string) error { t.Error(fault); return nil }))
}

// verticesOf are the corners of a content's triangles in earth-centred metres: glTF's
// y is 3D Tiles' z.
func verticesOf(t *testing.T, glb []byte) (list []geodesic.Vec3) {
	t.Helper()
	doc, err := gltf.Parse(glb, gltf.Limits{})
	require.NoError(t, err)
	doc.Triangles(func(f *gltf.Triangle) bool {
		for _, p := range f.Corners {
			list = append(list, geodesic.Vec3{p[0], -p[2], p[1]})
		}
		return true
	})
	return list
}

// TestImportTellsOfBodies imports and exports a sample as a user does: a GeoPackage
// keeps the faces.
func TestImportTellsOfBodies(t *testing.T) {
	dir := t.TempDir()
	store, copied := "geopackage:"+filepath.Join(dir, "city.gpkg"), filepath.Join(dir, "copy.gpkg")
	status, out, errOut := twind(t, "import", "../../importers/cityjson/testdata/dutch.city.jsonl.gz", "--layer", "dutch", "--store", store)
	require.Zero(t, status, errOut)
	require.Contains(t, out, "with roofs and walls of their own: 3")
	status, _, errOut = twind(t, "export", "dutch", "--format", "gpkg", "--output", copied, "--store", store)
	require.Zero(t, status, errOut)
	kept, err := geopackage.Open(t.Context(), copied, geopackage.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, kept.Close()) }()
	n := 0
	require.NoError(t, kept.Scan(t.Context(), "dutch", layers.Query{}, func(f *layers.Feature) error {
		require.NotEmpty(t, f.Surfaces, f.ID)
		n++
		return nil
	}))
	require.Equal(t, 3, n)
}
