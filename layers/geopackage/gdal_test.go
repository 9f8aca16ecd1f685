package geopackage_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/geopackage"
	"twind/layers/storetest"
	"twind/spatial"
)

// gdal runs a program of GDAL, which must succeed without an error or warning.
func gdal(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	require.NoError(t, err, "install gdal-bin: the tests read and write GeoPackages with GDAL")
	out, err := exec.Command(path, args...).CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, args, out)
	require.NotContains(t, string(out), "ERROR", "%s %v", name, args)
	require.NotContains(t, string(out), "Warning", "%s %v", name, args)
	return string(out)
}

// gdalFile opens a new store that follows other programs impatiently.
func gdalFile(t *testing.T) (*geopackage.Store, string) {
	path := filepath.Join(t.TempDir(), "city.gpkg")
	return gdalOpen(t, path), path
}

func gdalOpen(t *testing.T, path string) *geopackage.Store {
	s, err := geopackage.Open(t.Context(), path, geopackage.Options{Create: true, Quiet: 150 * time.Millisecond, DropGrace: 400 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func geoJSON(t *testing.T, features string) string {
	path := filepath.Join(t.TempDir(), "in.geojson")
	require.NoError(t, os.WriteFile(path, []byte(`{"type":"FeatureCollection","features":[`+features+`]}`), 0o666))
	return path
}

// point is a GeoJSON feature with the properties of poles.
func point(x, y float64, name string, height float64) string {
	return fmt.Sprintf(`{"type":"Feature","properties":{"名称":%q,"高度":%g},"geometry":{"type":"Point","coordinates":[%g,%g]}}`, name, height, x, y)
}

// poles is a layer of points: 名称 text, 高度 number.
func poles(t *testing.T, s layers.Store, n int) {
	require.NoError(t, s.CreateLayer(t.Context(), layers.Layer{
		ID: "poles", Title: layers.Text{ZH: "路灯"}, Kind: layers.KindPart, GeometryType: spatial.Point, CRS: 4326, MaxZoom: 18, Owner: "城管局", Label: "名称",
		Schema: []layers.Property{{Name: "名称", Type: layers.String}, {Name: "高度", Type: layers.Number}},
	}))
	_, err := s.Load(t.Context(), "poles", layers.Append, func(yield func(*layers.Feature, error) bool) {
		for i := range n {
			f := &layers.Feature{ID: fmt.Sprintf("lamp-%d", i), Geometry: spatial.NewPoint(float64(i), 1), Properties: []layers.Value{layers.StringValue(fmt.Sprint("灯", i)), layers.FloatValue(float64(i))}}
			if !yield(f, nil) {
				return
			}
		}
	})
	require.NoError(t, err)
}

// changes waits until the log after a revision satisfies want.
func changes(t *testing.T, s layers.Store, after layers.Revision, want func([]layers.Record) bool) []layers.Record {
	t.Helper()
	ch, err := s.Watch(t.Context())
	require.NoError(t, err)
	deadline := time.After(20 * time.Second)
	for {
		var got []layers.Record
		require.NoError(t, s.Changes(t.Context(), after, func(r layers.Record) error { got = append(got, r); return nil }))
		if want(got) {
			return got
		}
		select {
		case <-ch:
		case <-deadline:
			require.Fail(t, "the change did not come", "log: %v", got)
		}
	}
}

func has(op layers.ChangeOp, layer layers.ID) func([]layers.Record) bool {
	return func(rs []layers.Record) bool {
		return slices.ContainsFunc(rs, func(r layers.Record) bool { return r.Op == op && r.Layer == layer })
	}
}

func all(t *testing.T, s layers.Store, id layers.ID, q layers.Query) map[string]*layers.Feature {
	t.Helper()
	out := map[string]*layers.Feature{}
	require.NoError(t, s.Scan(t.Context(), id, q, func(f *layers.Feature) error { out[f.ID] = f.Clone(); return nil }))
	return out
}

func healthy(t *testing.T, s layers.Store) {
	t.Helper()
	require.NoError(t, s.Check(t.Context(), func(fault string) error { t.Error("fault: " + fault); return nil }))
}

func headOf(t *testing.T, s layers.Store) layers.Revision {
	t.Helper()
	rev, err := s.Head(t.Context())
	require.NoError(t, err)
	return rev
}

func TestGDALReads(t *testing.T) {
	s, path := gdalFile(t)
	poles(t, s, 12)
	for _, z := range []bool{false, true} {
		for typ := spatial.Unknown; typ <= spatial.GeometryCollection; typ++ {
			l := layers.Layer{ID: layers.ID(fmt.Sprintf("t%d-%t", typ, z)), Title: layers.Text{ZH: "同名"}, GeometryType: typ, HasZ: z, CRS: 4490, MaxZoom: 10,
				Schema: []layers.Property{{Name: "b", Type: layers.Boolean}, {Name: "i", Type: layers.Integer}, {Name: "f", Type: layers.Number}, {Name: "s", Type: layers.String}, {Name: "d", Type: layers.Date}, {Name: "t", Type: layers.DateTime}, {Name: "FID", Type: layers.Integer}}}
			require.NoError(t, s.CreateLayer(t.Context(), l))
			_, err := s.Update(t.Context(), func(tx layers.Tx) error {
				for name, g := range storetest.Geometries() {
					if !l.Admits(g.Type) {
						continue
					}
					f := &layers.Feature{ID: name, Geometry: g, Properties: []layers.Value{layers.BoolValue(true), layers.IntValue(1 << 60), layers.FloatValue(0.1), layers.StringValue("中文"),
						layers.TextValue(layers.Date, "2026-11-21"), layers.TextValue(layers.DateTime, "2026-11-21T08:00:00Z"), layers.IntValue(5)}}
					if err := tx.Insert(t.Context(), l.ID, f); err != nil {
						return err
					}
				}
				return nil
			})
			require.NoError(t, err)
		}
	}
	// Only layers are listed, none of twind's own tables.
	list := gdal(t, "ogrinfo", "-ro", "-q", path)
	require.Equal(t, 17, strings.Count(list, "\n"), list)
	for _, l := range func() []layers.Layer { l, err := s.Layers(t.Context()); require.NoError(t, err); return l }() {
		st, err := s.Stats(t.Context(), l.ID)
		require.NoError(t, err)
		out := gdal(t, "ogrinfo", "-ro", "-al", path, string(l.ID))
		require.Contains(t, out, fmt.Sprintf("Feature Count: %d\n", st.Count), l.ID)
		if l.ID == "poles" {
			require.Contains(t, out, "Geometry: Point\n")
			require.Contains(t, out, "IDENTIFIER=路灯")
			require.Contains(t, out, "高度 (Real) = 7\n")
			require.Contains(t, out, "id (String) = lamp-7\n")
			require.Contains(t, out, "POINT (7 1)")
			require.Contains(t, out, `ID["EPSG",4326]`)
		} else {
			require.Contains(t, out, `ID["EPSG",4490]`)
			require.Contains(t, out, "b: Integer(Boolean)")
			require.Contains(t, out, "i: Integer64")
			require.Contains(t, out, "i (Integer64) = 1152921504606846976")
			require.Contains(t, out, "d (Date) = 2026/11/21")
			require.Contains(t, out, "t (DateTime) = 2026/11/21 08:00:00+00")
		}
	}
	require.Contains(t, gdal(t, "ogrinfo", "-ro", "-so", path, "t3-true"), "Geometry: 3D Polygon\n")
	require.Contains(t, gdal(t, "ogrinfo", "-ro", "-al", path, "t6-true"), "MULTIPOLYGON Z (((10 10 -9.75,20 10 -8.625")
	// Its spatial filter uses our R-tree.
	require.Contains(t, gdal(t, "ogrinfo", "-ro", "-so", "-spat", "2.5", "0", "5.5", "2", path, "poles"), "Feature Count: 3\n")
}

func TestGDALEdits(t *testing.T) {
	s, path := gdalFile(t)
	poles(t, s, 5)
	rev := headOf(t, s)
	gdal(t, "ogr2ogr", "-update", "-append", path, geoJSON(t, point(100, 50, "新灯", 9.5)+","+point(101, 51, "又灯", 10)), "-nln", "poles")
	got := changes(t, s, rev, func(rs []layers.Record) bool { return len(rs) >= 2 })
	require.Len(t, got, 2)
	for _, r := range got {
		require.Equal(t, layers.Inserted, r.Op)
		require.Equal(t, layers.ID("poles"), r.Layer)
	}
	require.Equal(t, "6", got[0].Feature) // the text of its fid
	f := all(t, s, "poles", layers.Query{Envelope: &spatial.Envelope{MinX: 99.5, MinY: 49, MaxX: 100.5, MaxY: 51}})
	require.Len(t, f, 1)
	require.Equal(t, []layers.Value{layers.StringValue("新灯"), layers.FloatValue(9.5)}, f["6"].Properties)
	require.Equal(t, got[0].Revision, f["6"].Revision)

	rev = headOf(t, s)
	gdal(t, "ogrinfo", path, "-sql", `UPDATE poles SET "高度" = 77 WHERE id = 'lamp-3'`)
	got = changes(t, s, rev, func(rs []layers.Record) bool { return len(rs) >= 1 })
	require.Len(t, got, 1)
	require.Equal(t, layers.Updated, got[0].Op)
	require.Equal(t, "lamp-3", got[0].Feature)
	require.Equal(t, layers.FloatValue(77), all(t, s, "poles", layers.Query{IDs: []string{"lamp-3"}})["lamp-3"].Properties[1])

	rev = headOf(t, s)
	gdal(t, "ogrinfo", path, "-sql", `DELETE FROM poles WHERE id = 'lamp-0'`)
	got = changes(t, s, rev, func(rs []layers.Record) bool { return len(rs) >= 1 })
	require.Equal(t, layers.Record{Revision: got[0].Revision, Layer: "poles", Feature: "lamp-0", Op: layers.Deleted, Time: got[0].Time}, got[0])
	require.Len(t, all(t, s, "poles", layers.Query{}), 6)

	// An id that is emptied stays, one that is changed ends the old feature.
	rev = headOf(t, s)
	gdal(t, "ogrinfo", path, "-sql", `UPDATE poles SET id = NULL WHERE id = 'lamp-1'`)
	gdal(t, "ogrinfo", path, "-sql", `UPDATE poles SET id = 'renamed' WHERE id = 'lamp-2'`)
	got = changes(t, s, rev, func(rs []layers.Record) bool { return len(rs) >= 3 })
	require.Equal(t, []string{"lamp-1", "lamp-2", "renamed"}, []string{got[0].Feature, got[1].Feature, got[2].Feature})
	require.Equal(t, []layers.ChangeOp{layers.Updated, layers.Deleted, layers.Inserted}, []layers.ChangeOp{got[0].Op, got[1].Op, got[2].Op})

	// INSERT OR REPLACE removes rows without firing triggers.
	rev = headOf(t, s)
	gdal(t, "ogrinfo", path, "-sql", `INSERT OR REPLACE INTO poles (fid, id) VALUES (5, 'instead')`)
	got = changes(t, s, rev, has(layers.Inserted, "poles"))
	require.Equal(t, "lamp-4", got[0].Feature)
	require.Equal(t, layers.Deleted, got[0].Op)
	require.Equal(t, "instead", got[len(got)-1].Feature)

	// Ids that no URL can carry are refused, with a sentence.
	out, _ := exec.Command("ogrinfo", path, "-sql", `UPDATE poles SET id = 'a/b' WHERE id = 'renamed'`).CombinedOutput()
	require.Contains(t, string(out), "id must have at most 255 bytes and no slash")
	healthy(t, s)
}

func TestGDALOverwrites(t *testing.T) {
	s, path := gdalFile(t)
	poles(t, s, 5)
	rev := headOf(t, s)
	gdal(t, "ogr2ogr", "-overwrite", path, geoJSON(t, point(100, 50, "新灯", 9.5)+","+point(101, 51, "又灯", 10)), "-nln", "poles")
	got := changes(t, s, rev, has(layers.Reloaded, "poles"))
	require.Empty(t, slices.DeleteFunc(got, func(r layers.Record) bool { return r.Op == layers.Reloaded || r.Op == layers.LayerUpdated }), "nothing else")
	l, err := s.Layer(t.Context(), "poles")
	require.NoError(t, err)
	require.Equal(t, "路灯", l.Title.ZH, "what twind knows of the layer stays")
	require.Equal(t, layers.KindPart, l.Kind)
	require.Equal(t, []layers.Property{{Name: "名称", Type: layers.String}, {Name: "高度", Type: layers.Number}}, l.Schema)
	fs := all(t, s, "poles", layers.Query{})
	require.Len(t, fs, 2)
	require.Equal(t, layers.StringValue("新灯"), fs["1"].Properties[0])
	require.Greater(t, fs["1"].Revision, rev)
	require.Len(t, all(t, s, "poles", layers.Query{Envelope: &spatial.Envelope{MinX: 100.5, MinY: 50, MaxX: 102, MaxY: 52}}), 1)

	// The triggers are back: GDAL's next edit is logged by itself, and so is ours.
	rev = headOf(t, s)
	gdal(t, "ogrinfo", path, "-sql", `UPDATE poles SET "高度" = 1 WHERE fid = 2`)
	got = changes(t, s, rev, func(rs []layers.Record) bool { return len(rs) > 0 })
	require.Len(t, got, 1)
	require.Equal(t, "2", got[0].Feature)
	_, err = s.Update(t.Context(), func(tx layers.Tx) error {
		return tx.Insert(t.Context(), "poles", &layers.Feature{Geometry: spatial.NewPoint(3, 3), Properties: make([]layers.Value, 2)})
	})
	require.NoError(t, err)
	require.Len(t, all(t, s, "poles", layers.Query{}), 3)
	_, err = s.Update(t.Context(), func(tx layers.Tx) error {
		return tx.Insert(t.Context(), "poles", &layers.Feature{ID: "a name", Geometry: spatial.NewPoint(3, 3), Properties: make([]layers.Value, 2)})
	})
	require.ErrorIs(t, err, layers.ErrInvalid, "the table is keyed by whole numbers now")
	healthy(t, s)
}

// TestGDALOverwritesClosed replaces a table while no twind runs, with one that
// has ids and other columns.
func TestGDALOverwritesClosed(t *testing.T) {
	s, path := gdalFile(t)
	poles(t, s, 5)
	rev := headOf(t, s)
	require.NoError(t, s.Close())
	in := geoJSON(t, `{"type":"Feature","properties":{"id":"lamp-9","高度":3,"功率":60},"geometry":{"type":"Point","coordinates":[1,2]}}`)
	gdal(t, "ogr2ogr", "-overwrite", path, in, "-nln", "poles", "-lco", "GEOMETRY_NAME=the_geom", "-lco", "FID=ogc_fid", "-lco", "SPATIAL_INDEX=NO")
	s = gdalOpen(t, path)
	changes(t, s, rev, has(layers.Reloaded, "poles"))
	l, err := s.Layer(t.Context(), "poles")
	require.NoError(t, err)
	require.Equal(t, []layers.Property{{Name: "高度", Type: layers.Integer}, {Name: "功率", Type: layers.Integer}}, l.Schema)
	require.Empty(t, l.Label, "the property of the label is gone")
	fs := all(t, s, "poles", layers.Query{Envelope: &spatial.Envelope{MinX: 0, MinY: 0, MaxX: 3, MaxY: 3}})
	require.Len(t, fs, 1)
	require.Equal(t, []layers.Value{layers.IntValue(3), layers.IntValue(60)}, fs["lamp-9"].Properties)
	require.Contains(t, gdal(t, "ogrinfo", "-ro", "-so", "-spat", "0", "0", "5", "2", path, "poles"), "Feature Count: 1\n")
	healthy(t, s)
}

func TestGDALAddsTable(t *testing.T) {
	s, path := gdalFile(t)
	poles(t, s, 1)
	rev := headOf(t, s)
	gdal(t, "ogr2ogr", "-update", path, geoJSON(t, point(112.98, 28.2, "一", 1.5)+","+point(112.99, 28.3, "二", 2.5)), "-nln", "消火栓 2026")
	changes(t, s, rev, has(layers.LayerCreated, "2026"))
	l, err := s.Layer(t.Context(), "2026")
	require.NoError(t, err)
	require.Equal(t, layers.Text{ZH: "消火栓 2026"}, l.Title)
	require.Equal(t, spatial.Point, l.GeometryType)
	require.Equal(t, "名称", l.Label)
	fs := all(t, s, "2026", layers.Query{})
	require.Len(t, fs, 2)
	require.Equal(t, []layers.Value{layers.StringValue("二"), layers.FloatValue(2.5)}, fs["2"].Properties)

	// It is a layer like others.
	_, err = s.Update(t.Context(), func(tx layers.Tx) error {
		f, err := tx.Get(t.Context(), "2026", "2")
		if err != nil {
			return err
		}
		f.Geometry = spatial.NewPoint(5, 5)
		return tx.Replace(t.Context(), "2026", f)
	})
	require.NoError(t, err)
	for _, mode := range []layers.LoadMode{layers.Append, layers.Upsert, layers.Replace} {
		id := map[layers.LoadMode]string{layers.Append: "7", layers.Upsert: "2", layers.Replace: "3"}[mode]
		res, err := s.Load(t.Context(), "2026", mode, func(yield func(*layers.Feature, error) bool) {
			yield(&layers.Feature{ID: id, Geometry: spatial.NewPoint(6, 6), Properties: []layers.Value{layers.StringValue("装"), {}}}, nil)
		})
		require.NoError(t, err)
		require.Equal(t, int64(1), res.Inserted+res.Updated)
		require.Equal(t, layers.StringValue("装"), all(t, s, "2026", layers.Query{IDs: []string{id}})[id].Properties[0])
	}
	require.Len(t, all(t, s, "2026", layers.Query{}), 1)
	rev = headOf(t, s)
	gdal(t, "ogrinfo", path, "-sql", `UPDATE "消火栓 2026" SET "高度" = 4`)
	changes(t, s, rev, has(layers.Updated, "2026"))
	require.Contains(t, gdal(t, "ogrinfo", "-ro", "-so", path, "消火栓 2026"), "Feature Count: 1\n")
	healthy(t, s)
}

func TestGDALDropsTable(t *testing.T) {
	s, path := gdalFile(t)
	poles(t, s, 3)
	rev := headOf(t, s)
	gdal(t, "ogrinfo", path, "-sql", "DELLAYER:poles")
	got := changes(t, s, rev, has(layers.LayerDropped, "poles"))
	require.Len(t, got, 1)
	_, err := s.Layer(t.Context(), "poles")
	require.ErrorIs(t, err, layers.ErrNotFound)
	healthy(t, s)
	poles(t, s, 2) // its place is free again
	require.Len(t, all(t, s, "poles", layers.Query{}), 2)
	healthy(t, s)
}

func TestGDALChangesColumns(t *testing.T) {
	s, path := gdalFile(t)
	poles(t, s, 3)
	rev := headOf(t, s)
	gdal(t, "ogrinfo", path, "-sql", `ALTER TABLE poles ADD COLUMN "功率" REAL`)
	changes(t, s, rev, has(layers.LayerUpdated, "poles"))
	l, err := s.Layer(t.Context(), "poles")
	require.NoError(t, err)
	require.Len(t, l.Schema, 3)
	require.Equal(t, layers.Property{Name: "功率", Type: layers.Number}, l.Schema[2])
	rev = headOf(t, s)
	gdal(t, "ogrinfo", path, "-sql", `UPDATE poles SET "功率" = 60 WHERE id = 'lamp-1'`)
	changes(t, s, rev, has(layers.Updated, "poles"))
	require.Equal(t, layers.FloatValue(60), all(t, s, "poles", layers.Query{})["lamp-1"].Properties[2])

	rev = headOf(t, s)
	gdal(t, "ogrinfo", path, "-sql", `ALTER TABLE poles DROP COLUMN "名称"`)
	changes(t, s, rev, has(layers.Reloaded, "poles"))
	l, err = s.Layer(t.Context(), "poles")
	require.NoError(t, err)
	require.Equal(t, []layers.Property{{Name: "高度", Type: layers.Number}, {Name: "功率", Type: layers.Number}}, l.Schema)
	require.Len(t, all(t, s, "poles", layers.Query{}), 3)
	healthy(t, s)
}

func TestGDALRenamesTable(t *testing.T) {
	s, path := gdalFile(t)
	poles(t, s, 3)
	rev := headOf(t, s)
	gdal(t, "ogrinfo", path, "-sql", `ALTER TABLE poles RENAME TO "路灯"`)
	changes(t, s, rev, has(layers.Reloaded, "poles"))
	require.Len(t, all(t, s, "poles", layers.Query{}), 3)
	require.Contains(t, all(t, s, "poles", layers.Query{}), "lamp-2")
	rev = headOf(t, s)
	gdal(t, "ogrinfo", path, "-sql", `DELETE FROM "路灯" WHERE id = 'lamp-0'`)
	changes(t, s, rev, has(layers.Deleted, "poles"))
	healthy(t, s)
}

// TestGDALFile opens a file that GDAL made.
func TestGDALFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "theirs.gpkg")
	in := geoJSON(t, point(112.98, 28.2, "一", 1.5)+","+point(112.99, 28.3, "二", 2.5))
	gdal(t, "ogr2ogr", "-f", "GPKG", path, in, "-nln", "Lamps")
	gdal(t, "ogr2ogr", "-update", path, in, "-nln", "mercator", "-t_srs", "EPSG:3857")
	gdal(t, "ogr2ogr", "-update", path, in, "-nln", "lamps 2", "-t_srs", "EPSG:4490")
	gdal(t, "ogr2ogr", "-update", path, in, "-nln", "attributes", "-nlt", "NONE")
	s := gdalOpen(t, path)
	ls, err := s.Layers(t.Context())
	require.NoError(t, err)
	require.Len(t, ls, 2) // not the one in metres, nor the one without geometry
	require.Equal(t, layers.ID("lamps"), ls[0].ID)
	require.Equal(t, 4326, ls[0].CRS)
	require.Equal(t, layers.ID("lamps_2"), ls[1].ID)
	require.Equal(t, 4490, ls[1].CRS)
	require.Len(t, all(t, s, "lamps", layers.Query{Envelope: &spatial.Envelope{MinX: 112.985, MinY: 28, MaxX: 113, MaxY: 29}}), 1)
	healthy(t, s)
	// A new layer beside a table whose name differs in case only.
	l := ls[0]
	l.ID = "mercator"
	require.NoError(t, s.CreateLayer(t.Context(), l))
	require.Equal(t, 5, strings.Count(gdal(t, "ogrinfo", "-ro", "-q", path), "\n"))
}
